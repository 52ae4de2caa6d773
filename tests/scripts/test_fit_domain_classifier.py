from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import fit_domain_classifier as fitting
import numpy as np
import pytest
from runtime.tiny_bundle import write_tiny_bundle
from runtime.tiny_tagger import DETECTED, add_tagger

from seetell.logistic import sigmoid
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.domain import Domain

MADE = {"parameters": {}, "encoder": "none", "trained_steps": 1, "started_from": "", "distilled_from": []}


def words(count: int, *means: float) -> np.ndarray:
    """Probabilities of four words in photos."""
    return np.random.default_rng(count).normal(means, 0.1, (count, len(means))).clip(0, 1).astype(np.float32)


def test_both_domains_count_the_same_however_many_photos_they_have():
    config = fitting.fit(words(4000, 0.6, 0.5, 0.2, 0.5), words(1000, 0.2, 0.5, 0.6, 0.5), DETECTED)
    first, second, third, _ = config.words.values()
    assert first == pytest.approx(-third, rel=0.1)
    assert first > 10 * abs(second)
    between = np.array([0.4, 0.5, 0.4, 0.5]) @ [*config.words.values()] + config.bias
    assert sigmoid(between) == pytest.approx(0.5, abs=0.1)


def test_a_word_that_is_hardly_ever_found_has_no_great_coefficient():
    inside, outside = words(500, 0.6, 0.5, 0.2, 0.5), words(500, 0.2, 0.5, 0.6, 0.5)
    inside[:, 3], outside[:, 3] = 0, np.arange(500) % 2 * 1e-4
    config = fitting.fit(inside, outside, DETECTED)
    assert abs(config.words[DETECTED[3]]) < 25


def test_it_is_written_into_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    folder = add_tagger(write_tiny_bundle(tmp_path / "tiny", command="", **MADE))
    found = {"flickr": words(50, 0.6, 0.5, 0.2, 0.5), "coco": words(40, 0.2, 0.5, 0.6, 0.5)}
    monkeypatch.setattr(fitting, "coco_sets", lambda *_: ({"coco_train": [("coco",)], "coco_unlabelled": []}, []))
    monkeypatch.setattr(fitting, "flickr_sets", lambda _: {"flickr_train": [("flickr",)]})
    dev = [SimpleNamespace(path=name, everyday=name == "coco") for name in found]
    monkeypatch.setattr(fitting, "dev_photos", lambda _: dev)
    one = {name: rows[:1] for name, rows in found.items()}
    monkeypatch.setattr(
        fitting,
        "words_in",
        lambda _, paths: found[paths[0]] if len(paths) == 1 else np.concatenate([one[path] for path in paths]),
    )
    monkeypatch.setattr("sys.argv", ["fit_domain_classifier.py", str(folder), "--data", str(tmp_path), "--write"])
    fitting.main()
    auc, out_of_domain, in_domain = capsys.readouterr().out.splitlines()
    assert auc == "AUC on the dev photos 1.000"
    assert out_of_domain.split()[3] == in_domain.split()[-1] == DETECTED[2]
    bundle = Bundle.load(folder)
    probabilities = Domain(bundle, DETECTED).probability(np.concatenate([*found.values()]))
    assert ((probabilities > 0.5) == (np.arange(90) < 50)).all()
    assert "**Of images like those that taught it more is named:**" in bundle.card()
