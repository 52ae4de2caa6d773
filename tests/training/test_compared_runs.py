from __future__ import annotations

import json

import pytest
from PIL import Image

from seetell.errors import UsageError
from seetell.training.compared_runs import curve, main

LOG = [
    {"step": 0, "loss": 2.0, "seconds_per_step": 6.0},
    {"step": 9, "loss": 1.0, "seconds_per_step": 3.0},
    {"step": 9, "top_1": 0.5},
]


def test_curves_are_over_steps_or_minutes():
    assert curve(LOG, "loss", minutes=False) == ([1, 10], [2.0, 1.0])
    assert curve(LOG, "top_1", minutes=True) == ([0.5], [0.5])


def test_runs_are_drawn_in_one_picture(tmp_path, capsys):
    for name in ("deep", "deeper"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LOG))
    main([str(tmp_path / "deep"), str(tmp_path / "deeper"), "--output", str(tmp_path / "runs.png")])
    assert capsys.readouterr().out == "deep\t0.5000\ndeeper\t0.5000\n"
    with Image.open(tmp_path / "runs.png") as picture:
        assert picture.size == (1210, 495)
    with pytest.raises(UsageError, match="no CIDEr in its log"):
        main([str(tmp_path / "deep"), "--output", str(tmp_path / "runs.png"), "--score", "CIDEr"])
