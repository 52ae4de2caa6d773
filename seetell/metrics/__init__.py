"""Scores of captions with coco-caption's definitions, no Java needed: BLEU, METEOR, ROUGE-L and CIDEr-D.

``score_captions`` takes sentences and gives all of them, ``confidence_intervals`` and ``compare`` say how sure they
are, ``measure_diversity`` how varied the captions are. ``bleu.bleu``, ``rouge.rouge`` and ``cider.cider`` are pure
functions over tokens, and ``coco`` has pycocoevalcap's names.
"""

from seetell.metrics.bootstrap import Interval, confidence_intervals
from seetell.metrics.captions import ALL, NAMES, Scores, score_captions
from seetell.metrics.diversity import Diversity, measure_diversity
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.metrics.significance import Comparison, compare

__all__ = [
    "ALL",
    "NAMES",
    "Comparison",
    "Diversity",
    "DocumentFrequencies",
    "Interval",
    "Scores",
    "compare",
    "confidence_intervals",
    "measure_diversity",
    "score_captions",
]
