"""Hashes of files: SHA-256, or the SHA-1 by which git knows a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from seetell.regular_file import open_regular

GIT_DIGITS = 40
SHA256_DIGITS = 64


def hasher(digits: int, size: int) -> hashlib._Hash:
    """Return what computes the hash of a file's content.

    Args:
        digits: of the hash in hexadecimal, :data:`SHA256_DIGITS` or :data:`GIT_DIGITS`.
        size: of the file in bytes.
    """
    if digits == SHA256_DIGITS:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)


def file_hash(path: Path, digits: int = SHA256_DIGITS) -> str:
    """Return the hash of a file in hexadecimal; see :func:`hasher`."""
    digest = hasher(digits, path.stat().st_size)
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
