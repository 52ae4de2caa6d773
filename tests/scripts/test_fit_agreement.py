"""Fitting what phrases may name and how likely regions are right."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import fit_agreement
import numpy as np
import pytest

from seetell.data.records import RegionPhoto, RegionRecord
from seetell.metrics.meteor import Meteor


def photo(*regions: RegionRecord) -> RegionPhoto:
    return RegionPhoto("one", Path("one.jpg"), (100, 50), regions, "train")


def test_a_logistic_regression_is_fitted():
    random = np.random.default_rng(0)
    inputs = random.normal(size=(20_000, 2))
    truth = random.random(20_000) < 1 / (1 + np.exp(-(1.5 * inputs[:, 0] - 0.5 * inputs[:, 1] + 0.3)))
    np.testing.assert_allclose(fit_agreement.logistic(inputs, truth), [1.5, -0.5, 0.3], atol=0.07)


@pytest.mark.usefixtures("no_paraphrases")
def test_a_region_is_right_if_box_and_phrase_are():
    dog = photo(RegionRecord((0.0, 0.0, 50.0, 50.0), ("A brown dog",)))
    near, far = np.array([0.0, 0.0, 0.5, 0.8]), np.array([0.5, 0.0, 1.0, 1.0])
    described = [(dog, "a dog", near), (dog, "a cat", near), (dog, "a dog", far)]
    assert fit_agreement.right(described, Meteor()).tolist() == [True, False, False]


def test_rare_classes_take_after_all():
    regions = [RegionRecord((0.0, 0.0, 50.0, 50.0), ("a man",))] * 60 + [RegionRecord((0.0, 0.0, 9.0, 9.0), ("a dog",))]
    evidence = np.array([[0.35, 0.0, 0.0]] * 60 + [[0.0, 0.3, 0.0]])
    agreement = SimpleNamespace(objects=("person", "dog", "zebra"), evidence=lambda boxes, found: evidence)
    model = SimpleNamespace(agreement=agreement, detect=lambda batch: [None for _ in batch], prepare=lambda path: path)
    person, dog, zebra = fit_agreement.least_evidence(model, [photo(*regions)])
    assert person == pytest.approx(0.35)
    assert dog == pytest.approx(0.3 / 31 + 0.35 * 30 / 31, abs=1e-4)
    assert zebra == pytest.approx(0.35)
