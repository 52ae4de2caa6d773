from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seetell.language.class_trigrams import ClassTrigrams, WordClasses, save_trigrams
from seetell.language.vocabulary import END, SPECIALS, Vocabulary

VOCABULARY = Vocabulary((*SPECIALS, "a", "red", "and", "dog", "dogs", "two", "large", "runs"))
CLASSES = {"end": ["<end>", "<start>"], "a": ["a"], "two": ["two"], "modifier": ["red", "large"], "and": ["and"]}
CLASSES |= {"dog": ["dog"], "dogs": ["dogs"], "runs": ["runs"], "unknown": ["<unk>"]}
NAMES = list(CLASSES)


def word_classes() -> WordClasses:
    classes = np.array(
        [next(NAMES.index(name) for name in NAMES if word in CLASSES[name]) for word in VOCABULARY.words]
    )
    return WordClasses(classes, np.array([name == "modifier" for name in NAMES]), VOCABULARY.encode(["and"])[0])


def ids(*sentences: str) -> list[list[int]]:
    return [VOCABULARY.encode(sentence.split()) for sentence in sentences]


@pytest.mark.parametrize(
    ("said", "first", "second"),
    [
        ("", "end", "end"),
        ("a", "end", "a"),
        ("a dog", "a", "dog"),
        ("red", "end", "modifier"),
        ("a red", "a", "modifier"),
        ("two large red", "two", "modifier"),
        ("dog a large and red", "a", "modifier"),
        ("large and red", "end", "modifier"),
        ("a dog and red", "and", "modifier"),
        ("a red dog", "modifier", "dog"),
        ("a red dog and", "dog", "and"),
    ],
)
def test_modifiers_before_the_last_one_are_skipped(said: str, first: str, second: str):
    found = word_classes().history(np.array(ids(said), np.int64).reshape(1, -1))
    assert [NAMES[int(number[0])] for number in found] == [first, second]


def test_trigrams_are_counted_with_the_end_of_each_sentence():
    counts = word_classes().count_trigrams(ids("a red dog runs", "a dog"))
    counted = {
        tuple(NAMES[part] for part in place): int(counts[place]) for place in zip(*np.nonzero(counts), strict=True)
    }
    assert counted == {
        ("end", "end", "a"): 2,
        ("end", "a", "modifier"): 1,
        ("end", "a", "dog"): 1,
        ("a", "modifier", "dog"): 1,
        ("modifier", "dog", "runs"): 1,
        ("dog", "runs", "end"): 1,
        ("a", "dog", "end"): 1,
    }


def test_probabilities_are_those_of_witten_and_bell():
    words = word_classes()
    counts = words.count_trigrams(ids("a red dog", "a red dog", "two red dogs"))
    model = ClassTrigrams(words, counts)
    assert np.exp(model.logprobs).sum(axis=2) == pytest.approx(1, abs=1e-5)
    a, modifier, dog, dogs = (NAMES.index(name) for name in ("a", "modifier", "dog", "dogs"))
    classes = (counts.sum(axis=(0, 1)) + 6 / 9) / (counts.sum() + 6)
    after_modifier = (2 + 2 * classes[dog]) / (3 + 2)  # two kinds of words in three places
    assert np.exp(model.logprobs[a, modifier, dog]) == pytest.approx((2 + 1 * after_modifier) / (2 + 1))
    assert np.exp(model.logprobs[a, modifier, dogs]) == pytest.approx((1 + 2 * classes[dogs]) / 5 / 3)


def test_words_have_the_value_of_their_class():
    words = word_classes()
    model = ClassTrigrams(words, words.count_trigrams(ids("a red dog", "two dogs")))
    values = words.values(model.logprobs, np.array(ids("a large", "two large"), np.int64))
    assert values.shape == (2, len(VOCABULARY))
    dog, end = VOCABULARY.encode(["dog"])[0], END
    assert values[0, dog] == model.logprobs[NAMES.index("a"), NAMES.index("modifier"), NAMES.index("dog")]
    assert values[1, end] == model.logprobs[NAMES.index("two"), NAMES.index("modifier"), NAMES.index("end")]


def test_what_occurs_once_is_left_out_and_counts_are_rounded(tmp_path: Path):
    words = word_classes()
    counts = words.count_trigrams(ids("a dog", *["a red dog"] * 3, *["two dogs"] * 100))
    save_trigrams(tmp_path / "trigrams.npz", words, counts)
    read = ClassTrigrams.load(tmp_path / "trigrams.npz", vocabulary_size=len(VOCABULARY), conjunction=words.conjunction)
    rounded = np.where(counts > 1, 2 ** (np.round(2 * np.log2(np.maximum(counts, 1))) / 2), 0)
    assert read.logprobs == pytest.approx(ClassTrigrams(words, rounded).logprobs, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"classes": np.zeros(3, np.uint8)}, "of 11 words"),
        ({"classes": np.full(11, 9, np.uint8)}, "of 11 words"),
        ({"levels": np.zeros((9, 9), np.uint8)}, "no model of word classes"),
        ({"levels": np.zeros((9, 9, 9), np.float32)}, "no model of word classes"),
        ({"levels": np.zeros((9, 9, 9), np.uint8)}, "counted nothing"),
        ({"levels": np.zeros((300, 300, 300), np.uint8)}, "no model of word classes"),
        ({"levels": np.full((9, 9, 9), 81, np.uint8)}, "too much"),
        ({"modifiers": np.array(["a"] * 9)}, "no model of word classes"),
        ({"levels": np.array([{}], object)}, "no model of word classes"),
        ({"levels": None}, "no model of word classes"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, changed: dict[str, np.ndarray | None], said: str):
    words = word_classes()
    arrays = {"classes": words.classes.astype(np.uint8), "modifiers": words.modifiers}
    arrays["levels"] = np.ones((9, 9, 9), np.uint8)
    np.savez_compressed(
        tmp_path / "x.npz", **{name: each for name, each in (arrays | changed).items() if each is not None}
    )
    with pytest.raises(ValueError, match=said):
        ClassTrigrams.load(tmp_path / "x.npz", vocabulary_size=len(VOCABULARY), conjunction=5)


@pytest.mark.slow
def test_any_damage_is_told_or_does_no_harm(tmp_path: Path):
    words, path = word_classes(), tmp_path / "x.npz"
    save_trigrams(path, words, words.count_trigrams(ids(*["a red dog"] * 3, *["two dogs"] * 9)))
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged, place = bytearray(sound), int(rng.integers(len(sound)))
        damaged[place : place + 4] = rng.bytes(4)
        path.write_bytes(damaged)
        try:
            ClassTrigrams.load(path, vocabulary_size=len(VOCABULARY), conjunction=5)
        except (OSError, ValueError):
            refused += 1
    assert refused > 100


def test_an_array_alone_is_refused(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(ValueError, match="no model of word classes"):
        ClassTrigrams.load(tmp_path / "x.npy", vocabulary_size=len(VOCABULARY), conjunction=5)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x93NUMPY"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError):
        ClassTrigrams.load(tmp_path / "x.npz", vocabulary_size=len(VOCABULARY), conjunction=5)
