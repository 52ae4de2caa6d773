from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import COLOURS, SHAPES
from training_runs import (
    StoppedError,
    assert_same_run,
    assert_two_train_as_one,
    configured,
    loop_of,
    sections,
    stop_at,
    trained_in,
)

from seetell.data.records import RegionDataset, RegionPhoto, RegionRecord
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.training.config import RunConfig, load_config, save_config
from seetell.training.feature_maps import FeatureMapCache
from seetell.training.trained import read_pretrained


def absent() -> None:
    raise DataError("METEOR is absent")


WITHOUT_METEOR = ("seetell.tasks.dense_captioning.validation.Meteor", absent)


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score boxes alone: reading METEOR's files takes longer than a small run."""
    monkeypatch.setattr(*WITHOUT_METEOR)


@pytest.fixture
def shapes_recipe(tmp_path, small_encoder):
    def make(**changes) -> RunConfig:
        proposals = {
            "anchor_sizes": [16, 32],
            "hidden_channels": 8,
            "batch_size_per_image": 16,
            "pre_nms_top_n": 50,
            "post_nms_top_n_train": 20,
        }
        content = {
            "task": "dense_captioning",
            "name": "shapes",
            "data": {"min_count": 1},
            "encoder": {**small_encoder, "image_size": 64, "cache": str(tmp_path / "cache")},
            "dense_captioning": {
                "densecap": {
                    "strides": [8, 16],
                    "width": 8,
                    "proposals": proposals,
                    "roi_head": {"output_size": 2, "code_size": 8, "batch_size_per_image": 8, "canonical_box_size": 32},
                },
                "captioner": {"embedding_size": 8, "hidden_size": 8, "image_norm": "layer"},
            },
            "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
            "validation": {"every": 4},
            "ema_decay": 0.9,
            "batch_size": 4,
            "steps": 10,
            "checkpoint_every": 3,
            "log_every": 1,
            "threads": 1,
        }
        return configured(content, **changes)

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


def training_of(*arguments):
    """Return a run's training, ready for the steps of its first phase."""
    training = loop_of(*arguments).training
    training.begin(training.phases()[0])
    return training


@pytest.mark.slow
@pytest.mark.parametrize(
    "section",
    [
        pytest.param({}, id="frozen"),
        pytest.param({"train_encoder_after": 4, "frozen_stages": 2}, id="encoder", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_resumes_exactly(shapes, tmp_path, shapes_recipe, section):
    chosen, dataset = shapes_recipe(dense_captioning=section), regions_of(shapes)
    loop_of(chosen, dataset, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(chosen, dataset, tmp_path / "stopped", on_step=stop_at(8)).run()
    resumed = loop_of(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
def test_without_meteor_the_boxes_alone_are_scored(shapes, tmp_path, shapes_recipe):
    seen = []
    loop_of(shapes_recipe(steps=4), regions_of(shapes), tmp_path / "run", on_validation=seen.append).run()
    assert list(seen[0]) == ["step", "detection_mAP", "recall@50", "recall@100", "validation_loss"]
    assert 0 <= seen[0]["recall@50"] <= seen[0]["recall@100"] <= 1
    assert seen[0]["validation_loss"] > 0


@pytest.mark.slow
def test_a_run_of_other_regions_is_not_resumed(shapes, tmp_path, shapes_recipe):
    loop_of(shapes_recipe(steps=3), regions_of(shapes), tmp_path / "run").run()
    with pytest.raises(CheckpointError, match="data changed since this run began"):
        loop_of(shapes_recipe(steps=3), regions_of(shapes, max_detections=11), tmp_path / "run")


@pytest.mark.slow
def test_boxes_are_in_pixels_of_the_encoders_input(shapes, tmp_path, shapes_recipe):
    training = loop_of(shapes_recipe(encoder={"image_size": 96}), regions_of(shapes), tmp_path / "run").training
    assert training.prepared.train.boxes[0][0].tolist() == [24.0, 24.0, 72.0, 72.0]
    words = training.vocabulary
    assert [words.decode(phrase) for phrase in training.prepared.train.phrases[0][0]] == [
        ["a", "red", "square"],
        ["the", "square"],
    ]


def test_the_same_step_gives_the_same_batch(shapes, tmp_path, shapes_recipe):
    training = training_of(shapes_recipe(batch_size=10), regions_of(shapes), tmp_path / "run")
    maps, boxes, inputs, targets = training.batch(0)
    again = training.batch(0)
    assert all(torch.equal(one, other) for one, other in zip(maps, again[0], strict=True))
    assert torch.equal(inputs, again[2])
    assert [activation.shape for activation in maps] == [(10, 16, 9, 9), (10, 32, 5, 5)]
    assert len(inputs) == len(targets) == sum(len(each) for each in boxes) == 20


@pytest.mark.slow
def test_boxes_are_mirrored_with_their_maps(shapes, tmp_path, shapes_recipe):
    left = (RegionRecord((0.0, 4.0, 10.0, 20.0), ("left",)),)
    dataset = regions_of(shapes)
    dataset = dataclasses.replace(dataset, photos=tuple(dataclasses.replace(p, regions=left) for p in dataset.photos))
    training = training_of(shapes_recipe(batch_size=10), dataset, tmp_path / "run")
    maps, boxes, _, _ = training.batch(0)
    upright, _, _, _ = training_of(
        shapes_recipe(batch_size=10, data={"flip": False}), dataset, tmp_path / "upright"
    ).batch(0)
    mirrored = [box.tolist() == [[54.0, 4.0, 64.0, 20.0]] for box in boxes]
    assert 0 < sum(mirrored) < 10
    for photo, is_mirrored in enumerate(mirrored):
        assert is_mirrored or boxes[photo].tolist() == [[0.0, 4.0, 10.0, 20.0]]
        for one, other in zip(maps, upright, strict=True):
            assert torch.equal(one[photo], other[photo].flip(2) if is_mirrored else other[photo])


def test_boxes_move_with_the_views_of_their_photos(shapes, tmp_path, shapes_recipe):
    section = {"train_encoder_after": 0, "scale": [0.5, 0.8]}
    recipe = shapes_recipe(batch_size=10, encoder={"cache": ""}, dense_captioning=section)
    training = training_of(recipe, regions_of(shapes), tmp_path / "run")
    (images,), boxes, inputs, _ = training.batch(0)
    (again,), _, _, _ = training.batch(0)
    assert torch.equal(images, again)
    assert len(inputs) == sum(map(len, boxes)) == 20
    for image, (_, whole) in zip(images, boxes, strict=True):  # around the photo there is a margin
        left, top, right, bottom = whole.tolist()
        assert 30 < right - left < 52
        rows, columns = (np.flatnonzero(image.abs().amax(dim=(0, axis)).numpy() > 1e-3) for axis in (2, 1))
        found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert np.abs(np.array([left, top, right, bottom]) - found).max() <= 1.5


def test_regions_out_of_sight_are_not_learnt_from(shapes, tmp_path, shapes_recipe):
    section = {"train_encoder_after": 0, "scale": [2.0, 3.0]}
    recipe = shapes_recipe(batch_size=10, encoder={"cache": ""}, dense_captioning=section)
    _, boxes, inputs, targets = training_of(recipe, regions_of(shapes), tmp_path / "run").batch(0)
    assert 10 <= len(inputs) == len(targets) == sum(map(len, boxes)) < 20


def test_maps_are_those_of_the_encoder_and_mirrored(shapes, tmp_path, shapes_recipe):
    training = loop_of(shapes_recipe(), regions_of(shapes), tmp_path / "run").training
    paths = [photo.path for photo in training.prepared.train.photos]
    maps = FeatureMapCache(training.prepared.cache, paths, [(16, 9, 9), (32, 5, 5)])
    plain = maps.read(np.array([0, 1]))
    turned = maps.read(np.array([0, 1]), np.array([True, False]))
    for one, other in zip(plain, turned, strict=True):
        assert torch.equal(one[0].flip(2), other[0])
        assert torch.equal(one[1], other[1])
    encoder = training.encoder
    with torch.inference_mode():
        from seetell.photos import open_photo

        image = torch.from_numpy(encoder.preprocessing(open_photo(paths[0])))[None]
        expected = encoder.feature_maps(image)[16]
    torch.testing.assert_close(plain[1][:1], expected, rtol=1e-2, atol=1e-2 * expected.abs().max().item())


@pytest.mark.slow
def test_a_run_goes_on_from_another_and_trains_its_encoder(shapes, tmp_path, shapes_recipe):
    loop_of(shapes_recipe(steps=4), regions_of(shapes), tmp_path / "first").run()
    before = read_pretrained(tmp_path / "first")
    section = {"train_encoder_after": 0, "frozen_stages": 2}
    chosen = shapes_recipe(
        init_from=str(tmp_path / "first"), encoder={"cache": ""}, dense_captioning=section, steps=4, ema_decay=0.0
    )
    training = loop_of(chosen, regions_of(shapes), tmp_path / "second").training
    for name, array in before.part("densecap").items():
        assert torch.equal(training.densecap.state_dict()[name], array), name
    encoder = {name: array.clone() for name, array in training.encoder.state_dict().items()}
    loop_of(chosen, regions_of(shapes), tmp_path / "second").run()
    trained = trained_in(tmp_path / "second", "dense_captioning")
    changed = {
        name.split(".")[1]
        for name, array in trained.encoder.state_dict().items()
        if not torch.equal(encoder[name], array)
    }
    print(changed)


def test_a_saved_recipe_reads_back_the_same(tmp_path, shapes_recipe):
    save_config(shapes_recipe(), tmp_path / "recipe.yaml")
    assert load_config(tmp_path / "recipe.yaml", sections) == shapes_recipe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"encoder": {"cache": ""}},
            "encoder.cache: a dense captioner on a frozen encoder is trained on cached features",
        ),
        ({"data": {"crop": True}}, "data.crop: a dense captioner on a frozen encoder is trained on cached features"),
        (
            {"data": {"crop": True}, "dense_captioning": {"train_encoder_after": 0}},
            "data.crop: boxes are not cropped; leave it false for a dense captioner",
        ),
        (
            {"data": {"augmentation": {"pad": 4}}, "dense_captioning": {"train_encoder_after": 0}},
            "data.augmentation: boxes are not changed; leave it out for a dense captioner",
        ),
        (
            {"dense_captioning": {"densecap": {"roi_head": {"output_size": 0}}}},
            "dense_captioning.densecap.roi_head.output_size: expected at least 1, got 0",
        ),
        ({"dense_captioning": {"scale": [0.8, 1.2]}}, "cached maps cannot be scaled; set train_encoder_after to 0"),
        ({"dense_captioning": {"scale": [1.2, 0.8]}}, "scale: expected two factors above 0, the least first"),
        ({"dense_captioning": {"captioner": {"hidden": 3}}}, "dense_captioning.captioner.hidden: unknown field"),
        ({"batch_size": 0}, "batch_size: expected at least 1"),
        ({"schedule": {"decay": "cosine"}, "steps": -1}, "schedule.decay: cosine ends with the last step"),
    ],
)
def test_mistakes_name_the_field(shapes_recipe, changes, message):
    with pytest.raises(RecipeError) as raised:
        shapes_recipe(**changes)
    assert message in str(raised.value)


@pytest.mark.slow
def test_an_encoder_without_fine_maps_is_refused(shapes, tmp_path, shapes_recipe):
    chosen = shapes_recipe(encoder={"name": "vit_tiny_patch16_224", "weights": "none", "image_size": 32})
    with pytest.raises(RecipeError, match=r"vit_tiny_patch16_224 has feature maps at strides \[16\], not at \[8\]"):
        loop_of(chosen, regions_of(shapes), tmp_path / "run")


@pytest.mark.slow
def test_two_processes_train_as_one_where_all_anchors_and_boxes_are_learnt_from(shapes, tmp_path, shapes_recipe):
    everything = {"batch_size_per_image": 10000}
    changes = {
        "densecap": {"proposals": everything, "roi_head": {**everything, "dropout": 0.0}},
        "captioner": {"dropout": 0.0},
    }
    config = shapes_recipe(dense_captioning=changes, steps=4, batch_size=7, ema_decay=0.0)
    assert_two_train_as_one(config, regions_of(shapes), tmp_path, patches=[WITHOUT_METEOR])
