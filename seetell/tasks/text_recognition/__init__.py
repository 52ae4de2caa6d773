"""Text recognition: the words that are written in an image."""
