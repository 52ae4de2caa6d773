"""Pictures of a word or a line each, from the graphs of a bundle, on ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast, get_args

import numpy as np
from PIL import Image

from seetell.errors import UsageError
from seetell.language.ctc_search import Lexicon, Text, best_path, prefix_beam_search
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.text_recognition.greedy_text import greedy_texts
from seetell.tasks.text_recognition.line_images import (
    WIDTH_STEP,
    Fit,
    by_width,
    line_picture,
    network_input,
    stacked,
)

BATCH_COLUMNS = 8192
"""Most columns of pixels of a batch, all pictures together, unless one picture has more."""

MOST_WIDTH = 8192
"""Columns to which wider lines are squashed."""

BLANK = " "
BLANK_BONUS = 4.0
"""Added to the log-probability of a blank in lines that are wider than what the network learnt from.

It learns from pictures of mostly one word, and such lines have several. Chosen among 0 to 6 on pages of sentences, in
fonts and words other than those of ``benchmarks/text_reading.py``."""


class ReadWord(NamedTuple):
    """A word or line as it was read.

    Attributes:
        text: empty if nothing was read.
        score: geometric mean of the probabilities of its characters, from 0 to 1.
    """

    text: str
    score: float


class WordRecogniser:
    """Reads pictures of words and lines.

    Args:
        bundle: the model.
        precision: of the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with.

    Raises:
        BundleError: the bundle lacks its characters or how it writes, or a graph is damaged.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self.characters = "".join(bundle.require_labels())
        self.transcription = bundle.setting("transcription", _transcription)
        self._fit: Fit = bundle.setting("fit", _fit)
        self._preprocessing = bundle.preprocessing
        self._learnt_width = self._preprocessing.width
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=threads)
        self._recogniser = Graph.open(bundle, "recogniser", threads=threads)
        self._encoder.require(inputs=["images"], outputs=["columns"])
        self._recogniser.require(inputs=["columns"], outputs=["log_probs"])

    def log_probs(self, pictures: Sequence[Image.Image]) -> list[np.ndarray]:
        """Return log-probabilities ``(T, V)`` of each picture: of characters from 1 on, and of CTC's blank or the end.

        ``T`` are the columns of a CTC network, which depend on the picture's width, or the steps of a decoder. In wide
        pictures, a CTC network's blanks between words are favoured by :data:`BLANK_BONUS`.
        """
        found: list[np.ndarray] = [np.empty(0)] * len(pictures)
        lines = [line_picture(each, self._preprocessing, self._fit, most_width=MOST_WIDTH) for each in pictures]
        for numbers in by_width(lines, BATCH_COLUMNS):
            batch = stacked([lines[number] for number in numbers], self._fit, behind=WIDTH_STEP)
            images = network_input(batch, self._preprocessing)
            columns = self._encoder.run({"images": images}, ["columns"])[0]  # (B, T, D)
            (log_probs,) = self._recogniser.run({"columns": columns}, ["log_probs"])
            for number, frames in zip(numbers, log_probs, strict=True):
                found[number] = self._with_blanks(frames) if lines[number].shape[1] > self._learnt_width else frames
        return found

    def _with_blanks(self, frames: np.ndarray) -> np.ndarray:
        """Return log-probabilities ``(T, V)`` in which blanks are more likely, of a CTC network that knows any."""
        if self.transcription != "ctc" or BLANK not in self.characters:
            return frames
        favoured = frames.copy()
        favoured[:, self.characters.index(BLANK) + 1] += BLANK_BONUS
        return favoured - np.logaddexp.reduce(favoured, axis=1, keepdims=True)

    def read(
        self, pictures: Sequence[Image.Image], *, lexicon: Sequence[str] = (), beam_size: int = 1
    ) -> list[ReadWord]:
        """Read pictures.

        Args:
            pictures: RGB, of any size, each with one word or line.
            lexicon: the only words that are looked for; any when empty. For CTC networks.
            beam_size: prefixes kept in the search, see :func:`~seetell.language.ctc_search.prefix_beam_search`; 1
                takes the most likely character of each column, where there is no lexicon. For CTC networks.

        Raises:
            UsageError: a decoder is asked to search.
        """
        if self.transcription == "greedy" and (lexicon or beam_size > 1):
            raise UsageError("a lexicon and a beam are for CTC networks; this model writes greedily")
        if not pictures:
            return []
        log_probs = self.log_probs(pictures)
        if self.transcription == "greedy":
            found = [text for frames in log_probs for text in greedy_texts(frames[None])]
        elif beam_size == 1 and not lexicon:
            found = [text for frames in log_probs for text in best_path(frames[None])]
        else:
            places = {sign: place for place, sign in enumerate(self.characters, 1)}
            words = [word for word in lexicon if all(sign in places for sign in word)]
            tree = Lexicon([places[sign] for sign in word] for word in words) if lexicon else None
            searched = [prefix_beam_search(frames, beam_size=beam_size, lexicon=tree) for frames in log_probs]
            found = [texts[0] if texts else ((), -math.inf) for texts in searched]
        return [self._word(text, score) for text, score in found]

    def _word(self, text: Text, log_prob: float) -> ReadWord:
        written = " ".join("".join(self.characters[place - 1] for place in text).split())
        return ReadWord(written, math.exp(min(log_prob, 0.0) / len(text)) if written else 0.0)


def _fit(value: object) -> Fit:
    if value not in get_args(Fit):
        raise ValueError(f"expected line or squash, got {value!r}")
    return cast(Fit, value)


def _transcription(value: object) -> str:
    if value not in ("ctc", "greedy"):
        raise ValueError(f"expected ctc or greedy, got {value!r}")
    return str(value)
