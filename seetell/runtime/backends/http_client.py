"""JSON over HTTP with a server that may be slow, overloaded, broken or hostile.

Every exchange is bounded in time and size. What may pass is tried again: refused and lost connections and the statuses
of overload, with pauses that grow exponentially and vary at random, or as long as ``Retry-After`` says. Only the
address given is contacted: redirects are not followed, and proxies of the environment are not used. A key goes
nowhere but into the ``Authorization`` header, and is removed from what the server says.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import random
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import count
from time import monotonic, sleep, time
from typing import Any
from urllib.parse import urlsplit

from seetell.errors import UsageError

TRIES = 5
"""Exchanges at most for one request."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds before the second exchange, doubled before each further one, and the most that they grow to."""

CONNECT_SECONDS = 10.0
"""Timeout to connect, if that for the answer is not shorter."""

MAX_BYTES = 4 * 2**20
"""Largest answer that is read."""

_PASSING = {408, 425, 429, 500, 502, 503, 504, 529}
"""Statuses of what may pass."""

HIDDEN = "[key]"
"""Stands for the key where a server repeats it."""

PLACEHOLDER = 8
"""Keys that are shorter, such as "EMPTY", are hidden where they stand alone: words may have them as a part."""


class UnansweredError(Exception):
    """A request without an answer.

    Args:
        reason: why, to follow a colon.
        passing: whether it may be answered another time.
    """

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Attributes:
        secure: whether it is spoken to by https.
        host: a name or an IP address, without brackets.
        port: ``None`` for that of the scheme.
        path: before that of each request; empty, or begins with a slash and ends without one.
    """

    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL.

        Raises:
            UsageError: it is none of http or https, or has parts that have no place in it, such as a password.
        """
        try:
            split = urlsplit(url)
            host, port = split.hostname or "", split.port
            host = host if ":" in host else host.encode("idna").decode()
        except (ValueError, UnicodeError):
            raise UsageError(
                f"{_without_secrets(url)}: is no URL; expected one such as http://127.0.0.1:8000/v1"
            ) from None
        where = _without_secrets(url)
        if split.scheme not in ("http", "https") or not host or port == 0:
            raise UsageError(f"{where}: expected a URL of http or https, such as http://127.0.0.1:8000/v1")
        if "@" in split.netloc:
            raise UsageError(
                f"{where}: a URL holds no user or password here, since other users of this machine could read it"
            )
        if split.query or split.fragment or not re.fullmatch(r"[!-~]*", split.path):
            raise UsageError(f"{where}: expected a URL that ends with its path, without ? and #")
        return cls(split.scheme == "https", host, port, split.path.rstrip("/"))

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"http{'s' if self.secure else ''}://{host}{port}{self.path}"


@dataclass(frozen=True)
class Reply:
    """An HTTP response.

    Attributes:
        status: of HTTP.
        content: its JSON; ``None`` if it holds none.
        text: the beginning of what it holds, in one line, if that is not JSON.
        location: where a redirect leads.
        pause: seconds that the server asks to wait.
    """

    status: int
    content: Any
    text: str = ""
    location: str = ""
    pause: float = 0.0


class HttpClient:
    """Sends requests to one server; for any number of threads.

    Args:
        address: of the server.
        key: sent with each request, if there is one; printable ASCII.
    """

    def __init__(self, address: Address, key: str | None = None) -> None:
        self.address = address
        self._key = key
        self._hidden = _pattern(key) if key else None
        self._ssl = ssl.create_default_context() if address.secure else None
        self._random = random.Random()

    def request(self, method: str, path: str, content: Any = None, *, seconds: float, tries: int = TRIES) -> Reply:
        """Send a request, again and again while what hinders its answer may pass.

        Args:
            method: of HTTP.
            path: behind that of the address.
            content: sent as JSON, if there is any.
            seconds: for all of it.
            tries: exchanges at most.

        Raises:
            UnansweredError: there is no answer.
        """
        body = None if content is None else json.dumps(content).encode()
        end = monotonic() + seconds
        for attempt in count(1):
            pause = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE) * self._random.uniform(0.5, 1)
            try:
                reply = self._exchange(method, path, body, end - monotonic())
            except UnansweredError as error:
                if not error.passing or attempt >= tries or monotonic() + pause >= end:
                    raise
            else:
                pause = max(pause, reply.pause)
                if reply.status not in _PASSING or attempt >= tries or monotonic() + pause >= end:
                    return reply
            sleep(pause)
        raise AssertionError("count never ends")

    def _exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> Reply:
        connection = self._connection(min(seconds, CONNECT_SECONDS))
        begin, over = monotonic(), threading.Event()
        watch: threading.Timer | None = None
        try:
            connection.connect()
            peer = connection.sock

            def give_up() -> None:
                over.set()
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)

            left = max(seconds - (monotonic() - begin), 0.001)
            watch = threading.Timer(left, give_up)  # a timeout of the socket would begin anew with every byte
            watch.daemon = True
            watch.start()
            peer.settimeout(left)
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was sent, perhaps with an answer
                connection.request(method, f"{self.address.path}{path}", body, self._headers(body))
            response = connection.getresponse()
            content = response.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise UnansweredError(f"an answer of more than {MAX_BYTES // 2**20} MB", passing=False)
            if response.length:
                raise http.client.IncompleteRead(content, response.length)
            if over.is_set():
                raise TimeoutError
            return self._reply(response, content)
        except (OSError, http.client.HTTPException) as error:
            late = isinstance(error, TimeoutError) and (watch is not None or seconds < CONNECT_SECONDS)
            if late or over.is_set():
                raise UnansweredError(f"no answer within {seconds:.3g} seconds", passing=False) from error
            raise UnansweredError(_why(error), passing=not isinstance(error, ssl.SSLError)) from error
        finally:
            if watch is not None:
                watch.cancel()
            connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self._ssl is None:
            return http.client.HTTPConnection(host, port or http.client.HTTP_PORT, timeout=seconds)
        return http.client.HTTPSConnection(host, port or http.client.HTTPS_PORT, timeout=seconds, context=self._ssl)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "seetell"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    def _reply(self, response: http.client.HTTPResponse, body: bytes) -> Reply:
        location = self._told(response.getheader("Location") or "")
        pause = _pause(response.getheader("Retry-After") or "")
        try:
            return Reply(response.status, self._told(json.loads(body)), location=location, pause=pause)
        except (ValueError, RecursionError):
            text = " ".join(body[:2000].decode("utf-8", "replace").split())
            return Reply(response.status, None, self._told(text), location, pause)

    def _told(self, said: Any) -> Any:
        """Remove the key from what a server says."""
        if self._hidden is None:
            return said
        if isinstance(said, str):
            return self._hidden.sub(HIDDEN, said)
        if isinstance(said, list):
            return [self._told(part) for part in said]
        if isinstance(said, dict):
            return {self._told(name): self._told(part) for name, part in said.items()}
        return said


def _pattern(key: str) -> re.Pattern[str]:
    """Return what finds a key in what a server says."""
    return re.compile(re.escape(key) if len(key) >= PLACEHOLDER else rf"(?<!\w){re.escape(key)}(?!\w)")


def _pause(text: str) -> float:
    """Read ``Retry-After``: seconds, or a date."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _why(error: OSError | http.client.HTTPException) -> str:
    """Say in words why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "no such host is known"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return f"no connection within {CONNECT_SECONDS:g} seconds"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return "it closed the connection without an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer is cut short"
    if isinstance(error, http.client.HTTPException):
        return "its answer is no HTTP"
    return error.strerror or type(error).__name__


def _without_secrets(url: str) -> str:
    """Return a URL for messages, without a user and password and without a query."""
    return re.sub(r"//.*@", "//", url).partition("?")[0]
