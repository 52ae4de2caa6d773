"""A bundle's decoder: from features to captions, with attention maps of their words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from seetell.errors import BundleError
from seetell.language.decoding import Decoding, Hypothesis, State, Step, decode
from seetell.language.vocabulary import END, START, detokenise
from seetell.results import Caption, Word
from seetell.runtime.backends.answer import Token
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import ImageTagger
from seetell.tasks.captioning.answers import words_of
from seetell.tasks.captioning.domain import Domain
from seetell.tasks.captioning.fluency import COLOURED, Fluency
from seetell.tasks.captioning.reranking import Choose, most_probable

AttentionStep = Callable[[np.ndarray, State], tuple[np.ndarray, State]]
"""Takes the last words ``(N,)`` int64 and the state; returns attention weights ``(N, L)`` and the next state."""


def attention_maps(
    step: AttentionStep, state: State, sentences: Sequence[Sequence[int]], grid: tuple[int, int]
) -> list[list[np.ndarray]]:
    """Feed finished sentences to the decoder, word by word, and keep its attention before each.

    A search drops and reorders its rows at every word. Feeding only the best sentence again leaves the search alone,
    and costs one row per image.

    Args:
        step: advances by one word.
        state: the decoder's state before the first word, one row per image.
        sentences: the word indices of each image's caption, without START and END.
        grid: rows and columns of the ``L`` locations.

    Returns:
        For each image one map ``(H, W)`` per word.

    Raises:
        BundleError: the decoder attends to another number of locations than the grid has.
    """
    longest = max(map(len, sentences), default=0)
    fed = np.full((len(sentences), longest + 1), END, np.int64)  # what follows the end of a sentence is ignored
    fed[:, 0] = START
    for row, tokens in enumerate(sentences):
        fed[row, 1 : len(tokens) + 1] = tokens
    maps: list[list[np.ndarray]] = [[] for _ in sentences]
    for place in range(longest):
        attention, state = step(fed[:, place], state)
        if attention.shape[1] != math.prod(grid):
            raise BundleError(
                f"the model attends to {attention.shape[1]} locations, but the settings.grid of its model.json is "
                f"{grid[0]}×{grid[1]}; export the model again"
            )
        for row, tokens in enumerate(sentences):
            if place < len(tokens):
                maps[row].append(attention[row].reshape(grid))
    return maps


def rows_of_photos(photos: np.ndarray, count: int) -> np.ndarray:
    """Return the rows that belong to each image.

    Args:
        photos: the image of each row, ``(N,)``.
        count: the number ``B`` of images.

    Returns:
        ``(B, K)`` int64, ``K`` being the most rows of an image; where it has fewer, row 0 fills up.
    """
    order = np.argsort(photos, kind="stable")
    counts = np.bincount(photos, minlength=count)
    places = np.arange(len(photos)) - (np.cumsum(counts) - counts)[photos[order]]
    rows = np.zeros((count, counts.max()), np.int64)
    rows[photos[order], places] = order
    return rows


def has_large_memory(bundle: Bundle) -> bool:
    """Return whether the memory of an image is so large that it is not copied for each beam."""
    return "decoder_step" in bundle.graphs and "rows" in bundle.graphs["decoder_step"].inputs


class Decoder:
    """The graphs ``decoder_start`` and ``decoder_step`` of a bundle, and the search over their words.

    Attributes:
        features: names of the features it reads: ``pooled``, ``grid``, or both, perhaps tags.

    Args:
        bundle: whose decoder.
        threads: processor threads to compute with.
        tagger: the bundle's, if it tags its images.
        precision: of the graphs, where they have it; the bundle's own choice otherwise.

    Raises:
        BundleError: a graph is damaged, or the bundle has no decoder.
    """

    def __init__(
        self, bundle: Bundle, *, threads: int, tagger: ImageTagger | None = None, precision: str | None = None
    ) -> None:
        self._model, self._vocabulary = bundle.name, bundle.require_vocabulary()
        precision = precision if precision in bundle.precisions("decoder_start") else None
        self._start = Graph.open(bundle, "decoder_start", threads=threads, precision=precision)
        self._step = Graph.open(bundle, "decoder_step", threads=threads, precision=precision)
        self.features = self._start.inputs
        self._memories = sorted(name for name in self._start.outputs if name.startswith("memory_"))
        self._states = [f"state_{index}" for index in range(len(self._start.outputs) - len(self._memories))]
        self._next_states = [f"next_{state}" for state in self._states]
        tags = tagger.outputs if tagger is not None else ()
        self._start.require(inputs=["pooled", "grid", *tags], outputs=self._states)
        inputs = ["tokens", "photos", "rows", *self._memories, *self._states]
        self._step.require(inputs=inputs, outputs=["logprobs", *self._next_states])
        self._reads_rows = has_large_memory(bundle)
        self._fluency = Fluency(bundle) if "fluency" in bundle.settings else None
        self._domain = None
        if "domain" in bundle.settings:
            if tagger is None or not {"presence", "words"} <= {*self.features}:
                raise BundleError(f"{bundle.folder}: settings.domain is for models that read presence and words")
            self._domain = Domain(bundle, tagger.words)

    @property
    def reads_colours(self) -> bool:
        """Whether it wants to know which images have colours; see :mod:`seetell.tasks.captioning.fluency`."""
        return self._fluency is not None

    @property
    def attends(self) -> bool:
        """Whether it can return an attention map for every word."""
        return "attention" in self._step.outputs

    def captions(
        self,
        features: Mapping[str, np.ndarray],
        decoding: Decoding,
        *,
        choose: Choose = most_probable,
        sample_ids: Sequence[int] | None = None,
        grid: tuple[int, int] | None = None,
    ) -> list[Caption]:
        """Generate a caption for every row of features.

        Args:
            features: those of ``pooled`` ``(N, D)``, ``grid`` ``(N, L, D)`` and
                :class:`~seetell.runtime.tags.ImageTags` that are read.
            decoding: the options.
            choose: chooses among the sentences that were found.
            sample_ids: for each row the id of its stream of random numbers; by default its index.
            grid: rows and columns of the attention maps; ``None`` for captions without.

        Returns:
            The caption that is chosen for each row.

        Raises:
            BundleError: the decoder attends to another number of locations than ``grid`` has.
        """
        if not len(features[self.features[0]]):
            return []
        step, state = self._started(features)
        ranked = self._search(partial(step, "logprobs"), state, features, decoding, sample_ids)
        chosen = choose(ranked, features)
        if grid is None:
            return [self._caption(hypothesis, [None] * len(hypothesis.tokens)) for hypothesis in chosen]
        maps = attention_maps(partial(step, "attention"), state, [hypothesis.tokens for hypothesis in chosen], grid)
        return list(map(self._caption, chosen, maps))

    def logprobs(self, features: Mapping[str, np.ndarray], tokens: Sequence[int]) -> np.ndarray:
        """Score one sentence for every row of features.

        Args:
            features: of ``N`` rows; see :meth:`captions`.
            tokens: of the sentence, ``T`` word ids without START and END.

        Returns:
            The log-probability of each word after those before it, ``(N, T)``.
        """
        step, state = self._started(features)
        logprobs = np.empty((len(state[0]), len(tokens)))
        for place, token in enumerate(tokens):
            fed = np.full(len(logprobs), tokens[place - 1] if place else START, np.int64)
            scores, state = step("logprobs", fed, state)
            logprobs[:, place] = scores[:, token]
        return logprobs

    def attention(
        self, features: Mapping[str, np.ndarray], tokens: Sequence[int], grid: tuple[int, int]
    ) -> list[np.ndarray]:
        """Return the attention before each word of a sentence for the first row of features, ``(H, W)`` a word.

        Raises:
            BundleError: the decoder attends to another number of locations than ``grid`` has.
        """
        step, state = self._started({name: rows[:1] for name, rows in features.items()})
        return attention_maps(partial(step, "attention"), state, [tokens], grid)[0]

    def best(
        self, features: Mapping[str, np.ndarray], decoding: Decoding, *, choose: Choose = most_probable
    ) -> Hypothesis:
        """Return the sentence of the first row of features; see :meth:`captions`."""
        first = {name: rows[:1] for name, rows in features.items()}
        step, state = self._started(first)
        ranked = self._search(partial(step, "logprobs"), state, first, decoding)
        return choose(ranked, first)[0]

    def hypotheses(
        self, features: Mapping[str, np.ndarray], decoding: Decoding, *, forbidden: np.ndarray
    ) -> list[list[Hypothesis]]:
        """Search sentences without certain words.

        Args:
            features: of ``N`` rows; see :meth:`captions`.
            decoding: the options.
            forbidden: ``(N, V)`` bool, the words that may not be in a row's sentences; END must be allowed.

        Returns:
            For each row its sentences, highest score first.
        """
        if not len(features[self.features[0]]):
            return []
        run, state = self._started(features)
        penalty = np.where(forbidden, np.float32(-np.inf), np.float32(0))

        def step(tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            logprobs, following = run("logprobs", tokens, state)
            return logprobs + penalty[state[0]], following

        return self._search(step, state, features, decoding)

    def _search(
        self,
        step: Step,
        state: State,
        features: Mapping[str, np.ndarray],
        decoding: Decoding,
        sample_ids: Sequence[int] | None = None,
    ) -> list[list[Hypothesis]]:
        """Search the sentences of each image; see :func:`~seetell.language.decoding.decode`."""
        penalty = None
        if self._fluency is not None and decoding.fluency:
            coloured = features.get(COLOURED, np.ones(len(state[0]), bool))
            penalty = partial(self._fluency.penalty, coloured=coloured)
        return decode(step, state, decoding, words=self._vocabulary.words, sample_ids=sample_ids, penalty=penalty)

    def _started(
        self, features: Mapping[str, np.ndarray]
    ) -> tuple[Callable[[str, np.ndarray, State], tuple[np.ndarray, State]], State]:
        """Read features.

        Returns:
            What advances by one word, given the name of the output to return, the last words and the state; and the
            state before the first word, whose first array is each row's image.
        """
        if self._domain is not None:
            features = {**features, "presence": self._domain.presence(features["presence"], features["words"])}
        started = self._start.run(features, [*self._memories, *self._states])
        memory, count = dict(zip(self._memories, started, strict=False)), len(started[0])

        def step(output: str, tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            photos, *rows = state
            feeds = {"tokens": tokens, "photos": photos, **memory, **dict(zip(self._states, rows, strict=True))}
            if self._reads_rows:
                feeds["rows"] = rows_of_photos(photos, count)
            returned, *following = self._step.run(feeds, [output, *self._next_states])
            return returned, (photos, *following)

        return step, (np.arange(count), *started[len(memory) :])

    def _caption(self, hypothesis: Hypothesis, maps: Sequence[np.ndarray | None]) -> Caption:
        texts = self._vocabulary.decode(hypothesis.tokens)
        if self._vocabulary.pieces:
            text = " ".join("".join(texts).split())
            pieces = tuple(map(Token, texts, hypothesis.logprobs))
            return Caption(text, words_of(text, pieces), hypothesis.logprob, self._model)
        words = tuple(Word(*word) for word in zip(texts, hypothesis.logprobs, maps, strict=True))
        return Caption(detokenise(texts), words, hypothesis.logprob, self._model)
