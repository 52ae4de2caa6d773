"""Image-sentence retrieval: images and sentences as vectors of one space."""
