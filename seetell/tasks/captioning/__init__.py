"""Captioning: a sentence for the whole image."""
