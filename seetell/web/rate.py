"""So many requests a minute from one address: a token bucket for each."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_CLIENTS = 10_000
"""Addresses remembered; those that have been quiet longest are forgotten first."""


class RateLimit:
    """Lets each client make so many requests a minute, and as many at once after a quiet minute.

    Args:
        per_minute: requests.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._clients: dict[str, tuple[float, float]] = {}  # what is left, and as of when; the latest last

    def seconds_to_wait(self, client: str) -> float:
        """Take a request into account; return 0 if it may be made now, else after how many seconds."""
        now = self._clock()
        left, since = self._clients.pop(client, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        allowed = left >= 1
        self._clients[client] = (left - allowed, now)
        if len(self._clients) > MAX_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute
