"""The recipes of text readers begin as they are written."""

from __future__ import annotations

import pytest
from training_runs import loop_of, sections

from seetell.tasks.text_recognition.data import read_words_of
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes
from seetell.training.run_log import read_log

RECIPES = {name: path for name, path in shipped_recipes().items() if name.startswith("text-crnn")}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_train(name, tmp_path, one_font):
    settings = ["steps=1", "batch_size=4", "validation.photos=2", f"text_recognition.synthetic.fonts={one_font}"]
    config = load_config(RECIPES[name], sections, [*settings, "device=cpu"])
    assert config.name == name
    loop_of(config, read_words_of(config), tmp_path / "run").run()
    log = read_log(tmp_path / "run" / "log.jsonl")
    assert 0 < log[0]["loss"] < 500
    assert 0 <= log[-1]["word_accuracy"] <= 1
