"""Limits of the server: per request and for all requests together."""

from __future__ import annotations

from dataclasses import dataclass, fields

from seetell.errors import UsageError

MAX_TEXT = 500
"""Characters of a text that comes with an image, or of a search; models read some two dozen words."""

MAX_HITS = 100
"""Photos that a search may return."""


@dataclass(frozen=True)
class Limits:
    """Limits of a server.

    Attributes:
        max_bytes: size of an upload, including the other fields of its form.
        max_pixels: size of an image or of a frame, whatever its file's size.
        queue: requests being read, waiting or processed at once; further ones get status 503.
        seconds: timeout for an upload to arrive, and again for its answer.
        per_minute: requests per minute from one address; ``None`` for no limit.
        batch_size: images per batch.
        video_seconds: length of a video.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    queue: int = 64
    seconds: float = 30.0
    per_minute: int | None = None
    batch_size: int = 16
    video_seconds: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise UsageError(f"{field.name} must be more than 0, got {value}")
