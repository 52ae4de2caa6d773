"""Scores of captions with coco-caption's definitions, no Java needed: BLEU, METEOR, ROUGE-L and CIDEr-D.

``score_captions`` takes sentences and gives all of them; ``bleu.bleu``, ``rouge.rouge`` and ``cider.cider`` are pure
functions over tokens.
"""

from seetell.metrics.captions import ALL, NAMES, Scores, score_captions
from seetell.metrics.frequencies import DocumentFrequencies

__all__ = ["ALL", "NAMES", "DocumentFrequencies", "Scores", "score_captions"]
