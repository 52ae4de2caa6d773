"""A bundle's decoder: from features to captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from seetell.language.decoding import Decoding, Hypothesis, State, decode
from seetell.language.vocabulary import detokenise
from seetell.results import Caption, Word
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.attention_maps import looked


class Decoder:
    """The two graphs of a decoder and the search over their words.

    Args:
        bundle: whose decoder.
        threads: processor threads to compute with.

    Raises:
        BundleError: a graph is damaged.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        self._bundle = bundle
        self._start = Graph(bundle.decoder_start, threads=threads)
        self._step = Graph(bundle.decoder_step, threads=threads)
        self.features = self._start.inputs
        """The features it reads: ``pooled``, perhaps ``grid``."""
        self._memories = sorted(name for name in self._start.outputs if name.startswith("memory_"))
        self._states = [f"state_{index}" for index in range(len(self._start.outputs) - len(self._memories))]
        self._next_states = [f"next_{state}" for state in self._states]
        self._start.require(inputs=["pooled", "grid"], outputs=self._states)
        inputs = ["tokens", "photos", *self._memories, *self._states]
        self._step.require(inputs=inputs, outputs=["logprobs", *self._next_states])

    @property
    def attends(self) -> bool:
        """Whether it can tell where it looked for a word."""
        return "attention" in self._step.outputs

    def captions(
        self,
        features: Mapping[str, np.ndarray],
        decoding: Decoding,
        *,
        sample_ids: Sequence[int] | None = None,
        grid: tuple[int, int] | None = None,
    ) -> list[Caption]:
        """Say what features show.

        Args:
            features: ``pooled`` ``(N, D)`` and, where it is read, ``grid`` ``(N, L, D)``.
            decoding: the options.
            sample_ids: a number for each row, by which a draw of words is seeded; its place when absent.
            grid: rows and columns that the attention is laid over; ``None`` where it is not asked for.
        """
        count = len(features["pooled"])
        if not count:
            return []
        begun = self._start.run(features, [*self._memories, *self._states])
        memory = dict(zip(self._memories, begun, strict=False))

        def advance(output: str, tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            photos, *rows = state
            feeds = {"tokens": tokens, "photos": photos, **memory, **dict(zip(self._states, rows, strict=True))}
            given, *following = self._step.run(feeds, [output, *self._next_states])
            return given, (photos, *following)

        state = (np.arange(count), *begun[len(memory) :])  # each row's photo and state
        sample_ids = range(count) if sample_ids is None else sample_ids
        best = [ranked[0] for ranked in decode(partial(advance, "logprobs"), state, decoding, sample_ids=sample_ids)]
        if grid is None:
            return [self._caption(hypothesis, [None] * len(hypothesis.tokens)) for hypothesis in best]
        maps = looked(partial(advance, "attention"), state, [hypothesis.tokens for hypothesis in best], grid)
        return list(map(self._caption, best, maps))

    def _caption(self, hypothesis: Hypothesis, maps: Sequence[np.ndarray | None]) -> Caption:
        texts = self._bundle.vocabulary.decode(hypothesis.tokens)
        said = zip(texts, hypothesis.logprobs, maps, strict=True)
        return Caption(detokenise(texts), tuple(Word(*word) for word in said), hypothesis.logprob, self._bundle.name)
