from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ten_pictures import write_ten_pictures
from test_docs import commands_of

from seetell.cli.main import main
from seetell.tasks.detection.models import DETECTORS
from seetell.training.recipes import shipped_recipes

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


@pytest.mark.slow
def test_the_page_trains_on_own_pictures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    commands = commands_of("docs/how-to/detect-objects.md", "seetell train detect-folder")
    write_ten_pictures(tmp_path / "my-yolo-folder")
    monkeypatch.chdir(tmp_path)
    short = ["--set", "steps=2", "--set", "batch_size=2", "--set", "encoder.image_size=64"]
    for number, command in enumerate(commands):
        with pytest.raises(SystemExit, match="0"):
            main([*command.split()[1:], *(short if number == 0 else [])])
    assert (tmp_path / "my-detector" / "detector.int8.onnx").is_file()


def test_the_page_of_detectors():
    page = (REPOSITORY / "docs/reference/detectors.md").read_text(encoding="utf-8")
    for model, (_, network) in DETECTORS.items():
        if network.finds:  # which Entities has no truth for
            assert f"| `{model}` |" in page
            assert any(name.endswith(model.replace("_", "-")) and f"`{name}`" in page for name in shipped_recipes())
            continue
        assert page.count(f"| `{model}` |") >= 2
        assert f"entities-{model.replace('_', '-')}" in shipped_recipes()
    assert "seetell train entities-ssd" in page
    for script in ("detector_steps.py", "proposal_recall.py"):
        assert f"python benchmarks/{script}" in page
        assert (REPOSITORY / "benchmarks" / script).is_file()
