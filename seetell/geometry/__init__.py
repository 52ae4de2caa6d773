"""Boxes: areas, overlaps, non-maximum suppression."""
