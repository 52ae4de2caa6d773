from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.errors import RecipeError
from seetell.training.augmentation import Augmentation, AugmentationConfig, colour_components, mix_up

MEAN, STD = (10.0, 20.0, 30.0), (2.0, 4.0, 8.0)
SEEDS = np.arange(6)


def pixels(count: int = 6, side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def changed(images: np.ndarray, seeds: np.ndarray = SEEDS, **options) -> np.ndarray:
    """Change images, and undo the normalisation: ``(B, H, W, 3)``."""
    made = Augmentation(AugmentationConfig(**options), mean=MEAN, std=STD, components=np.diag([1.0, 2, 4]))(
        images, seeds
    )
    return (made * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]).permute(0, 2, 3, 1).numpy()


def test_nothing_is_changed_without_options():
    assert not AugmentationConfig().any
    np.testing.assert_allclose(changed(pixels()), pixels(), atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"pad": 2},
        {"scale": [1, 2]},
        {"rotation": 20},
        {"shear": 20},
        {"translation": 0.2},
        {"elastic": 2.0},
        {"colour": 0.5},
        {"cutout": 6},
    ],
    ids=str,
)
def test_changes_follow_from_an_images_seed_alone(options):
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    images = pixels()
    made = changed(images, **options)
    assert AugmentationConfig(**options).any
    assert made.shape == images.shape
    assert (np.abs(made - images).max(axis=(1, 2, 3)) > 0.5).sum() >= 4
    again = changed(images[3:5], SEEDS[3:5], **options)
    np.testing.assert_allclose(again, made[3:5], atol=1e-3)
    other = changed(images, SEEDS + 100, **options)
    assert np.abs(other - made).max() > 0.5


def test_padded_images_are_cropped_without_changing_pixels():
    images = 1 + pixels(count=40) // 2
    made = changed(images, np.arange(40), pad=2).round().astype(int)
    places = set()
    for image, crop in zip(images, made, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
        found = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if (padded[top : top + 16, left : left + 16] == crop).all()
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) > 15


def test_a_quarter_turn_is_the_limit_and_turns_the_picture():
    corner = np.zeros((1, 17, 17, 3), np.uint8)
    corner[:, 2:5, 7:10] = 200  # above the middle
    centres = []
    for seed in range(20):
        made = changed(corner, np.array([seed]), rotation=45.0)[0, :, :, 0]
        rows, columns = np.mgrid[0:17, 0:17]
        centres.append([(made * rows).sum() / made.sum() - 8, (made * columns).sum() / made.sum() - 8])
    angles = np.degrees(np.arctan2([x for _, x in centres], [-y for y, _ in centres]))
    assert np.abs(angles).max() <= 46
    assert angles.min() < -10
    assert angles.max() > 10
    np.testing.assert_allclose(np.hypot(*np.array(centres).T), 5, atol=0.3)


def test_scaled_images_are_crops_of_larger_ones():
    ramp = np.broadcast_to(np.arange(0, 160, 10)[None, None, :, None], (8, 16, 16, 3)).astype(np.uint8)
    made = changed(ramp, np.arange(8), scale=(2.0, 2.0))
    steps = np.diff(made[:, 8, 2:14, 0], axis=1)
    np.testing.assert_allclose(steps, 5, atol=0.1)
    assert (made >= 0).all()


def test_elastic_distortion_has_the_deviation_that_is_asked_for():
    ramp = np.broadcast_to(np.arange(0, 256, 4)[None, None, :, None], (8, 64, 64, 3)).astype(np.uint8)
    moved = (changed(ramp, np.arange(8), elastic=1.5)[:, 8:-8, 8:-8, 0] - ramp[:, 8:-8, 8:-8, 0]) / 4
    assert moved.std() == pytest.approx(1.5, rel=0.3)
    assert np.abs(np.diff(moved, axis=2)).mean() < 0.5  # neighbours move together


def test_colours_move_along_their_components_all_over_an_image():
    made = changed(pixels(count=300), np.arange(300), colour=0.1) - pixels(count=300)
    np.testing.assert_allclose(made, np.broadcast_to(made[:, :1, :1], made.shape), atol=1e-3)
    np.testing.assert_allclose(made[:, 0, 0].std(axis=0), [0.1, 0.2, 0.4], rtol=0.15)


def test_components_of_colours_are_those_of_their_covariance():
    random = np.random.default_rng(0)
    colours = random.normal(100, 5, (4000, 1)) * [1, 1, 1] + random.normal(0, 1, (4000, 3))
    components = colour_components(colours)
    longest = components[:, np.linalg.norm(components, axis=0).argmax()]
    np.testing.assert_allclose(np.abs(longest), np.abs(longest).mean(), rtol=0.05)
    variance = np.linalg.norm(longest) / 255
    assert variance == pytest.approx(np.linalg.eigvalsh(np.cov(colours / 255, rowvar=False)).max(), rel=1e-6)


def test_a_square_of_the_mean_colour_is_cut_out():
    images = np.full((60, 16, 16, 3), 200, np.uint8)
    cut = np.isclose(changed(images, np.arange(60), cutout=6), MEAN, atol=1e-3).all(axis=3)
    areas = cut.sum(axis=(1, 2))
    assert areas.max() == 36
    assert areas.min() >= 9
    assert (areas < 36).any()


def test_images_and_labels_are_mixed_by_the_same_share():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2)
    mixed, targets = mix_up(images, torch.eye(4), alpha=1.0, seed=3)
    assert torch.allclose(targets.sum(dim=1), torch.ones(4))
    torch.testing.assert_close(mixed[:, 0, 0, 0], targets @ torch.arange(4.0))
    again, _ = mix_up(images, torch.eye(4), alpha=1.0, seed=3)
    torch.testing.assert_close(again, mixed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": (0.5, 1.0)}, "two factors from 1 on"),
        ({"scale": (2.0, 1.0)}, "the least first"),
        ({"rotation": 90.0}, "rotation: expected degrees"),
        ({"pad": -1}, "pad: expected 0 or more"),
    ],
)
def test_settings_are_checked(options, message):
    with pytest.raises(RecipeError, match=message):
        AugmentationConfig(**options)
