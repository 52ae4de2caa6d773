"""Text detection: where in an image lines of text are."""
