"""Films: reading them frame by frame, and writing them."""
