"""The words that are written in images, beside what another task says of them: the registry's reader, asked by others.

>>> from seetell.tasks.reading import WordReader, with_words
>>> with_words(captioner.caption("sign.jpg"), WordReader().read("sign.jpg")).text
'a red sign on a pole with the words “STOP ALL WAY”'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from seetell.logistic import sigmoid
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


CERTAINTY_BIAS, CERTAINTY_OF_SCORE = -4.06, 1.96
"""Of the log-odds that the letters and digits of a line of a photo were read right: constant, and of the score's.

A logistic regression on 174 lines that the bundled reader read in 1,767 photos of COCO, 256 pixels high and wide, and
18 of signs, each compared with the photo by eye."""


@dataclass(frozen=True)
class Line:
    """A line that is written in an image.

    Attributes:
        text: as it was read.
        share: of the image's area that it covers, from 0 to 1.
        certainty: how likely it was read without a mistake, from 0 to 1.
    """

    text: str
    share: float
    certainty: float


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

    def read(self, image: PhotoSource) -> list[Line]:
        """Read an image.

        Raises:
            PhotoError: the image cannot be used.
        """
        return lines_in(self._reader.predict(image))


def lines_in(found: Regions) -> list[Line]:
    """Return what a reader found, in the order of reading, without the boxes."""
    width, height = found.size
    return [
        Line(
            line.text,
            (line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) / (width * height),
            certainty(line.score),
        )
        for line in found
    ]


def certainty(score: float) -> float:
    """Return how likely a line of a photo was read without a mistake.

    Args:
        score: of the reader, the geometric mean of the probabilities of its characters.
    """
    odds = CERTAINTY_BIAS + CERTAINTY_OF_SCORE * math.log((score + 1e-4) / (1 - score + 1e-4))
    return float(sigmoid(np.float64(odds)))


def with_words(
    caption: Caption,
    lines: Sequence[Line],
    *,
    min_confidence: float = 0.0,
    least_share: float = 0.0,
    longest: int = LONGEST,
) -> Caption:
    """Add the words in an image to its caption; where that is withheld, they take its place.

    Of what is no photo, as of a page of text, all that was read is told: it was meant to be read.

    Args:
        caption: of the image.
        lines: that are written there.
        min_confidence: least certainty of a line of a photo that is told.
        least_share: of the image that these lines must cover, from 0 to 1; where they cover less, the caption stays as
            it is.
        longest: characters of the whole, to which the words are cut.
    """
    caption = replace(
        caption,
        written=tuple(line.text for line in lines),
        written_confidence=tuple(line.certainty for line in lines),
    )
    no_photo = bool(caption.reason) and caption.confidence is None
    told = [line for line in lines if no_photo or line.certainty >= min_confidence]
    if not told or min(sum(line.share for line in told), 1.0) < least_share:
        return caption
    words = " ".join(" ".join(line.text for line in told).split())
    beginning = "" if caption.reason else caption.text.rstrip(". ")
    joined = f"{beginning} with the words “" if beginning else "the words “"
    room = max(longest - len(joined) - 1, LEAST_WORDS)
    if len(words) > room:
        words = words[: room - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…"
    text = f"{joined}{words}”"
    if beginning:
        return replace(caption, text=text)
    least = min(line.certainty for line in told)
    return replace(caption, text=text, logprob=float("nan"), confidence=least, kind="written", reason="", words=())
