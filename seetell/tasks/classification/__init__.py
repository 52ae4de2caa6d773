"""Image classification: one label of a fixed list for each image, with its probability."""
