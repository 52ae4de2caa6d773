"""The commands of docs/how-to/segment-images.md, in short."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seetell.cli.main import main

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "how-to" / "segment-images.md"


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


def test_the_table_is_made_by_its_command(tmp_path: Path):
    """Of the logs and scores of runs; each minute of the run before counts, too."""
    classes = {"sky": 0.9, "road": 0.8}
    for name, before, seconds in (("camvid-fcn32s", "", 120.0), ("camvid-fcn16s", "runs/camvid-fcn32s", 60.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text(f"init_from: '{before}'\nencoder: {{name: efficientnet_lite0}}\n")
        (tmp_path / name / "log.jsonl").write_text(
            json.dumps({"step": 0, "loss": 1.0, "cpu_seconds": 1.0})
            + "\n"
            + json.dumps({"step": 9, "loss": 1.0, "cpu_seconds": seconds})
            + "\n"
        )
        scores = {"mean_iou": 0.5, "pixel_accuracy": 0.75, "classes": classes}
        (tmp_path / name / "test.json").write_text(json.dumps(scores))
    script = REPOSITORY / "benchmarks" / "segmenter_table.py"
    runs = ["camvid-fcn32s", "camvid-fcn16s"]
    done = subprocess.run(
        [sys.executable, script, *runs],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *_, coarse, fine = done.stdout.splitlines()
    assert coarse.startswith("| `camvid-fcn32s` | efficientnet_lite0 | 2.0 | **0.500** | 75.0 % | 0.900 | 0.000 |")
    assert fine.startswith("| `camvid-fcn16s` | efficientnet_lite0 | 2.0 + 1.0 |")
    assert "python benchmarks/segmenter_table.py" in (REPOSITORY / "docs/reference/segmenters.md").read_text("utf-8")
