from __future__ import annotations

from PIL import Image

from seetell.training.run_log import RunLog, draw_curves, read_log


def test_a_resumed_run_removes_the_lines_of_steps_it_repeats(tmp_path):
    log = RunLog(tmp_path / "log.jsonl")
    for step in range(5):
        log.write(step, loss=float(step))
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 5, "lo')
    RunLog(tmp_path / "log.jsonl", step=3).write(3, loss=9.0)
    assert [line["loss"] for line in read_log(tmp_path / "log.jsonl")] == [0, 1, 2, 9]


def test_curves_of_an_empty_log_are_an_empty_figure(tmp_path):
    draw_curves([], tmp_path / "curves.png", scores=("CIDEr",), loss_unit="nats")
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.width > 100
