from __future__ import annotations

from pathlib import Path

import pytest
from tasks.grounding.test_predict import halves

from seetell.errors import DataError, UsageError
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.grounding.evaluate import evaluate
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task

ANNOTATION = """\
<annotation><filename>1.png</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>32</xmax><ymax>48</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>33</xmin><ymin>1</ymin><xmax>64</xmax><ymax>48</ymax></bndbox></object>
</annotation>
"""


@pytest.fixture(scope="module")
def model(tiny_aligner: Path) -> PhraseGrounder:
    return load_for(find_task("grounding"), tiny_aligner, threads=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo of a red and a blue half with its caption, and where Flickr30k Entities has the two."""
    halves().save(tmp_path / "1.png")
    (tmp_path / "captions.csv").write_text("image,caption,split\n1.png,a red square on a blue square,val\n")
    for name, ending, text in (
        ("Annotations", "xml", ANNOTATION),
        ("Sentences", "txt", "[/EN#1/other A red square] on [/EN#2/other a blue square]\n"),
    ):
        (tmp_path / "entities" / name).mkdir(parents=True)
        (tmp_path / "entities" / name / f"1.{ending}").write_text(text)
    return tmp_path


def test_phrases_are_located_beside_the_retrieval_scores(model: PhraseGrounder, folder: Path):
    evaluation = evaluate(model, DataOptions(folder / "captions.csv"), boxes=folder / "entities")
    assert (evaluation.scores["annotation_R@1"], evaluation.scores["photos"]) == (100, 1)
    assert (evaluation.scores["phrases_R@1"], evaluation.scores["phrases_pointing"]) == (100, 100)
    located = evaluation.to_dict()["localisation"]
    assert located["model"]["overall"] == {"phrases": 2, "recall": 100, "pointing": 100}
    assert located["whole_photo"]["overall"]["recall"] == 100  # half of the photo overlaps the whole by just 0.5
    assert "localisation" not in evaluate(model, DataOptions(folder / "captions.csv")).to_dict()


def test_what_cannot_be_located_is_refused_before_the_work(model: PhraseGrounder, folder: Path):
    data = DataOptions(folder / "captions.csv")
    (folder / "entities" / "Sentences" / "1.txt").write_text("A red square on a blue square\n")
    steps: list[object] = []
    with pytest.raises(DataError, match="phrases with boxes"):
        evaluate(model, data, boxes=folder / "entities", progress=lambda *step: steps.append(step))
    with pytest.raises(UsageError, match="takes no settings"):
        evaluate(model, data, beta=1.0)
    assert steps == []
