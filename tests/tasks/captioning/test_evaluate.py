from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import seetell
from seetell.errors import DataError, UsageError
from seetell.metrics import score_captions
from seetell.tasks.captioning.evaluate import evaluate
from seetell.tasks.evaluation import DataOptions

NAMES = ("red.png", "blue.png", "broken.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES[:2]:
        Image.new("RGB", (20, 20), name[:-4]).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [f"{name},a {name[:-4]} square,val" for name in NAMES]
    (tmp_path / "captions.csv").write_text("\n".join(["image,caption,split", *rows]) + "\n")
    return tmp_path


def test_captions_are_scored_and_handed_on(tiny_bundle: Path, folder: Path):
    captioner = seetell.load(tiny_bundle)
    steps = []
    evaluation = evaluate(captioner, DataOptions(folder), progress=lambda *step: steps.append(step), max_words=3)
    captions = {name: captioner.predict(folder / name, max_words=3).text for name in NAMES[:2]}
    expected = score_captions({name: [f"a {name[:-4]} square"] for name in captions}, captions).corpus
    assert evaluation.to_dict() == {**expected, "photos": 2}
    assert {row["image_id"]: row["caption"] for row in evaluation.rows} == captions
    assert len(evaluation.failures) == 1
    assert "broken.png" in evaluation.failures[0]
    assert steps == [("captioning", done, 3) for done in (1, 2, 3)]


def test_references_without_a_word_count(tiny_bundle: Path, folder: Path):
    with open(folder / "captions.csv", "a") as file:
        file.write("red.png,.,val\n")
    captioner = seetell.load(tiny_bundle)
    captions = {name: captioner.predict(folder / name).text for name in NAMES[:2]}
    expected = score_captions({"red.png": ["a red square", "."], "blue.png": ["a blue square"]}, captions).corpus
    assert evaluate(captioner, DataOptions(folder)).scores == {**expected, "photos": 2}


def test_rows_that_are_skipped_are_told(tiny_bundle: Path, folder: Path):
    with open(folder / "captions.csv", "a") as file:
        file.write("absent.png,a green square,val\n")
    (told,) = evaluate(seetell.load(tiny_bundle), DataOptions(folder)).notes
    assert "absent.png" in told


def test_a_wrong_option_is_refused_before_the_data_set_is_read(tiny_bundle: Path, tmp_path: Path):
    captioner = seetell.load(tiny_bundle)
    with pytest.raises(UsageError, match="beam_size"):
        evaluate(captioner, DataOptions(tmp_path / "absent"), beam_size=0)
    with pytest.raises(DataError, match="absent"):
        evaluate(captioner, DataOptions(tmp_path / "absent"))
