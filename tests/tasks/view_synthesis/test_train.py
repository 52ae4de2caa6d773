from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tasks.view_synthesis.conftest import recipe
from training_runs import (
    StoppedError,
    assert_same_run,
    assert_two_train_as_one,
    configured,
    logged,
    loop_of,
    stop_at,
    trained_in,
)

from seetell.data.posed_photos import read_posed_photos
from seetell.errors import DataError, RecipeError, SeetellError

pytestmark = pytest.mark.slow


def test_every_model_learns_the_ball(trained):
    _, run = trained
    assert trained_in(run, "view_synthesis").metadata["scores"]["psnr"] > 17
    assert logged(run, "psnr")[0][1] < logged(run, "psnr")[-1][1]


def test_empty_cells_become_fewer_and_the_ball_stays(trained):
    _, run = trained
    shares = [share for _, share in logged(run, "occupied")]
    occupied = trained_in(run, "view_synthesis").model.occupied
    assert shares[-1] <= shares[0] < 0.6  # the ball has 18% of its cube, cells are large
    assert occupied[8, 8, 12]  # on its surface
    assert not occupied[0, 0, 0]


def test_a_stopped_run_resumes_to_the_same_weights(scene, trained, tmp_path):
    model, run = trained
    config, dataset = configured(recipe(scene, model)), read_posed_photos(scene)
    with pytest.raises(StoppedError):
        loop_of(config, dataset, tmp_path / "run", on_step=stop_at(45)).run()
    loop_of(config, dataset, tmp_path / "run").run()
    assert_same_run(tmp_path / "run", run)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["nerf", "voxel_grid"])
def test_two_processes_train_as_one(scene, model, tmp_path):
    config = configured(recipe(scene, model), steps=6, batch_parts=2, log_every=1, validation={"every": 3})
    assert_two_train_as_one(config, read_posed_photos(scene), tmp_path)


def test_every_parameter_gets_a_gradient(scene, tmp_path):
    config = configured(recipe(scene, "nerf"))
    training = loop_of(config, read_posed_photos(scene), tmp_path).training
    terms = training.loss(20, training.batch(20))
    assert [term.name for term in terms] == ["coarse_error", "fine_error"]
    sum(term.mean for term in terms).backward()
    for name, parameter in training.model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_first_steps_see_the_middle_of_photos(scene, tmp_path):
    training = loop_of(configured(recipe(scene, "nerf")), read_posed_photos(scene), tmp_path).training
    axes = np.stack([-shot.camera.pose[:3, 2] for shot in training._shots])

    def widest(step: int) -> float:
        directions = training.batch(step)[0].directions
        return float((directions @ axes.T).max(axis=1).min())

    # the corner of the middle half lies half as far from the axis as that of the photo
    assert widest(0) > np.cos(np.arctan(np.sqrt(2) * np.tan(0.25) / 2)) > widest(5)


def test_a_run_begins_with_another_ones_scene(scene, trained, tmp_path):
    model, run = trained
    begun = loop_of(configured(recipe(scene, model), init_from=str(run)), read_posed_photos(scene), tmp_path / "new")
    there = trained_in(run, "view_synthesis").model.state_dict()
    assert all(torch.equal(value, there[name]) for name, value in begun.training.model.state_dict().items())


def test_cameras_that_look_elsewhere_are_found_before_training(scene, tmp_path):
    config = configured(recipe(scene, "nerf"), view_synthesis={"half_side": 0.05, "cells": 1})
    dataset = read_posed_photos(scene)
    shifted = [photo.pose.copy() for photo in dataset.photos]
    for pose, photo in zip(shifted, dataset.photos, strict=True):
        pose[:3, 3] += 0.95 * pose[:3, 0]  # to the right: the cube is in view, and not where the ball is
        object.__setattr__(photo, "pose", pose)
    with pytest.raises(DataError, match="silhouettes have nothing in common"):
        loop_of(config, dataset, tmp_path)


def test_rays_that_never_meet_the_scene_are_found_before_training(scene, tmp_path):
    message = "between view_synthesis.near, 50, and far, 60, .* cameras stand 4 to 4 from"
    config = configured(recipe(scene, "nerf"), view_synthesis={"near": 50.0, "far": 60.0})
    with pytest.raises(DataError, match=message):
        loop_of(config, read_posed_photos(scene), tmp_path)


def test_photos_to_validate_with_have_the_size_of_the_others(scene, tmp_path):
    copy = Path(shutil.copytree(scene, tmp_path / "ball"))
    for photo in (copy / "val").iterdir():
        Image.new("RGBA", (6, 6)).save(photo)
    with pytest.raises(DataError, match=r"val/r_0.png: is 6×6, r_0.png is 24×24"):
        loop_of(configured(recipe(copy, "nerf")), read_posed_photos(copy), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view_synthesis": {"near": 6.0}}, "view_synthesis.far: expected more than near"),
        ({"view_synthesis": {"samples": 2}}, "view_synthesis.samples: expected 3 to 1024"),
        ({"view_synthesis": {"nerf": {"skip": 3}}}, "view_synthesis.nerf.skip: expected a layer before the last"),
        ({"view_synthesis": {"nerf": {"depth": 3}}}, "view_synthesis.nerf.depth: unknown field"),
        ({"view_synthesis": {"voxel_grid": {"degree": 3}}}, "view_synthesis.voxel_grid.degree: expected 0, 1 or 2"),
        ({"view_synthesis": {"prune_from": -2}}, "view_synthesis.prune_from: expected a step"),
        ({"encoder": {"name": "lenet5"}}, "encoder.name: a scene is learnt without an encoder"),
        ({"data": {"flip": True}}, "data: photos of a scene cannot be changed"),
    ],
)
def test_what_a_recipe_may_not_say(scene: Path, changes, message: str):
    with pytest.raises(RecipeError, match=message):
        configured(recipe(scene, "nerf"), **changes)


def test_it_needs_photos_to_train_on_and_to_validate_with(scene, tmp_path):
    dataset = read_posed_photos(scene)
    few = type(dataset)(dataset.name, dataset.source, dataset.split("train"))
    with pytest.raises(SeetellError, match=r"there is no transforms_val\.json"):
        loop_of(configured(recipe(scene, "nerf")), few, tmp_path)
