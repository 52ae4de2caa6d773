from __future__ import annotations

import pytest

from seetell.cli import progress
from seetell.cli.progress import Progress


def test_lines_tell_the_rate_of_this_run_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Progress(lines=True, rates=True) as shown:
        shown("photos", 5000, 100_000)  # all but one were done before
        for later, done in ((105.0, 5200), (111.0, 5440), (130.0, 99_560), (130.0, 100_000)):
            now = later
            shown("photos", done, 100_000)
    assert capsys.readouterr().err.splitlines() == [
        "photos: 5,440 of 100,000, 40 a second, 39 min left",
        "photos: 99,560 of 100,000, 3,152 a second, 0 s left",
        "photos: 100,000 of 100,000, 3,167 a second",
    ]


def test_without_a_total_there_is_no_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(progress, "SECONDS_PER_LINE", 0)
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Progress(lines=True, rates=True) as shown:
        shown("photos", 1)
        now = 2.0
        shown("photos", 8, note=" so far")
    assert capsys.readouterr().err.splitlines() == ["photos: 1", "photos: 8, 3.5 a second so far"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (29, "29 s"), (31, "1 min"), (3580, "1 h 0 min"), (9000, "2 h 30 min"), (345_600, "4.0 days")],
)
def test_durations(seconds: float, said: str):
    assert progress._duration(seconds) == said
