from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import COLOURS, SHAPES

from seetell.data.region_records import RegionDataset, RegionPhoto, RegionRecord
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.tasks.dense_captioning.config import DenseRecipe, dense_recipe_from_dict
from seetell.tasks.dense_captioning.region_targets import CachedMaps, mirrored_boxes
from seetell.tasks.dense_captioning.train import DenseTrainer
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import save_recipe
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_log import read_log


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score boxes alone: reading METEOR's files takes longer than a small run."""

    def absent() -> None:
        raise DataError("METEOR is absent")

    monkeypatch.setattr("seetell.tasks.dense_captioning.validation.Meteor", absent)


@pytest.fixture
def shapes_recipe(tmp_path, small_encoder):
    def make(**changes) -> DenseRecipe:
        content = {
            "kind": "dense",
            "name": "shapes",
            "data": {"min_count": 1},
            "encoder": {**small_encoder, "image_size": 64, "cache": str(tmp_path / "cache")},
            "densecap": {
                "strides": [8, 16],
                "width": 8,
                "proposals": {
                    "anchor_sizes": [16, 32],
                    "hidden_channels": 8,
                    "batch_size_per_image": 16,
                    "pre_nms_top_n": 50,
                    "post_nms_top_n_train": 20,
                },
                "roi_head": {"output_size": 2, "code_size": 8, "batch_size_per_image": 8, "canonical_box_size": 32},
            },
            "captioner": {"embedding_size": 8, "hidden_size": 8, "image_norm": "layer"},
            "optimiser": {"name": "adam", "learning_rate": 1e-2, "alpha": 0.9, "clip": 5.0, "clip_kind": "norm"},
            "validation": {"every": 4},
            "averaging": 0.9,
            "batch_size": 4,
            "steps": 10,
            "checkpoint_every": 3,
            "log_every": 1,
            "threads": 1,
        }
        for key, value in changes.items():
            content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
        return dense_recipe_from_dict(content)

    return make


def regions_of(shapes: Path, *, max_detections: int = 12) -> RegionDataset:
    photos = tuple(
        RegionPhoto(
            f"{colour}-{shape}",
            shapes / f"{colour}-{shape}.png",
            (64, 64),
            (
                RegionRecord((16.0, 16.0, 48.0, 48.0), (f"A {colour} {shape}", f"the {shape}")),
                RegionRecord((0.0, 0.0, 64.0, 64.0), ("grey",)),
            ),
            "val" if shape == "cross" and colour in ("red", "blue") else "train",
        )
        for colour in COLOURS
        for shape in SHAPES
    )
    return RegionDataset("shapes", shapes, photos[:max_detections])


def values(folder: Path, key: str) -> list[tuple[int, float]]:
    return [(line["step"], line[key]) for line in read_log(folder / "log.jsonl") if key in line]


class StoppedError(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int, loss: float) -> None:
        if done == step:
            raise StoppedError

    return on_step


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(shapes, tmp_path, shapes_recipe):
    chosen, dataset = shapes_recipe(), regions_of(shapes)
    DenseTrainer(chosen, dataset, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        DenseTrainer(chosen, dataset, tmp_path / "stopped", on_step=stop_at(8)).run()
    resumed = DenseTrainer(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    for key in ("loss", "caption_loss", "validation_loss"):
        assert values(tmp_path / "stopped", key) == values(tmp_path / "whole", key)
    for name in ("checkpoint", "best"):
        ours, facts = read_checkpoint(tmp_path / "stopped" / f"{name}.safetensors")
        theirs, expected = read_checkpoint(tmp_path / "whole" / f"{name}.safetensors")
        assert facts == expected
        assert ours.keys() == theirs.keys()
        for part, arrays in theirs.items():
            assert all(torch.equal(ours[part][key], value) for key, value in arrays.items()), part


def test_without_meteor_the_boxes_alone_are_scored(shapes, tmp_path, shapes_recipe):
    seen = []
    DenseTrainer(shapes_recipe(steps=4), regions_of(shapes), tmp_path / "run", on_validation=seen.append).run()
    assert list(seen[0]) == ["step", "detection_mAP", "recall@50", "recall@100", "validation_loss"]
    assert 0 <= seen[0]["recall@50"] <= seen[0]["recall@100"] <= 1
    assert seen[0]["validation_loss"] > 0


def test_a_run_of_other_regions_is_not_gone_on_with(shapes, tmp_path, shapes_recipe):
    DenseTrainer(shapes_recipe(steps=3), regions_of(shapes), tmp_path / "run").run()
    with pytest.raises(CheckpointError, match="data changed since this run began"):
        DenseTrainer(shapes_recipe(steps=3), regions_of(shapes, max_detections=11), tmp_path / "run")


def test_boxes_are_in_pixels_of_the_encoders_input(shapes, tmp_path, shapes_recipe):
    trainer = DenseTrainer(shapes_recipe(encoder={"image_size": 96}), regions_of(shapes), tmp_path / "run")
    assert trainer.prepared.train.boxes[0][0].tolist() == [24.0, 24.0, 72.0, 72.0]
    words = trainer.vocabulary
    assert [words.decode(phrase) for phrase in trainer.prepared.train.phrases[0][0]] == [
        ["a", "red", "square"],
        ["the", "square"],
    ]


def test_the_same_step_gives_the_same_batch_and_mirrors_boxes_with_maps(shapes, tmp_path, shapes_recipe):
    trainer = DenseTrainer(shapes_recipe(batch_size=10), regions_of(shapes), tmp_path / "run")
    maps, boxes, inputs, targets = trainer._batch(0)
    again = trainer._batch(0)
    assert all(torch.equal(one, other) for one, other in zip(maps, again[0], strict=True))
    assert torch.equal(inputs, again[2])
    assert [activation.shape for activation in maps] == [(10, 16, 9, 9), (10, 32, 5, 5)]
    assert len(inputs) == len(targets) == sum(len(each) for each in boxes) == 20


def test_mirroring_by_hand(shapes, tmp_path, shapes_recipe):
    boxes = torch.tensor([[0.0, 4.0, 10.0, 20.0]])
    assert mirrored_boxes(boxes, 64).tolist() == [[54.0, 4.0, 64.0, 20.0]]
    trainer = DenseTrainer(shapes_recipe(), regions_of(shapes), tmp_path / "run")
    paths = [photo.path for photo in trainer.prepared.train.photos]
    maps = CachedMaps(trainer.prepared.cache, paths, [(16, 9, 9), (32, 5, 5)])
    plain = maps.read(np.array([0, 1]))
    turned = maps.read(np.array([0, 1]), np.array([True, False]))
    for one, other in zip(plain, turned, strict=True):
        assert torch.equal(one[0].flip(2), other[0])
        assert torch.equal(one[1], other[1])
    encoder = trainer.encoder
    with torch.inference_mode():
        from seetell.photos import open_photo

        image = torch.from_numpy(encoder.preprocessing(open_photo(paths[0])))[None]
        expected = encoder.feature_maps(image)[16]
    torch.testing.assert_close(plain[1][:1], expected, rtol=1e-2, atol=1e-2 * expected.abs().max().item())


def test_a_recipe_of_a_dense_captioner_is_told_from_others(tmp_path, shapes_recipe):
    save_recipe(shapes_recipe(), tmp_path / "dense.yaml")
    assert load_any_recipe(tmp_path / "dense.yaml") == shapes_recipe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": {"cache": ""}}, "encoder.cache: a dense captioner learns from cached features"),
        ({"data": {"crop": True}}, "data.crop: unknown field 'crop'"),
        ({"densecap": {"roi_head": {"output_size": 0}}}, "roi_head.output_size: expected at least 1, got 0"),
        ({"captioner": {"hidden": 3}}, "captioner.hidden: unknown field"),
        ({"batch_size": 0}, "batch_size: expected at least 1"),
        ({"schedule": {"decay": "cosine"}, "steps": -1}, "schedule.decay: cosine ends with the last step"),
    ],
)
def test_mistakes_name_the_field(shapes_recipe, changes, message):
    with pytest.raises(RecipeError) as raised:
        shapes_recipe(**changes)
    assert message in str(raised.value)


def test_an_encoder_without_fine_maps_is_refused(shapes, tmp_path, shapes_recipe):
    chosen = shapes_recipe(encoder={"name": "vit_tiny_patch16_224", "weights": "none", "image_size": 32})
    with pytest.raises(RecipeError, match=r"vit_tiny_patch16_224 has feature maps at strides \[16\], not at \[8\]"):
        DenseTrainer(chosen, regions_of(shapes), tmp_path / "run")
