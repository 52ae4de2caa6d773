"""Models of characters: what text goes on with, learnt from a text."""
