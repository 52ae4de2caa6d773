"""Siamese networks learn a toy set, resume, are exported, and follow an object of a film that was made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_runs import StoppedError, assert_same_run, configured, logged, loop_of, stop_at

import seetell
from seetell.errors import BundleError, DataError, RecipeError
from seetell.geometry.boxes import iou
from seetell.geometry.masks import decode
from seetell.tasks.registry import find_task
from seetell.tasks.single_object_tracking.models import NETWORKS
from seetell.tasks.single_object_tracking.pairs import PhotoPairs
from seetell.tasks.single_object_tracking.train import Films, Training


@pytest.fixture(scope="session")
def recipe(photos: Path, small_encoder: dict[str, str]) -> dict[str, Any]:
    return {
        "task": "single_object_tracking",
        "name": "toy",
        "data": {"path": str(photos), "flip": False},
        "encoder": {**small_encoder, "image_size": 129, "cache": ""},
        "optimiser": {"learning_rate": 8e-3},
        "validation": {"every": 12, "photos": 4},
        "batch_size": 6,
        "steps": 12,
        "log_every": 1,
        "checkpoint_every": 5,
        "device": "cpu",
        "threads": 1,
        "single_object_tracking": {
            "model": "siamfc",
            "options": {"channels": 8, "strides": [8]},
            "pairs": {"count": 6, "shift": 24.0},
        },
    }


@pytest.fixture(scope="session")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a SiamFC, not to be written to."""
    folder = tmp_path_factory.mktemp("siamfc") / "run"
    config = configured(recipe)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(config, Training.read(config), folder).run()
    return folder


@pytest.mark.slow
def test_it_learns(run: Path):
    losses = [value for _, value in logged(run, "logistic_loss")]
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3]), losses
    ((_, overlap),) = logged(run, "overlap")
    assert 0 <= overlap <= 1


@pytest.mark.slow
def test_a_stopped_run_resumes(recipe: dict[str, Any], run: Path, tmp_path: Path):
    config = configured(recipe)
    with pytest.raises(StoppedError):
        loop_of(config, Training.read(config), tmp_path / "run", on_step=stop_at(7)).run()
    loop_of(config, Training.read(config), tmp_path / "run").run()
    assert_same_run(tmp_path / "run", run)


@pytest.mark.slow
def test_maps_of_pairs_are_computed_once(recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = configured(recipe, encoder={"cache": str(tmp_path)})
    dataset = Training.read(config)
    first = Training(config, dataset)
    monkeypatch.setattr(PhotoPairs, "__call__", lambda self, number: pytest.fail("made again"))
    again = Training(config, dataset)
    for one, other in zip(first.batch(3)[0].window, again.batch(3)[0].window, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_pair_shows_the_object_twice(photos: Path, recipe: dict[str, Any]):
    config = configured(
        recipe, single_object_tracking={"model": "siammask", "pairs": {"change": 0.0, "negatives": 0.0}}
    )
    dataset = Training.read(config)
    source = PhotoPairs(dataset, dataset.split("train"), config.section.pairs, side=129, seed=5, outlines=True)
    for number in range(4):
        pair = source(number)
        assert pair.present
        assert pair.mask is not None
        rows, columns = np.nonzero(pair.mask)
        inside = np.clip(pair.box, 0, 129)
        drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(drawn, inside, atol=1.1)
        box = [round(edge) for edge in inside]
        size = [round(side) for side in pair.size]
        middle = pair.exemplar[64 - size[1] // 4 : 64 + size[1] // 4, 64 - size[0] // 4 : 64 + size[0] // 4]
        found = pair.search[box[1] : box[3], box[0] : box[2]]
        assert np.abs(middle.mean(axis=(0, 1)) - found.mean(axis=(0, 1))).max() < 60
        np.testing.assert_array_equal(source(number).search, pair.search)


def test_other_objects_are_shown_as_others(photos: Path, recipe: dict[str, Any]):
    config = configured(recipe, single_object_tracking={"pairs": {"negatives": 1.0}})
    dataset = Training.read(config)
    source = PhotoPairs(dataset, dataset.split("train"), config.section.pairs, side=65, seed=5)
    assert sum(source(number).present for number in range(12)) <= 4


def test_what_cannot_be_learnt_from_is_refused(recipe: dict[str, Any], tmp_path: Path):
    config = configured(recipe, single_object_tracking={"pairs": {"least_side": 500.0}})
    with pytest.raises(DataError, match=r"set pairs\.least_side lower"):
        Training(config, Training.read(config))
    with pytest.raises(DataError, match="there is none"):
        Films(tmp_path / "absent")
    with pytest.raises(RecipeError, match="expected strides of the encoder's maps"):
        Training(configured(recipe, single_object_tracking={"options": {"strides": [3]}}), Training.read(config))
    with pytest.raises(RecipeError, match="pairs are endless"):
        configured(recipe, validation={"photos": -1})


@pytest.mark.nightly  # graphs are written
@pytest.mark.parametrize("model", NETWORKS)
def test_it_follows_from_its_bundle(
    model: str, recipe: dict[str, Any], frames: Path, film, tmp_path: Path, one_registry: None
):
    from seetell.export.exporter import export_run

    films = NETWORKS[model][1].learns_from == "films"
    options: dict[str, Any] = {"channels": 16, "strides": [4]}
    options |= {} if model in ("siamfc", "udt") else {"anchor_size": 32.0}
    changes: dict[str, Any] = {"single_object_tracking": {"model": model, "options": options, "pairs": {"count": 64}}}
    changes |= {"data": {"path": str(frames)}} if films else {}
    steps = {"siamfc": 40, "udt": 20}.get(model, 200)
    changes |= {"optimiser": {"learning_rate": 1e-3 if films else 3e-3}} if model != "siamfc" else {}
    config = configured(recipe, **changes, steps=steps, validation={"every": steps}, batch_size=16)
    loop_of(config, Training.read(config), tmp_path / "run").run()
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
    box = ",".join(f"{value:g}" for value in (*film.box[:2], film.box[2] - film.box[0], film.box[3] - film.box[1]))
    tracks = seetell.load(tmp_path / "bundle", threads=1).predict(film.frames, box=box)
    overlaps = iou(tracks[0].boxes, film.boxes)
    followed = (
        6 if films else len(overlaps)
    )  # the encoder's weights are random, and the filter learns from what it finds
    assert overlaps[:followed].min() > 0.4, overlaps
    if model == "siammask":
        mask = decode(tracks[0].masks[-1], tracks.size)
        left, upper, right, lower = film.boxes[-1].astype(int)
        assert mask[upper:lower, left:right].mean() > 0.5 > mask.mean()


def test_a_bundle_of_another_kind_is_refused(tiny_bundle: Path):
    from seetell.runtime.bundle import Bundle
    from seetell.tasks.single_object_tracking.predict import BundleFollower

    with pytest.raises(BundleError, match="stride"):
        BundleFollower(Bundle.load(tiny_bundle))
