"""Drain the body of a request before its answer is sent.

A connection that is closed while its client still sends is reset, and the client never reads the error.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive

DRAIN_SECONDS = 2.0
"""Timeout for the rest of a body that is discarded."""


class DrainingReceive:
    """Wraps ``receive`` and tracks whether the body is complete.

    Args:
        headers: of the request.
        receive: the server's.
        max_bytes: how much of the rest of a body is read and discarded.
    """

    def __init__(self, headers: Headers, receive: Receive, *, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._awaits_continue = headers.get("expect", "").lower() == "100-continue"
        self._complete = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """Receive a message."""
        message = await self._receive()
        self._awaits_continue = False
        self._complete = self._complete or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read and discard the rest of the body, unless the client waits for ``100 Continue`` before it sends it."""
        if self._complete or self._awaits_continue:
            return
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._discard(), DRAIN_SECONDS)

    async def _discard(self) -> None:
        discarded = 0
        while not self._complete and discarded <= self._max_bytes:
            discarded += len((await self()).get("body", b""))
