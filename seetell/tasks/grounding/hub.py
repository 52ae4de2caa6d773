"""Phrases of a sentence and their boxes, from Florence-2.

>>> import seetell
>>> model = seetell.load("hf:florence-community/Florence-2-base", task="align")
>>> model.predict("photo.jpg", "two dogs run on grass").regions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seetell.errors import UsageError
from seetell.language.tokenizer import tokenize
from seetell.results import Alignment
from seetell.runtime.backends.transformers.florence import FlorencePredictor
from seetell.runtime.backends.transformers.predictor import HubLoader, Prepared
from seetell.runtime.image_stream import BatchFn


class HubGrounder(FlorencePredictor[Alignment]):
    """Florence-2 asked where the phrases of a sentence are, which it chooses itself."""

    task = "grounding"
    text_input = "sentence"

    def check_text(self, text: str) -> str:
        """Check that a sentence has a word; see :meth:`Predictor.check_text`."""
        if not isinstance(text, str) or not any(map(str.isalnum, text)):
            raise UsageError(f"expected a sentence, got {text!r:.80}")
        return ""

    def bind(self, *, beta: float | None = None) -> BatchFn[Prepared, Alignment]:
        """Return the function that aligns a batch.

        Args:
            beta: refused; the model cuts sentences itself.

        Raises:
            UsageError: ``beta`` is given.
        """
        if beta is not None:
            raise UsageError(f"beta: {self.name} cuts sentences into phrases itself; leave it out")
        return self.batched(self._align)

    def _align(self, batch: Sequence[Prepared], sample_ids: Sequence[int]) -> list[Alignment]:
        """A sentence's score is the mean of its regions' scores; 0 where it has none."""
        prompts = [f"<CAPTION_TO_PHRASE_GROUNDING>{' '.join(each.text.split())}" for each in batch]
        alignments = []
        for regions, prepared in zip(self.locate(batch, prompts, sample_ids), batch, strict=True):
            phrases = tuple(replace(region, text=" ".join(tokenize(region.text))) for region in regions)
            score = sum(phrase.score for phrase in phrases) / len(phrases) if phrases else 0.0
            alignments.append(Alignment(prepared.text, phrases, score, prepared.size, self.name))
        return alignments


load = HubLoader((HubGrounder,))
"""Loads phrase grounders."""
