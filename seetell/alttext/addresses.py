"""The file that an address in a page means."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from seetell.errors import PhotoError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AROUND = "".join(map(chr, range(33)))
"""Blanks and control characters, which browsers take off an address."""


def local_file(address: str, *, folder: Path, root: Path | None, base: str = "") -> Path | None:
    """Return the file that an address means (URL standard, section 4.4, of what a site's own files need).

    Args:
        address: as in the page, character references resolved.
        folder: that of the page.
        root: the folder that a leading ``/`` stands for, if it is known.
        base: address that the page says others are relative to.

    Returns:
        The file, which need not be there; ``None`` if the address leads elsewhere, as ``https:`` and ``data:`` do.

    Raises:
        PhotoError: it begins with ``/`` but the root is not known, or is no address of a file.
    """
    address, base = _cleaned(address), _cleaned(base)
    if _is_elsewhere(address) or _is_elsewhere(base):
        return None
    named = re.split(r"[?#]", address, maxsplit=1)[0]
    if not named:
        raise PhotoError(f"{address}: names no file")
    joined = posixpath.join(posixpath.dirname(re.split(r"[?#]", base, maxsplit=1)[0]), named)
    path = os.fsdecode(unquote_to_bytes(joined))
    if "\0" in path:
        raise PhotoError(f"{address}: no file name has a zero byte")
    if not joined.startswith("/"):
        return Path(os.path.normpath(folder / path))  # by the letters, as browsers do, not along symbolic links
    if root is None:
        raise PhotoError(f"{address}: begins at the root of the site; name its folder with --root")
    return root / posixpath.normpath(path).lstrip("/")


def is_data(address: str) -> bool:
    """Whether an address contains the image itself."""
    return _cleaned(address)[:5].lower() == "data:"


def _is_elsewhere(address: str) -> bool:
    return address.startswith("//") or _SCHEME.match(address) is not None


def _cleaned(address: str) -> str:
    cleaned = re.sub(r"[\t\n\r]", "", address.strip(_AROUND))
    return cleaned if _SCHEME.match(cleaned) else cleaned.replace("\\", "/")
