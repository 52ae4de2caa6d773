"""A client's connection: HTTP by uvicorn, with limits on those who are slow, and with our way to tell what is wrong.

uvicorn by itself waits for ever for a request that never ends to begin, and for an answer to be read.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from seetell.web.errors import RefusalError, busy

HEADER_SECONDS = 10.0
"""From a connection's begin, or from the first byte of a further request, until its headers are there."""

READ_SECONDS = 30.0
"""For a client to read what piles up for it."""

MAX_CONNECTIONS = 512
"""At once; a process may have some thousand files open, on some systems a few hundred."""


class Connection(H11Protocol):
    """What becomes of a connection: requests, or a refusal if none arrives, or one that is none."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        self._request_due = _Alarm(self.loop, HEADER_SECONDS, self._give_up)
        self._reading_due = _Alarm(self.loop, READ_SECONDS, transport.abort)
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(busy("busy", f"{MAX_CONNECTIONS} connections are open already; come back"))
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._request_due.off()
        self._reading_due.off()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        super().data_received(data)
        self._wait()

    def pause_writing(self) -> None:
        """Be told that much lies unread."""
        super().pause_writing()
        self._reading_due.on()

    def resume_writing(self) -> None:
        """Be told that it was read."""
        super().resume_writing()
        self._reading_due.off()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing more is asked, without a wait for an answer that nobody reads."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Tell that what came is no HTTP; where it is the body of a request, end what is done for that."""
        if self._answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._refuse(RefusalError(400, "not_http", "expected a request of HTTP/1.1, with headers of 16 kB at most"))

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        """Wait as long as a request is due; while one is answered, and on an idle connection, uvicorn sees to it."""
        if self._answering() or self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            self._request_due.off()
        else:
            self._request_due.on()

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            message = f"the headers of the request took longer than {HEADER_SECONDS:g} seconds"
            self._refuse(RefusalError(408, "too_slow", message))
        else:
            self.transport.close()

    def _refuse(self, refusal: RefusalError) -> None:
        """Answer, without a look at what was asked, and close."""
        request_id = uuid.uuid4().hex
        answer = refusal.response(request_id)
        headers = [*answer.raw_headers, (b"X-Request-ID", request_id.encode()), (b"Connection", b"close")]
        reason = HTTPStatus(refusal.status).phrase.encode()
        try:
            begin = self.conn.send(h11.Response(status_code=refusal.status, headers=headers, reason=reason))
            rest = self.conn.send(h11.Data(data=bytes(answer.body)))
            end = self.conn.send(h11.EndOfMessage())
        except h11.LocalProtocolError:  # an answer is on its way, which is cut short
            self.transport.close()
            return
        self.transport.write(b"".join(part or b"" for part in (begin, rest, end)))
        self.transport.close()


class _Alarm:
    """Calls something some seconds after it was switched on, unless it is switched off before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
        self._loop, self._seconds, self._call = loop, seconds, call
        self._timer: asyncio.TimerHandle | None = None

    def on(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._call)

    def off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
