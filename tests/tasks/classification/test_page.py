"""The commands of docs/how-to/classify-images.md, in short."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from seetell.cli.main import main

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "classify-images.md"


@pytest.mark.nightly
def test_the_page_trains_a_classifier(colours, tmp_path, monkeypatch, capsys):
    shutil.copytree(colours, tmp_path / "my_classes")
    monkeypatch.chdir(tmp_path)
    printed = []
    for command in re.findall(r"^seetell (?:.*my[_-]class.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        arguments = shlex.split(command)[1:]
        if arguments[0] == "train":
            steps = 4 if "train_encoder_after" in command else 100
            arguments += ["--set", f"steps={steps}", "--set", "validation.every=4", "--set", "encoder.image_size=64"]
        with pytest.raises(SystemExit) as ended:
            main([re.sub(r"(train_encoder_after)=500", r"\1=2", argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert not ended.value.code, err
        printed.append(out)
    assert len(printed) == 5
    assert json.loads(printed[2])["top_1"] > 0.5
    assert (tmp_path / "confusion.png").exists()
    assert len(printed[3].splitlines()) == 42
