"""What a photo file holds, told from its bytes alone."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

from seetell.errors import PhotoError

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Content:
    """A file as it was when it was read.

    Attributes:
        hash: SHA-256 of its bytes.
        size: in bytes.
        changed: when it was last changed, in nanoseconds.
    """

    hash: bytes
    size: int
    changed: int

    @classmethod
    def read(cls, path: str) -> Content:
        """Read a file.

        Raises:
            FileNotFoundError: it is not there.
            PhotoError: it cannot be read, or is a pipe or device.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            with open(descriptor, "rb", buffering=0) as file:
                status, digest = os.fstat(descriptor), hashlib.sha256()
                if not stat.S_ISREG(status.st_mode):
                    raise PhotoError(f"{path}: is no file; expected a photo")
                while block := file.read(_BLOCK):
                    digest.update(block)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read ({error.strerror})") from error
        return cls(digest.digest(), status.st_size, status.st_mtime_ns)

    def is_still(self, path: str) -> bool:
        """Whether the file there has not changed since."""
        try:
            status = os.stat(path)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed)
