"""The recipes begin as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_runs import loop_of, sections

from seetell.tasks.single_object_tracking.models import NETWORKS
from seetell.tasks.single_object_tracking.train import Training
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes
from seetell.training.run_log import read_log

NAMES = ("entities-siamfc", "entities-siamrpn", "entities-siamrpn-plus-plus", "objects-siammask", "films-udt")
RECIPES = {name: path for name, path in shipped_recipes().items() if name in NAMES}


def test_every_network_has_a_recipe():
    models = [load_config(path, sections).section.model for path in RECIPES.values()]
    assert sorted(models) == sorted(NETWORKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_recipes_train(name: str, tmp_path: Path, photos: Path, frames: Path):
    data = frames if name == "films-udt" else photos
    settings = [f"data.path={data}", "data.captions=null", "steps=1", "batch_size=2", "validation.photos=1"]
    settings += ["single_object_tracking.pairs.count=4", "encoder.cache=", "device=cpu", "schedule.decay=none"]
    config = Training.complete(load_config(RECIPES[name], sections, settings))
    assert config.name == name
    loop_of(config, Training.read(config), tmp_path / "run").run()
    assert 0 < read_log(tmp_path / "run" / "log.jsonl")[0]["loss"] < 200
