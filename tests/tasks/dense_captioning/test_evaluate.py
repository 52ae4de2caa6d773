from __future__ import annotations

from pathlib import Path

import described_boxes
import pytest

import seetell
from seetell.errors import DataError, UsageError
from seetell.tasks.dense_captioning.evaluate import evaluate
from seetell.tasks.evaluation import DataOptions

pytestmark = pytest.mark.usefixtures("no_paraphrases")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return described_boxes.write_described_boxes(tmp_path / "boxes")


@pytest.mark.slow
def test_progress_is_told_of_both_passes(dense_bundle: Path, folder: Path):
    steps = []
    evaluation = evaluate(seetell.load(dense_bundle), DataOptions(folder), progress=lambda *step: steps.append(step))
    assert steps == [(what, done, 2) for what in ("describing regions", "proposing regions") for done in (1, 2)]
    assert evaluation.scores["photos"] == len(evaluation.rows) == 2
    assert {"AP", "detection_AP", "regions"} == {*evaluation.details}
    assert {*evaluation.rows[0]} == {"image", "regions", "size", "model"}


def test_what_is_missing_is_said_before_the_work(
    dense_bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    model, data, steps = seetell.load(dense_bundle), DataOptions(folder), []
    with pytest.raises(UsageError, match="settings it was exported with"):
        evaluate(model, data, top=3)

    def no_meteor(folder: Path | None) -> None:
        raise DataError("METEOR is not installed")

    monkeypatch.setattr("seetell.metrics.meteor.scorer.MeteorFiles.find", no_meteor)
    with pytest.raises(DataError, match="METEOR is not installed"):
        evaluate(model, data, progress=lambda *step: steps.append(step))
    assert steps == []
