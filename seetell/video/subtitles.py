"""Descriptions of a video in the formats of players: WebVTT and SubRip.

WebVTT: https://www.w3.org/TR/webvtt1/. A player takes such a file as ``<track kind="descriptions">``, to be shown or
read out. SubRip has no specification; players take it for subtitles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from seetell.results import Shot

GAP = 0.001
"""Seconds by which a cue ends before the next shot begins, so that no two are shown at once."""

Writer = Callable[[Iterable[Shot]], str]
"""Returns the content of a file."""


def webvtt(shots: Iterable[Shot]) -> str:
    """Return shots as a WebVTT file; those whose sentence is withheld have no cue."""
    cues = (f"{_time(start, '.')} --> {_time(end, '.')}\n{_escaped(text)}\n" for start, end, text in _cues(shots))
    return "\n".join(["WEBVTT\n", *cues])


def subrip(shots: Iterable[Shot]) -> str:
    """Return shots as a SubRip file; those whose sentence is withheld have no entry."""
    return "\n".join(
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(_cues(shots), 1)
    )


WRITERS: Mapping[str, Writer] = MappingProxyType({".vtt": webvtt, ".srt": subrip})
"""By the ending of the file."""


def _cues(shots: Iterable[Shot]) -> Iterator[tuple[float, float, str]]:
    for shot in shots:
        text = " ".join(shot.caption.text.split())
        if text:
            yield shot.start, max(shot.end - GAP, shot.start + GAP), text


def _time(seconds: float, point: str) -> str:
    """Return a time such as ``00:01:02.500``."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}{point}{thousandths:03}"


def _escaped(text: str) -> str:
    """Return text of a cue, in which tags and arrows have a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
