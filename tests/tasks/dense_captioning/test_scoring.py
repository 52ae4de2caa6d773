from __future__ import annotations

import json
from pathlib import Path

import pytest

from seetell.cli.main import main
from seetell.metrics.dense import DenseScores, Recall
from seetell.tasks.dense_captioning.scoring import RegionScoring

pytestmark = pytest.mark.usefixtures("no_paraphrases")


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def references(tmp_path: Path) -> Path:
    root = tmp_path / "vg"
    root.mkdir()
    boxes = [{"region_id": 1, "x": 0, "y": 0, "width": 100, "height": 50, "phrase": "a brown dog"}]
    described = [{"id": number, "regions": boxes} for number in (1, 2, 3)]
    (root / "region_descriptions.json").write_text(json.dumps(described))
    sizes = [{"image_id": number, "width": 1440, "height": 720} for number in (1, 2, 3)]
    (root / "image_data.json").write_text(json.dumps(sizes))
    (root / "densecap_splits.json").write_text(json.dumps({"train": [3], "val": [1, 2], "test": []}))
    return root


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    path = tmp_path / "regions.jsonl"
    good, wrong = [
        {"text": "the brown dog", "box": box, "score": 0.5} for box in ([0, 0, 100, 50], [500, 500, 600, 600])
    ]
    rows = [{"image": "photos/1.jpg", "regions": [good]}, {"image": "2.jpg", "regions": [wrong]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_json_lines_of_regions(references: Path, regions: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("pycocoevalcap")
    status, out, err = run(capsys, regions, "-r", references, "--split", "val", "--format", "json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert (found["mAP"], found["detection_mAP"]) == pytest.approx((51 / 101, 51 / 101))
    assert (found["photos"], found["regions"], found["recall_50"]) == (2, 2, 0.5)
    assert (found["AP"]["0.7"]["0.25"], found["detection_AP"]["0.3"]) == pytest.approx((51 / 101, 51 / 101))


def test_a_split_without_photos(references: Path, regions: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("pycocoevalcap")
    status, _, err = run(capsys, regions, "-r", references, "--split", "test")
    assert status == 2
    assert f"{references}: no photos in the split 'test'; leave out --split to score against all" in err


@pytest.mark.slow
def test_densecaps_results_and_photos_left_out(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("pycocoevalcap")
    row = {"img_name": "1.jpg", "boxes": [[1, 1, 50, 25]], "scores": [3], "captions": ["a brown dog"]}
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": [row], "opt": {"image_size": 720}}))
    status, _, err = run(capsys, path, "-r", references, "--split", "val")
    assert status == 2
    assert "1 photo of 2 without a caption" in err
    status, out, err = run(capsys, path, "-r", references, "--split", "val", "--allow-missing")
    assert (status, err) == (0, f"1 of 2 photos have no regions in {path}; skipped\n")
    assert out.splitlines()[0].split() == ["mAP", "100.00"]


def test_options_of_captions_do_not_fit_regions(
    tmp_path: Path, references: Path, regions: Path, capsys: pytest.CaptureFixture[str]
):
    status, _, err = run(capsys, regions, "-r", references, "--metrics", "Bleu_4")
    assert status == 2
    assert f"--metrics: expected captions, but {regions} holds described regions" in err
    captions = tmp_path / "captions.json"
    captions.write_text('[{"image_id": 1, "caption": "a dog"}]')
    status, _, err = run(capsys, captions, "-r", references, "--captions", references)
    assert status == 2
    assert "--captions: expected a file of described regions" in err


def test_the_table_is_times_a_hundred():
    scores = DenseScores(
        mean_ap=0.0539,
        table=tuple(tuple(at / 100 + above / 1000 for above in range(6)) for at in range(5)),
        detection_ap=0.1,
        detection=(0.2, 0.15, 0.1, 0.05, 0.0),
        recall={50: Recall(0.5, 0.25)},
        regions=1234,
        photos=56,
    )
    assert RegionScoring(scores, ()).text().splitlines() == [
        "mAP              5.39",
        "detection mAP   10.00",
        "recall at 50    50.00  (mean over IoU 0.5 to 0.95: 25.00)",
        "",
        "AP at IoU   boxes    METEOR>0 METEOR>0.05  METEOR>0.1 METEOR>0.15  METEOR>0.2 METEOR>0.25",
        "0.3         20.00        0.00        0.10        0.20        0.30        0.40        0.50",
        "0.4         15.00        1.00        1.10        1.20        1.30        1.40        1.50",
        "0.5         10.00        2.00        2.10        2.20        2.30        2.40        2.50",
        "0.6          5.00        3.00        3.10        3.20        3.30        3.40        3.50",
        "0.7          0.00        4.00        4.10        4.20        4.30        4.40        4.50",
        "",
        "56 photos, 1,234 regions; all figures ×100",
    ]
