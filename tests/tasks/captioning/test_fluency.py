"""Sentences that are not told: words in an order that nobody writes, and colours of photos that have others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_bundle import write_tiny_bundle

import seetell
from seetell.errors import BundleError
from seetell.language.class_trigrams import WordClasses, save_trigrams
from seetell.language.hypotheses import Beams
from seetell.language.vocabulary import END, SPECIALS, START, Vocabulary
from seetell.runtime.bundle import Bundle
from seetell.runtime.file_hashes import file_hash
from seetell.tasks.captioning.fluency import Fluency

EXAMPLES = Path(__file__).parents[3] / "examples"
WORDS = ("a", "dog", "white", "red", "photo", "of")


def add_fluency(folder: Path, sentences: list[str], **setting: Any) -> Path:
    """Give a bundle a model in which each word is of a class of its own."""
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    classes = np.arange(len(vocabulary))
    classes[START] = END
    words = WordClasses(classes, np.zeros(len(vocabulary), bool), 2)
    counts = words.count_trigrams([vocabulary.encode(sentence.split()) for sentence in sentences * 4])
    save_trigrams(folder / "trigrams.npz", words, counts)
    description = json.loads((folder / "model.json").read_text())
    description["settings"]["fluency"] = {"file": "trigrams.npz", "min_logprob": -2.0, "weight": 0.5} | setting
    description["files"]["trigrams.npz"] = file_hash(folder / "trigrams.npz")
    (folder / "model.json").write_text(json.dumps(description))
    return folder


def beams(vocabulary: Vocabulary, *sentences: str) -> Beams:
    tokens = np.array([vocabulary.encode(sentence.split()) for sentence in sentences], np.int64)
    return Beams(np.arange(len(tokens)), tokens, np.zeros(tokens.shape))


def test_what_is_improbable_costs_what_is_usual_does_not(tmp_path: Path):
    bundle = Bundle.load(add_fluency(write_tiny_bundle(tmp_path / "tiny"), ["a dog runs on grass"]))
    vocabulary = bundle.require_vocabulary()
    penalty = Fluency(bundle).penalty(beams(vocabulary, "a dog", "on a"), np.array([False, False]))
    runs, sea = vocabulary.encode(["runs", "sea"])
    assert penalty[0, runs] == 0
    assert 0 < penalty[0, sea] < 5
    twice = Fluency(Bundle.load(add_fluency(tmp_path / "tiny", ["a dog runs on grass"], weight=1.0)))
    assert twice.penalty(beams(vocabulary, "a dog"), np.array([False]))[0] == pytest.approx(2 * penalty[0])


def test_pictures_with_colours_are_not_called_by_them(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "tiny")
    vocabulary = Vocabulary((*SPECIALS, *WORDS, "child"))
    vocabulary.save(folder / "vocabulary.json")
    description = json.loads((folder / "model.json").read_text())
    description["vocabulary"] |= {"sha256": vocabulary.hash, "size": len(vocabulary)}
    (folder / "model.json").write_text(json.dumps(description))
    fluency = Fluency(Bundle.load(add_fluency(folder, ["a red photo of a dog"])))
    said = beams(vocabulary, "a red", "a white", "a red", "a white", "a dog")
    penalty = fluency.penalty(said, np.array([True, True, False, False, True]))
    photo, dog = vocabulary.encode(["photo", "dog"])
    assert np.isinf(penalty[:, photo]).tolist() == [True, True, True, False, False]
    assert np.isfinite(penalty[:, dog]).all()


def test_a_captioner_tells_what_is_usual(tmp_path: Path):
    plain = write_tiny_bundle(tmp_path / "plain")
    photo = EXAMPLES / "dog.jpg"
    usual = "a dog runs on grass"
    assert seetell.load(plain).caption(photo).text != usual
    captioner = seetell.load(add_fluency(write_tiny_bundle(tmp_path / "usual"), [usual], min_logprob=-0.5, weight=20.0))
    assert captioner.caption(photo).text == usual
    assert captioner.caption(photo, fluency=False).text == seetell.load(plain).caption(photo).text


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"file": "none.npz"}, "none.npz: cannot be read"),
        ({"file": "../trigrams.npz"}, "plain names inside the model folder"),
        ({"file": "vocabulary.json"}, "cannot be read"),
        ({"file": 3}, "expected the name of a file"),
        ({"min_logprob": "low"}, "expected a number"),
        ({"weight": None}, "expected a number"),
        ({"weight": True}, "expected a number"),
        ({"weight": -1}, "expected a number from 0 to 100"),
        ({"weight": 1e308}, "expected a number from 0 to 100"),
        ({"min_logprob": 1e300}, "expected a number from -100 to 0"),
    ],
)
def test_a_damaged_setting_is_refused(tmp_path: Path, setting: dict[str, Any], said: str):
    folder = add_fluency(write_tiny_bundle(tmp_path / "tiny"), ["a dog"], **setting)
    with pytest.raises(BundleError, match=said):
        seetell.load(folder)


def test_a_model_of_other_words_is_refused(tmp_path: Path):
    folder = add_fluency(write_tiny_bundle(tmp_path / "tiny"), ["a dog"])
    save_trigrams(folder / "trigrams.npz", WordClasses(np.zeros(5), np.zeros(1), 2), np.full((1, 1, 1), 2))
    with pytest.raises(BundleError, match="classes of 14 words"):
        seetell.load(folder)


def test_pieces_of_words_have_no_classes(tmp_path: Path):
    folder = add_fluency(write_tiny_bundle(tmp_path / "tiny"), ["a dog"])
    vocabulary = Vocabulary(Vocabulary.load(folder / "vocabulary.json").words, pieces=True)
    vocabulary.save(folder / "vocabulary.json")
    description = json.loads((folder / "model.json").read_text())
    description["vocabulary"] |= {"sha256": vocabulary.hash, "size": len(vocabulary)}
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="models that write in words"):
        seetell.load(folder)


def test_features_that_say_nothing_of_colours_count_as_coloured(tmp_path: Path):
    captioner = seetell.load(add_fluency(write_tiny_bundle(tmp_path / "tiny"), ["a dog"]), threads=1)
    features = captioner.features([captioner.prepare(EXAMPLES / "dog.jpg")])
    (told,) = captioner.decoder.captions(features, captioner.decoding)
    del features["coloured"]
    assert captioner.decoder.captions(features, captioner.decoding)[0].text == told.text


@pytest.mark.slow
def test_only_a_grey_photo_is_black_and_white(tmp_path: Path):
    captioner = seetell.load(threads=1)
    with Image.open(EXAMPLES / "gate.jpg") as photo:
        grey = photo.convert("L").convert("RGB")
        found = captioner.features([captioner.prepare(each) for each in (photo.convert("RGB"), grey)])
    assert found["coloured"].tolist() == [True, False]
    vocabulary = captioner.bundle.require_vocabulary()
    said = ["a", "black", "and", "white", "photo", "of", "a", "man"]
    fluency = Fluency(captioner.bundle)
    penalties = fluency.penalty(
        Beams(np.arange(2), np.array([vocabulary.encode(said[:4])] * 2), np.zeros((2, 4))), found["coloured"]
    )
    (word,) = vocabulary.encode(["photo"])
    assert penalties[:, word].tolist() == [np.inf, 0]
