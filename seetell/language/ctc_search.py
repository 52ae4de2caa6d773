"""The text that the frames of a CTC network stand for: the best path, or the best text by a prefix beam search.

Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", 2012, section 7.5: the best path takes the most
likely class of each frame; the prefix search adds up all alignments of a text. It is pruned to a number of prefixes as
by Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs", 2014.

Letters: ``B`` images, ``T`` frames, ``V`` classes, the first being the blank, ``K`` prefixes that are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

BLANK = 0
"""The class that stands for no character."""

Text = tuple[int, ...]
"""The classes of the characters of a text."""


def best_path(log_probs: np.ndarray) -> list[tuple[Text, float]]:
    """Collapse the most likely class of each frame: equal neighbours become one, blanks go.

    Args:
        log_probs: ``(B, T, V)``.

    Returns:
        Per image the text and the log-probability of the path, which is at most that of the text.
    """
    paths = log_probs.argmax(axis=2)  # (B, T)
    scores = log_probs.max(axis=2).sum(axis=1)
    starts = np.diff(paths, axis=1, prepend=BLANK) != 0
    return [
        (tuple(path[start & (path != BLANK)].tolist()), float(score))
        for path, start, score in zip(paths, starts, scores, strict=True)
    ]


class Lexicon:
    """The texts that may be found, as a tree of prefixes.

    Args:
        texts: at least one.
    """

    def __init__(self, texts: Iterable[Sequence[int]]) -> None:
        self._next: dict[Text, set[int]] = defaultdict(set)
        self._whole: set[Text] = set()
        for text in map(tuple, texts):
            self._whole.add(text)
            for length in range(len(text)):
                self._next[text[:length]].add(text[length])

    def continuations(self, prefix: Text) -> set[int]:
        """Return the classes that may follow a prefix."""
        return self._next.get(prefix, set())

    def __contains__(self, text: Text) -> bool:
        return text in self._whole


def prefix_beam_search(
    log_probs: np.ndarray, *, beam_size: int = 10, lexicon: Lexicon | None = None, floor: float = -12.0
) -> list[tuple[Text, float]]:
    """Search the texts of highest probability, all their alignments added up.

    Args:
        log_probs: ``(T, V)`` of one image.
        beam_size: ``K``, prefixes kept after each frame.
        lexicon: the only texts allowed; all when absent.
        floor: classes with a smaller log-probability are not tried in a frame; minus infinity tries all.

    Returns:
        At most ``K`` texts with their log-probabilities, the most likely first; a prefix that was dropped on the way
        takes its alignments with it, so that they are at most the exact ones. Empty if the lexicon has no text that
        fits into the frames.
    """
    # of each prefix, the log-probabilities of its alignments that end with a blank, and with its last character
    beams: dict[Text, tuple[float, float]] = {(): (0.0, -np.inf)}
    for frame in log_probs:
        likely = np.nonzero(frame >= floor)[0].tolist()
        grown: dict[Text, list[float]] = defaultdict(lambda: [-np.inf, -np.inf])
        for prefix, (blank, character) in beams.items():
            either = np.logaddexp(blank, character)
            allowed = None if lexicon is None else lexicon.continuations(prefix)
            same = grown[prefix]
            same[0] = np.logaddexp(same[0], either + frame[BLANK])
            if prefix:
                same[1] = np.logaddexp(same[1], character + frame[prefix[-1]])
            for label in likely:
                if label == BLANK or (allowed is not None and label not in allowed):
                    continue
                longer = grown[(*prefix, label)]
                before = blank if prefix and prefix[-1] == label else either
                longer[1] = np.logaddexp(longer[1], before + frame[label])
        best = sorted(grown.items(), key=lambda item: -np.logaddexp(item[1][0], item[1][1]))[:beam_size]
        beams = {prefix: (blank, character) for prefix, (blank, character) in best}
    totals = ((prefix, float(np.logaddexp(*ends))) for prefix, ends in beams.items())
    return [
        (prefix, total) for prefix, total in totals if np.isfinite(total) and (lexicon is None or prefix in lexicon)
    ]
