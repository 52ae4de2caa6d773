"""The one-person pose: what is cut out, what is scored, and a network from training to the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from draw import JOINTS, write_figures
from PIL import Image
from training_runs import NO_CURVES, StoppedError, assert_same_run, configured, loop_of, stop_at, trained_in

import seetell
from seetell import drawing
from seetell.cli.main import main
from seetell.data.objects import read_objects
from seetell.errors import DataError, RecipeError
from seetell.export.exporter import export_run
from seetell.geometry.key_points import KeyPoints
from seetell.tasks.pose.model import DeepPose, squared_distances
from seetell.tasks.pose.persons import Person, cut_out, framed, points_within
from seetell.tasks.pose.scores import pose_scores
from seetell.tasks.pose.train import Training
from seetell.tasks.registry import find_task

SIDE = 64
PERSON = Person(
    1, Path("a.png"), (0.25, 0.5, 0.75, 1.0), np.array([[0.5, 0.75, 2], [0.25, 0.5, 1], [0, 0, 0]]), "train"
)


def test_a_person_is_cut_out_with_a_margin():
    frame = framed(PERSON, (40, 20), margin=0.1)
    assert frame.tolist() == [8, 9, 32, 21]
    assert points_within(PERSON, (40, 20), frame)[:2].tolist() == [[0, 0, 2], pytest.approx([-10 / 24, -5 / 12, 1])]
    photo = Image.new("RGB", (40, 20), (9, 9, 9))
    part = np.asarray(cut_out(photo, frame))
    assert part.shape == (12, 24, 3)
    assert (part[:11] == 9).all()
    assert (part[11:] == 0).all()  # below the photo


def test_joints_that_are_not_marked_are_not_learnt():
    points = torch.tensor([[[0.1, 0.2, 2.0], [0.0, 0.0, 0.0]]])
    found = torch.tensor([[[0.4, 0.6], [9.0, 9.0]]])
    assert squared_distances(found, points).tolist() == pytest.approx([0.25])


def test_the_layers_behind_alexnets_convolutions_have_their_papers_sizes():
    """Section 3.1: two layers of 4,096 units behind 6 × 6 cells of 256 channels, and 28 coordinates of 14 joints."""
    with torch.device("meta"):
        network = DeepPose(256, 36, 14, width=256, hidden=4096, dropout=0.5)
    layers = sum(each.numel() for name, each in network.named_parameters() if not name.startswith("reduce"))
    assert layers == (6 * 6 * 256 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 28


def test_scores_by_hand():
    key_points = KeyPoints(("left_shoulder", "right_hip", "nose"), ((0, 1),))
    true = np.array([[[0, 0, 2], [0, 10, 2], [5, 5, 2]]], float)
    found = np.array([[[0, 1.9], [0, 10], [8, 5]]], float)  # a fifth of the torso's ten pixels is two
    assert pose_scores(found, true, key_points) == {"PDJ": pytest.approx(2 / 3), "PCP": 1.0}
    assert np.isnan(pose_scores(found, true, KeyPoints(("a", "b", "c")))["PDJ"])


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures that train and validate, not to be written to."""
    folder = write_figures(tmp_path_factory.mktemp("figures") / "set", 10, side=SIDE)
    document = json.loads((folder / "person_keypoints_train.json").read_text())
    for split in ("train", "val"):
        (folder / f"person_keypoints_{split}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="module")
def recipe(figures: Path, small_encoder: dict[str, str]) -> dict[str, Any]:
    return {
        "task": "pose",
        "data": {"path": str(figures), "flip": False},
        "encoder": {**small_encoder, "image_size": SIDE},
        "pose": {"width": 16, "hidden": 32, "dropout": 0.0, "shift": 0.0, "scale": [1.0, 1.0]},
        "optimiser": {"learning_rate": 3e-3},
        "validation": {"every": 6},
        "batch_size": 8,
        "steps": 6,
        "checkpoint_every": 2,
        "threads": 1,
        "device": "cpu",
    }


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_weights(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(*NO_CURVES)
    config = Training.complete(configured(recipe))
    assert config.section.key_points.names == tuple(JOINTS)
    loop_of(config, Training.read(config), tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(config, Training.read(config), tmp_path / "stopped", on_step=stop_at(3)).run()
    loop_of(config, Training.read(config), tmp_path / "stopped").run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


def test_images_and_joints_are_mirrored_together(recipe: dict[str, Any]):
    config = Training.complete(configured(recipe))
    training = Training(config, Training.read(config))
    person = training._train[0]
    (pixels, points), (flipped, mirrored) = (training._cut(person, turned, 0) for turned in (False, True))
    np.testing.assert_array_equal(pixels[:, ::-1], flipped)
    assert mirrored[JOINTS.index("left_knee"), :2] == pytest.approx(points[JOINTS.index("right_knee"), :2] * [-1, 1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": {"cache": "features"}}, "leave it empty"),
        ({"data": {"crop": True}}, r"pose\.shift"),
        ({"pose": {"scale": [1.2, 1.0]}}, "the least first"),
    ],
)
def test_what_contradicts_is_refused(recipe: dict[str, Any], changes: dict[str, Any], message: str):
    with pytest.raises(RecipeError, match=message):
        configured(recipe, **changes)


def test_a_data_set_without_key_points(recipe: dict[str, Any], tmp_path: Path):
    from ten_pictures import write_ten_pictures

    with pytest.raises(DataError, match="has no key points"):
        Training.complete(configured(recipe, data={"path": str(write_ten_pictures(tmp_path / "ten"))}))


@pytest.mark.nightly
def test_it_learns_ten_figures_and_tells_their_joints(
    recipe: dict[str, Any], figures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], one_registry: None
):
    config = Training.complete(configured(recipe, steps=250, validation={"every": 250}, checkpoint_every=250))
    loop_of(config, Training.read(config), tmp_path / "run").run()
    trained = trained_in(tmp_path / "run", "pose")
    assert trained.metadata["scores"]["PDJ"] > 0.9
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path / "bundle"), "--data", str(figures)])
    assert not ended.value.code
    scores = json.loads(capsys.readouterr().out)
    assert scores["PDJ"] == pytest.approx(trained.metadata["scores"]["PDJ"], abs=0.05)
    assert (scores["persons"], scores["photos"]) == (8, 8)
    photo = read_objects(figures).photos[0].path
    with pytest.raises(SystemExit) as ended:
        main(
            ["pose", str(photo), "--model", str(tmp_path / "bundle"), "-f", "jsonl", "-o", str(tmp_path / "joints.png")]
        )
    assert not ended.value.code
    row = json.loads(capsys.readouterr().out)
    assert [point["text"] for point in row["regions"][0]["points"]] == JOINTS
    assert row["skeleton"]
    result = seetell.load(tmp_path / "bundle").predict(photo)
    with Image.open(photo) as image:
        assert 'class="skeleton"' in drawing.page(image.convert("RGB"), result, name="a figure")
