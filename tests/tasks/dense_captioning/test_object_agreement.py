from __future__ import annotations

import numpy as np
import pytest

from seetell.language.vocabulary import Vocabulary
from seetell.runtime.tags import Detections
from seetell.tasks.dense_captioning.object_agreement import ObjectAgreement, least_evidence

OBJECTS = ("person", "dog", "hot dog")
WORDS = Vocabulary(("<end>", "<start>", "<unk>", "a", "man", "dog", "puppies", "hot", "shirt", "red"), 1)
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
SHIRT = (0.1, 0.3, 0.4, 0.6)


def found(*detections: tuple[int, float, tuple[float, ...]]) -> Detections:
    labels, scores, boxes = zip(*detections, strict=True) if detections else ((), (), ())
    return Detections(np.array(labels, np.int64), np.array(scores), np.array(boxes).reshape(-1, 4))


@pytest.fixture
def agreement() -> ObjectAgreement:
    return ObjectAgreement(OBJECTS, WORDS, np.array([0.2, 0.3, 0.3]))


def tokens(phrase: str) -> tuple[int, ...]:
    return tuple(WORDS.encode(phrase.split()))


def test_phrases_name_classes(agreement):
    assert agreement.named(tokens("a man")) == {0}
    assert agreement.named(tokens("a red shirt")) == set()
    assert agreement.named(tokens("a hot dog")) == {2}
    assert agreement.named(tokens("puppies")) == {1}


def test_evidence_is_in_the_smaller_box(agreement):
    seen = found((0, 0.8, LEFT), (1, 0.4, RIGHT))
    np.testing.assert_allclose(agreement.evidence(np.array([SHIRT, RIGHT, (0, 0, 1, 1)]), seen)[:, :2],
                               [[0.8, 0.0], [0.0, 0.4], [0.8, 0.4]])  # fmt: skip
    assert agreement.evidence(np.array([SHIRT]), found()).tolist() == [[0, 0, 0]]


def test_absent_classes_may_not_be_named(agreement):
    doubts = agreement.doubts(np.array([LEFT]), found((0, 0.4, LEFT), (1, 0.2, LEFT)))
    assert agreement.allows(doubts, 0, tokens("a man"))
    assert agreement.allows(doubts, 0, tokens("a red shirt"))
    assert not agreement.allows(doubts, 0, tokens("a dog"))
    assert not agreement.allows(doubts, 0, tokens("a man a dog"))


def test_a_confident_detection_must_be_among_the_classes_named(agreement):
    seen = found((1, 0.9, LEFT), (0, 0.8, (0.0, 0.0, 0.25, 0.25)))
    doubts = agreement.doubts(np.array([LEFT]), seen)
    assert agreement.allows(doubts, 0, tokens("a dog"))
    assert agreement.allows(doubts, 0, tokens("a man a dog"))
    assert not agreement.allows(doubts, 0, tokens("a man"))


def test_what_names_no_class_must_fill_the_box_of_a_confident_detection(agreement):
    person = agreement.doubts(np.array([LEFT, RIGHT, SHIRT]), found((0, 0.9, LEFT), (1, 0.9, RIGHT)))
    assert agreement.allows(person, 0, tokens("a red shirt"))
    assert not agreement.allows(person, 0, tokens("a red"))
    assert not agreement.allows(person, 1, tokens("a red shirt"))  # a dog's box
    assert agreement.allows(person, 2, tokens("a red"))  # a part of the person's box
    unsure = agreement.doubts(np.array([LEFT]), found((1, 0.4, LEFT)))
    assert agreement.allows(unsure, 0, tokens("a red shirt"))


def test_one_that_is_about_as_likely_may_be_named(agreement):
    seen = found((1, 0.6, LEFT), (0, 0.55, LEFT))
    assert agreement.allows(agreement.doubts(np.array([LEFT]), seen), 0, tokens("a man"))


def test_words_of_classes_are_found_in_the_vocabulary(agreement):
    dogs = agreement.words_naming(np.array([[False, True, False], [False, False, False]]))
    assert [WORDS.words[word] for word in np.flatnonzero(dogs[0])] == ["dog", "puppies"]
    assert not dogs[1].any()


def test_confident_detections_that_no_region_tells(agreement):
    seen = found((1, 0.9, LEFT), (0, 0.8, RIGHT), (2, 0.3, RIGHT))
    assert agreement.untold(seen, np.array([LEFT, RIGHT])) == []
    assert agreement.untold(seen, np.array([SHIRT, RIGHT])) == [0]
    assert agreement.untold(seen, np.zeros((0, 4))) == [0, 1]
    assert agreement.untold(found((1, 0.9, LEFT), (0, 0.8, LEFT)), np.zeros((0, 4))) == [0]


def test_phrases_for_objects():
    every = ObjectAgreement(("elephant", "skis", "dog", "umbrella"), WORDS, np.zeros(4))
    assert [every.phrase(label) for label in range(4)] == ["an elephant", "skis", "a dog", "an umbrella"]


def test_least_evidence_is_read():
    assert least_evidence({"least_evidence": [0.1, 0.2]}, ("dog", "cat")).tolist() == [0.1, 0.2]
    for wrong in ([0.1], ["x", 0.2], 3):
        with pytest.raises(TypeError, match="least_evidence"):
            least_evidence({"least_evidence": wrong}, ("dog", "cat"))
