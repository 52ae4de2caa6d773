from __future__ import annotations

import json
from pathlib import Path

import fit_class_trigrams
import numpy as np
import pytest
from runtime.tiny_bundle import write_tiny_bundle
from word_classes import exchange

from seetell.language.vocabulary import END, START, Vocabulary
from seetell.runtime.bundle import Bundle
from seetell.runtime.file_hashes import file_hash
from seetell.tasks.captioning.fluency import Fluency

NOUNS, VERBS, COLOURS = ("dog", "child", "ball", "sea"), ("runs", "on"), ("red", "blue")


def sentences(count: int) -> list[list[str]]:
    rng = np.random.default_rng(0)
    return [["a", rng.choice(COLOURS), rng.choice(NOUNS), rng.choice(VERBS)] for _ in range(count)]


def test_words_that_occur_in_the_same_places_are_of_one_class():
    vocabulary = Vocabulary.build([[*NOUNS, *VERBS, *COLOURS, "a"]], min_count=1)
    bigrams = np.zeros((len(vocabulary), len(vocabulary)))
    for sentence in sentences(300):
        ids = vocabulary.encode(sentence)
        np.add.at(bigrams, ([END, *ids], [*ids, END]), 1)
    classes = exchange(bigrams, 5)
    groups = [{int(classes[word]) for word in vocabulary.encode(words)} for words in (NOUNS, VERBS, COLOURS, ["a"])]
    assert all(len(group) == 1 for group in groups)
    assert len(set.union(*groups, {int(classes[END])})) == 5


def test_a_model_is_written_into_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    made = {"parameters": {}, "encoder": "none", "trained_steps": 1, "started_from": "", "distilled_from": []}
    folder = write_tiny_bundle(tmp_path / "tiny", command="", **made)
    monkeypatch.setattr(fit_class_trigrams, "captions", lambda data: sentences(300))
    monkeypatch.setattr(fit_class_trigrams, "CLASSES", 6)
    monkeypatch.setattr("sys.argv", ["fit_class_trigrams.py", str(folder), "--data", str(tmp_path), "--write"])
    fit_class_trigrams.main()
    classes = [set(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    assert any(set(NOUNS) <= words for words in classes)
    bundle = Bundle.load(folder)
    assert bundle.description["files"][fit_class_trigrams.FILE] == file_hash(folder / fit_class_trigrams.FILE)
    assert "avoided:** 0.75 × what the log-probability" in bundle.card()
    vocabulary = bundle.require_vocabulary()
    words = Fluency(bundle)._words
    assert words.modifiers[words.classes[vocabulary.encode(["red"])]].all()
    assert words.classes[START] == words.classes[END]


def test_sentences_of_photos_that_are_held_out_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "coco").mkdir()
    captions = [{"image_id": 1, "caption": f"A cat sits on bed {number}."} for number in range(5)]
    images = [{"id": 1, "file_name": "1.jpg"}]
    (tmp_path / "coco" / "captions.json").write_text(json.dumps({"images": images, "annotations": captions}))
    lines = ["photo\tcaption", "2\ta cat sits on bed 3", "1\ta dog is on it", "3\ttwo birds are in a tree"]
    (tmp_path / "coco" / "sentences.tsv").write_text("\n".join(lines) + "\n")

    class Flickr:
        def split(self, name: str) -> list:
            assert name == "train"
            return []

    monkeypatch.setattr(fit_class_trigrams, "read_flickr", lambda source: Flickr())
    monkeypatch.setattr(fit_class_trigrams, "Source", lambda path: path)
    assert fit_class_trigrams.captions(tmp_path) == [["two", "birds", "are", "in", "a", "tree"]]
