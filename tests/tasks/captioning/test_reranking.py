from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

import seetell
from seetell.errors import BundleError, UsageError
from seetell.language.decoding import Hypothesis
from seetell.runtime.bundle import Bundle, read_description
from seetell.runtime.file_hashes import file_hash
from seetell.tasks.captioning.reranking import Reranker, most_probable
from seetell.tasks.loading import load

RED = {"pooled": np.array([[1, 0, 0]], np.float32), "grid": np.tile(np.float32([1, 0, 0]), (1, 16, 1))}
GRAPHS = ("image_embedding", "sentence_embedding")
ALIGNER = {"aligner": 1.0, "objects": 0.0, "things": 0.0}
CALIBRATION = {
    "objects": {"intercept": 0.0, "weights": {"presence": 1.0}},
    "things": {"intercept": 0.0, "weights": {"probability": 1.0}},
    "object": {"intercept": 0.0, "weights": {"presence": 1.0}},
    "scene": {"intercept": 0.0, "weights": {"probability": 1.0}},
    "words": {"grass": 0.0, "sea": 0.0},
}
TAGGER = SimpleNamespace(objects=("person", "dog"), words=("grass", "sea"))


def photo(*, dog: float = 3.0, grass: float = 0.999, sea: float = 0.999) -> dict[str, np.ndarray]:
    """A red photo, with the logit of a dog's presence and the probabilities of two words."""
    return {
        "pooled": np.float32([[1, 0, 0]]),
        "grid": np.tile(np.float32([1, 0, 0]), (1, 16, 1)),
        "presence": np.float32([[3.0, dog]]),
        "words": np.float32([[grass, sea]]),
    }


def write_reranked(folder: Path, weights: object) -> Path:
    """A captioner beside an aligner that knows red, green and blue."""
    aligner = write_tiny_aligner(folder / "colours")
    captioner = write_tiny_bundle(folder / "tiny")
    own, graphs = read_description(captioner), read_description(aligner)["graphs"]
    own["graphs"] |= {name: graphs[name] for name in GRAPHS}
    own["shared"] = {
        name: {"model": "colours", "sha256": {"fp32": file_hash(aligner / f"{name}.onnx")}} for name in GRAPHS
    }
    own["settings"] |= {"reranking": weights, "confidence": CALIBRATION}
    (captioner / "model.json").write_text(json.dumps(own), encoding="utf-8")
    return captioner


@pytest.fixture
def rerank(tmp_path: Path) -> Callable[..., list[str]]:
    """Return what is chosen among sentences of one photo, given as text and score."""

    def chosen(weights: dict[str, float], features: dict[str, np.ndarray], *sentences: tuple[str, float]) -> str:
        bundle = Bundle.load(write_reranked(tmp_path / str(len(list(tmp_path.iterdir()))), weights))
        ranked = [[said(bundle, *sentence) for sentence in sentences]]
        (best,) = Reranker(bundle, TAGGER, threads=1)(ranked, features)
        assert most_probable(ranked, features) == [ranked[0][0]]
        return " ".join(bundle.require_vocabulary().decode(best.tokens))

    return chosen


def said(bundle: Bundle, words: str, score: float) -> Hypothesis:
    tokens = tuple(bundle.require_vocabulary().encode(words.split()))
    return Hypothesis(tokens, (-0.5,) * len(tokens), score * (len(tokens) + 1), score)


@pytest.mark.parametrize(("weight", "chosen"), [(0.0, "a blue ball"), (0.001, "a blue ball"), (1.0, "a red ball")])
def test_what_the_aligner_finds_fitting_is_told_if_that_weighs_enough(rerank, weight: float, chosen: str):
    sentences = ("a blue ball", -1.0), ("a red ball", -1.1), ("a child", -1.05)
    assert rerank({**ALIGNER, "aligner": weight}, photo(), *sentences) == chosen


@pytest.mark.parametrize(
    ("weights", "features", "chosen"),
    [
        ({"objects": 1.0, "things": 0.0}, photo(dog=-4.0), "a child runs"),
        ({"objects": 1.0, "things": 0.0}, photo(dog=3.0), "a dog runs"),
        ({"objects": 0.01, "things": 1.0}, photo(dog=-4.0), "a dog runs"),
    ],
)
def test_object_classes_that_are_hardly_there_are_not_told(rerank, weights, features, chosen: str):
    assert rerank({"aligner": 0.0, **weights}, features, ("a dog runs", -1.0), ("a child runs", -1.2)) == chosen


@pytest.mark.parametrize(("things", "chosen"), [(1.0, "a dog on sea"), (0.0, "a dog on grass")])
def test_other_things_that_are_hardly_there_are_not_told(rerank, things: float, chosen: str):
    weights = {"aligner": 0.0, "objects": 1.0, "things": things}
    features = photo(grass=0.05, sea=0.9)
    assert rerank(weights, features, ("a dog on grass", -1.0), ("a dog on sea", -1.2)) == chosen


@pytest.mark.parametrize(
    ("length", "chosen"), [({}, "a child runs"), ({"length": -0.15}, "a child"), ({"length": 0.15}, "a child runs")]
)
def test_short_sentences_may_be_favoured(rerank, length: dict[str, float], chosen: str):
    weights = {"aligner": 0.0, "objects": 0.0, "things": 0.0, **length}
    assert rerank(weights, photo(), ("a child runs", -1.0), ("a child", -1.1)) == chosen


def test_each_image_gets_one_of_its_own_sentences(tmp_path: Path):
    bundle = Bundle.load(write_reranked(tmp_path, ALIGNER))
    red, blue, alone = said(bundle, "red", -1.0), said(bundle, "blue", -1.0), said(bundle, "blue dog", -9.0)
    features = {
        "pooled": np.float32([[1, 0, 0], [0, 0, 1], [1, 0, 0]]),
        "grid": np.zeros((3, 16, 3), np.float32),
        "presence": np.zeros((3, 2), np.float32),
        "words": np.full((3, 2), 0.5, np.float32),
    }
    rerank = Reranker(bundle, TAGGER, threads=1)
    assert rerank([[blue, red], [red, blue], [alone]], features) == [red, blue, alone]
    assert rerank([[blue], [red], [alone]], {}) == [blue, red, alone]  # nothing to choose, so nothing is embedded


def test_sentences_that_fit_equally_keep_the_order_of_the_beam(rerank):
    assert rerank(ALIGNER, photo(), ("a child", -1.0), ("a child runs", -1.0)) == "a child"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({**ALIGNER, "aligner": "much"}, "expected numbers, got 'much' as aligner"),
        ({**ALIGNER, "things": float("inf")}, "expected numbers, got inf as things"),
        ({**ALIGNER, "length": None}, "expected numbers, got None as length"),
        ({"aligner": 1.0}, "lacks 'objects'"),
        ({**ALIGNER, "lenght": 0.1}, "unknown weight 'lenght'"),
        (0.1, "not a mapping"),
    ],
)
def test_weights_are_numbers(tmp_path: Path, weights: object, message: str):
    bundle = Bundle.load(write_reranked(tmp_path, weights))
    with pytest.raises(BundleError, match=f"reranking.*{message}"):
        Reranker(bundle, TAGGER, threads=1)


def test_an_aligner_that_was_exported_anew_is_refused(tmp_path: Path):
    captioner, aligner = write_reranked(tmp_path, ALIGNER), tmp_path / "colours"
    with (aligner / "sentence_embedding.onnx").open("ab") as file:
        file.write(b"\x00")
    description = read_description(aligner)
    description["files"]["sentence_embedding.onnx"] = file_hash(aligner / "sentence_embedding.onnx")
    (aligner / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="was made for another sentence_embedding"):
        Bundle.load(captioner)


def test_a_model_without_an_aligner_cannot_rerank(tiny_bundle: Path):
    captioner = load(tiny_bundle, threads=1)
    assert not captioner.reranks
    with pytest.raises(UsageError, match=r"has no aligner.*everyday-transformer"):
        captioner.bind(rerank=True)
    assert captioner.caption(Image.new("RGB", (20, 10), (255, 0, 0)), rerank=False).text


@pytest.mark.slow
def test_the_bundled_captioner_tells_what_fits_and_can_tell_the_most_probable():
    captioner = seetell.load(threads=1)
    examples = sorted((Path(__file__).parents[3] / "examples").glob("*.jpg"))[:6]
    told = [caption.text for caption in captioner.caption_many(examples)]
    features = captioner.features([captioner.prepare(path) for path in examples])
    probable = [caption.text for caption in captioner.decoder.captions(features, captioner.decoding)]
    assert told != probable
    assert probable == [caption.text for caption in captioner.caption_many(examples, rerank=False)]
    for wrong in ({"sample": True}, {"method": "sample"}):
        with pytest.raises(UsageError, match="sample draws one caption and rerank chooses among several"):
            captioner.check(rerank=True, **wrong)
    words = captioner.bundle.require_vocabulary().decode(captioner.sentence(examples[0]))
    assert told[0] == " ".join(words)  # what is explained is what is told
