from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seetell.cli.main import main

REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("SEETELL_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "coco128").is_dir(), reason=f"needs {DATA}/coco128")
def test_the_page_measures_a_detector(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    page = (REPOSITORY / "docs/how-to/detect-objects.md").read_text(encoding="utf-8")
    assert "seetell evaluate coco-nanodet --data coco128/object_detection\n" in page
    monkeypatch.chdir(DATA)
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", "coco-nanodet", "--data", "coco128/object_detection"])
    scores = json.loads(capsys.readouterr().out)
    assert f"an AP of {scores['AP']:.3f} and an AP50 of {scores['AP50']:.3f}" in page
