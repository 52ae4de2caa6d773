"""The drop-in names, side by side with pycocoevalcap and pycocotools on the same objects."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics import coco
from seetell.metrics.captions import MeanScores

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "fixtures" / "captions.json").read_text("utf-8"))
EVERYDAY = CASES[0]

GTS = {
    7: ["a dog runs on a hill", "the dog  runs"],  # two spaces: ROUGE-L counts an empty word between them
    3: ["a cat sleeps on a chair", ""],
    9: ["two boats on a lake at night"],
}
RES = {9: ["two boats on two lakes"], 7: ["a dog on a hill"], 3: [""]}


def no_meteor() -> None:
    raise DataError("METEOR's data is absent; pip install 'seetell[meteor]'")


@pytest.fixture
def dataset() -> dict[str, Any]:
    """The everyday case in COCO's captions format, ids being numbers."""
    people = list(EVERYDAY["references"].values())
    return {
        "info": {"year": 2014},
        "images": [{"id": 100 + number, "file_name": f"{number}.jpg"} for number in range(len(people))],
        "annotations": [
            {"id": 10 * number + index, "image_id": 100 + number, "caption": sentence}
            for number, said in enumerate(people)
            for index, sentence in enumerate(said)
        ],
    }


@pytest.fixture
def results() -> list[dict[str, Any]]:
    said = EVERYDAY["candidates"]
    return [{"image_id": 100 + n, "caption": said[photo]} for n, photo in enumerate(EVERYDAY["references"])]


@pytest.fixture
def files(tmp_path: Path, dataset: dict[str, Any], results: list[dict[str, Any]]) -> tuple[str, str]:
    annotations, said = tmp_path / "captions_val.json", tmp_path / "results.json"
    annotations.write_text(json.dumps(dataset), "utf-8")
    said.write_text(json.dumps(results), "utf-8")
    return str(annotations), str(said)


@pytest.mark.parametrize("verbose", [0, 1])
def test_bleu_gives_what_pycocoevalcap_gives(verbose: int, capsys: pytest.CaptureFixture[str]):
    theirs = pytest.importorskip("pycocoevalcap.bleu.bleu").Bleu(4)
    expected, expected_each = theirs.compute_score(GTS, RES, verbose=verbose)
    expected_print = capsys.readouterr().out
    found, each = coco.Bleu(4).compute_score(GTS, RES, verbose=verbose)
    printed = capsys.readouterr().out
    assert type(found) is type(expected) is list
    assert type(each) is type(each[0]) is type(expected_each[0]) is list
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(each, expected_each, rtol=0, atol=1e-12)
    assert printed.splitlines()[:1] == expected_print.splitlines()[:1]
    assert bool(printed) is bool(verbose)
    assert coco.Bleu().method() == theirs.method()


def test_bleu_of_lower_orders():
    theirs = pytest.importorskip("pycocoevalcap.bleu.bleu").Bleu(2)
    found, each = coco.Bleu(2).compute_score(GTS, RES, verbose=0)
    expected, expected_each = theirs.compute_score(GTS, RES, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(each, expected_each, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("module", "name", "options"),
    [("rouge.rouge", "Rouge", {}), ("cider.cider", "Cider", {}), ("cider.cider", "Cider", {"n": 4, "sigma": 2.0})],
)
def test_rouge_and_cider_give_what_pycocoevalcap_gives(module: str, name: str, options: dict[str, float]):
    theirs = getattr(pytest.importorskip(f"pycocoevalcap.{module}"), name)(**options)
    ours = getattr(coco, name)(**options)
    expected, expected_each = theirs.compute_score(GTS, RES)
    found, each = ours.compute_score(GTS, RES)
    assert type(found) is type(expected)
    assert type(each) is type(expected_each)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(each, expected_each, rtol=0, atol=1e-9)
    assert ours.method() == theirs.method()


def test_meteor_passes_tokens_on(monkeypatch: pytest.MonkeyPatch):
    def score(references: list[list[list[str]]], candidates: list[list[str]]) -> Any:
        assert references[0][1] == ["the", "dog", "runs"]
        assert candidates == [["a", "dog", "on", "a", "hill"], [], ["two", "boats", "on", "two", "lakes"]]
        return SimpleNamespace(corpus=0.5, per_photo=np.array([0.6, 0.0, 0.7]))

    stand_in = SimpleNamespace(Meteor=lambda: SimpleNamespace(score=score))
    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor", stand_in)
    assert coco.Meteor().compute_score(GTS, RES) == (0.5, [0.6, 0.0, 0.7])
    assert coco.Meteor().method() == "METEOR"


@pytest.mark.parametrize(
    ("gts", "res", "message"),
    [
        ({1: ["a"]}, {2: ["a"]}, r"2 are in one alone, such as \[1, 2\]"),
        ({1: ["a"]}, {1: ["a", "b"]}, "1 have more"),
        ({1: ["a"]}, {1: "a"}, r"res\[1\]: expected a list of tokenised sentences, got 'a'"),
        ({1: [{"caption": "a"}]}, {1: ["a"]}, r"gts\[1\]: expected a list of tokenised"),
        ({1: []}, {1: ["a"]}, r"gts\[1\]: expected a list"),
    ],
)
def test_scorers_refuse_what_does_not_fit(gts: dict[int, Any], res: dict[int, Any], message: str):
    for scorer in (coco.Bleu(), coco.Rouge(), coco.Cider()):
        with pytest.raises(DataError, match=message):
            scorer.compute_score(gts, res)


def test_captions_are_indexed_as_pycocotools_does(files: tuple[str, str]):
    theirs = pytest.importorskip("pycocotools.coco").COCO(files[0])
    ours = coco.COCO(files[0])
    found, expected = ours.loadRes(files[1]), theirs.loadRes(files[1])
    for one, other in ((ours, theirs), (found, expected)):
        assert one.getImgIds() == other.getImgIds()
        assert one.imgToAnns == other.imgToAnns
        assert one.anns == other.anns
        assert one.imgs == other.imgs
        assert one.dataset == other.dataset
    assert sorted(ours.getImgIds([101, 101, 103])) == sorted(theirs.getImgIds([101, 101, 103]))


def test_a_data_set_can_be_set_by_hand_and_results_stay_untouched(
    dataset: dict[str, Any], results: list[dict[str, Any]]
):
    captions = coco.COCO()
    captions.dataset = {key: dataset[key] for key in ("images", "annotations")}
    captions.createIndex()
    found = captions.loadRes(results[:2])
    assert found.getImgIds() == [100, 101]
    assert "id" not in results[0]


def test_scores_of_files_are_those_of_the_reference(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stand_in = SimpleNamespace(score=lambda references, candidates: MeanCorpus(np.arange(7) / 10))
    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor", SimpleNamespace(Meteor=lambda: stand_in))
    captions = coco.COCO(files[0])
    evaluation = coco.COCOEvalCap(captions, captions.loadRes(files[1]))
    evaluation.evaluate()
    assert list(evaluation.eval) == ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "METEOR", "ROUGE_L", "CIDEr"]
    assert evaluation.eval == pytest.approx({**EVERYDAY["corpus"], "METEOR": 0.3}, abs=1e-9, rel=0)
    assert "METEOR: 0.300" in capsys.readouterr().out
    for number, row in enumerate(EVERYDAY["per_photo"].values()):
        expected = {**row, "METEOR": number / 10, "image_id": 100 + number}
        assert evaluation.imgToEval[100 + number] == pytest.approx(expected, abs=1e-9, rel=0)
    assert evaluation.evalImgs == list(evaluation.imgToEval.values())


class MeanCorpus(MeanScores):
    """A stand-in for METEOR's scores."""

    def __init__(self, values: Any) -> None:
        super().__init__("METEOR", values)

    @property
    def corpus(self) -> float:
        return float(self.per_photo.mean())


def test_without_its_data_meteor_is_skipped_with_a_warning(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor", SimpleNamespace(Meteor=no_meteor))
    captions = coco.COCO(files[0])
    evaluation = coco.COCOEvalCap(captions, captions.loadRes(files[1]))
    evaluation.params["image_id"] = [100, 102]
    with pytest.warns(UserWarning, match=r"METEOR is skipped.*pip install 'seetell\[meteor\]'"):
        evaluation.evaluate()
    assert "METEOR" not in evaluation.eval
    assert list(evaluation.imgToEval) == [100, 102]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="pycocoevalcap's tokenizer needs Java")
def test_evaluation_is_that_of_pycocoevalcap(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    original = pytest.importorskip("pycocoevalcap.eval")
    pycocotools = pytest.importorskip("pycocotools.coco")

    class Absent:
        def compute_score(self, gts: dict[Any, Any], res: dict[Any, Any]) -> tuple[float, list[float]]:
            return 0.0, [0.0] * len(gts)

        def method(self) -> str:
            return "absent"

    monkeypatch.setattr(original, "Spice", Absent)
    monkeypatch.setattr(original, "Meteor", Absent)
    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor", SimpleNamespace(Meteor=no_meteor))
    captions = pycocotools.COCO(files[0])
    said = captions.loadRes(files[1])
    theirs, ours = original.COCOEvalCap(captions, said), coco.COCOEvalCap(captions, said)
    assert ours.params == theirs.params
    theirs.evaluate()
    with pytest.warns(UserWarning, match="METEOR is skipped"):
        ours.evaluate()

    def without_absent(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in ("METEOR", "SPICE")}

    assert ours.eval == pytest.approx(without_absent(theirs.eval), abs=1e-9, rel=0)
    assert list(ours.imgToEval) == list(theirs.imgToEval)
    for one, other in zip(ours.evalImgs, theirs.evalImgs, strict=True):
        assert one == pytest.approx(without_absent(other), abs=1e-9, rel=0)


def test_files_of_something_else_are_refused(files: tuple[str, str], tmp_path: Path):
    captions = coco.COCO(files[0])
    with pytest.raises(DataError, match="expected COCO captions"):
        coco.COCO(files[1])
    with pytest.raises(DataError, match=r"absent\.json: cannot be read"):
        coco.COCO(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="expected JSON"):
        captions.loadRes(tmp_path / "broken.json")
    with pytest.raises(DataError, match="expected a list of"):
        captions.loadRes(files[0])
    with pytest.raises(DataError, match=r"1 photos are not among the references, such as \[5\]"):
        captions.loadRes([{"image_id": 5, "caption": "a"}])
    captions.dataset["annotations"].append({"image_id": 100, "caption": "a"})
    with pytest.raises(DataError, match=r"annotations\[21\]: expected an object with id and image_id"):
        captions.createIndex()
    several = captions.loadRes([{"image_id": 100, "caption": "a"}, {"image_id": 100, "caption": "b"}])
    evaluation = coco.COCOEvalCap(captions, several)
    evaluation.params["image_id"] = several.getImgIds()
    with pytest.raises(DataError, match=r"1 have more, such as \[100\]"):
        evaluation.evaluate()
