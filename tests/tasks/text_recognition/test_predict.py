"""A run becomes a bundle that reads as torch does, and is scored on pictures of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_runs import configured, loop_of, trained_in

import seetell
from seetell.errors import DataError, UsageError
from seetell.export.exporter import export_run
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.registry import find_task
from seetell.tasks.text_recognition.data import read_words_of
from seetell.tasks.text_recognition.evaluate import evaluate
from seetell.tasks.text_recognition.line_images import WIDTH_STEP, line_picture, network_input, stacked
from seetell.tasks.text_recognition.models import columns_of
from seetell.tasks.text_recognition.predict import BundleReader


@pytest.fixture(scope="session")
def text_bundle(text_recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a reader that was trained for a few steps."""
    folder = tmp_path_factory.mktemp("text")
    config = configured(text_recipe)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(config, read_words_of(config), folder / "run").run()
    export_run(folder / "run", folder / "bundle", find_task=find_task, precisions=["fp32"])
    return folder / "bundle"


@pytest.fixture(scope="session")
def decoder_bundle(text_recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a reader that writes character by character."""
    folder = tmp_path_factory.mktemp("decoder")
    sizes = {"hidden_size": 16, "attention_size": 8, "embedding_size": 8, "layers": 1}
    config = configured(
        text_recipe, text_recognition={"architecture": "attention_decoder", "attention_decoder": sizes}, steps=4
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(config, read_words_of(config), folder / "run").run()
    export_run(folder / "run", folder / "bundle", find_task=find_task, precisions=["fp32"])
    return folder / "bundle"


@pytest.mark.nightly
@pytest.mark.parametrize("architecture", ["text_bundle", "decoder_bundle"])
def test_a_bundle_reads_as_torch_does(architecture, word_pictures, request):
    text_bundle = request.getfixturevalue(architecture)
    reader = seetell.load(text_bundle)
    paths = sorted(word_pictures.glob("*.png"))
    read = list(reader.predict_many(paths, whole=True, threshold=0.0))
    trained = trained_in(text_bundle.parent / "run", "text_recognition")
    pictures = [line_picture(reader.prepare(path), trained.encoder.preprocessing, "line") for path in paths]
    images = torch.from_numpy(
        network_input(stacked(pictures, "line", behind=WIDTH_STEP), trained.encoder.preprocessing)
    )
    with torch.no_grad():
        columns = columns_of(trained.encoder(images), trained.encoder.grid_size)
        expected = trained.model.read(columns)
    for regions, (text, score) in zip(read, expected, strict=True):
        assert "".join(region.text for region in regions) == "".join("oxl"[label - 1] for label in text)
        for region in regions:
            assert region.box == (0, 0, *regions.size)
            assert region.score == pytest.approx(np.exp(score / len(text)), abs=1e-3)


@pytest.fixture(scope="module")
def reader() -> BundleReader:
    """The one that comes with the package: to train and export another takes seconds."""
    return seetell.load("read", threads=1)


@pytest.mark.slow
def test_a_lexicon_restricts_what_is_read(reader, word_pictures):
    recogniser = reader.recogniser
    pictures = [reader.prepare(path) for path in sorted(word_pictures.glob("*.png"))]
    true = [line.split('"')[1] for line in (word_pictures / "gt.txt").read_text().splitlines()]
    lexicon = (*true[:3], "字")  # the last has a character that is not known
    found = [word.text for word in recogniser.read(pictures, lexicon=lexicon, beam_size=50)]
    assert found[:3] == true[:3]
    assert set(found) <= {*true[:3], ""}  # nothing where none of them is likely
    wide, best = recogniser.read(pictures, beam_size=50), recogniser.read(pictures)
    assert all(one.score >= other.score - 1e-6 for one, other in zip(wide, best, strict=True))
    assert recogniser.read([]) == []


def test_scores(reader, word_pictures):
    found = evaluate(reader, DataOptions(word_pictures))
    assert found.scores["photos"] == len(found.rows) == 6
    right = sum(row["text"] == row["read"] for row in found.rows)
    assert found.scores["word_accuracy"] == pytest.approx(right / 6)
    (word_pictures.parent / "none").mkdir(exist_ok=True)
    with pytest.raises(DataError, match="expected pictures of words"):
        evaluate(reader, DataOptions(word_pictures.parent / "none"))
    with pytest.raises(UsageError, match="threshold"):
        evaluate(reader, DataOptions(word_pictures), threshold=2)


@pytest.mark.slow
def test_training_on_pictures_of_words(tmp_path, text_recipe, word_set):
    config = configured(text_recipe, data={"path": str(word_set)}, steps=1, validation={"photos": -1})
    words = read_words_of(config)
    assert (words.train_count, words.val_count) == (6, 6)
    loop = loop_of(config, words, tmp_path / "run")
    loop.run()
    assert loop.training.batch(0)[0].shape == (8, 32, 64)
