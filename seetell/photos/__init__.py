"""Photos as files: opening them safely and preparing their pixels."""

from seetell.photos.opening import open_photo, photo_size
from seetell.photos.preprocessing import Preprocessing

__all__ = ["Preprocessing", "open_photo", "photo_size"]
