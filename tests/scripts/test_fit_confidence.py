from __future__ import annotations

import json
from pathlib import Path

import fit_confidence
import numpy as np
import pytest
from dev_photos import DevPhoto, false_things

from seetell.results import Caption, Word
from seetell.tasks.captioning.confidence import Calibration, logit


def rated(count: int = 200) -> list[object]:
    """Photos of which half show a dog on grass; the sentence always says so, the tags know better."""
    rng = np.random.default_rng(0)
    items = []
    for number in range(count):
        there = bool(rng.random() < 0.5)
        photo = DevPhoto(
            Path(f"{number}.jpg"),
            everyday=number % 2 == 0,
            references=("a dog on the lawn",) if there else ("a cat in a kitchen",),
            boxed=frozenset({"dog"} if there else {"cat"}) if number % 4 == 0 else None,
        )
        spoken = tuple(Word(word, -0.5) for word in ("a", "dog", "on", "grass"))
        caption = Caption("a dog on grass", spoken, float(rng.normal(-2, 0.1)), "tiny")
        sign = 1 if there else -1
        presence = {"dog": sign + float(rng.normal()), "cat": -sign + float(rng.normal())}
        words = {"grass": 0.6 if there else 0.05, "kitchen": 0.05 if there else 0.6, "red": 0.5}
        items.append(fit_confidence.Rated(photo, caption, presence, dict.fromkeys(presence, 1.0), words))
    return items


def test_a_regression_is_recovered():
    rng = np.random.default_rng(1)
    rows = [{"presence": float(value), "logprob": float(other)} for value, other in rng.normal(3, 2, (4000, 2))]
    likely = [1 / (1 + np.exp(-(2 * row["presence"] - 5))) for row in rows]
    found = fit_confidence.fit(rows, [bool(rng.random() < each) for each in likely], [1.0] * len(rows))
    assert found.weights["presence"] == pytest.approx(2, abs=0.35)
    assert found.weights["logprob"] == pytest.approx(0, abs=0.1)
    assert found.intercept == pytest.approx(-5, abs=0.9)


def test_it_fits_and_writes_a_bundle_s_confidence(tmp_path: Path):
    items = rated()
    calibration = fit_confidence.calibrate(items, frozenset({"grass", "kitchen"}))
    sure = np.array([calibration.confidence(fit_confidence.evidence_of(item, calibration.words)) for item in items])
    true = np.array([not any(false_things(item.caption.text, item.photo, calibration.words)) for item in items])
    assert fit_confidence.auc(sure, true) > 0.95
    assert calibration.object({"presence": 3.0}) > 0.8 > 0.2 > calibration.object({"presence": -3.0})
    assert calibration.scene({"probability": logit(0.6)}) > 0.8
    description = tmp_path / "model.json"
    description.write_text(json.dumps({"name": "tiny", "settings": {"decoding": {}}}))
    fit_confidence.write(description, calibration)
    settings = json.loads(description.read_text())["settings"]
    assert settings["photos_only"] is True
    assert settings["decoding"] == {}
    read = Calibration.from_dict(settings["confidence"])
    assert read.words == pytest.approx(calibration.words, rel=1e-4)
    assert read.objects.intercept == pytest.approx(calibration.objects.intercept, rel=1e-4)


def test_a_sentence_is_true_if_boxes_or_references_support_it():
    photo = DevPhoto(Path("a.jpg"), True, ("People walk along a busy road.",), frozenset({"car"}))
    things = frozenset({"street", "beach", "lights"})
    assert false_things("a man by a car on a street", photo, things) == (set(), set())
    assert false_things("a dog on the beach", photo, things) == ({"dog"}, {"beach"})
    lit = DevPhoto(Path("b.jpg"), True, ("a light",), None)
    assert false_things("lights", lit, things) == (set(), set())


def test_bins_are_of_equal_width():
    found = fit_confidence.bins(np.array([0.05, 0.08, 0.95, 1.0]), np.array([False, True, True, True]))
    assert found == [(pytest.approx(0.065), 0.5, 2), (pytest.approx(0.975), 1.0, 2)]


def test_the_area_under_the_curve_counts_ties_half():
    assert fit_confidence.auc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(
        3.5 / 4
    )


def test_what_is_added_to_a_word_tells_how_true_it_is():
    """Grass is there less often than its detector says, the kitchen as often; a word that is never likely stays."""
    rng, items = np.random.default_rng(0), []
    for number in range(600):
        likely = {"grass": float(rng.uniform(0.1, 0.9)), "kitchen": float(rng.uniform(0.1, 0.9)), "beach": 0.01}
        seen = [word for word in ("grass", "kitchen") if rng.random() < likely[word] * (0.4 if word == "grass" else 1)]
        photo = DevPhoto(Path(f"{number}.jpg"), number % 2 == 0, (" ".join(["a", *seen]),), None)
        caption = Caption("", (), -1.0, "tiny")
        items.append(fit_confidence.Rated(photo, caption, {}, {}, likely))
    shifts = fit_confidence.word_shifts(items, frozenset({"grass", "kitchen", "beach"}))
    assert shifts["grass"] < -0.5 < 0 < shifts["kitchen"]
    assert shifts["beach"] == 0
