"""Text from a model of characters, and what the model makes of a text, without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from seetell.errors import BundleError, UsageError
from seetell.results import Passage
from seetell.runtime.bundle import Bundle
from seetell.runtime.generator import Generator, GeneratorProgress
from seetell.runtime.option_checks import check_count
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import whole_number
from seetell.tasks.character_modelling.text import ROWS, encode, rows_of

TOLD_EVERY = 100
"""Characters between two reports of progress."""

NEW_LINE = "\n"


class CharacterSampler(Generator[Passage]):
    """A model of characters.

    Attributes:
        bundle: the model.
        characters: that it knows, by number.
        layers: of cells.
        hidden: cells of a layer.
        validation_share: of the text that it was trained on, its end, which it was validated on.

    Args:
        bundle: the model.
        precision: of its graph; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: ``precision`` or ``threads`` is not possible.
        BundleError: the graph is damaged, or the bundle is of another task.
    """

    task = "character_modelling"

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle.name, threads=threads)
        self.bundle = bundle
        self.characters = bundle.require_labels()
        self.hidden, self.layers = (bundle.setting(name, whole_number()) for name in ("hidden", "layers"))
        self._has_cells = bundle.setting("cell", str) == "lstm"
        self.validation_share = bundle.setting("validation_share", float)
        self._step = Graph.open(bundle, "step", threads=self.threads, precision=precision)
        self._check_sizes()

    def _check_sizes(self) -> None:
        """Read a character, to see that the graph is of the size that ``model.json`` says."""
        try:
            logits, state = self.read(np.zeros(1, np.int64), self.start(1))
            fits = logits.shape == (1, len(self.characters)) and state.shape == self.start(1).shape
        except Exception:  # ONNX Runtime has no errors of its own for these
            fits = False
        if not fits:
            raise BundleError(
                f"{self.bundle.folder}: its graph is not of {len(self.characters)} characters and {self.layers} layers "
                f"of {self.hidden} cells, as model.json says; export the model again"
            )

    def bind(
        self, *, prime: str = "", length: int = 400, temperature: float = 1.0, count: int = 1, seed: int | None = None
    ) -> Callable[[GeneratorProgress], Iterator[Passage]]:
        """Return the function that writes texts.

        Args:
            prime: text to go on from; when empty, the text begins as a line does.
            length: characters to write.
            temperature: divides the logits; 0 takes the most probable character.
            count: texts to write, side by side.
            seed: of the random choices; another one each time when ``None``.

        Raises:
            UsageError: a value is not allowed, or the model does not know a character of ``prime``.
        """
        check_count("length", length)
        check_count("count", count)
        if not 0 <= temperature < np.inf:
            raise UsageError(f"temperature must be at least 0, got {temperature}")
        codes = self._encode(prime, "prime")
        return lambda progress: self._write(prime, codes, length, temperature, count, seed, progress)

    def _encode(self, text: str, what: str) -> np.ndarray:
        codes, unknown = encode(text, self.characters)
        if unknown:
            named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown[:5])
            known = repr("".join(self.characters[:200]))
            raise UsageError(f"{what}: {self.name} does not know {named}; the characters that it knows: {known}")
        return codes

    def _write(
        self,
        prime: str,
        codes: np.ndarray,
        length: int,
        temperature: float,
        count: int,
        seed: int | None,
        progress: GeneratorProgress,
    ) -> Iterator[Passage]:
        random = np.random.default_rng(seed)
        if not len(codes) and NEW_LINE in self.characters:
            codes = self._encode(NEW_LINE, "prime")
        state = self.start(1)
        logits = np.zeros((1, len(self.characters)), np.float32)  # nothing is known of the first character
        for code in codes:
            logits, state = self.read(np.array([code]), state)
        logits, state = np.repeat(logits, count, axis=0), np.repeat(state, count, axis=0)
        written = np.zeros((count, length), np.int64)
        logprobs = np.zeros(count)
        for place in range(length):
            written[:, place] = chosen = _choose(logits, temperature, random)
            logprobs += log_softmax(logits)[np.arange(count), chosen]
            if place + 1 < length:
                logits, state = self.read(chosen, state)
            if (place + 1) % TOLD_EVERY == 0 or place + 1 == length:
                progress((place + 1) * count, length * count)
        for row, logprob in zip(written, logprobs, strict=True):
            text = prime + "".join(self.characters[code] for code in row)
            yield Passage(text, prime, float(logprob), self.name)

    def activations(self, text: str, *, progress: GeneratorProgress = lambda done, total: None) -> np.ndarray:
        """Return what every cell says behind each character of a text.

        Args:
            text: of characters that the model knows.
            progress: called as characters are read.

        Returns:
            ``(N, layers, hidden)`` float32 from −1 to 1: tanh of an LSTM's cell vectors, otherwise the hidden vectors.

        Raises:
            UsageError: the model does not know a character.
        """
        codes, state = self._encode(text, "text"), self.start(1)
        kept = np.zeros((len(codes), self.layers * self.hidden), np.float32)
        for place, code in enumerate(codes):
            _, state = self.read(np.array([code]), state)
            kept[place] = state[0, -self.layers * self.hidden :]
            if (place + 1) % TOLD_EVERY == 0 or place + 1 == len(codes):
                progress(place + 1, len(codes))
        said: np.ndarray = np.tanh(kept) if self._has_cells else kept
        return said.reshape(len(codes), self.layers, self.hidden)

    def bits_per_character(self, codes: np.ndarray, *, progress: GeneratorProgress = lambda done, total: None) -> float:
        """Return the mean of −log₂ of the probabilities that the model gives to the characters of a text.

        Args:
            codes: their numbers, ``(N,)``, two at least. They are cut into rows; the first of each is given.
            progress: called as characters are read.
        """
        rows = rows_of(codes, ROWS).astype(np.int64)
        state, nats = self.start(len(rows)), 0.0
        steps = rows.shape[1] - 1
        for place in range(steps):
            logits, state = self.read(rows[:, place], state)
            nats -= float(log_softmax(logits)[np.arange(len(rows)), rows[:, place + 1]].sum())
            if (place + 1) % TOLD_EVERY == 0 or place + 1 == steps:
                progress((place + 1) * len(rows), steps * len(rows))
        bits: float = nats / (steps * len(rows)) / math.log(2)
        return bits

    def start(self, rows: int) -> np.ndarray:
        """Return the state before the first character of some texts, ``(rows, S)``."""
        return np.zeros((rows, self.layers * self.hidden * (2 if self._has_cells else 1)), np.float32)

    def read(self, codes: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read one character of each of some texts.

        Args:
            codes: numbers of characters, ``(N,)`` int64.
            state: behind the characters before, ``(N, S)``.

        Returns:
            Logits of the characters that may follow, ``(N, V)``, and the state behind these, ``(N, S)``.
        """
        logits, state = self._step.run({"codes": codes, "state": state}, ["logits", "next_state"])
        return logits, state


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return natural logarithms of probabilities, ``(N, V)`` float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def _choose(logits: np.ndarray, temperature: float, random: np.random.Generator) -> np.ndarray:
    """Draw a character for each row of logits ``(N, V)``, by the inverse of the cumulative probabilities."""
    if temperature == 0:
        best: np.ndarray = logits.argmax(axis=1)
        return best
    with np.errstate(over="ignore"):
        cumulative = np.exp(log_softmax(logits / temperature)).cumsum(axis=1)
    drawn = random.random((len(logits), 1)) * cumulative[:, -1:]
    chosen: np.ndarray = np.minimum((cumulative <= drawn).sum(axis=1), logits.shape[1] - 1)
    return chosen
