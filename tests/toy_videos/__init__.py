"""A task about videos for tests: follows the brightest pixel of each frame, without a model."""
