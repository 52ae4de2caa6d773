"""Download files whose hashes are known: resumed after an interruption, compared when they are whole, never half there.

What has arrived lies in a file of its own until it is whole and has the right hash. A run that was killed, or whose
connection broke, goes on where that file ends, by an HTTP range request (RFC 9110, section 14).
"""

from __future__ import annotations

import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

from seetell.errors import SeetellError
from seetell.file_lock import try_lock
from seetell.runtime.file_hashes import hasher

TIMEOUT = 30.0
"""Seconds to wait for the next bytes."""

ANSWER_TIMEOUT = 10.0
"""Seconds to wait for a server that is asked, once, whether there is anything to download."""

ATTEMPTS = 6
"""In a row without a new byte, before a download is given up."""

FIRST_WAIT = 1.0
"""Seconds between the first two of them; each wait is twice as long as the one before."""

_BLOCK = 1 << 18
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_FAILURES = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)

Answer = TypeVar("Answer")
Arrived = Callable[[int], None]
"""Takes the number of bytes that came; a negative one where bytes that had come are of no use."""


class DownloadError(SeetellError):
    """A file that could not be downloaded.

    Attributes:
        status: the HTTP status that the server answered with; ``None`` if it did not answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class RemoteFile:
    """A file of a server.

    Attributes:
        name: for messages.
        url: where it is.
        size: in bytes.
        digest: of its content, in hexadecimal: SHA-256, or of 40 digits the SHA-1 by which git knows it.
        target: where it shall be.
        partial: where it lies until it is whole.
        headers: of the request; ``Authorization`` is not sent on to where the server redirects to.
    """

    name: str
    url: str
    size: int
    digest: str
    target: Path
    partial: Path
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def missing(self) -> int:
        """Bytes that are still to come."""
        if self.target.exists():
            return 0
        return max(0, self.size - (self.partial.stat().st_size if self.partial.exists() else 0))


def check_space(files: Sequence[RemoteFile], folder: Path) -> None:
    """Check that what is missing of some files fits on the disk.

    Raises:
        SeetellError: it does not.
    """
    missing = sum(file.missing for file in files)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if missing > free:
        raise SeetellError(
            f"{folder}: {missing / 1e6:,.0f} MB are to be downloaded, and {free / 1e6:,.0f} MB are free on its disk; "
            "make room there"
        )


def download_all(files: Iterable[RemoteFile], *, arrived: Arrived) -> None:
    """Download the files that are not there, one after the other.

    Args:
        files: each is at its target when this returns.
        arrived: is told of every block, and of what was there before.

    Raises:
        DownloadError: a server cannot be reached or refuses, or what it sends has another hash.
    """
    for file in files:
        if file.target.exists():
            arrived(file.size)
            continue
        file.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _download(file, arrived)
        except DownloadError:
            if file.partial.exists() and not file.partial.stat().st_size:
                file.partial.unlink()
            raise
        except OSError as error:
            raise DownloadError(f"{file.partial}: cannot be written ({error.strerror})") from error
        os.replace(file.partial, file.target)


def _download(file: RemoteFile, arrived: Arrived) -> None:
    """Complete what is there of a file, alone of all processes."""
    descriptor = os.open(file.partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with open(descriptor, "r+b") as partial:
        if not try_lock(partial.fileno()):
            raise DownloadError(f"{file.name}: another process is downloading it; wait for that one")
        _Download(file, partial, arrived).complete()
        partial.flush()
        os.fsync(partial.fileno())


def ask(url: str, *, name: str, method: str = "GET", read: Callable[[http.client.HTTPResponse], Answer]) -> Answer:
    """Ask a server something once, before anything is downloaded from it.

    Args:
        url: what is asked for.
        name: for messages.
        method: ``HEAD`` asks whether it is there.
        read: takes from the answer what is wanted.

    Raises:
        DownloadError: the server refuses, or does not answer within :data:`ANSWER_TIMEOUT`.
    """
    try:
        with open_url(url, {}, name=name, method=method, timeout=ANSWER_TIMEOUT) as answer:
            return read(answer)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DownloadError(f"{name}: cannot be read ({reason}); connect to the network and run it again") from error


def open_url(
    url: str, headers: Mapping[str, str], *, name: str, method: str = "GET", timeout: float = TIMEOUT
) -> http.client.HTTPResponse:
    """Send a request, and return the answer; ``timeout`` is in seconds, for the next bytes.

    Raises:
        DownloadError: the server refuses.
        OSError: it cannot be reached, or is busy.
    """
    request = urllib.request.Request(url, method=method)
    for key, value in {"Accept-Encoding": "identity", "User-Agent": "seetell", **headers}.items():
        (request.add_unredirected_header if key.lower() == "authorization" else request.add_header)(key, value)
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _TRY_AGAIN:
            raise
        raise DownloadError(
            f"{name}: {urlsplit(url).netloc} answers {error.code} {error.reason}", status=error.code
        ) from error
    return answer


class _Download:
    """What has arrived of a file, and its digest.

    Args:
        file: which.
        partial: where it lies, open for reading and writing.
        arrived: see :func:`download_all`.
    """

    def __init__(self, file: RemoteFile, partial: BinaryIO, arrived: Arrived) -> None:
        self._file, self._partial, self._arrived = file, partial, arrived
        self._digest, self._place = hasher(len(file.digest), file.size), 0
        while block := partial.read(_BLOCK):
            self._take(block)
        self._resumed = self._place > 0

    def complete(self) -> None:
        """Download what is missing."""
        failures = 0
        while True:
            before, problem = self._place, "the connection broke"
            if self._place < self._file.size:
                try:
                    self._receive()
                except _FAILURES as error:
                    problem = str(getattr(error, "reason", error)) or type(error).__name__
            if self._place >= self._file.size:
                if self._digest.hexdigest() == self._file.digest:
                    return
                self._restart()
                if not self._resumed:
                    raise DownloadError(
                        f"{self._file.name}: {self._host} sent another content than it announced, of which nothing "
                        "was kept; try again later, or through another connection"
                    )
                self._resumed = False  # what an earlier run left may have been damaged; once more from the beginning
                continue
            failures = 0 if self._place > before else failures + 1
            if failures == ATTEMPTS:
                raise DownloadError(
                    f"{self._file.name}: {self._host} cannot be read ({problem}); what has arrived is kept: run the "
                    "command again to go on from there"
                )
            if failures:
                time.sleep(FIRST_WAIT * 2 ** (failures - 1))

    @property
    def _host(self) -> str:
        return urlsplit(self._file.url).netloc

    def _receive(self) -> None:
        """Read what is behind what is there, as far as the connection lasts."""
        headers = {**self._file.headers, **({"Range": f"bytes={self._place}-"} if self._place else {})}
        with open_url(self._file.url, headers, name=self._file.name) as answer:
            continues = answer.status == 206 and f"bytes {self._place}-" in answer.headers.get("Content-Range", "")
            if self._place and not continues:
                self._restart()  # the server knows no ranges, and sends all
            while (block := answer.read(_BLOCK)) and self._place <= self._file.size:
                self._partial.write(block)
                self._take(block)

    def _take(self, block: bytes) -> None:
        self._digest.update(block)
        self._place += len(block)
        self._arrived(len(block))

    def _restart(self) -> None:
        self._arrived(-self._place)
        self._partial.seek(0)
        self._partial.truncate()
        self._digest, self._place = hasher(len(self._file.digest), self._file.size), 0
