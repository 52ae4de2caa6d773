"""Dense captioning: boxes, and a phrase for what is in each."""
