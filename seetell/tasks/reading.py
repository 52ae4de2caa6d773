"""The words that are written in images, beside what another task says of them: the registry's reader, asked by others.

>>> from seetell.tasks.reading import WordReader, with_words
>>> with_words(captioner.caption("sign.jpg"), WordReader().read("sign.jpg")).text
'a red sign on a pole with the words “STOP ALL WAY”'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from seetell.photos.opening import PhotoSource
from seetell.results import Caption, Regions
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task

LONGEST = 300
"""Characters of a sentence with the words behind it."""

LEAST_WORDS = 30
"""Characters of the words that a sentence gets, however long it is."""

MATTERS = 0.02
"""Share of an image that text covers where it is part of what the image is about."""


@dataclass(frozen=True)
class Written:
    """What is written in an image.

    Attributes:
        lines: in the order of reading.
        share: of the image's area that they cover, from 0 to 1.
    """

    lines: tuple[str, ...]
    share: float


class WordReader:
    """The reader that ``seetell read`` uses, loaded when something is first read.

    Args:
        threads: processor threads to compute with; the physical cores when absent.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads

    @cached_property
    def _reader(self) -> Any:
        return load_for(find_task("read"), threads=self._threads)

    def read(self, image: PhotoSource) -> Written:
        """Read an image.

        Raises:
            PhotoError: the image cannot be used.
        """
        return written_in(self._reader.predict(image))


def written_in(found: Regions) -> Written:
    """Return what a reader found, without the boxes."""
    width, height = found.size
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in (line.box for line in found))
    return Written(tuple(line.text for line in found), min(covered / (width * height), 1.0))


def with_words(caption: Caption, written: Written, *, least_share: float = 0.0, longest: int = LONGEST) -> Caption:
    """Add the words in an image to its caption; where that is withheld, as of a page of text, they take its place.

    Args:
        caption: of the image.
        written: what is written there.
        least_share: of the image that text must cover, from 0 to 1; where it covers less, the caption stays as it is.
        longest: characters of the whole, to which the words are cut.
    """
    if not written.lines or written.share < least_share:
        return replace(caption, written=written.lines)
    words = " ".join(" ".join(written.lines).split())
    beginning = "" if caption.reason else caption.text.rstrip(". ")
    joined = f"{beginning} with the words “" if beginning else "the words “"
    room = max(longest - len(joined) - 1, LEAST_WORDS)
    if len(words) > room:
        words = words[: room - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…"
    text = f"{joined}{words}”"
    if beginning:
        return replace(caption, text=text, written=written.lines)
    alone = Caption(text, (), float("nan"), caption.model, kind="written")
    return replace(alone, keywords=caption.keywords, written=written.lines)
