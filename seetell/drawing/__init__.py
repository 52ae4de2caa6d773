"""Draw results: pictures, and web pages that need no other file."""

from seetell.drawing.draw import page, picture

__all__ = ["page", "picture"]
