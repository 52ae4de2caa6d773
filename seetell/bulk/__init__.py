"""One resumable map of a model over many pictures into rows of an output, here or on other machines."""
