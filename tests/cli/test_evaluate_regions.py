from __future__ import annotations

import json
import shutil
from pathlib import Path

import described_boxes
import pytest

import seetell
from seetell.cli.main import main
from seetell.data.region_results import read_region_results
from seetell.data.regions import read_regions
from seetell.metrics.dense import dense_average_precision

pytestmark = pytest.mark.usefixtures("no_paraphrases")


@pytest.fixture
def boxes_of_people(tmp_path: Path) -> Path:
    return described_boxes.write_described_boxes(tmp_path / "boxes")


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, arguments)])
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.mark.slow
def test_regions_are_scored_as_they_are_written(
    dense_bundle: Path, boxes_of_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    written = tmp_path / "regions.jsonl"
    status, out, _ = evaluate(capsys, dense_bundle, "--data", boxes_of_people, "--output", written)
    assert status == 0
    scores = json.loads(out)
    photos = read_regions(boxes_of_people).split("val")
    found = read_region_results(written).captions
    expected = dense_average_precision(
        {photo.id: photo.regions for photo in photos}, {photo.id: found[str(photo.path)].regions for photo in photos}
    ).to_dict()
    assert scores["dense_mAP"] == expected["mAP"]
    for name in ("detection_mAP", "AP", "detection_AP", "photos", "regions"):
        assert scores[name] == expected[name]
    assert 0 < scores["recall@50"] <= scores["recall@100"] <= scores["recall@300"] <= 1


@pytest.mark.slow
def test_recall_is_that_of_the_proposals(dense_bundle: Path, boxes_of_people: Path):
    captioner = seetell.load(dense_bundle, threads=1)
    photos = read_regions(boxes_of_people).split("val")
    few, many = (list(captioner.propose_many([photo.path for photo in photos], top=top)) for top in (5, 300))
    for some, all_of_them in zip(few, many, strict=True):
        assert some == all_of_them.top(5)
        assert len(all_of_them) > captioner.localiser.rules.proposals
        assert [region.score for region in all_of_them] == sorted(
            (region.score for region in all_of_them), reverse=True
        )
        assert {region.text for region in all_of_them} == {""}


@pytest.mark.slow
def test_recorded_scores_stand_on_the_card(
    dense_bundle: Path, boxes_of_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bundle = shutil.copytree(dense_bundle, tmp_path / "mine")
    _, out, _ = evaluate(capsys, bundle, "--data", boxes_of_people, "--split", "train", "--record")
    scores = json.loads(out)
    recorded = json.loads((bundle / "model.json").read_text())["scores"]["train"]
    assert recorded["dense_mAP"] == scores["dense_mAP"]
    card = (bundle / "README.md").read_text()
    assert f"| train | {scores['dense_mAP']:.4g} | {scores['detection_mAP']:.4g} |" in card
    assert "    seetell evaluate boxes --data boxes --split train\n" in card


@pytest.mark.slow
def test_photos_that_do_not_open_are_named_and_skipped(
    dense_bundle: Path, boxes_of_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bundle = shutil.copytree(dense_bundle, tmp_path / "mine")
    before = (bundle / "model.json").read_bytes()
    photo = boxes_of_people / "10.jpg"
    photo.write_bytes(photo.read_bytes()[:-200])
    status, out, err = evaluate(capsys, bundle, "--data", boxes_of_people, "--record")
    assert status == 1
    assert json.loads(out)["photos"] == 1
    assert err.count("10.jpg") == 1
    assert "1 of 2 photos do not open and were skipped; nothing was recorded" in err
    assert (bundle / "model.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "beam_size=2"], "leave out others"),
        (["--boxes", "entities"], "is a model for dense_captioning; expected one for grounding"),
        (["--split", "test"], "no photos in the split 'test'"),
    ],
)
def test_what_does_not_fit_is_refused(
    dense_bundle: Path, boxes_of_people: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
):
    status, out, err = evaluate(capsys, dense_bundle, "--data", boxes_of_people, *options)
    assert (status, out) in ((1, ""), (2, ""))
    assert message in err


def test_captions_are_for_regions_alone(tiny_bundle: Path, boxes_of_people: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = evaluate(capsys, tiny_bundle, "--data", boxes_of_people, "--captions", boxes_of_people)
    assert status == 2
    assert "is a model for captioning; expected one for classification or dense_captioning or detection" in err
