"""The recipes begin as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_runs import loop_of, sections

from seetell.tasks.segmentation.train import Training
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes
from seetell.training.run_log import read_log

RECIPES = {name: path for name, path in shipped_recipes().items() if name.startswith("camvid-")}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_train(name: str, tmp_path: Path, scenes: Path):
    (tmp_path / "camvid").mkdir()
    for entry in scenes.iterdir():
        if entry.is_dir():
            (tmp_path / "camvid" / entry.name).symlink_to(entry)
    settings = [
        f"data.path={tmp_path / 'camvid'}",
        "init_from=",
        "steps=1",
        "batch_size=2",
        "validation.photos=1",
        "segmentation.size=[64, 96]",
        "segmentation.crop=[64, 64]",
        "device=cpu",
        "schedule.decay=none",
    ]
    config = Training.complete(load_config(RECIPES[name], sections, settings))
    assert config.name == name
    loop_of(config, Training.read(config), tmp_path / "run").run()
    log = read_log(tmp_path / "run" / "log.jsonl")
    assert 0 < log[0]["loss"] < 10
    assert 0 <= log[-1]["mean_iou"] <= 1


def test_recipes_are_there() -> None:
    assert sorted(RECIPES) == ["camvid-fcn16s", "camvid-fcn32s", "camvid-fcn8s", "camvid-segnet", "camvid-unet"]
