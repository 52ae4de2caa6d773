"""METEOR 1.5 for English without Java, with the same values as the program in coco-caption (Denkowski & Lavie 2014).

A candidate is aligned with each reference: equal words, words with the same stem, synonyms, and paraphrases of several
words. The matched words give a precision and a recall, their order a penalty. The word lists and the paraphrase table
are read from the package ``pycocoevalcap``, which ``seetell[meteor]`` installs.
"""

from seetell.metrics.meteor.scorer import Meteor, MeteorScores

__all__ = ["Meteor", "MeteorScores"]
