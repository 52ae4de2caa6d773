"""How much memory all photos that are being decoded may take together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

DECODE_BYTES = 512 * 2**20
"""Memory that decodes in progress take together; a photo that needs more is decoded alone."""


class DecodeBudget:
    """Memory that threads share: each takes what its photo needs, and waits in turn until that is free.

    Args:
        size: in bytes. A photo that needs more waits until it is the only one.
    """

    def __init__(self, size: int = DECODE_BYTES) -> None:
        self._size = size
        self._used = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, need: int) -> Iterator[None]:
        """Hold so many bytes while the block runs."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._fits(need))
            self._waiting.popleft()
            self._used += need
            self._changed.notify_all()  # the next in turn may fit as well
        try:
            yield
        finally:
            with self._changed:
                self._used -= need
                self._changed.notify_all()

    def _fits(self, need: int) -> bool:
        return not self._used or self._used + need <= self._size
