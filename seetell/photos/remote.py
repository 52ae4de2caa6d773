"""Photos at addresses such as ``s3://bucket/photos/`` or ``https://host/photo.jpg``, through fsspec (extra ``remote``).

Credentials are those that fsspec's libraries find, as in environment variables. Nothing is fetched before it is opened.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from typing import Any

from seetell.errors import PhotoError, UsageError
from seetell.extras import install_command
from seetell.photos.formats import SkippedFiles, is_photo_name

MAX_BYTES = 2**28
"""Of a photo that is fetched."""

SECONDS = 30.0
"""Timeout of a web server to accept a connection, and between two parts of its answer."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+-]+://")
_OF_ONE_FILE = ("http", "https")
"""Schemes of servers that list no folders."""


def is_remote(name: str) -> bool:
    """Return whether a photo's name is an address, rather than a path."""
    return _ADDRESS.match(name) is not None


class RemotePhoto:
    """A photo at an address, which is fetched when it is read.

    Args:
        name: the address.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self) -> bytes:
        """Return its content.

        Raises:
            PhotoError: it cannot be fetched, or is larger than ``MAX_BYTES``.
        """
        try:
            system, path = _file_system(self.name)
            with system.open(path, "rb") as file:
                content: bytes = file.read(MAX_BYTES + 1)
        except UsageError:
            raise
        except Exception as error:  # each library has its own
            raise PhotoError(f"{self.name}: cannot be fetched ({_reason(error)})") from error
        if len(content) > MAX_BYTES:
            raise PhotoError(f"{self.name}: has more than {MAX_BYTES:,} bytes; expected a photo")
        return content


def source(name: str) -> str | RemotePhoto:
    """Return what to open for a photo's name: the path that it is, or the photo at an address."""
    return RemotePhoto(name) if is_remote(name) else name


def remote_photos(address: str, skipped: SkippedFiles) -> Iterator[str]:
    """Yield the addresses of the photos that one stands for, sorted folder by folder.

    Args:
        address: of a file, whatever its name; of a folder, for the photos in it and below it, recognised by their name
            endings, without hidden ones; or a pattern with ``*``, ``?`` or ``[``, for the photos that match. With http
            and https, of one file only.
        skipped: takes the names of other files that were found.

    Raises:
        UsageError: the address cannot be listed, or what it needs is not installed.
    """
    scheme = address.partition("://")[0].lower()
    try:
        system, path = _file_system(address)
        if scheme in _OF_ONE_FILE:
            yield address
            return
        if glob.has_magic(path):
            names = iter(sorted(name for name in system.glob(path) if not system.isdir(name)))
        elif system.isdir(path):
            names = _below(system, path)
        else:
            yield address
            return
        for name in names:
            if is_photo_name(name):
                yield system.unstrip_protocol(name)
            else:
                skipped.add(name)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{address}: cannot be listed ({_reason(error)})") from error


def _below(system: Any, folder: str) -> Iterator[str]:
    """Yield the files of a folder and those below it; hidden ones are left out."""
    for place, folders, files in system.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (f"{place.rstrip('/')}/{name}" for name in sorted(files) if not name.startswith("."))


def _file_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path there.

    Raises:
        UsageError: fsspec, or what it needs for this address, is not installed, or there is no such scheme.
    """
    scheme, separator, rest = address.partition("://")
    scheme, waiting = scheme.lower(), {}
    try:
        from fsspec.core import url_to_fs

        if scheme in _OF_ONE_FILE:
            from aiohttp import ClientTimeout

            waiting = {"client_kwargs": {"timeout": ClientTimeout(sock_connect=SECONDS, sock_read=SECONDS)}}
        system, path = url_to_fs(f"{scheme}{separator}{rest}", **waiting)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0] or "a package that is not installed"
        raise UsageError(f"{scheme}:// needs {missing}: {install_command('remote')}") from error
    except ValueError as error:
        raise UsageError(f"{address}: is no address of a photo ({_reason(error)})") from error
    return system, path


def _reason(error: BaseException) -> str:
    """Return what is behind an error: fsspec says of any failure of HTTP that there is no such file."""
    while error.__cause__ is not None:
        error = error.__cause__
    if status := getattr(error, "status", None):
        return f"{status} {getattr(error, 'message', '')}".strip()
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(str(error).split())[:200] or type(error).__name__
