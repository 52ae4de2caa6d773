"""Image search: an index of folders of photos, kept up to date, and queries by sentence or photo."""
