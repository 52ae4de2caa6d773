from __future__ import annotations

import numpy as np
import pytest
from corpus import PhotoSet
from mentions import Mentions, object_counts
from vocabulary import Words

from seetell.language.object_names import CLASSES
from seetell.language.vocabulary import SPECIALS, Vocabulary


class Sentences:
    """Stands for a pack of three sentences about two photos."""

    sentences = (["two", "dogs", "on", "a", "bed"], ["a", "dog"], ["a", "red", "bus"])
    owners = np.array([0, 0, 1])


@pytest.mark.parametrize(
    ("sentence", "counts"),
    [
        ("two dogs and a cat", {"dog": 2, "cat": 1}),
        ("a herd of sheep by a bus", {"sheep": 3, "bus": 1}),
        ("a couple of men with skis", {"person": 2, "skis": 1}),
        ("a hot dog", {"hot dog": 1}),
    ],
)
def test_how_many_of_a_class_are_mentioned(sentence: str, counts: dict[str, int]):
    found = object_counts(sentence.split())
    assert {CLASSES[number]: int(found[number]) for number in np.flatnonzero(found)} == counts


def test_what_sentences_of_one_photo_mention():
    words = Words(Vocabulary((*SPECIALS, "dog", "red", "bed")), 3, ("dog", "red"))
    mentions = Mentions.of(Sentences(), words)
    objects, shares = mentions.by_photo()
    assert [CLASSES[number] for number in objects[0].nonzero()[:, 0]] == ["dog", "bed"]
    assert shares.tolist() == [[0.5, 0], [0, 1]]  # "dogs" is another word
    photos = PhotoSet(("1",), (("A dog.", "A red dog."),), (None,), np.zeros((1, 2, 80)), np.zeros((1, 2, 80, 5)))
    assert mentions.shares(photos).tolist() == [[1, 0.5]]
    assert mentions.of_photos(photos)[0][0, CLASSES.index("dog")]


def test_new_words_have_neighbours_among_the_known():
    words = Words(Vocabulary((*SPECIALS, "dog", "cat", "bus", "puppy", "qwerty")), 6, ("dog",))
    vectors = {"dog": [1, 0], "cat": [0.6, 0.8], "bus": [0, -1], "puppy": [2, 0.1]}
    nearest, weights = words.neighbours({word: np.array(vector) for word, vector in vectors.items()})
    assert nearest[0, :3].tolist() == [3, 4, 5]
    assert weights.sum(axis=1) == pytest.approx([1, 1])
    assert weights[0, 0] > 0.9
