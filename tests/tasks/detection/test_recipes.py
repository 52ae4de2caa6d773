from __future__ import annotations

import pytest
from training_runs import sections

from seetell.tasks.detection.models import DETECTORS
from seetell.training.config import load_config
from seetell.training.recipes import described, shipped_recipes

RECIPES = {
    name: file
    for name, file in shipped_recipes().items()
    if name.startswith("entities-") and "task: detection" in file.read_text(encoding="utf-8")
}


@pytest.mark.parametrize("name", [*sorted(RECIPES), "detect-folder"])
def test_recipes_are_read(name):
    file = shipped_recipes()[name]
    config = load_config(file, sections)
    assert (config.name, config.task) == (name, "detection")
    assert described(file)
    if name in RECIPES:
        assert config.section.model == name.removeprefix("entities-").replace("-", "_")
        assert len(config.section.classes) == 7


def test_every_detector_has_one_with_the_same_budget():
    configs = [load_config(file, sections) for file in RECIPES.values()]
    of_boxes = sorted(name for name, (_, network) in DETECTORS.items() if not network.finds)
    assert sorted(config.section.model for config in configs) == of_boxes
    assert {(config.batch_size, config.steps, config.encoder.image_size) for config in configs} == {(8, 500, 256)}
