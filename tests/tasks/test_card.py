"""A description that is changed: scores are recorded, and the card keeps what its task says of its settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seetell.errors import UsageError
from seetell.runtime.bundle import bundled_models, read_description
from seetell.tasks.card import record_scores, write_description
from seetell.tasks.registry import tasks

OF_TASKS = [name for name, folder in bundled_models().items() if read_description(folder)["task"] in tasks()]


@pytest.mark.parametrize("name", OF_TASKS)
def test_cards_of_bundled_models_are_those_of_their_descriptions(name: str, tmp_path: Path):
    description = read_description(bundled_models()[name])
    write_description(tmp_path, description)
    assert (tmp_path / "README.md").read_text("utf-8") == (bundled_models()[name] / "README.md").read_text("utf-8")
    assert read_description(tmp_path) == description


def test_an_unknown_task_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="unknown task 'captionin'"):
        write_description(tmp_path, {"task": "captionin", "settings": {}})
    assert not [*tmp_path.iterdir()]


def test_recorded_scores(tmp_path: Path):
    folder = tmp_path / "scored"
    shutil.copytree(bundled_models()["flickr8k-align"], folder, ignore=shutil.ignore_patterns("*.onnx"))
    write_description(folder, {**read_description(folder), "scores": {}})
    record_scores(folder, "val", {"CIDEr": 0.634837, "photos": 1000, "command": "seetell train shapes"})
    record_scores(folder, "test", {"CIDEr": 0.5, "METEOR": 0.25, "photos": 12, "command": "seetell evaluate shapes"})
    text = (folder / "README.md").read_text()
    assert "| split | CIDEr | photos | METEOR |\n|---|---|---|---|\n| val | 0.6348 | 1,000 |  |\n" in text
    assert "| test | 0.5 | 12 | 0.25 |\n" in text
    assert "Measured by:\n\n    seetell train shapes\n    seetell evaluate shapes\n" in text
    record_scores(folder, "val", {"CIDEr": 0.7, "command": "seetell evaluate shapes --split val"})
    scores = json.loads((folder / "model.json").read_text())["scores"]
    assert scores["val"] == {"CIDEr": 0.7, "command": "seetell evaluate shapes --split val"}
    assert "0.6348" not in (folder / "README.md").read_text()
