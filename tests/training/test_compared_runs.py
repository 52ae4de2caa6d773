from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.errors import UsageError
from seetell.training.compared_runs import Compared, main

LOG = [
    {"step": 0, "loss": 2.0, "seconds_per_step": 6.0, "cpu_seconds": 30.0},
    {"step": 9, "loss": 1.0, "seconds_per_step": 3.0, "cpu_seconds": 90.0},
    {"step": 9, "top_1": 0.5},
]
RESUMED = [
    *LOG,
    {"step": 10, "loss": 0.3, "seconds_per_step": 3.0, "cpu_seconds": 12.0},
    {"step": 1233, "loss": 0.3, "seconds_per_step": 3.0, "cpu_seconds": 42.0},
    {"step": 1233, "top_1": 0.625},
]


@pytest.fixture
def runs(tmp_path):
    for name, log in {"deep": LOG, "deeper": RESUMED}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    return [str(tmp_path / "deep"), str(tmp_path / "deeper")]


def test_curves_are_over_steps_or_minutes():
    run = Compared("deep", LOG, "top_1")
    assert run.curve("loss") == ([1, 10], [2.0, 1.0])
    assert run.curve("top_1", minutes=True) == ([0.5], [0.5])
    assert run.smoothed_losses() == ([1, 10], [2.0, 1.5])


def test_the_table_has_the_best_run_first(runs, capsys):
    main(runs)
    assert capsys.readouterr().out.splitlines() == [
        "| run | top_1 | training loss | steps | CPU-minutes |",
        "|---|---|---|---|---|",
        "| deeper | 0.625 | 0.900 | 1,234 | 2.2 |",
        "| deep | 0.500 | 1.500 | 10 | 1.5 |",
    ]
    with pytest.raises(UsageError, match="no CIDEr in its log"):
        main([*runs, "--score", "CIDEr"])


@pytest.mark.slow
def test_runs_are_drawn_in_one_picture(runs, tmp_path):
    main([*runs, "--output", str(tmp_path / "runs.png")])
    with Image.open(tmp_path / "runs.png") as picture:
        assert picture.size == (990, 378)
        colours = np.array([colour for _, colour in picture.convert("RGB").getcolors()])
    for stroke in ((0, 114, 178), (213, 94, 0)):
        assert abs(colours - stroke).max(axis=1).min() < 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing"], "missing: no such folder; expected what seetell train wrote"),
        (["."], ".: no training run, it has no log.jsonl; expected what seetell train wrote"),
        (["deep", "--score", "CIDEr"], "deep: no CIDEr in its log; it has top_1: name one as --score"),
        (["deep", "--output", "runs.txt"], "--output runs.txt: expected a name that ends in .png"),
        (["deep", "--output", "no/runs.png"], "--output no/runs.png: there is no folder no; make it first"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_written(runs, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        main(words)
    assert message in str(caught.value)
    assert not list(tmp_path.glob("runs.*"))


@pytest.mark.nightly
def test_errors_are_one_line(tmp_path):
    words = [sys.executable, "-m", "seetell.training.compared_runs", str(tmp_path / "missing")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("seetell: ")
    assert len(ended.stderr.splitlines()) == 1
