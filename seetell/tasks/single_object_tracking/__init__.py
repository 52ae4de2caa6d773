"""Single-object tracking: follow whatever is in the box that a user draws in the first frame of a film."""
