"""Video captioning: a sentence for each shot."""
