from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import write_shape_boxes

from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityDataset
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.tasks.grounding.config import GroundingRecipe, LocalisationValidationConfig
from seetell.tasks.grounding.models.grounder import GrounderConfig
from seetell.tasks.grounding.phrase_targets import cell_cover
from seetell.tasks.grounding.train import GroundingTrainer, mirrored_boxes
from seetell.tasks.retrieval.config import alignment_recipe_from_dict
from seetell.tasks.retrieval.train import AlignmentTrainer
from seetell.tasks.retrieval.trained import TrainedAligner, load_trained_aligner
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import save_recipe
from seetell.training.optimisers import OptimiserConfig
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import read_log


@pytest.fixture(scope="module")
def model(shapes, small_encoder, tmp_path_factory) -> TrainedAligner:
    folder = tmp_path_factory.mktemp("aligner")
    recipe = alignment_recipe_from_dict(
        {
            "kind": "align",
            "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1},
            "encoder": {**small_encoder, "image_size": 64, "cache": str(folder / "cache")},
            "aligner": {"width": 8, "components": 8, "windows": [2], "word_size": 8, "hidden_size": 8},
            "batch_size": 4,
            "steps": 2,
            "threads": 1,
        }
    )
    AlignmentTrainer(recipe, read(shapes), folder / "run").run()
    return load_trained_aligner(RunFolder(folder / "run"))


@pytest.fixture(scope="module")
def boxes(shapes, tmp_path_factory) -> EntityDataset:
    return read_entities(write_shape_boxes(tmp_path_factory.mktemp("entities")), read(shapes))


RECIPE = GroundingRecipe(
    start_from="aligner",
    grounder=GrounderConfig(width=8, maps=2, mixer_hidden_size=4, hidden_size=8),
    optimiser=OptimiserConfig(learning_rate=1e-2, clip=0.0),
    validation=LocalisationValidationConfig(every=4),
    phrases_per_photo=2,
    batch_size=4,
    steps=10,
    checkpoint_every=3,
    log_every=1,
    threads=1,
)


def values(folder: Path, key: str) -> list[tuple[int, float]]:
    return [(line["step"], line[key]) for line in read_log(folder / "log.jsonl") if key in line]


class StoppedError(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int, loss: float) -> None:
        if done == step:
            raise StoppedError

    return on_step


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(model, boxes, tmp_path, averaging):
    recipe = replace(RECIPE, averaging=averaging)
    GroundingTrainer(recipe, model, boxes, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            GroundingTrainer(recipe, model, boxes, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = GroundingTrainer(recipe, model, boxes, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    for key in ("loss", "sum"):
        assert values(tmp_path / "stopped", key) == values(tmp_path / "whole", key)
    for name in ("checkpoint", "best"):
        ours, facts = read_checkpoint(tmp_path / "stopped" / f"{name}.safetensors")
        theirs, expected = read_checkpoint(tmp_path / "whole" / f"{name}.safetensors")
        assert facts == expected
        for part, arrays in theirs.items():
            assert all(torch.equal(ours[part][key], value) for key, value in arrays.items()), part


def test_it_learns_where_the_shapes_are(model, boxes, tmp_path):
    said = []
    recipe = replace(RECIPE, steps=80, validation=LocalisationValidationConfig(every=80))
    GroundingTrainer(recipe, model, boxes, tmp_path, on_validation=said.append).run()
    assert said[-1]["pointing"] == 100
    losses = [loss for _, loss in values(tmp_path, "loss")]
    assert losses[-1] < losses[0] - 0.5


def test_what_it_cannot_begin_with(model, boxes, tmp_path):
    whole = replace(model, recipe=replace(model.recipe, aligner=replace(model.recipe.aligner, similarity="global")))
    with pytest.raises(RecipeError, match="compares whole photos only"):
        GroundingTrainer(RECIPE, whole, boxes, tmp_path / "whole")
    bare = EntityDataset(boxes.source, tuple(replace(photo, entities={}) for photo in boxes.photos))
    with pytest.raises(DataError, match="photos with boxes in the splits train and val"):
        GroundingTrainer(RECIPE, model, bare, tmp_path / "bare")
    GroundingTrainer(replace(RECIPE, steps=1), model, boxes, tmp_path / "run").run()
    fewer = EntityDataset(boxes.source, boxes.photos[:-1])
    with pytest.raises(CheckpointError, match="the phrases changed"):
        GroundingTrainer(RECIPE, model, fewer, tmp_path / "run")


def test_recipes_say_what_they_are_of(tmp_path):
    save_recipe(RECIPE, tmp_path / "ground.yaml")
    assert load_any_recipe(tmp_path / "ground.yaml") == RECIPE
    with pytest.raises(RecipeError, match="start_from: a grounder locates phrases for an aligner"):
        load_any_recipe(tmp_path / "ground.yaml", ["start_from="])
    with pytest.raises(RecipeError, match="phrases_per_photo: expected at least 1"):
        load_any_recipe(tmp_path / "ground.yaml", ["phrases_per_photo=0"])


def test_cover_is_the_share_of_each_cell():
    boxes = np.array([[0.0, 0.0, 0.75, 0.5], [0.5, 0.0, 1.0, 0.5]])
    np.testing.assert_allclose(cell_cover(boxes, (2, 2)), [1, 1, 0, 0])
    np.testing.assert_allclose(cell_cover(boxes[:1], (2, 2)), [1, 0.5, 0, 0])


def test_boxes_in_a_mirror():
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.6]])
    torch.testing.assert_close(mirrored_boxes(boxes), torch.tensor([[0.5, 0.2, 0.9, 0.6]]))
