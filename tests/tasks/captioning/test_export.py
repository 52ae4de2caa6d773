from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import write_shapes

from seetell.data import read
from seetell.errors import BundleError, CheckpointError, UsageError
from seetell.export import parity
from seetell.export.card import card, record_scores
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning import export as bundle_writer
from seetell.tasks.captioning.export import export_run
from seetell.tasks.captioning.train import Trainer
from seetell.tasks.captioning.trained import load_model, load_trained
from seetell.tasks.loading import load
from seetell.training.config import recipe_from_dict
from seetell.training.pretrained import read_earlier_model
from seetell.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"))


CAPTIONERS = {
    "lstm": ("neuraltalk2", {"embedding_size": 24, "hidden_size": 32, "dropout": 0.0}),
    "transformer": ("transformer", {"width": 32, "feedforward": 64, "dropout": 0.0}),
}


@pytest.fixture(scope="module", params=["lstm", pytest.param("transformer", marks=pytest.mark.slow)])
def run(request, shapes, tmp_path_factory, small_encoder) -> Path:
    """A captioner that learnt the shapes, its encoder trained a little too: a real one behind the transformer."""
    folder = tmp_path_factory.mktemp("run")
    architecture, captioner = CAPTIONERS[request.param]
    encoder = small_encoder if architecture == "neuraltalk2" else {}
    recipe = recipe_from_dict(
        {
            "name": "shapes",
            "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2, "flip": False},
            "encoder": {"image_size": 64, "cache": str(folder / "cache"), **encoder},
            "architecture": architecture,
            "captioner": captioner,
            "optimiser": {"learning_rate": 1e-2 if architecture == "neuraltalk2" else 3e-3, "alpha": 0.9, "clip": 5.0},
            "finetune": {"after": 98},
            "validation": {"every": 100, "decoding": {"beam_size": 3, "max_words": 8}},
            "card": {"licence": "CC0", "training_data": "twelve shapes", "terms": "none"},
            "batch_size": 10,
            "steps": 100,
            "threads": 1,
        }
    )
    Trainer(recipe, read(shapes), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "shapes"
    export_run(run, target)
    return target


def test_the_bundle_is_whole_and_says_what_it_is(run, bundle):
    loaded = Bundle.load(bundle)
    loaded.verify()
    description = loaded.description
    assert (loaded.name, loaded.task) == ("shapes", "captioning")
    assert description["architecture"] == load_trained(RunFolder(run)).recipe.architecture
    assert (description["licence"], description["training_data"]) == ("CC0", "twelve shapes")
    assert loaded.settings["decoding"]["max_words"] == 8
    assert loaded.precisions("encoder") == ("int8", "fp32")
    assert description["trained_steps"] == 100
    assert loaded.settings.get("grid") == ([2, 2] if description["architecture"] == "transformer" else None)
    assert all(0 <= value <= parity.TOLERANCES[name] for name, value in description["parity"].items())
    assert set(description["parity"]) == {
        "encoder_fp32_max_difference",
        "encoder_int8_cosine_distance",
        "decoder_logprob_max_difference",
    }
    assert "CC0" in (bundle / "README.md").read_text()


def test_the_runtime_says_what_torch_says(run, bundle, shapes):
    """Same photos, same log-probabilities word by word: through files, graphs and numpy, or torch throughout."""
    model, captioner = load_trained(RunFolder(run)), load(bundle, precision="fp32", threads=1)
    for photo in read(shapes).photos[:4]:
        caption = captioner.caption(photo.path, attention=captioner.attends)
        numbers = model.vocabulary.encode([word.text for word in caption.words])
        image = torch.from_numpy(model.encoder.preprocessing(open_photo(photo.path)))[None]
        with torch.inference_mode():
            memory, state = model.captioner.start(model.encoder(image))
            token, first = torch.ones(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
            for number, word in zip(numbers, caption.words, strict=True):
                logprobs, state, attention = model.captioner.step(token, first, memory, state)
                assert word.logprob == pytest.approx(logprobs[0, number].item(), abs=0.02)
                assert (word.attention is None) == (attention is None)
                if attention is not None:
                    np.testing.assert_allclose(word.attention, attention[0].reshape(2, 2), atol=0.01)
                token = torch.tensor([number])


def test_it_learnt_the_shapes_and_int8_still_knows(bundle, shapes):
    photos = [photo for photo in read(shapes).photos if photo.split == "train"]
    for precision in ("int8", "fp32"):
        captions = load(bundle, precision=precision, threads=1).caption_many([photo.path for photo in photos])
        right = 0
        for photo, caption in zip(photos, captions, strict=True):
            colour, shape = photo.path.stem.split("-")
            right += caption.text in (f"a {colour} {shape}", f"there is a {colour} {shape} on grey")
        assert right >= 7, precision


def test_weights_are_kept_once_and_serve_further_training(run, bundle):
    sizes = {path.name: path.stat().st_size for path in bundle.iterdir()}
    assert sizes["decoder_start.onnx"] + sizes["decoder_step.onnx"] < 100_000
    model, earlier = load_trained(RunFolder(run)), read_earlier_model(bundle)
    assert earlier.vocabulary == model.vocabulary
    for ours, theirs in ((earlier.captioner, model.captioner), (earlier.encoder, model.encoder)):
        assert ours.keys() == theirs.state_dict().keys()
        for name, value in theirs.state_dict().items():
            np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=1e-4)


def test_a_bundle_teaches_what_its_run_learnt(run, bundle):
    """To distil from either is the same, up to the bundle's half precision."""
    models = load_model(run), load_model(bundle)
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    inputs, targets = torch.tensor([[[1, 3, 4]], [[1, 5, 6]]]), torch.tensor([[[3, 4, 0]], [[5, 6, 0]]])
    with torch.inference_mode():
        ours, theirs = (model.captioner(model.encoder(image), inputs, targets).softmax(1) for model in models)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0.02)
    assert models[0].vocabulary == models[1].vocabulary


@pytest.mark.slow
@pytest.mark.parametrize("run", ["lstm"], indirect=True)
def test_one_precision_and_other_decoding(run, tmp_path, monkeypatch):
    description = export_run(run, tmp_path / "small", precisions=["fp32"], decoding={"beam_size": 2}, name="small")
    assert description["graphs"]["encoder"]["default"] == "fp32"
    assert not (tmp_path / "small" / "encoder.int8.onnx").exists()
    assert load(tmp_path / "small").decoding.beam_size == 2
    monkeypatch.delattr(bundle_writer, "_write_graphs")  # a wrong option is told before anything is written
    with pytest.raises(UsageError, match="beam"):
        export_run(run, tmp_path / "wrong", precisions=["fp32"], decoding={"beams": 2})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


@pytest.mark.slow
@pytest.mark.parametrize("run", ["lstm"], indirect=True)
def test_a_bundle_that_differs_from_torch_is_refused(run, tmp_path, monkeypatch):
    def careless(source, target, images):
        """Quantise as no one should: every weight becomes its sign."""
        import onnx
        from onnx import numpy_helper

        model = onnx.load(source)
        for array in model.graph.initializer:
            if len(array.dims) == 4:
                array.CopyFrom(numpy_helper.from_array(np.sign(numpy_helper.to_array(array)), array.name))
        onnx.save(model, target)

    monkeypatch.setattr(bundle_writer, "quantise_encoder", careless)
    with pytest.raises(BundleError, match=r"encoder_int8_cosine_distance is .* at most 0.05 is allowed"):
        export_run(run, tmp_path / "refused")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_forced(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(BundleError, match="exists; name another folder"):
        export_run(run, tmp_path / "mine")
    assert (tmp_path / "mine" / "diary.txt").exists()


def test_runs_that_cannot_be_exported(run, tmp_path):
    with pytest.raises(CheckpointError, match=r"no best.safetensors"):
        export_run(tmp_path, tmp_path / "bundle")
    copy = shutil.copytree(run, tmp_path / "copy")
    words = json.loads((copy / "vocabulary.json").read_text())
    words["words"][3:5] = words["words"][4:2:-1]
    (copy / "vocabulary.json").write_text(json.dumps(words))
    with pytest.raises(CheckpointError, match="not the vocabulary"):
        export_run(copy, tmp_path / "bundle")


def test_the_card_names_where_a_model_began_and_who_taught_it(bundle):
    description = Bundle.load(bundle).description
    assert (description["started_from"], description["distilled_from"]) == ("", [])
    assert "trained for 100 steps.\n" in card(description)
    taught = {**description, "started_from": "first", "distilled_from": ["one", "two"]}
    assert "steps that began where `first` ended, taught by `one` and `two`.\n" in card(taught)


def test_scores_are_noted_on_the_card(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    names = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")
    scores = {name: 0.125 * place for place, name in enumerate(names)}
    record_scores(copy, "val", {**scores, "photos": 2, "command": "seetell evaluate shapes"})
    Bundle.load(copy).verify()
    assert "| val | 2 | 0.0 | 12.5 | 25.0 | 37.5 | 50.0 | 62.5 |" in (copy / "README.md").read_text()
    assert "    seetell evaluate shapes" in (copy / "README.md").read_text()
