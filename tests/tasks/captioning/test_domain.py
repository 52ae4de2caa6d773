"""What may be named of an image depends on whether it is of the domain that taught the captioner."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime.tiny_bundle import write_tiny_bundle
from runtime.tiny_tagger import DETECTED, add_tagger

import seetell
from seetell.errors import BundleError
from seetell.language.object_names import objects_named
from seetell.language.tokenizer import tokenize
from seetell.logistic import sigmoid
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.tasks.captioning.domain import Domain

CAT = Path(__file__).parents[3] / "examples" / "cat.jpg"
COEFFICIENTS = {"dog": 4.0, "grass": 2.0, "ball": 0.0, "sea": -3.0}
DOMAIN = {"words": COEFFICIENTS, "bias": -1.0, "in_domain": 3.0, "out_of_domain": -1.0, "certain": 5.0}


def with_domain(folder: Path, **changes: Any) -> Path:
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["settings"]["domain"] = description["settings"].get("domain", DOMAIN) | changes
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    return folder


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    return add_tagger(write_tiny_bundle(tmp_path / "tiny"))


def test_presence_moves_with_the_probability_of_the_domain(tagged: Path):
    domain = Domain(Bundle.load(with_domain(tagged)), DETECTED)
    words = np.array([[1, 1, 0.3, 0], [0, 0, 0.9, 1], [0.25, 0, 0.5, 0]], np.float32)
    logits = np.array([5.0, -4.0, 0.0])
    assert domain.probability(words) == pytest.approx(sigmoid(logits))
    presence = np.array([[0.0, -2.0], [1.0, 3.0], [0.5, 0.0]], np.float32)
    moved = domain.presence(presence, words)
    assert moved.dtype == np.float32
    assert moved[2].tolist() == [1.5, 1.0]  # half-way between the two
    assert moved - presence == pytest.approx(np.repeat(4 * sigmoid(logits)[:, None] - 1, 2, axis=1), abs=1e-6)


def test_what_is_certain_is_raised_but_not_lowered(tagged: Path):
    domain = Domain(Bundle.load(with_domain(tagged, certain=0.5)), DETECTED)
    presence, words = np.array([[0.4, 0.6, 2.0]] * 2, np.float32), np.array([[1, 1, 0, 0], [0, 0, 0, 1]], np.float32)
    known, other = domain.presence(presence, words)
    assert known == pytest.approx(presence[0] + 4 * sigmoid(5.0) - 1)
    assert other == pytest.approx([0.4 + 4 * sigmoid(-4.0) - 1, 0.6, 2.0])


def test_coefficients_belong_to_words_in_any_order(tagged: Path):
    words = np.array([[0.1, 0.2, 0.3, 0.4]])
    reordered = dict(sorted(COEFFICIENTS.items()))
    probabilities = [
        Domain(Bundle.load(with_domain(tagged, words=each)), DETECTED).probability(words)
        for each in (COEFFICIENTS, reordered)
    ]
    assert probabilities[0] == probabilities[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": {"dog": 1.0}}, "settings.domain has no coefficient of 'ball', but needs one of each of the 4 words"),
        ({"words": COEFFICIENTS | {"cat": 1.0}}, "settings.domain has a coefficient of 'cat'"),
        ({"words": {"cat": 1.0} | dict.fromkeys(DETECTED[1:], 1.0)}, "has a coefficient of 'cat'"),
        ({"words": [4.0, 2.0, 0.0, -3.0]}, "a coefficient for each word"),
        ({"words": COEFFICIENTS | {"dog": True}}, "numbers from -1000 to 1000, got True as dog"),
        ({"in_domain": "far"}, "numbers from -1000 to 1000, got 'far' as in_domain"),
        ({"bias": 1e9}, "numbers from -1000 to 1000"),
        ({"sharpness": 2.0}, "unknown field 'sharpness'"),
    ],
)
def test_a_setting_that_does_not_fit_is_an_error(tagged: Path, changes: dict[str, Any], message: str):
    with pytest.raises(BundleError, match=message):
        Domain(Bundle.load(with_domain(tagged, **changes)), DETECTED)


def test_a_model_that_reads_no_presence_has_no_domain(tagged: Path):
    with pytest.raises(BundleError, match=r"settings\.domain is for models that read presence and words"):
        seetell.load(str(with_domain(tagged)), threads=1)


@pytest.mark.slow
@pytest.mark.parametrize("far", [-100.0, 100.0])
def test_the_bundled_captioner_names_what_the_domain_lets_it(tmp_path: Path, far: float):
    folder = shutil.copytree(bundled_models()["everyday-transformer"], tmp_path / "everyday")
    with_domain(folder, in_domain=far, out_of_domain=far, certain=100.0)
    told = seetell.load(str(folder), threads=1).caption(CAT).text
    assert bool(objects_named(tokenize(told))) == (far > 0)
