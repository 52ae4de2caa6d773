"""CHAIR: how often captions mention objects that are not in the photo.

Rohrbach et al., "Object Hallucination in Image Captioning", 2018. CHAIRi is the fraction of object mentions that are
hallucinated, CHAIRs the fraction of captions with at least one hallucinated object. Objects are COCO's 80 classes;
present are those that have a box or are mentioned in a reference caption of the photo (section 2.1). Their names are
those of :mod:`seetell.language.object_names`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import DataError, UsageError, unknown
from seetell.language.object_names import CLASSES, objects_named
from seetell.metrics.ngrams import Floats, Tokens


@dataclass(frozen=True)
class ChairScores:
    """CHAIRi and CHAIRs of ``P`` photos, from 0 (no hallucination) to 1.

    Attributes:
        statistics: ``(P, 4)``, for each photo the number of hallucinated mentions, the number of mentions, whether any
            is hallucinated, and 1 for the caption.
    """

    statistics: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """``CHAIRi`` and ``CHAIRs``."""
        return ("CHAIRi", "CHAIRs")

    def combine(self, sums: Floats) -> Floats:
        """Return the scores of sets of photos, ``(sets, 2)``; CHAIRi is 0 where no object is mentioned.

        Args:
            sums: the statistics summed over the photos of each set, ``(sets, 4)``.
        """
        hallucinated, mentioned, hallucinating, captions = sums.T
        return np.column_stack([hallucinated / np.maximum(mentioned, 1), hallucinating / np.maximum(captions, 1)])


def chair(
    references: Sequence[Sequence[Tokens]],
    candidates: Sequence[Tokens],
    *,
    boxed: Sequence[Collection[str]] | None = None,
) -> ChairScores:
    """Score candidates by the objects they mention that are not in the photo.

    Every mention counts, as in the paper: "dog" twice in a caption of a photo without a dog is two of two.

    Args:
        references: the tokenised references of each photo; may be empty where boxes are given.
        candidates: the tokenised candidate of each photo; may be empty.
        boxed: classes of the objects that have a box in each photo; without it only references tell what is present.

    Raises:
        DataError: the arguments do not agree in length.
        UsageError: the class of a box is unknown.

    Example:
        >>> scores = chair([[["a", "dog", "runs"]]], [["a", "dog", "and", "a", "cat"]])
        >>> scores.combine(scores.statistics).tolist()
        [[0.5, 1.0]]
    """
    boxed = [()] * len(candidates) if boxed is None else boxed
    if not len(references) == len(candidates) == len(boxed):
        raise DataError(
            "expected references, candidates and boxes of the same photos; "
            f"got {len(references)}, {len(candidates)} and {len(boxed)}"
        )
    statistics = np.zeros((len(candidates), 4))
    for row, written, candidate, classes in zip(statistics, references, candidates, boxed, strict=True):
        for name in classes:
            if name not in CLASSES:
                raise UsageError(unknown("class", name, CLASSES))
        present = set(classes).union(*(objects_named(tokens) for tokens in written))
        mentioned = objects_named(candidate)
        hallucinated = sum(name not in present for name in mentioned)
        row[:] = hallucinated, len(mentioned), hallucinated > 0, 1
    return ChairScores(statistics)
