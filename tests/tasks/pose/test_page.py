"""The commands of docs/how-to/find-joints.md, in short."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs import commands_of

from seetell.cli.main import main

REPOSITORY = Path(__file__).parents[3]
PAGE = "docs/how-to/find-joints.md"
SHORT = {
    "keypoint": ['detection.options={"point_convolutions": 1, "point_width": 16, "hidden": 32}'],
    "deeppose": ["pose.hidden=16"],
}


@pytest.mark.nightly
@pytest.mark.parametrize("which", SHORT)
def test_the_commands_of_the_page(
    which: str, small_encoder: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, one_registry
):
    draw, *commands = commands_of(PAGE, f"python scripts/figures/draw.py figures{'-alone' * (which == 'deeppose')} ")
    arguments = shlex.split(draw)[2:]
    arguments[arguments.index("--count") + 1] = "10"
    subprocess.run([sys.executable, REPOSITORY / "scripts/figures/draw.py", *arguments], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] == "train":
            for setting in (
                "steps=2",
                "batch_size=2",
                "encoder.image_size=64",
                f"encoder.name={small_encoder['name']}",
                f"encoder.weights={small_encoder['weights']}",
                "schedule.decay=none",
                "schedule.warmup=0",
                *SHORT[which],
            ):
                words += ["--set", setting]
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        assert not ended.value.code, err
    scores = json.loads(out)
    assert ("key_point_AP" if which == "keypoint" else "PDJ") in scores
