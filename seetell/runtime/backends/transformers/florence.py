"""Florence-2, which answers with places: boxes are written as tokens between words.

Xiao et al., "Florence-2: Advancing a Unified Representation for a Variety of Vision Tasks", CVPR 2024. A box is four
tokens ``<loc_0>`` to ``<loc_999>``: left, upper, right and lower edge in thousandths of the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from seetell.results import Region
from seetell.runtime.backends.transformers.generation import Search, Written, write
from seetell.runtime.backends.transformers.model import LoadedModel
from seetell.runtime.backends.transformers.predictor import HubPredictor, Prepared
from seetell.runtime.backends.transformers.source import Source
from seetell.runtime.predictor import Result

BINS = 1000
"""Places along a side of the image."""

MAX_TOKENS = 1024
"""Longest answer: as many as the published models write."""


class FlorencePredictor(HubPredictor[Result]):
    """A predictor that asks Florence-2 for boxes; see :class:`~.predictor.HubPredictor`."""

    auto_classes = ("AutoModelForImageTextToText",)
    texts = True
    batch_size = 4

    def __init__(self, source: Source, **options: Any) -> None:
        super().__init__(source, **options)
        self._places = {_place(self.model, place): place for place in range(BINS)}

    @classmethod
    def takes(cls, source: Source) -> bool:
        """Return whether it can run a model."""
        return source.model_type == "florence2"

    def locate(
        self, batch: Sequence[Prepared], prompts: Sequence[str], sample_ids: Sequence[int]
    ) -> list[list[Region]]:
        """Ask about each image of a batch.

        Args:
            batch: the images.
            prompts: what is asked of each, beginning with one of Florence-2's tasks, such as ``<OD>``.
            sample_ids: see :func:`~.generation.write`.

        Returns:
            For each image the boxes of the answer in its order, in pixels, each with the text before it; the score is
            the geometric mean of the probabilities of its tokens.
        """
        inputs = self.model.processor(
            images=[each.image for each in batch], text=list(prompts), padding=True, return_tensors="pt"
        )
        written = write(self.model, inputs, Search(MAX_TOKENS), sample_ids)
        return [self._regions(answer, each.size) for answer, each in zip(written, batch, strict=True)]

    def _regions(self, answer: Written, size: tuple[int, int]) -> list[Region]:
        found: list[Region] = []
        text: list[tuple[int, float]] = []
        box: list[tuple[float, float]] = []
        placed = False
        special = set(self.model.tokenizer.all_special_ids) - self._places.keys()
        for token, logprob in zip(answer.tokens, answer.logprobs, strict=True):
            if token in special:
                continue
            if token not in self._places:
                if placed:
                    text = []
                text.append((token, logprob))
                box, placed = [], False
                continue
            placed = True
            box.append(((self._places[token] + 0.5) / BINS * size[len(box) % 2], logprob))
            if len(box) == 4:
                (x0, y0, x1, y1), logprobs = zip(*box, strict=True)
                phrase = str(self.model.tokenizer.decode([token for token, _ in text])).strip()
                score = math.exp(sum(whole := [*logprobs, *(each for _, each in text)]) / len(whole))
                if x1 > x0 and y1 > y0:
                    found.append(Region(phrase, (x0, y0, x1, y1), score))
                box = []
        return list({(region.text, region.box): region for region in found}.values())


def _place(model: LoadedModel, place: int) -> int:
    return int(model.tokenizer.convert_tokens_to_ids(f"<loc_{place}>"))
