"""A client's connection: uvicorn's HTTP protocol, with timeouts for slow clients and errors in the format of the API.

uvicorn by itself waits without limit for a request to begin, and for an answer to be read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from seetell.web.access import client_address
from seetell.web.errors import ApiError, unavailable

HEADER_SECONDS = 10.0
"""Timeout for the headers, from the start of a connection or the first byte of a further request."""

READ_SECONDS = 30.0
"""Timeout for a client to read what is buffered for it."""

MAX_HEADER_BYTES = 16 * 2**10
"""Size of a request line and its headers."""

MAX_CONNECTIONS = 512
"""Open at once; a process may have some thousand files open, on some systems a few hundred."""

CLIENT_SHARE = 0.5
"""Part of them that one address may have, unless it is a proxy that was named."""


class _Parser(h11.Connection):
    """h11, with its limit on headers also for those that arrive at once."""

    def next_event(self) -> Any:
        if self.their_state is not h11.IDLE:
            return super().next_event()
        before = len(self._receive_buffer)  # trailing_data, which is public, copies it
        event = super().next_event()
        if isinstance(event, h11.Request) and before - len(self._receive_buffer) > MAX_HEADER_BYTES:
            raise h11.RemoteProtocolError(f"headers of more than {MAX_HEADER_BYTES} bytes", error_status_hint=431)
        return event


class Connection(H11Protocol):
    """A connection, closed with an error if no valid request arrives in time."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.conn = _Parser(h11.SERVER, MAX_HEADER_BYTES)
        self.address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request."""
        self._header_timer = _Timer(self.loop, HEADER_SECONDS, self._on_header_timeout)
        self._read_timer = _Timer(self.loop, READ_SECONDS, transport.abort)
        super().connection_made(transport)
        self.address = client_address({"client": self.client})
        if len(self.connections) > MAX_CONNECTIONS:
            self._send_error(unavailable("busy", f"{MAX_CONNECTIONS} connections are open already; try again later"))
            return
        if self._has_share():
            self._send_error(unavailable("busy", "this address has too many connections open; try again later"))
            return
        self._update_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        super().connection_lost(exc)
        self._header_timer.stop()
        self._read_timer.stop()

    def data_received(self, data: bytes) -> None:
        """Process a part of a request."""
        super().data_received(data)
        self._update_header_timer()

    def pause_writing(self) -> None:
        """Start to wait for the client to read: the write buffer is full."""
        super().pause_writing()
        self._read_timer.start()

    def resume_writing(self) -> None:
        """Stop to wait: the write buffer has drained."""
        super().resume_writing()
        self._read_timer.stop()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, without a wait for an answer that nobody reads."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP; if it is the body of a request, cancel that request."""
        if self._in_request():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._send_error(ApiError(400, "not_http", "expected a request of HTTP/1.1, with headers of at most 16 kB"))

    def _has_share(self) -> bool:
        """Return whether the client's address has its share of connections already; proxies have no limit."""
        same = [each for each in self.connections if isinstance(each, Connection) and each.address == self.address]
        if len(same) <= CLIENT_SHARE * MAX_CONNECTIONS:
            return False
        client = ipaddress.ip_address(self.client[0]) if self.client else None
        return not any(client in ipaddress.ip_network(proxy) for proxy in self.config.forwarded_allow_ips)

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _update_header_timer(self) -> None:
        """Run the timer while headers are due; uvicorn has its own for idle connections."""
        if self._in_request() or self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            self._header_timer.stop()
        else:
            self._header_timer.start()

    def _on_header_timeout(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            message = f"the headers of the request took longer than {HEADER_SECONDS:g} seconds"
            self._send_error(ApiError(408, "too_slow", message))
        else:
            self.transport.close()

    def _send_error(self, error: ApiError) -> None:
        """Answer with an error, whatever was requested, and close."""
        request_id = uuid.uuid4().hex
        response = error.response(request_id)
        headers = [*response.raw_headers, (b"X-Request-ID", request_id.encode()), (b"Connection", b"close")]
        reason = HTTPStatus(error.status).phrase.encode()
        try:
            head = self.conn.send(h11.Response(status_code=error.status, headers=headers, reason=reason))
            body = self.conn.send(h11.Data(data=bytes(response.body)))
            end = self.conn.send(h11.EndOfMessage())
        except h11.LocalProtocolError:  # another answer is being sent and is cut off
            self.transport.close()
            return
        self.transport.write(b"".join(part or b"" for part in (head, body, end)))
        self.transport.close()


class _Timer:
    """Calls a function some seconds after it was started, unless it is stopped before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
        self._loop, self._seconds, self._call = loop, seconds, call
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._call)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
