"""Pose: the joints of the one person that an image shows."""
