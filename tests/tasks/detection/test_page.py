from __future__ import annotations

import json
import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from ten_pictures import write_ten_pictures
from test_docs import commands_of
from training_runs import sections

from seetell.cli.main import main
from seetell.tasks.detection.models import DETECTORS
from seetell.tasks.detection.models.torchvision_models import ONE_STAGE, STRIDES
from seetell.training.config import load_config
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
    said = re.search(r"an AP of (0\.\d{3}) and an AP50 of (0\.\d{3})", page)
    assert said, "the page states both scores of the bundled detector"
    # 8-bit arithmetic rounds differently on processors with VNNI and without
    assert [scores["AP"], scores["AP50"]] == pytest.approx([float(each) for each in said.groups()], abs=0.012)


@pytest.mark.nightly
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
        assert page.count(f"| `{model}`") >= (1 if network.finds else 2)
    for name in (*ONE_STAGE, *STRIDES):
        stem = name.replace("_v2", "").replace("_320_fpn", "_fpn")
        assert f"`{stem}`" in page
    assert "seetell train entities-ssd" in page
    for script in ("detector_table.py", "proposal_recall.py"):
        assert f"python benchmarks/{script}" in page
        assert (REPOSITORY / "benchmarks" / script).is_file()


def test_recipes_say_what_the_table_says():
    page = (REPOSITORY / "docs/reference/detectors.md").read_text(encoding="utf-8")
    for model, (_, network) in DETECTORS.items():
        if network.finds:
            continue
        head = shipped_recipes()[f"entities-{model.replace('_', '-')}"].read_text(encoding="utf-8")
        said = re.findall(r"AP50 of (\d+\.\d)", head) or ["–"]
        assert re.search(rf"^\| `{model}`¹? \| {said[0]} \|", page, flags=re.MULTILINE), model


@pytest.mark.parametrize("name", ["boxes-from-regions", "boxes-in-one-stage"])
def test_the_pages_of_the_families(name):
    page = (REPOSITORY / f"docs/learn/{name}.md").read_text(encoding="utf-8")
    assert (REPOSITORY / f"docs/pictures/{name}.jpg").is_file()
    commands = [
        shlex.split(line.replace("\\\n", " "))
        for block in re.findall(r"```bash\n(.*?)```", page, flags=re.DOTALL)
        for line in re.split(r"(?<!\\)\n", block.strip())
    ]
    assert {command[1] for command in commands} <= {"train", "export", "detect", "evaluate"}
    for command in commands:
        if command[1] == "train":
            settings = [value for flag, value in pairwise(command) if flag == "--set"]
            load_config(shipped_recipes()[command[2]], sections, settings)
