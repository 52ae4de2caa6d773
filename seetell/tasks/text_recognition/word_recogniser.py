"""Words of pictures that show one each, from the graphs of a bundle, on ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from seetell.errors import UsageError
from seetell.language.ctc_search import Lexicon, best_path, prefix_beam_search
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.text_recognition.greedy_text import greedy_texts

BATCH = 32


class ReadWord(NamedTuple):
    """A word as it was read.

    Attributes:
        text: the word; empty if nothing was read.
        score: its probability, from 0 to 1.
    """

    text: str
    score: float


class WordRecogniser:
    """Reads pictures of words.

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
        self._preprocessing = bundle.preprocessing
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=threads)
        self._recogniser = Graph.open(bundle, "recogniser", threads=threads)
        self._encoder.require(inputs=["images"], outputs=["columns"])
        self._recogniser.require(inputs=["columns"], outputs=["log_probs"])

    def log_probs(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """Return log-probabilities ``(B, T, V)`` of the characters from 1 on, and of the blank or the end, which is 0.

        ``T`` are the columns of a CTC network, or the steps of a decoder.
        """
        found = []
        for start in range(0, len(pictures), BATCH):
            images = np.stack([self._preprocessing(picture) for picture in pictures[start : start + BATCH]])
            columns = self._encoder.run({"images": images}, ["columns"])[0]  # (B, T, D)
            found.append(self._recogniser.run({"columns": columns}, ["log_probs"])[0])
        return np.concatenate(found)

    def read(
        self, pictures: Sequence[Image.Image], *, lexicon: Sequence[str] = (), beam_size: int = 1
    ) -> list[ReadWord]:
        """Read pictures.

        Args:
            pictures: RGB, of any size, each with one word.
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
            found = greedy_texts(log_probs)
        elif beam_size == 1 and not lexicon:
            found = best_path(log_probs)
        else:
            places = {sign: place for place, sign in enumerate(self.characters, 1)}
            words = [word for word in lexicon if all(sign in places for sign in word)]
            tree = Lexicon([places[sign] for sign in word] for word in words) if lexicon else None
            searched = [prefix_beam_search(frames, beam_size=beam_size, lexicon=tree) for frames in log_probs]
            found = [texts[0] if texts else ((), -math.inf) for texts in searched]
        return [
            ReadWord("".join(self.characters[place - 1] for place in text), math.exp(min(score, 0.0)) if text else 0.0)
            for text, score in found
        ]


def _transcription(value: object) -> str:
    if value not in ("ctc", "greedy"):
        raise ValueError(f"expected ctc or greedy, got {value!r}")
    return str(value)
