"""Segmentation: which pixels of an image show what."""
