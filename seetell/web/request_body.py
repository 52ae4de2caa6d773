"""The body of a request: taken in to its end, within reason, before an answer goes out.

A connection that is closed while its client still sends is reset, and the client never reads why it was refused.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive

SECONDS = 2.0
"""For the rest of a body that nobody wants."""


class Incoming:
    """Stands in the place of ``receive`` and knows what has come.

    Args:
        headers: of the request.
        receive: the server's.
        max_bytes: of a body's rest that is taken in for politeness.
    """

    def __init__(self, headers: Headers, receive: Receive, *, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._awaits_leave = headers.get("expect", "").lower() == "100-continue"
        self._complete = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """Receive a message."""
        message = await self._receive()
        self._awaits_leave = False
        self._complete = self._complete or not message.get("more_body", False)
        return message

    async def finish(self) -> None:
        """Take in the rest and drop it; nothing of a client that waits for leave to send."""
        if self._complete or self._awaits_leave:
            return
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drop(), SECONDS)

    async def _drop(self) -> None:
        dropped = 0
        while not self._complete and dropped <= self._max_bytes:
            dropped += len((await self()).get("body", b""))
