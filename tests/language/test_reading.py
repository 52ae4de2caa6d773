from __future__ import annotations

import pytest

from seetell.errors import UsageError
from seetell.language.reading import Reading, read_as_detected, read_sentence
from seetell.language.similar_words import PATH, inflections, similar_word
from seetell.language.vocabulary import SPECIALS, Vocabulary

VOCABULARY = Vocabulary((*SPECIALS, "a", "dog", "dogs", "run", "running", "grass", "tree", "on", "red"))


def read(text: str, max_words: int = 24) -> Reading:
    return read_sentence(text, VOCABULARY, max_words=max_words)


def test_known_words_are_read_as_they_are():
    reading = read("A red dog, running underneath!")
    assert reading.tokens == reading.words == ("a", "red", "dog", "running", "underneath")
    assert reading.known == (True, True, True, True, False)
    assert reading.content_words == ("red", "dog", "running")
    assert (reading.note, reading.to_dict()) == ("", {})


def test_other_forms_and_similar_words_are_read_instead():
    reading = read("poodles run past trees")
    assert reading.read_as == {"poodles": "dog", "trees": "tree"}
    assert reading.words == ("dog", "run", "past", "tree")
    assert reading.note == "read as: poodles as dog, trees as tree"
    assert reading.to_dict() == {"read_as": {"poodles": "dog", "trees": "tree"}}


def test_words_without_a_detector_are_read_as_the_object_class_that_they_name():
    vocabulary = Vocabulary((*SPECIALS, "a", "poodle", "puppies", "dogs", "sofa", "red", "tree"))
    reading = read_sentence("a red poodle, puppies, dogs, lorries on a sofa", vocabulary, max_words=24)
    detected = read_as_detected(reading, {"dog", "red"})
    assert detected.read_as == {"poodle": "dog", "puppies": "dog"}  # "dogs" are detected, and no couch is
    assert detected.content_words == ("red", "dog", "dogs", "sofa")
    assert (detected.tokens, detected.unknown_words) == (reading.tokens, reading.unknown_words)


def test_other_words_are_left_out_by_name():
    reading = read("a red xyzzy & a qwertz xyzzy")
    assert reading.unknown_words == ("xyzzy", "qwertz")
    assert reading.note == "not known, left out: xyzzy, qwertz"
    assert reading.content_words == ("red",)
    reading.require_content()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("xyzzy", "not known: xyzzy; describe what a photo shows in other English words"),
        ("the gras", r"not known: gras \(did you mean 'grass'\?\); describe"),
        ("on a &", "'on a &' names nothing that a photo can show; describe"),
        ("", "'' names nothing"),
        ("🐶", "'🐶' names nothing"),
        ("()", r"'\(\)' names nothing"),
        ("(xyzzy)", "not known: xyzzy;"),
        ("on <unk>", "names nothing|not known"),
    ],
)
def test_nothing_to_look_for_is_refused(text: str, message: str):
    with pytest.raises(UsageError, match=message):
        read(text).require_content()


@pytest.mark.parametrize(
    "text", ["a dog (red) {on} [grass]", "(a dog red) on grass :)", "a dog -LRB- red -rsb- on grass -lcb-"]
)
def test_brackets_are_no_words(text: str):
    vocabulary = Vocabulary((*VOCABULARY.words, "-lrb-", "-rrb-"))
    reading = read_sentence(text, vocabulary, max_words=5)
    assert reading.tokens == reading.words == ("a", "dog", "red", "on", "grass")
    assert reading.note == ""


def test_long_sentences_are_cut():
    assert read("a red xyzzy", max_words=2).unknown_words == ()


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("ponies", "pony"),
        ("foxes", "fox"),
        ("dogs", "dog"),
        ("running", "run"),
        ("riding", "ride"),
        ("jumped", "jump"),
        ("dog", "dogs"),
        ("ride", "riding"),
    ],
)
def test_inflections(word: str, form: str):
    assert form in inflections(word)


def test_the_list_names_words_once_and_never_themselves():
    lines = PATH.read_text("utf-8").splitlines()
    words = [line.partition(": ")[0] for line in lines]
    assert words == sorted(set(words))
    for line in lines:
        word, _, similar = line.partition(": ")
        assert similar
        assert word not in similar.split()


@pytest.mark.parametrize(
    ("word", "known", "read_as"),
    [
        ("lorry", {"truck", "wagon"}, "truck"),
        ("lorries", {"truck", "wagon"}, "truck"),
        ("smartphones", {"phone"}, "phone"),
        ("firemen", {"person", "men"}, "person"),
        ("hotdog", {"dog"}, None),
    ],
)
def test_names_of_objects_are_read_as_their_class(word: str, known: set[str], read_as: str | None):
    assert similar_word(word, known) == read_as


def test_a_tulip_is_a_flower():
    assert similar_word("tulip", {"flower", "tree"}) in ("flower", "tree")
    assert similar_word("poodle", {"cat", "dog"}) == "dog"
    assert similar_word("xyzzy", {"dog"}) is None
