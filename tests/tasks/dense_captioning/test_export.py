from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import seetell
from seetell.data.regions import read_regions
from seetell.errors import BundleError, CheckpointError
from seetell.language.decoding import Decoding
from seetell.nn.backbones import weights_hash
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.validation import best_hypotheses
from seetell.tasks.dense_captioning.export import export_densecap
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.dense_captioning.trained import load_trained_densecap
from seetell.tasks.retrieval.trained import load_trained_aligner
from seetell.training.run_folder import RunFolder

pytestmark = pytest.mark.slow  # trains, traces and quantises a whole model


def test_the_bundle_is_whole_and_described(dense_bundle, dense_run):
    captioner = DenseCaptioner(Bundle.load(dense_bundle))
    bundle = captioner.bundle
    bundle.verify()
    assert bundle.name == "boxes"
    assert captioner.localisation.strides == (4, 8, 16)
    assert captioner.localisation.pre_nms_top_n == 60
    assert captioner.decoding == Decoding(beam_size=3, length_penalty=1.5, max_words=8)
    assert set(bundle.vocabulary.words[3:]) == {"a", "red", "green", "blue", "box"}
    assert "twelve photos of boxes" in bundle.card()
    assert "dense mAP" in bundle.card()
    assert {path.name for path in dense_bundle.iterdir()} == {
        "README.md",
        "decoder_start.onnx",
        "decoder_step.onnx",
        "encoder.onnx",
        "model.json",
        "proposals.onnx",
        "regions.onnx",
        "vocabulary.json",
        "weights.safetensors",
    }


def test_the_bundle_finds_what_the_trained_model_finds(dense_bundle, dense_run):
    model = load_trained_densecap(RunFolder(dense_run))
    captioner = seetell.load(dense_bundle, precision="fp32", threads=1)
    for photo in read_regions(model.recipe.data.path).photos[:4]:
        image = torch.from_numpy(model.encoder.preprocessing(open_photo(photo.path)))[None]
        with torch.inference_mode():
            maps = model.encoder.feature_maps(image)
            (found,) = model.densecap.detect([maps[stride] for stride in model.recipe.densecap.strides])
        said = best_hypotheses(model.densecap.captioner, found.features, captioner.decoding)
        caption_confidence_weight = [math.exp(0.2 * best.logprob / (len(best.tokens) + 1)) for best in said]
        scores = found.scores.numpy() * caption_confidence_weight
        surest = int(scores.argmax())
        theirs = captioner.predict(photo.path, top=100)
        assert 1 <= len(theirs) <= len(found.boxes)
        assert theirs[0].score == pytest.approx(scores[surest], abs=2e-3)
        assert theirs[0].text == " ".join(model.vocabulary.decode(said[surest].tokens))
        np.testing.assert_allclose(theirs[0].box, found.boxes[surest].numpy(), atol=0.1)


def test_the_weights_are_those_of_the_run(dense_run):
    model = load_trained_densecap(RunFolder(dense_run))
    assert model.facts["step"] == 60
    assert 0 <= model.facts["scores"]["dense_mAP"] <= model.facts["scores"]["detection_mAP"] <= 1
    assert model.facts["encoder_hash"] == weights_hash(model.encoder)


def test_what_is_there_is_not_overwritten(dense_run, dense_bundle):
    before = (dense_bundle / "model.json").read_bytes()
    with pytest.raises(BundleError, match="exists; name another folder"):
        export_densecap(dense_run, dense_bundle)
    assert (dense_bundle / "model.json").read_bytes() == before


def test_another_kind_of_run_is_refused(dense_run):
    with pytest.raises(CheckpointError, match="expected that of an aligner"):
        load_trained_aligner(RunFolder(dense_run))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["settings"].pop("localisation"), r"lacks 'settings\.localisation'; export"),
        (
            lambda content: content["settings"]["localisation"].pop("max_detections"),
            r"settings\.localisation lacks 'max_detections'; export the model again",
        ),
        (
            lambda content: content["settings"]["localisation"].update(max_detections=-1),
            r"settings\.localisation: expected numbers, none of them negative",
        ),
        (lambda content: content["graphs"].pop("regions"), "no graph 'regions'"),
    ],
)
def test_a_damaged_description_is_refused(dense_bundle, tmp_path: Path, change, message):
    folder = tmp_path / "bundle"
    shutil.copytree(dense_bundle, folder)
    content = json.loads((folder / "model.json").read_text())
    change(content)
    (folder / "model.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=message):
        DenseCaptioner(Bundle.load(folder))
