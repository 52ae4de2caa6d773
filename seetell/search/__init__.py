"""Photos found by what a sentence says: an index of folders, kept up to date, and its search."""
