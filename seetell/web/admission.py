"""Which requests are in flight, and which upload gives way to another client when there is no room.

One client that sends many uploads slowly, on purpose or over a poor connection, does not keep the others out.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from seetell.web.errors import unavailable

Body = TypeVar("Body")

SLOW_SECONDS = 5.0
"""An upload that takes longer gives way to any request when the server is full."""


@dataclass(frozen=True, eq=False)
class _Upload:
    client: str
    start: float
    task: asyncio.Future[Any]


class Admission:
    """Counts the requests in flight.

    Args:
        limit: number of requests at once.
        clock: monotonic seconds.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._uploads: list[_Upload] = []  # oldest first
        self.in_flight = 0

    @contextmanager
    def counted(self, client: str) -> Iterator[None]:
        """Count a request while the block runs.

        Args:
            client: the address that it counts for.

        Raises:
            ApiError: the server is full.
        """
        if self.in_flight >= self._limit and not self._make_room(client):
            raise unavailable("busy", f"{self.in_flight} requests are in flight already; try again later")
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    async def read(self, client: str, body: Coroutine[Any, Any, Body], *, seconds: float) -> Body:
        """Wait for an upload.

        Args:
            client: the address that it counts for.
            body: reads it.
            seconds: timeout.

        Raises:
            ApiError: it had to give way.
            asyncio.TimeoutError: it took longer.
        """
        upload = _Upload(client, self._clock(), asyncio.ensure_future(body))
        self._uploads.append(upload)
        try:
            return await asyncio.wait_for(upload.task, seconds)
        except asyncio.CancelledError:
            if upload in self._uploads:
                raise
            raise unavailable("busy", "the server is full and others wait; try again later") from None
        finally:
            with suppress(ValueError):
                self._uploads.remove(upload)

    def _make_room(self, client: str) -> bool:
        """End the oldest upload of the client with the most of them, if it may be; return whether it was."""
        if not self._uploads:
            return False
        counts = Counter(upload.client for upload in self._uploads)
        most = max(counts.values())
        oldest = next(upload for upload in self._uploads if counts[upload.client] == most)
        if most <= counts[client] + 1 and self._clock() - oldest.start <= SLOW_SECONDS:
            return False
        self._uploads.remove(oldest)
        oldest.task.cancel()
        return True
