"""The bundled segmenter."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from test_docs import commands_of

import seetell
from seetell.cli.main import main
from seetell.geometry.masks import decode

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("SEETELL_DATA", REPOSITORY.parent / "shared" / "data"))
GATE = REPOSITORY / "examples" / "gate.jpg"


def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    lines, overlay, _ = commands_of("docs/how-to/segment-images.md", "seetell segment examples/gate.jpg")
    monkeypatch.chdir(REPOSITORY)
    for command in (lines, overlay.replace("overlay.png", str(tmp_path / "overlay.png"))):
        with pytest.raises(SystemExit, match="0"):
            main(command.split()[1:])
    found = {line.split("\t")[1] for line in capsys.readouterr().out.splitlines()}
    assert {"sky", "building", "pedestrian"} <= found
    with Image.open(tmp_path / "overlay.png") as drawn:
        assert drawn.width > 400


def test_every_pixel_is_of_one_class():
    segmenter = seetell.load("segment", threads=1)
    assert len(segmenter.labels) == 11
    result = segmenter.predict(GATE)
    covered = sum(decode(mask.counts, result.size).astype(int) for mask in result)
    assert (covered == 1).all()


@pytest.mark.nightly
@pytest.mark.skipif(not (DATA / "camvid").is_dir(), reason=f"needs {DATA}/camvid")
def test_its_scores_are_those_of_its_card(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", "camvid-fcn8s", "--data", str(DATA / "camvid"), "--split", "test"])
    scores = json.loads(capsys.readouterr().out)
    card = json.loads((REPOSITORY / "seetell/bundles/camvid-fcn8s/model.json").read_text("utf-8"))["scores"]["test"]
    assert scores["mean_iou"] == pytest.approx(card["mean_iou"], abs=1e-3)
