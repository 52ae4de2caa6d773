from __future__ import annotations

from pathlib import Path

import numpy as np

from seetell.data.entity_records import Entity, EntityPhoto, Phrase, Sentence, photo_phrases
from seetell.data.records import PhotoRecord
from seetell.language.reading import tokens_read

TOKENS = ("``", "A", "man", "'s", "dog", ",", "wet", ",", "runs", "in", "the", "rain", ".")


def photo(*phrases: Phrase, tokens: tuple[str, ...] = TOKENS) -> EntityPhoto:
    record = PhotoRecord("1", Path("1.jpg"), (" ".join(tokens),), "val")
    entities = {
        "1": Entity("1", ((10.0, 0.0, 20.0, 10.0), (30.0, 10.0, 40.0, 20.0))),
        "2": Entity("2", ((0.0, 0.0, 40.0, 20.0),)),
        "3": Entity("3"),
    }
    return EntityPhoto(record, (40, 20), (40, 20), (Sentence(0, tokens, phrases),), entities)


def test_phrases_are_runs_of_the_words_that_models_read():
    found = photo_phrases(
        photo(Phrase(1, 5, "1", ("animals",)), Phrase(7, 8, "2", ("other",)), Phrase(10, 12, "2", ("scene",))),
        max_words=24,
    )
    assert found.sentences == (("a", "man", "'s", "dog", "wet", "runs", "in", "the", "rain"),)
    assert found.spans == ((0, 0, 4), (0, 7, 9))  # a comma alone is no phrase
    assert found.types == (("animals",), ("scene",))
    np.testing.assert_allclose(found.normalised_boxes()[0], [[0.25, 0, 0.5, 0.5], [0.75, 0.5, 1, 1]])
    np.testing.assert_allclose(found.enclosing(), [[0.25, 0, 1, 1], [0, 0, 1, 1]])


def test_a_phrase_beyond_what_is_read_ends_what_is_read():
    found = photo_phrases(photo(Phrase(1, 3, "1", ()), Phrase(10, 12, "2", ())), max_words=4)
    assert found.sentences == (("a", "man", "'s", "dog"), ("runs", "in", "the", "rain"))
    assert found.spans == ((0, 0, 2), (1, 2, 4))


def test_what_has_no_box_or_is_longer_than_what_is_read_is_left_out():
    found = photo_phrases(photo(Phrase(1, 3, "3", ()), Phrase(4, 12, "2", ())), max_words=4)
    assert found.spans == ()
    assert found.enclosing().shape == (0, 4)


def test_the_sentences_are_what_a_model_reads_of_them():
    tokens = ("A", "dog", "(", "brown", ")", "and", "-LRB-", "[", "a", "``", "cat", "''", "]", "-RRB-", "sleep")
    found = photo_phrases(
        photo(Phrase(0, 5, "1", ()), Phrase(8, 13, "2", ()), Phrase(2, 3, "1", ()), tokens=tokens), max_words=24
    )
    assert found.sentences == (("a", "dog", "brown", "and", "a", "cat", "sleep"),)
    assert found.spans == ((0, 0, 3), (0, 4, 6))  # a bracket alone is no phrase
    assert tuple(tokens_read(" ".join(found.sentences[0]))) == found.sentences[0]
