"""The commands of docs/how-to/segment-images.md, in short."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from seetell.cli.main import main

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "segment-images.md"


@pytest.mark.slow
def test_the_page_trains_a_segmenter(scenes: Path, small_encoder: dict[str, str], tmp_path: Path, monkeypatch, capsys):
    shutil.copytree(scenes / "train", tmp_path / "my_scenes" / "images")
    shutil.copytree(scenes / "trainannot", tmp_path / "my_scenes" / "masks")
    shutil.copy(scenes / "classes.txt", tmp_path / "my_scenes")
    monkeypatch.chdir(tmp_path)
    printed = []
    for command in re.findall(
        r"^seetell (?:train|export|evaluate) .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )[:3]:
        arguments = shlex.split(command)[1:]
        if arguments[0] == "train":
            for setting in (
                "steps=2",
                "segmentation.size=[64, 96]",
                "segmentation.crop=[64, 64]",
                f"encoder.name={small_encoder['name']}",
                f"encoder.weights={small_encoder['weights']}",
                "schedule.decay=none",
            ):
                arguments += ["--set", setting]
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert not ended.value.code, err
        printed.append(out)
    assert set(json.loads(printed[2])) >= {"mean_iou", "pixel_accuracy", "classes"}
