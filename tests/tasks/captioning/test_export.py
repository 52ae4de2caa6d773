from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import write_shapes
from training_runs import configured, loop_of, trained_in

import seetell
from seetell.data import read
from seetell.errors import CheckpointError
from seetell.export.exporter import export_run
from seetell.language.decoding import Decoding
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.distillation import load_captioner
from seetell.tasks.card import record_scores
from seetell.tasks.registry import find_task
from seetell.training.trained import read_pretrained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"))


CAPTIONERS = {
    "lstm": ("neuraltalk2", {"embedding_size": 24, "hidden_size": 32, "dropout": 0.0}),
    "transformer": ("transformer", {"width": 32, "feedforward": 64, "dropout": 0.0}),
}


@pytest.fixture(scope="module", params=["lstm", pytest.param("transformer", marks=pytest.mark.slow)])
def run(request, shapes, tmp_path_factory, small_encoder) -> Path:
    """A captioner that overfits the shapes, its encoder fine-tuned a little; the transformer's is a real one."""
    folder = tmp_path_factory.mktemp("run")
    architecture, captioner = CAPTIONERS[request.param]
    lstm = architecture == "neuraltalk2"
    content = {
        "task": "captioning",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2, "flip": False},
        "encoder": {"image_size": 64, "cache": str(folder / "cache"), **(small_encoder if lstm else {})},
        "optimiser": {"learning_rate": 1e-2 if lstm else 3e-3, "betas": [0.9, 0.999], "clip": 5.0},
        "validation": {"every": 100},
        "card": {"licence": "CC0", "training_data": "twelve shapes", "terms": "none"},
        "batch_size": 10,
        "steps": 100,
        "threads": 1,
        "captioning": {
            "architecture": architecture,
            "captioner": captioner,
            "finetune": {"after": 98},
            "decoding": {"beam_size": 3, "max_words": 8},
        },
    }
    loop_of(configured(content), read(shapes), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "shapes"
    export_run(run, target, find_task=find_task)
    return target


def test_the_bundle_is_complete_and_described(run, bundle):
    loaded = Bundle.load(bundle)
    loaded.verify()
    description = loaded.description
    assert (loaded.name, loaded.task) == ("shapes", "captioning")
    config = trained_in(run, "captioning").config
    assert description["architecture"] == config.section.architecture
    assert (description["licence"], description["training_data"]) == ("CC0", "twelve shapes")
    assert loaded.setting("decoding", Decoding.from_dict) == Decoding(beam_size=3, max_words=8)
    assert list(loaded.graphs) == ["encoder", "decoder_start", "decoder_step"]
    assert (loaded.graphs["encoder"].default, set(loaded.graphs["encoder"].files)) == ("int8", {"int8", "fp32"})
    assert description["trained_steps"] == 100
    assert (description["started_from"], description["distilled_from"]) == ("", [])
    assert description["settings"].get("grid") == ([2, 2] if description["architecture"] == "transformer" else None)
    assert set(description["parity"]) == {
        "encoder_fp32_max_difference",
        "encoder_int8_cosine_distance",
        "decoder_logprob_max_difference",
    }
    assert description["scores"]["val"]["command"] == "seetell train shapes"
    assert description["config"]["captioning"]["architecture"] == config.section.architecture
    assert "CC0" in loaded.card()


def test_the_runtime_matches_torch(run, bundle, shapes):
    """Same photos, same log-probabilities word by word: through files, graphs and numpy, or torch throughout."""
    trained, captioner = trained_in(run, "captioning"), seetell.load(bundle, precision="fp32", threads=1)
    for photo in read(shapes).photos[:4]:
        caption = captioner.caption(photo.path, attention=captioner.attends)
        numbers = trained.vocabulary.encode([word.text for word in caption.words])
        image = torch.from_numpy(trained.encoder.preprocessing(open_photo(photo.path)))[None]
        with torch.inference_mode():
            memory, state = trained.model.start(trained.encoder(image))
            token, first = torch.ones(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
            for number, word in zip(numbers, caption.words, strict=True):
                logprobs, state, attention = trained.model.step(token, first, memory, state)
                assert word.logprob == pytest.approx(logprobs[0, number].item(), abs=0.02)
                assert (word.attention is None) == (attention is None)
                if attention is not None:
                    np.testing.assert_allclose(word.attention, attention[0].reshape(2, 2), atol=0.01)
                token = torch.tensor([number])


def test_both_precisions_caption_the_training_photos(bundle, shapes):
    photos = [photo for photo in read(shapes).photos if photo.split == "train"]
    for precision in ("int8", "fp32"):
        captions = seetell.load(bundle, precision=precision, threads=1).caption_many([photo.path for photo in photos])
        right = 0
        for photo, caption in zip(photos, captions, strict=True):
            colour, shape = photo.path.stem.split("-")
            right += caption.text in (f"a {colour} {shape}", f"there is a {colour} {shape} on grey")
        assert right >= 7, precision


def test_weights_are_stored_once_and_serve_further_training(run, bundle):
    sizes = {path.name: path.stat().st_size for path in bundle.iterdir()}
    assert sizes["decoder_start.onnx"] + sizes["decoder_step.onnx"] < 100_000
    trained, pretrained = trained_in(run, "captioning"), read_pretrained(bundle)
    assert pretrained.vocabulary == trained.vocabulary
    for part, module in (("captioner", trained.model), ("encoder", trained.encoder)):
        arrays = pretrained.part(part)
        assert arrays.keys() == module.state_dict().keys()
        for name, value in module.state_dict().items():
            np.testing.assert_allclose(arrays[name], value, rtol=1e-3, atol=1e-4)


def test_a_bundle_teaches_what_its_run_learnt(run, bundle):
    """Distillation from either is the same, up to the bundle's half precision."""
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    inputs, targets = torch.tensor([[[1, 3, 4]], [[1, 5, 6]]]), torch.tensor([[[3, 4, 0]], [[5, 6, 0]]])
    (words, *ours), (other_words, *theirs) = load_captioner(run), load_captioner(bundle)
    assert words == other_words
    with torch.inference_mode():
        mine, other = (captioner(encoder(image), inputs, targets).softmax(1) for encoder, captioner in (ours, theirs))
    torch.testing.assert_close(mine, other, rtol=0, atol=0.02)


@pytest.mark.nightly
@pytest.mark.parametrize("run", ["lstm"], indirect=True)
def test_one_precision_and_other_decoding(run, tmp_path):
    options = {"precisions": ["fp32"], "decoding": {"beam_size": 2}, "name": "small"}
    description = export_run(run, tmp_path / "small", find_task=find_task, **options)
    assert description["graphs"]["encoder"]["default"] == "fp32"
    assert not (tmp_path / "small" / "encoder.int8.onnx").exists()
    assert seetell.load(tmp_path / "small").decoding.beam_size == 2


def test_runs_that_cannot_be_exported(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no best.safetensors"):
        export_run(tmp_path / "empty", tmp_path / "bundle", find_task=find_task)
    copy = shutil.copytree(run, tmp_path / "copy")
    words = json.loads((copy / "vocabulary.json").read_text())
    words["words"][3:5] = words["words"][4:2:-1]
    (copy / "vocabulary.json").write_text(json.dumps(words))
    with pytest.raises(CheckpointError, match="not the vocabulary"):
        export_run(copy, tmp_path / "bundle", find_task=find_task)


def test_recorded_scores_leave_the_bundle_valid(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    record_scores(copy, "val", {"CIDEr": 0.625, "photos": 2, "command": "seetell evaluate shapes"})
    Bundle.load(copy).verify()
    assert "| val | 0.625 | 2 |" in (copy / "README.md").read_text()
    assert "    seetell evaluate shapes" in (copy / "README.md").read_text()
