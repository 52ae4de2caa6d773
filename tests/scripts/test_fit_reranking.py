from __future__ import annotations

from pathlib import Path

import fit_reranking
import numpy as np
import pytest
from dev_photos import DevPhoto
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

from seetell.runtime.bundle import Bundle

THINGS = frozenset({"grass", "beach"})


def candidates() -> list[fit_reranking.Candidates]:
    """A photo of a dog on grass, and the sentences of its beam."""
    references = ("a dog runs on grass", "a brown dog on the grass")
    photo = DevPhoto(Path("a.jpg"), True, references, frozenset({"dog"}))
    texts = ["a cat on grass", "a dog on a beach", "a dog on grass"]
    terms = np.array([[-1.0, 0.0, -5.0, -0.1, 4], [-1.1, 0.0, -0.1, -3.0, 5], [-1.2, 1.0, -0.1, -0.1, 4]])
    other = DevPhoto(Path("b.jpg"), True, ("people at a table",), frozenset({"person"}))
    return [
        fit_reranking.Candidates(photo, texts, terms),
        fit_reranking.Candidates(other, ["people"], np.array([[-1.0, 0.0, -0.1, 0.0, 1]])),
    ]


@pytest.mark.parametrize(
    ("weights", "absent", "false"),
    [
        ((0, 0, 0, 0), 50.0, 50.0),
        ((0, 1, 0, 0), 0.0, 50.0),
        ((0, 1, 1, 0), 0.0, 0.0),
        ((1, 0, 0, 0), 0.0, 0.0),
        ((0, 1, 0, -0.2), 0.0, 0.0),
    ],
)
def test_weights_choose_what_is_measured(weights: tuple[float, ...], absent: float, false: float):
    given = candidates()
    rows = fit_reranking.values(given, THINGS)
    cider, *shares = fit_reranking.measure(given, rows, weights)
    assert shares == [absent, false]
    best = int(np.argmax(rows[0][:, 0]))
    assert given[0].texts[best] == "a dog on grass"
    assert cider <= 100 * np.mean([row[:, 0].max() for row in rows])
    assert (cider == pytest.approx(100 * np.mean([row[:, 0].max() for row in rows]))) == (false == 0)


def test_weights_and_the_aligner_s_graphs_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = {"parameters": {}, "encoder": "none", "trained_steps": 1, "started_from": "", "distilled_from": []}
    captioner, aligner = (
        write_tiny_bundle(tmp_path / "tiny", command="", **made),
        write_tiny_aligner(tmp_path / "colours"),
    )
    command = ["fit_reranking.py", str(captioner), "--aligner", str(aligner), "--write"]
    monkeypatch.setattr("sys.argv", [*command, "0.06", "0.9", "0.2", "-0.05"])
    fit_reranking.main()
    bundle = Bundle.load(captioner)
    assert bundle.settings["reranking"] == {"aligner": 0.06, "objects": 0.9, "things": 0.2, "length": -0.05}
    assert bundle.graph("sentence_embedding") == aligner / "sentence_embedding.onnx"
    assert bundle.owner("sentence_embedding").folder == aligner
    assert bundle.owner("encoder") is bundle
    assert "Shared sentence_embedding:** that of `colours`" in bundle.card()
    assert "ranked again:** by their score + 0.06 × the aligner's" in bundle.card()
    assert "other things - 0.05 × their number of words" in bundle.card()


def test_a_bundle_without_weights_is_told_to_get_some(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["fit_reranking.py", str(tiny_bundle), "--data", "data"])
    with pytest.raises(SystemExit):
        fit_reranking.main()
    assert "does not rank its sentences yet: first --write weights" in capsys.readouterr().err
