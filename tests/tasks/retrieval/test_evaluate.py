from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import seetell
from seetell.errors import UsageError
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.retrieval.evaluate import evaluate

COLOURS = ("red", "green", "blue")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["image,caption,split"]
    for colour in COLOURS:
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{colour}.png")
        rows.append(f"{colour}.png,a {colour} square,val")
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_colours_find_their_sentences_and_sentences_their_colours(tiny_aligner: Path, folder: Path):
    evaluation = evaluate(seetell.load(tiny_aligner), DataOptions(folder))
    scores = evaluation.to_dict()
    assert scores["annotation_R@1"] == scores["search_R@1"] == 100
    assert (scores["annotation_median"], scores["search_median"], scores["sum"]) == (1, 1, 600)
    assert (scores["photos"], scores["sentences"]) == (3, 3)
    assert [(Path(row["image"]).stem, row["caption"]) for row in evaluation.rows] == [
        (colour, f"a {colour} square") for colour in COLOURS
    ]
    assert evaluation.failures == ()


def test_embeddings_have_no_settings(tiny_aligner: Path, folder: Path):
    with pytest.raises(UsageError, match="no settings"):
        evaluate(seetell.load(tiny_aligner), DataOptions(folder), beam_size=3)
