"""Times of a film, as people write them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Return a time such as ``0:04`` or ``1:02:03``, whole seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(first: float, last: float) -> str:
    """Return the time from one second to another, such as ``0:04–0:19``; one time where they are the same."""
    begin, end = clock(first), clock(last)
    return begin if begin == end else f"{begin}–{end}"
