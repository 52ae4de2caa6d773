"""Resolve the addresses in a page to files."""

from __future__ import annotations

import os
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from seetell.errors import PhotoError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AROUND = "".join(map(chr, range(33)))
"""White space and control characters, which browsers strip from an address."""


def local_file(address: str, *, folder: Path, root: Path | None, base: str = "") -> Path | None:
    """Return the file at an address (the part of the URL standard, section 4.4, that a site's own files need).

    Args:
        address: as in the page, character references resolved.
        folder: folder of the page.
        root: folder that a leading ``/`` stands for, if known.
        base: the page's base address, to which others are relative.

    Returns:
        The file, which need not exist; ``None`` if the address is of no local file, such as ``https:`` and ``data:``.

    Raises:
        PhotoError: it begins with ``/`` but the root is unknown, or it names no file.
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
        return Path(os.path.normpath(folder / path))  # textually, as browsers do, without following symbolic links
    if root is None:
        raise PhotoError(f"{address}: starts at the root of the site; give its folder with --root")
    return root / posixpath.normpath(path).lstrip("/")


def embedded_file(name: str, *, folder: Path, root: Path | None) -> Path:
    """Return the file of Obsidian's ``![[dog.jpg]]``: beside the page, else wherever it lies in the vault.

    Args:
        name: of the file, or the end of its path.
        folder: folder of the page.
        root: folder of the vault, if no folder above the page's is one.

    Returns:
        The file; that beside the page, which does not exist, if there is none.
    """
    beside = Path(os.path.normpath(folder / name))
    vault = next((above for above in (folder, *folder.resolve().parents) if (above / ".obsidian").is_dir()), root)
    if beside.is_file() or vault is None:
        return beside
    wanted = "/" + posixpath.normpath(name).lstrip("/").lower()
    files = _files_by_name(vault).get(posixpath.basename(wanted), ())
    return next((file for file in files if f"/{file.as_posix()}".lower().endswith(wanted)), beside)


@lru_cache(maxsize=4)
def _files_by_name(vault: Path) -> dict[str, list[Path]]:
    """Return the files of a vault by their names in lower case, those nearest to its root first."""
    files: dict[str, list[Path]] = {}
    for path, folders, names in os.walk(vault):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for name in sorted(names):
            files.setdefault(name.lower(), []).append(Path(path, name))
    for found in files.values():
        found.sort(key=lambda file: len(file.parts))
    return files


def is_data(address: str) -> bool:
    """Return whether an address is a ``data:`` URL, which contains the image itself."""
    return _cleaned(address)[:5].lower() == "data:"


def _is_elsewhere(address: str) -> bool:
    return address.startswith("//") or _SCHEME.match(address) is not None


def _cleaned(address: str) -> str:
    cleaned = re.sub(r"[\t\n\r]", "", address.strip(_AROUND))
    return cleaned if _SCHEME.match(cleaned) else cleaned.replace("\\", "/")
