from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from training_runs import configured

from seetell.errors import DataError, RecipeError
from seetell.tasks.segmentation.data import VOID, read_label_map
from seetell.tasks.segmentation.train import Training


def training(recipe: dict[str, Any], **section: Any) -> Training:
    config = Training.complete(configured(recipe, segmentation=section))
    return Training(config, Training.read(config))


def test_classes_come_from_the_data_set(recipe: dict[str, Any]):
    assert Training.complete(configured(recipe)).section.labels == ("sky", "grass", "red thing")


def test_classes_must_be_named(recipe: dict[str, Any], scenes, tmp_path):
    for entry in scenes.iterdir():
        if entry.is_dir():
            (tmp_path / entry.name).symlink_to(entry)
    with pytest.raises(DataError, match="names no classes"):
        Training.complete(configured(recipe, data={"path": str(tmp_path)}))


def test_label_maps_follow_their_images(recipe: dict[str, Any]):
    """Wherever a crop lies, mirrored or not and at any scale, the red pixels are those labelled as the red thing."""
    made = training(recipe, crop=[64, 96], scale=[0.5, 1.5])
    for step in range(4):
        images, labels = made.batch(step)
        assert images.shape == (4, 3, 64, 96)
        assert labels.shape == (4, 64, 96)
        pixels = made.encoder.preprocessing.restore(images.numpy()).astype(int)
        red = (pixels[:, 0] - pixels[:, 1] > 90).astype(int)
        known = labels.numpy() != VOID
        wrong = (red != (labels.numpy() == 2)) & known
        assert wrong.sum() < 0.03 * known.sum()  # edges are blurred
        assert (labels == VOID).any()


def test_void_is_not_learnt(recipe: dict[str, Any]):
    made = training(recipe)
    images, labels = made.batch(0)
    (term,) = made.loss(0, (images, labels))
    assert term.items == (labels != VOID).sum()
    other = labels.clone()
    other[:, :10] = VOID
    (fewer,) = made.loss(0, (images, other))
    assert fewer.items < term.items
    nothing = torch.full_like(labels, VOID)
    (none,) = made.loss(0, (images, nothing))
    assert none.mean.item() == 0


def test_rare_classes_may_count_more(recipe: dict[str, Any], scenes):
    made = training(recipe, class_balance=1.0)
    dataset = Training.read(made.config)
    counts = sum(
        np.bincount(read_label_map(image, dataset.classes).ravel(), minlength=256)[:3]
        for image in dataset.split("train")
    )
    frequency = counts / counts.sum()  # every scene has all three
    np.testing.assert_allclose(made._weights, np.median(frequency) / frequency, rtol=1e-6)
    np.testing.assert_allclose(
        training(recipe, class_balance=0.5)._weights, (np.median(frequency) / frequency) ** 0.5, rtol=1e-6
    )
    assert training(recipe)._weights.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segmentation": {"crop": [64, 65]}}, "multiples of 32"),
        ({"segmentation": {"scale": [2.0, 1.0]}}, "the least first"),
        ({"segmentation": {"class_balance": 2}}, "from 0 to 1"),
        ({"segmentation": {"labels": ["a", "a"]}}, "different classes"),
        ({"segmentation": {"labels": [str(number) for number in range(256)]}}, "at most 255"),
        ({"segmentation": {"channels": []}}, "positive numbers"),
        ({"encoder": {"cache": "features"}}, "leave it empty"),
        ({"data": {"crop": True}}, r"segmentation\.crop"),
        ({"data": {"augmentation": {"rotation": 5}}}, r"segmentation\.crop"),
        ({"segmentation": {"modle": "unet"}}, "Did you mean 'model'"),
    ],
)
def test_what_contradicts_is_refused(recipe: dict[str, Any], changes: dict[str, Any], message: str):
    with pytest.raises(RecipeError, match=message):
        configured(recipe, **changes)


def test_frozen_stages_are_not_trained(recipe: dict[str, Any]):
    made = training(recipe, frozen_stages=2)
    (phase,) = made.phases()
    made.begin(phase)
    frozen = [parameter.requires_grad for parameter in made.encoder.first_stages(2).parameters()]
    assert frozen
    assert not any(frozen)
    assert all(parameter.requires_grad for parameter in phase.optimisers["encoder"].parameters)
