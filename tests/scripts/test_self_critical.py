from __future__ import annotations

import numpy as np
import pytest
from self_critical import TruthfulReward

from seetell.language.object_names import CLASSES
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies


def test_what_is_named_but_neither_written_nor_tagged_costs():
    vocabulary = Vocabulary((*SPECIALS, "a", "dog", "cat", "bus"))
    end = SPECIALS[0]
    references = [[["a", "dog", end]], [["a", "bus", end]]]
    frequencies = DocumentFrequencies.build(references)
    objects = np.zeros((2, 80))
    objects[1, CLASSES.index("cat")] = 0.4
    sentences = [[3, 4, 0], [3, 5, 0], [3, 5, 0]]  # a dog, a cat, a cat
    plain = TruthfulReward(references, objects, frequencies, vocabulary, 0.0)([0, 0, 1], sentences)
    words = [[vocabulary.words[number] for number in sentence] for sentence in sentences]
    expected = cider([references[photo] for photo in (0, 0, 1)], words, frequencies=frequencies)
    assert plain.tolist() == expected.tolist()
    less = TruthfulReward(references, objects, frequencies, vocabulary, 0.8)([0, 0, 1], sentences)
    assert (plain - less).tolist() == pytest.approx([0, 0.8, 0])  # the cat of the second photo is tagged
