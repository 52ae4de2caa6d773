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
from seetell.tasks.captioning.attention_maps import attention_maps


class Decoder:
    """The graphs ``decoder_start`` and ``decoder_step`` of a bundle, and the search over their words.

    Attributes:
        features: names of the features it reads: ``pooled``, perhaps ``grid``.

    Args:
        bundle: whose decoder.
        threads: processor threads to compute with.

    Raises:
        BundleError: a graph is damaged, or the bundle has no decoder.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        self._model, self._vocabulary = bundle.name, bundle.require_vocabulary()
        self._start = Graph.open(bundle, "decoder_start", threads=threads)
        self._step = Graph.open(bundle, "decoder_step", threads=threads)
        self.features = self._start.inputs
        self._memories = sorted(name for name in self._start.outputs if name.startswith("memory_"))
        self._states = [f"state_{index}" for index in range(len(self._start.outputs) - len(self._memories))]
        self._next_states = [f"next_{state}" for state in self._states]
        self._start.require(inputs=["pooled", "grid"], outputs=self._states)
        inputs = ["tokens", "photos", *self._memories, *self._states]
        self._step.require(inputs=inputs, outputs=["logprobs", *self._next_states])

    @property
    def attends(self) -> bool:
        """Whether it can return an attention map for every word."""
        return "attention" in self._step.outputs

    def captions(
        self,
        features: Mapping[str, np.ndarray],
        decoding: Decoding,
        *,
        sample_ids: Sequence[int] | None = None,
        grid: tuple[int, int] | None = None,
    ) -> list[Caption]:
        """Generate a caption for every row of features.

        Args:
            features: ``pooled`` ``(N, D)`` and, where it is read, ``grid`` ``(N, L, D)``.
            decoding: the options.
            sample_ids: for each row the id of its stream of random numbers; by default its index.
            grid: rows and columns of the attention maps; ``None`` for captions without.

        Returns:
            The caption of the highest score for each row.

        Raises:
            BundleError: the decoder attends to another number of locations than ``grid`` has.
        """
        count = len(features["pooled"])
        if not count:
            return []
        started = self._start.run(features, [*self._memories, *self._states])
        memory = dict(zip(self._memories, started, strict=False))

        def step(output: str, tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            photos, *rows = state
            feeds = {"tokens": tokens, "photos": photos, **memory, **dict(zip(self._states, rows, strict=True))}
            returned, *following = self._step.run(feeds, [output, *self._next_states])
            return returned, (photos, *following)

        state = (np.arange(count), *started[len(memory) :])  # each row's image and state
        sample_ids = range(count) if sample_ids is None else sample_ids
        best = [ranked[0] for ranked in decode(partial(step, "logprobs"), state, decoding, sample_ids=sample_ids)]
        if grid is None:
            return [self._caption(hypothesis, [None] * len(hypothesis.tokens)) for hypothesis in best]
        maps = attention_maps(partial(step, "attention"), state, [hypothesis.tokens for hypothesis in best], grid)
        return list(map(self._caption, best, maps))

    def _caption(self, hypothesis: Hypothesis, maps: Sequence[np.ndarray | None]) -> Caption:
        texts = self._vocabulary.decode(hypothesis.tokens)
        words = tuple(Word(*word) for word in zip(texts, hypothesis.logprobs, maps, strict=True))
        return Caption(detokenise(texts), words, hypothesis.logprob, self._model)
