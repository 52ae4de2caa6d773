"""Caption metrics as coco-caption defines them, without Java: BLEU, METEOR, ROUGE-L and CIDEr-D.

``score_captions`` computes all of them from sentences, ``confidence_intervals`` and ``compare`` their significance, and
``measure_diversity`` the diversity of the captions. ``bleu.bleu``, ``rouge.rouge`` and ``cider.cider`` are pure
functions over tokens, and ``coco`` has pycocoevalcap's names.
"""

from seetell.metrics.captions import ALL, NAMES, Scores, score_captions
from seetell.metrics.diversity import Diversity, measure_diversity
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.metrics.significance import Comparison, Interval, compare, confidence_intervals

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
