from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import configured, loop_of

from seetell.data import read
from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.data.snippets import snippet_line
from seetell.errors import DataError, RecipeError
from seetell.photos import Preprocessing
from seetell.tasks.captioning.region_features import RegionFeatures, check_regions
from seetell.training.batches import BatchIndices
from seetell.training.run_log import read_log

SIZE = Preprocessing(4, 4, mean=(0, 0, 0), std=(255, 255, 255))


def regions(photo: Path, *boxes: tuple[float, ...] | None) -> list[PhotoRecord]:
    return [PhotoRecord(number, photo, ("a dog",), "train", box) for number, box in enumerate(boxes)]


@pytest.fixture
def cache(shapes, tmp_path) -> FeatureCache:
    """The places of a 2 × 2 grid say 1, 2, 3 and 4, the pooled vector nothing of it; all 10 more when mirrored."""
    filled = FeatureCache(tmp_path, weights_hash="w", preprocessing=SIZE, shape=(5, 1), flips=True)
    views = iter((0, 10))
    filled.fill([shapes / "red-cross.png"], lambda _: np.array([[[99], [1], [2], [3], [4]]]) + next(views))
    return filled


def test_a_region_is_the_mean_of_what_it_covers(cache, shapes):
    """A photo of 64 × 64: the right half covers 2 and 4; the box in the middle all four alike."""
    photos = regions(shapes / "red-cross.png", (32, 0, 64, 64), (16, 16, 48, 48), (0, 0, 48, 16), None, (0, 0, 99, 32))
    source = RegionFeatures(cache, photos, grid_size=(2, 2))
    (features,) = source.batches(8)
    assert features.grid is None
    np.testing.assert_allclose(features.pooled, [[3], [2.5], [4 / 3], [2.5], [1.5]], rtol=1e-3)
    drawn = BatchIndices(
        np.array([0, 0, 2]), np.zeros((3, 1)), np.array([False, True, True]), np.zeros((3, 2)), np.arange(3)
    )
    pooled = source.features(source.prepare(drawn)).pooled
    np.testing.assert_allclose(pooled, [[3], [12], [10 + 5 / 3]], rtol=1e-3)  # mirrored, the right half is the left


def test_a_box_outside_its_photo(cache, shapes):
    with pytest.raises(DataError, match=r"0: the box .* lies outside the photo of 64×64 pixels"):
        RegionFeatures(cache, regions(shapes / "red-cross.png", (70, 0, 90, 9)), grid_size=(2, 2))


def region_recipe(data: Path, cache: Path | str, encoder: dict[str, str], **changes):
    return configured(
        {
            "task": "captioning",
            "data": {"path": str(data), "min_count": 1, "captions_per_photo": 1},
            "encoder": {**encoder, "image_size": 64, "cache": str(cache)},
            "captioning": {"architecture": "multimodal_rnn", "language_metrics": False, **changes},
            "validation": {"every": 4},
            "batch_size": 4,
            "steps": 4,
            "log_every": 1,
        }
    )


@pytest.mark.slow
def test_a_captioner_is_trained_on_regions(shapes, tmp_path, small_encoder):
    boxes = {"left": (0.0, 0.0, 32.0, 64.0), "right": (32.0, 0.0, 64.0, 64.0)}
    lines = [
        snippet_line(photo, box, f"the {side} of it", split="val" if "cross" in photo.name else "train")
        for photo in sorted(shapes.glob("*.png"))
        for side, box in boxes.items()
    ]
    data = tmp_path / "phrases.jsonl"
    data.write_text("\n".join(lines))
    chosen = region_recipe(data, tmp_path / "cache", small_encoder)
    loop = loop_of(chosen, read(data), tmp_path / "run")
    assert len(loop.training.prepared.train.photos) == 16
    loop.run()
    assert [line["step"] for line in read_log(tmp_path / "run" / "log.jsonl") if "validation_loss" in line] == [3]
    deviation = loop.training.captioner.standardise.deviation
    assert torch.isfinite(deviation).all()
    assert (deviation > 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "transformer"}, "architecture: transformer reads a photo's grid"),
        ({"finetune": {"after": 0}}, "finetune.after to -1"),
        ({"cache": ""}, "set encoder.cache to a folder"),
    ],
)
def test_what_cannot_be_trained_on_regions(changes, message, tmp_path):
    with pytest.raises(RecipeError, match=message):
        check_regions(region_recipe(tmp_path, changes.pop("cache", tmp_path), {}, **changes))
