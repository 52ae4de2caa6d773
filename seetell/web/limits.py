"""How much the server takes, from everyone together and from each."""

from __future__ import annotations

from dataclasses import dataclass, fields

from seetell.errors import UsageError

MAX_SENTENCE = 500
"""Letters of a sentence; models read some two dozen words."""

MAX_LISTED = 100
"""Photos that a search may find, regions that a photo may have."""


@dataclass(frozen=True)
class Limits:
    """Limits of a server.

    Attributes:
        max_bytes: of an upload, everything that is sent with the photo included.
        max_pixels: of a photo, whatever its file's size.
        queue: requests being read, waiting or worked on at once; further ones are told to come back.
        seconds: for an upload to arrive, and again for it to be answered.
        per_minute: requests from one address; ``None`` for any number.
        batch_size: photos given to a model at once.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    queue: int = 64
    seconds: float = 30.0
    per_minute: int | None = None
    batch_size: int = 16

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise UsageError(f"{field.name} must be more than 0, got {value}")
