from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import StoppedError, assert_same_run, configured, logged, loop_of, stop_at, trained_in

from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.tasks.character_modelling.train import Training


def prepared(recipe: dict[str, Any], **changes: Any):
    config = Training.complete(configured(recipe, **changes))
    return config, Training.read(config)


@pytest.mark.slow
def test_it_learns_ten_lines_by_heart(characters_run: Path):
    trained = trained_in(characters_run, "character_modelling")
    assert trained.metadata["scores"]["bits_per_character"] < 0.8  # each of 32 short rows begins with a guess
    losses = [loss for _, loss in logged(characters_run, "loss")]
    assert losses[0] > 3
    assert min(losses[-20:]) < 0.1
    assert trained.config.section.characters.startswith('\n "()')


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_its_state(characters_recipe: dict[str, Any], tmp_path: Path):
    config, text = prepared(characters_recipe, steps=10, checkpoint_every=5)
    loop_of(config, text, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(config, text, tmp_path / "run", on_step=stop_at(7)).run()
    loop_of(config, text, tmp_path / "run").run()  # from step 5, in the middle of a pass
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_the_state_is_carried_over_within_a_pass(characters_recipe: dict[str, Any]):
    config, text = prepared(characters_recipe)
    training = Training(config, text)
    steps = training._steps_per_pass
    first, second = training.batch(0), training.batch(1)
    assert (first[2], second[2], training.batch(steps)[2]) == (True, False, True)
    assert torch.equal(first[1][:, :-1], first[0][:, 1:])
    assert torch.equal(first[1][:, -1], second[0][:, 0])  # what is predicted last is read next
    training.model.eval()
    losses = [float(training.loss(step, batch)[0].mean.detach()) for step, batch in enumerate((first, second))]
    whole = torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)
    logits, _ = training.model(whole[0])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), whole[1].flatten())
    assert sum(losses) / 2 == pytest.approx(float(expected.detach()))


def test_another_text_is_another_run(characters_recipe: dict[str, Any], tmp_path: Path):
    file = tmp_path / "other.txt"
    file.write_text("abcab" * 120)
    config, text = prepared(characters_recipe, data={"path": str(file)}, steps=1)
    loop_of(config, text, tmp_path / "run").run()
    file.write_text("abcba" * 120)
    with pytest.raises(CheckpointError, match="the data changed"):
        loop_of(config, Training.read(config), tmp_path / "run")
    file.write_text("abcde" * 120)
    with pytest.raises(RecipeError, match="has others; leave the field out"):
        Training.read(config)


def test_a_text_that_is_too_short_for_the_rows(characters_recipe: dict[str, Any], tmp_path: Path):
    file = tmp_path / "short.txt"
    file.write_text("abcd" * 19)
    config, text = prepared(characters_recipe, data={"path": str(file)})
    with pytest.raises(DataError, match="38 characters to train on are too few for 8 rows of 34"):
        Training(config, text)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cell": "lstn"}, "Did you mean 'lstm'"),
        ({"hidden": 0}, "character_modelling.hidden"),
        ({"characters": "aa"}, "expected each of them once"),
        ({"validation_share": 1.0}, "character_modelling.validation_share"),
    ],
)
def test_mistakes_in_a_recipe(characters_recipe: dict[str, Any], changes: dict[str, Any], expected: str):
    with pytest.raises(RecipeError, match=expected):
        configured(characters_recipe, character_modelling=changes)


def test_its_state_cannot_be_shared(characters_recipe: dict[str, Any], tmp_path: Path):
    config, text = prepared(characters_recipe, batch_parts=2)
    with pytest.raises(RecipeError, match="batch_parts: a state is carried over"):
        loop_of(config, text, tmp_path / "run")
