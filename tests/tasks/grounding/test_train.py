from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from captioned_shapes import write_shape_boxes
from training_runs import (
    StoppedError,
    assert_same_run,
    assert_two_train_as_one,
    configured,
    logged,
    loop_of,
    sections,
    stop_at,
    trained_in,
)

from seetell.data import read
from seetell.data.entity_records import EntityDataset
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.tasks.grounding.phrase_targets import cell_coverage
from seetell.tasks.grounding.train import Training, check_aligner
from seetell.training.config import RunConfig, load_config, save_config

CONTENT = {
    "task": "grounding",
    "grounding": {
        "grounder": {"width": 8, "maps": 2, "mixer_hidden_size": 4, "hidden_size": 8},
        "phrases_per_photo": 2,
    },
    "optimiser": {"learning_rate": 1e-2, "clip": 0.0},
    "validation": {"every": 4},
    "batch_size": 4,
    "steps": 10,
    "checkpoint_every": 3,
    "log_every": 1,
    "threads": 1,
}


def aligner_run(folder: Path, shapes: Path, encoder: dict[str, str], **aligner) -> Path:
    config = configured(
        {
            "task": "retrieval",
            "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1},
            "encoder": {**encoder, "image_size": 64, "cache": str(folder / "cache")},
            "retrieval": {
                "aligner": {"width": 8, "components": 8, "windows": [2], "word_size": 8, "hidden_size": 8, **aligner}
            },
            "batch_size": 4,
            "steps": 2,
            "threads": 1,
        }
    )
    loop_of(config, read(shapes), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def aligner(shapes, small_encoder, tmp_path_factory) -> Path:
    return aligner_run(tmp_path_factory.mktemp("aligner"), shapes, small_encoder)


@pytest.fixture(scope="module")
def run(aligner, tmp_path_factory):
    """Return what configures a run for the aligner."""
    boxes = write_shape_boxes(tmp_path_factory.mktemp("entities"))

    def make(**changes) -> RunConfig:
        content = {**CONTENT, "init_from": str(aligner)}
        content["grounding"] = {**CONTENT["grounding"], "boxes": str(boxes)}
        return Training.complete(configured(content, **changes))

    return make


@pytest.fixture(scope="module")
def boxes(run) -> EntityDataset:
    return Training.read(run())


@pytest.mark.slow
@pytest.mark.parametrize("ema_decay", [pytest.param(0.0, marks=pytest.mark.slow), 0.9])
def test_a_stopped_run_resumes_exactly(run, boxes, tmp_path, ema_decay):
    config = run(ema_decay=ema_decay)
    loop_of(config, boxes, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            loop_of(config, boxes, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = loop_of(config, boxes, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
def test_it_learns_where_the_shapes_are(run, boxes, tmp_path):
    seen = []
    config = run(steps=80, validation={"every": 80})
    loop_of(config, boxes, tmp_path, on_validation=seen.append).run()
    assert seen[-1]["pointing"] == 100
    losses = [loss for _, loss in logged(tmp_path, "loss")]
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.slow
def test_a_run_takes_data_and_sizes_from_its_aligner(run, boxes, aligner, tmp_path, shapes, small_encoder):
    config, theirs = run(steps=1), trained_in(aligner, "retrieval")
    assert (config.data, config.encoder) == (theirs.config.data, theirs.config.encoder)
    assert config.section.aligner == theirs.config.section.aligner
    loop_of(config, boxes, tmp_path / "run").run()
    trained = trained_in(tmp_path / "run", "grounding")
    assert trained.vocabulary.words == theirs.vocabulary.words
    assert trained.config == config
    check_aligner(trained, theirs)
    other = aligner_run(tmp_path / "other", shapes, small_encoder, width=4)
    with pytest.raises(CheckpointError, match="was trained for another aligner"):
        check_aligner(trained, trained_in(other, "retrieval"))
    with pytest.raises(CheckpointError, match="not the run expected: task: expected retrieval, got 'grounding'"):
        Training.complete(replace(config, init_from=str(tmp_path / "run")))


@pytest.mark.slow
def test_runs_that_cannot_start(run, boxes, tmp_path, shapes, small_encoder):
    whole = aligner_run(tmp_path / "whole", shapes, small_encoder, similarity="global")
    with pytest.raises(RecipeError, match="compares whole photos only"):
        run(init_from=str(whole))
    bare = EntityDataset("boxes", boxes.source, tuple(replace(photo, entities={}) for photo in boxes.photos))
    with pytest.raises(DataError, match="photos with boxes in the splits train and val"):
        loop_of(run(), bare, tmp_path / "bare")
    loop_of(run(steps=1), boxes, tmp_path / "run").run()
    fewer = EntityDataset("boxes", boxes.source, boxes.photos[:-1])
    with pytest.raises(CheckpointError, match="the phrases changed"):
        loop_of(run(), fewer, tmp_path / "run")


def test_recipes(tmp_path):
    config = configured(CONTENT)
    save_config(config, tmp_path / "recipe.yaml")
    assert load_config(tmp_path / "recipe.yaml", sections) == config
    for setting, message in (
        ("init_from=", "init_from: a grounder locates phrases for an aligner"),
        ("grounding.phrases_per_photo=0", "grounding.phrases_per_photo: expected at least 1"),
        ("grounding.grounder.maps=3", "grounding.grounder.maps: expected a divisor of the width 8, got 3"),
        ("data.path=photos", "data: a grounding run takes it from the run that init_from names"),
        ("encoder.image_size=32", "encoder: a grounding run takes it from the run that init_from names"),
    ):
        with pytest.raises(RecipeError, match=message):
            load_config(tmp_path / "recipe.yaml", sections, [setting])


def test_coverage_of_cells_by_hand():
    boxes = np.array([[0.0, 0.0, 0.75, 0.5], [0.5, 0.0, 1.0, 0.5]])
    np.testing.assert_allclose(cell_coverage(boxes, (2, 2)), [1, 1, 0, 0])
    np.testing.assert_allclose(cell_coverage(boxes[:1], (2, 2)), [1, 0.5, 0, 0])


@pytest.mark.slow
def test_two_processes_train_as_one(shapes, run, tmp_path):
    config = run(grounding={"grounder": {"dropout": 0.0, "feature_dropout": 0.0}}, batch_size=5, steps=4)
    assert_two_train_as_one(config, Training.read(config), tmp_path)
