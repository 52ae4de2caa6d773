"""Masks and key points from training to the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draw import JOINTS, write_figures
from PIL import Image, ImageDraw
from training_runs import configured, loop_of, trained_in

import seetell
from seetell import drawing
from seetell.cli.main import main
from seetell.data.objects import read_objects
from seetell.errors import UsageError
from seetell.export.exporter import export_run
from seetell.geometry.masks import decode
from seetell.tasks.detection.branch_training import KeyPointTraining, MaskTraining
from seetell.tasks.detection.train import Training
from seetell.tasks.registry import find_task

SIDE = 64


def write_triangles(folder: Path) -> Path:
    """Write pictures of triangles, their outlines being polygons of YOLO's labels."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for place in ("images", "labels"):
            (folder / place / split).mkdir(parents=True)
        for number in range(8):
            photo = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
            lines = []
            for column in range(1 + number % 2):
                left, top = 4 + 30 * column, int(random.integers(4, 30))
                corners = [(left, top + 24), (left + 26, top + 24), (left + 13, top)]
                label = int(random.integers(2))
                ImageDraw.Draw(photo).polygon(corners, fill=((220, 30, 30), (30, 60, 220))[label])
                lines.append(" ".join(map(str, [label, *(value / SIDE for corner in corners for value in corner)])))
            photo.save(folder / "images" / split / f"{number}.png")
            (folder / "labels" / split / f"{number}.txt").write_text("\n".join(lines))
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    return folder


def recipe(data: Path, model: str, encoder: dict[str, str], cache: Path, **changes: Any) -> Any:
    content = {
        "task": "detection",
        "data": {"path": str(data)},
        "encoder": {**encoder, "image_size": SIDE, "cache": str(cache)},
        "detection": {
            "model": model,
            "strides": [8, 16],
            "options": {
                "strides": [8, 16],
                "width": 24,
                "hidden": 48,
                "cells": 5,
                "canonical_box_size": 32,
                "proposals": {"anchor_sizes": [24, 40]},
            },
        },
        "optimiser": {"name": "adam", "learning_rate": 5e-3, "clip": 5.0},
        "validation": {"every": 250, "photos": -1},
        "batch_size": 6,
        "steps": 250,
        "checkpoint_every": 250,
        "threads": 1,
        "device": "cpu",
    }
    return Training.complete(configured(content, **changes))


def test_details_are_mirrored_with_their_photo(small_encoder: dict[str, str], tmp_path: Path):
    config = recipe(write_triangles(tmp_path / "data"), "mask_rcnn", small_encoder, tmp_path)
    photo = Training.read(config).photos[1]
    size = seetell.photos.Preprocessing(height=SIDE, width=SIDE)
    masks = MaskTraining(config.section, size)
    upright, mirrored = (masks.targets(photo, mirrored=turned).numpy() for turned in (False, True))
    np.testing.assert_array_equal(upright[:, :, ::-1], mirrored)
    assert upright.shape == (2, SIDE, SIDE)
    left, top, right, bottom = (round(edge * SIDE) for edge in photo.boxes[0])
    assert upright[0, top:bottom, left:right].sum() == upright[0].sum() == pytest.approx(26 * 24 / 2, abs=14)
    figures = recipe(write_figures(tmp_path / "figures", 5), "keypoint_rcnn", small_encoder, tmp_path)
    assert figures.section.key_points.names == tuple(JOINTS)
    posed = Training.read(figures).photos[0]
    points = KeyPointTraining(figures.section, size)
    upright, mirrored = (points.targets(posed, mirrored=turned).numpy()[0] for turned in (False, True))
    assert mirrored[0, 0] == pytest.approx(SIDE - upright[5, 0], abs=1e-4)  # the right ankle was the left one


def run_main(*words: str | Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert not ended.value.code


@pytest.mark.nightly
def test_masks_from_training_to_the_command_line(
    small_encoder: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], one_registry: None
):
    data = write_triangles(tmp_path / "data")
    config = recipe(data, "mask_rcnn", small_encoder, tmp_path / "cache")
    loop_of(config, Training.read(config), tmp_path / "run").run()
    scores = trained_in(tmp_path / "run", "detection").metadata["scores"]
    assert scores["mask_AP50"] > 0.6
    bundle = tmp_path / "bundle"
    export_run(tmp_path / "run", bundle, find_task=find_task, precisions=("fp32",))
    capsys.readouterr()
    run_main("evaluate", bundle, "--data", data, "--task", "segment", "--split", "val")
    measured = json.loads(capsys.readouterr().out)
    assert measured["mask_AP50"] == pytest.approx(scores["mask_AP50"], abs=0.1)
    assert measured["AP50"] == pytest.approx(scores["AP50"], abs=0.1)
    picture = tmp_path / "overlay.png"
    run_main("segment", data / "images/val/1.png", "--model", bundle, "-f", "jsonl", "-o", picture)
    masks = json.loads(capsys.readouterr().out)["masks"]
    assert {mask["text"] for mask in masks} <= {"red", "blue"}
    for mask in masks:
        assert decode(mask["rle"]["counts"], (SIDE, SIDE)).mean() == pytest.approx(mask["share"], abs=1e-5)
    with Image.open(picture) as drawn:
        assert drawn.width > 100
    run_main("detect", data / "images/val/1.png", "--model", bundle, "-f", "jsonl")
    regions = json.loads(capsys.readouterr().out)["regions"]
    assert [each["box"] for each in regions] == [mask["box"] for mask in masks]


def test_a_detector_without_masks_segments_nothing():
    with pytest.raises(UsageError, match=r"is a model for detection.*expected one for segmentation"):
        seetell.load("coco-nanodet", task="segment")


@pytest.mark.nightly
def test_key_points_from_training_to_the_command_line(
    small_encoder: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], one_registry: None
):
    data = write_figures(tmp_path / "figures", 10, side=SIDE)
    for file in ("train", "val"):  # the same ten pictures, to be learnt by heart
        document = json.loads((data / f"person_keypoints_{file}.json").read_text())
        (data / f"person_keypoints_{file}.json").write_text(json.dumps(document))
    config = recipe(
        data,
        "keypoint_rcnn",
        small_encoder,
        tmp_path / "cache",
        detection={"options": {"point_convolutions": 3, "point_width": 48}},
    )
    loop_of(config, Training.read(config), tmp_path / "run").run()
    bundle = tmp_path / "bundle"
    export_run(tmp_path / "run", bundle, find_task=find_task, precisions=("fp32",))
    capsys.readouterr()
    run_main("evaluate", bundle, "--data", data, "--split", "train")
    assert json.loads(capsys.readouterr().out)["key_point_AP"] > 0.3
    photo = read_objects(data).split("train")[0].path
    detector = seetell.load(bundle, threads=1)
    result = detector.predict(photo)
    assert result.skeleton
    assert [point.text for point in result[0].points] == JOINTS
    with Image.open(photo) as image:
        plain = drawing.picture(image.convert("RGB"), result)
        assert "<svg" in drawing.page(image.convert("RGB"), result, name="a figure")
    assert plain.width > 100
