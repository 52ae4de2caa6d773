"""METEOR 1.5 for English without Java, equal to the program that coco-caption runs (Denkowski & Lavie 2014).

A candidate is aligned with each reference word by word: equal words, words of one stem, synonyms, and paraphrases of
several words. The matched words give a precision and a recall, the order they stand in a penalty. The word lists and
the table of paraphrases are read from the package ``pycocoevalcap``, which ``seetell[meteor]`` installs.
"""

from seetell.metrics.meteor.scorer import Meteor
from seetell.metrics.meteor.statistics import MeteorScores

__all__ = ["Meteor", "MeteorScores"]
