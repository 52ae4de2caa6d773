"""HTTP by hand: what no client library would send."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

BOUNDARY = "a-boundary"
KIND = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
HEAD = f"POST /v1/caption HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND['Content-Type']}\r\n".encode()


def form(photo: bytes, disposition: bytes = b'name="image"; filename="photo.png"') -> bytes:
    """Return the body of a request with a photo."""
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode() + disposition + b"\r\n\r\n"
    return head + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(
    port: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), *, path: str = "/v1/caption"
) -> tuple[int, dict[str, Any]]:
    """Send a form as clients do; return the status and what was told."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {**KIND, **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def opened(port: int, sent: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
    """Connect from an address of this machine and send bytes."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    client.sendall(sent)
    return client


def begun(port: int, body: bytes, sent: int, *, source: str = "127.0.0.1") -> socket.socket:
    """Begin a request and send so many bytes of its body."""
    head = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode()
    return opened(port, head + body[:sent], source=source)


def heard(client: socket.socket) -> bytes:
    """Return all that comes until the connection ends."""
    parts = []
    with suppress(ConnectionError):
        while part := client.recv(2**16):
            parts.append(part)
    return b"".join(parts)


def told(client: socket.socket) -> tuple[int, dict[str, Any]]:
    """Return the status and object of the one answer that comes before the connection ends."""
    head, _, body = heard(client).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def health(port: int) -> dict[str, Any]:
    """Return what the server tells of itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/healthz")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()
