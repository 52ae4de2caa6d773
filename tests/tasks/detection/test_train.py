from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ten_pictures import CLASSES, SIDE, write_ten_pictures
from training_runs import StoppedError, assert_same_run, configured, logged, loop_of, stop_at, trained_in

import seetell
from seetell.data.objects import read_objects
from seetell.errors import DataError, RecipeError
from seetell.export.exporter import export_run
from seetell.geometry.boxes import iou
from seetell.tasks.detection.evaluate import evaluate
from seetell.tasks.detection.given_proposals import given_proposals
from seetell.tasks.detection.train import Training
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.registry import find_task
from seetell.training.config import RunConfig

TINY: dict[str, dict[str, Any]] = {
    "ssd": {"strides": [8, 16], "extra_maps": 0, "width": 16},
    "faster_rcnn": {"stride": 8, "width": 16, "hidden": 32, "cells": 3, "proposals": {"anchor_sizes": [16, 28]}},
    "fast_rcnn": {"stride": 8, "width": 16, "hidden": 32, "cells": 3},
    "rcnn": {"side": 32},
    "cascade_rcnn": {
        "strides": [8, 16],
        "width": 16,
        "hidden": 32,
        "cells": 3,
        "canonical_box_size": 24,
        "proposals": {"anchor_sizes": [16, 28]},
    },
    "rfcn": {"stride": 8, "width": 32, "proposals": {"anchor_sizes": [16, 28]}},
}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures in YOLO's format, not to be written to."""
    return write_ten_pictures(tmp_path_factory.mktemp("pictures") / "ten")


@pytest.fixture(scope="session")
def recipe(
    pictures: Path, small_encoder: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunConfig]:
    """Make the configuration of a small run on them."""
    cache = tmp_path_factory.mktemp("maps")

    def make(model: str = "ssd", **changes: Any) -> RunConfig:
        content = {
            "task": "detection",
            "data": {"path": str(pictures)},
            "encoder": {**small_encoder, "image_size": SIDE, "cache": str(cache)},
            "detection": {
                "model": model,
                "strides": [8, 16],
                "options": TINY[model],
                "selective_search": {"side": 64, "scales": [100.0], "colours": ["rgb"]},
            },
            "optimiser": {"name": "adam", "learning_rate": 1e-2, "clip": 5.0},
            "validation": {"every": 4},
            "batch_size": 5,
            "steps": 8,
            "checkpoint_every": 3,
            "log_every": 1,
            "threads": 1,
            "device": "cpu",
        }
        return Training.complete(configured(content, **changes))

    return make


def run_of(config: RunConfig, folder: Path, **callbacks: Any) -> Path:
    loop_of(config, Training.read(config), folder, **callbacks).run()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="ssd"),
        pytest.param({"model": "fast_rcnn"}, id="fast_rcnn", marks=pytest.mark.slow),
        pytest.param({"model": "faster_rcnn"}, id="faster_rcnn", marks=pytest.mark.slow),
        pytest.param(
            {"detection": {"train_encoder_after": 4, "frozen_stages": 2}}, id="with the encoder", marks=pytest.mark.slow
        ),
        pytest.param(
            {"detection": {"train_encoder_after": 0}, "encoder": {"cache": ""}, "ema_decay": 0.9},
            id="on pixels",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_stopped_run_resumes_exactly(recipe, tmp_path, changes):
    config = recipe(**changes)
    run_of(config, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run_of(config, tmp_path / "stopped", on_step=stop_at(5))
    run_of(config, tmp_path / "stopped")
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")
    assert [step for step, _ in logged(tmp_path / "whole", "AP50")] == [3, 7]


def test_the_classes_of_the_data_set_and_others(recipe):
    assert recipe().section.classes == ("blue", "green", "red")
    config = recipe(detection={"classes": ["blue", "green"]})
    with pytest.raises(RecipeError, match="has other classes too: red"):
        Training(config, Training.read(config))
    wanted = recipe(detection={"options": {"strides": [8, 16, 32]}})
    with pytest.raises(RecipeError, match=r"detection.strides: ssd reads the maps at \[32\] too"):
        Training(wanted, Training.read(wanted))


def test_boxes_are_in_pixels_of_the_input_and_mirrored_with_their_maps(recipe):
    config = recipe(batch_size=10)
    training = Training(config, Training.read(config))
    training.initialise()
    training.begin(training.phases()[0])
    maps, boxes, labels, proposals, details = training.batch(0)
    assert proposals is details is None
    assert [tuple(each.shape) for each in maps] == [(10, 16, 9, 9), (10, 32, 5, 5)]
    places = {tuple(map(int, box)) for each in boxes for box in each.tolist()}
    upright = {(4, 4, 28, 24), (36, 2, 60, 30), (2, 34, 26, 62), (36, 36, 62, 60)}
    mirrored = {(SIDE - right, top, SIDE - left, bottom) for left, top, right, bottom in upright}
    assert places <= upright | mirrored
    assert places & upright
    assert places & mirrored
    assert [len(each) for each in labels] == [len(each) for each in boxes]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": {"cache": ""}}, "a detector on a frozen encoder is trained on cached features"),
        ({"detection": {"options": {"widht": 3}}}, "detection.options.widht: unknown field"),
        ({"detection": {"nms_iou": 0}}, "detection.nms_iou: expected above 0, at most 1"),
        ({"detection": {"classes": ["a", "a"]}}, "detection.classes: expected different names"),
    ],
)
def test_mistakes_name_the_field(recipe, changes, message):
    with pytest.raises(RecipeError) as raised:
        recipe(**changes)
    assert message in str(raised.value)


def test_photos_without_a_box_teach_nothing(recipe, tmp_path, pictures):
    import shutil

    shutil.copytree(pictures, tmp_path / "none")
    shutil.rmtree(tmp_path / "none" / "labels")
    config = recipe(data={"path": str(tmp_path / "none")})
    with pytest.raises(DataError, match="none of the photos to train on has a box"):
        Training(config, Training.read(config))


@pytest.mark.nightly
@pytest.mark.parametrize("model", TINY)
def test_the_bundle_finds_what_torch_finds(recipe, tmp_path, pictures, model):
    changes = {"optimiser": {"learning_rate": 5e-4}} if model == "rcnn" else {}
    config = recipe(model, steps=150, validation={"every": 150}, data={"flip": False}, **changes)
    run = run_of(config, tmp_path / "run")
    export_run(run, tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
    detector = seetell.load(tmp_path / "bundle", threads=1)
    trained = trained_in(run, "detection")
    photos = [photo.path for photo in read_objects(pictures).split("val")]
    images = torch.from_numpy(np.stack([detector.prepare(photo)[0] for photo in photos]))
    proposals = None
    if trained.model.proposals_given:
        found = given_proposals(
            tmp_path,
            photos,
            config.section.selective_search,
            trained.encoder.preprocessing,
            progress=lambda *done: None,
        )
        proposals = [torch.from_numpy(each) for each in found]
    with torch.inference_mode():
        maps = trained.encoder.feature_maps(images)
        inputs = [images] if trained.model.reads_pixels else [maps[stride] for stride in trained.model.strides]
        expected = trained.model.detect(inputs, proposals)
    for (scores, boxes), (true_scores, true_boxes) in zip(detector._find(images.numpy()), expected, strict=True):
        best = int(scores.max(axis=1).argmax())
        nearest = iou(boxes[best].reshape(-1, 4)[0] * SIDE, true_boxes.numpy().reshape(len(true_boxes), -1, 4)[:, 0])
        assert nearest.max() > 0.97
        np.testing.assert_allclose(scores.max(), true_scores.max(), atol=0.02)
    scores = evaluate(detector, DataOptions(pictures)).scores
    assert scores["AP50"] == pytest.approx(trained.metadata["scores"]["AP50"], abs=0.05)
    assert scores["AP50"] > (0.5 if model != "rcnn" else 0.1)  # whose encoder is as random as it is frozen
    assert detector.labels == CLASSES
    if detector.proposes:
        assert scores["recall@300"] > 0.9


@pytest.mark.nightly
def test_a_detector_of_torchvision_trains_and_makes_a_bundle(recipe, tmp_path, pictures):
    detection = {"model": "torchvision:fasterrcnn_mobilenet_v3_large_fpn", "options": {"weights": "none"}}
    content = recipe("rfcn", steps=2, validation={"every": 2}, optimiser={"learning_rate": 1e-4}).to_dict()
    run = run_of(Training.complete(configured({**content, "detection": detection})), tmp_path / "run")
    export_run(run, tmp_path / "bundle", find_task=find_task, precisions=("fp32",))  # compares with torch
    detector = seetell.load(tmp_path / "bundle", threads=1)
    assert detector.proposes
    assert 0 <= evaluate(detector, DataOptions(pictures)).scores["recall@300"] <= 1
