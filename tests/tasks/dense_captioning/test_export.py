from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import trained_in

import seetell
from seetell.data.regions import read_regions
from seetell.errors import BundleError, CheckpointError
from seetell.export.exporter import export_run
from seetell.language.decoding import Decoding
from seetell.language.phrases import word_mask
from seetell.nn.backbones import weights_hash
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.validation import ranked_hypotheses
from seetell.tasks.dense_captioning.localiser import Localisation
from seetell.tasks.dense_captioning.phrases import FUNCTION_WORDS, choose, repeats_word
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.registry import find_task
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.models import build
from seetell.training.config import only
from seetell.training.trained import load_trained, read_pretrained

pytestmark = pytest.mark.slow  # trains, traces and quantises a whole model


def test_the_bundle_is_complete_and_described(dense_bundle):
    bundle = Bundle.load(dense_bundle)
    bundle.verify()
    assert (bundle.name, bundle.task) == ("boxes", "dense_captioning")
    localisation = bundle.setting("localisation", Localisation.from_dict)
    assert localisation.strides == (4, 8, 16)
    assert localisation.pre_nms_top_n == 60
    decoding = bundle.setting("decoding", Decoding.from_dict)
    assert decoding == Decoding(beam_size=12, length_penalty=1.0, max_words=8)
    assert set(bundle.require_vocabulary().words[3:]) == {"a", "red", "green", "blue", "box"}
    assert "twelve photos of boxes" in bundle.card()
    assert "| dense_mAP |" in bundle.card()
    assert set(bundle.description["parity"]) == {
        "encoder_fp32_max_difference",
        "proposals_max_difference",
        "decoder_logprob_max_difference",
    }
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


def test_the_runtime_matches_torch(dense_bundle, dense_run):
    trained = trained_in(dense_run, "dense_captioning")
    captioner = seetell.load(dense_bundle, precision="fp32", threads=1)
    for photo in read_regions(trained.config.data.path).photos[:4]:
        image = torch.from_numpy(trained.encoder.preprocessing(open_photo(photo.path)))[None]
        with torch.inference_mode():
            maps = trained.encoder.feature_maps(image)
            (expected,) = trained.model.detect([maps[stride] for stride in trained.model.config.strides])
        ranked = ranked_hypotheses(trained.model.captioner, expected.features, captioner.phrases.decoding)
        function_words = word_mask(trained.vocabulary.words, FUNCTION_WORDS)
        ranked = [
            [one for one in hypotheses if one.tokens and not repeats_word(one.tokens, function_words)]
            for hypotheses in ranked
        ]
        assert all(ranked)
        phrases = [one.hypothesis for one in choose(ranked, function_words, temperature=captioner.phrases.temperature)]
        confidences = [math.exp(0.2 * best.logprob / (len(best.tokens) + 1)) for best in phrases]
        scores = expected.scores.numpy() * confidences
        highest = int(scores.argmax())
        regions = captioner.predict(photo.path, top=100)
        assert 1 <= len(regions) <= len(expected.boxes)
        assert regions[0].score == pytest.approx(scores[highest], abs=2e-3)
        assert regions[0].text == " ".join(trained.vocabulary.decode(phrases[highest].tokens))
        np.testing.assert_allclose(regions[0].box, expected.boxes[highest].numpy(), atol=0.1)


def test_the_weights_are_those_of_the_run(dense_run, dense_bundle):
    trained, pretrained = trained_in(dense_run, "dense_captioning"), read_pretrained(dense_bundle)
    assert trained.metadata["step"] == 60
    assert 0 <= trained.metadata["scores"]["dense_mAP"] <= trained.metadata["scores"]["detection_mAP"] <= 1
    assert trained.metadata["encoder_hash"] == weights_hash(trained.encoder)
    expected = trained.model.captioner.state_dict()
    assert pretrained.part("captioner").keys() == expected.keys()
    for name, value in pretrained.part("captioner").items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-4)


def test_an_existing_bundle_is_not_overwritten(dense_run, dense_bundle):
    before = (dense_bundle / "model.json").read_bytes()
    with pytest.raises(BundleError, match="exists; name another folder"):
        export_run(dense_run, dense_bundle, find_task=find_task)
    assert (dense_bundle / "model.json").read_bytes() == before


def test_a_run_of_another_task_is_refused(dense_run):
    with pytest.raises(CheckpointError, match="task: expected retrieval, got 'dense_captioning'"):
        load_trained(dense_run, build, only(retrieval=RetrievalConfig))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["settings"].pop("localisation"), "lacks 'settings.localisation'; export the model"),
        (lambda content: content["settings"]["localisation"].pop("nms_iou"), "localisation lacks 'nms_iou'; export"),
        (
            lambda content: content["settings"]["localisation"].update(nms_iou=-1),
            "localisation: expected numbers, none of them negative",
        ),
        (lambda content: content["graphs"]["regions"].update(fp32="../x.onnx"), "file names must be plain names"),
        (lambda content: content["graphs"]["regions"].update(fp32="x.onnx"), "lacks x.onnx"),
        (lambda content: content["graphs"].pop("regions"), "has no graph 'regions'"),
    ],
)
def test_a_damaged_description_is_refused(dense_bundle, tmp_path: Path, change, message):
    folder = tmp_path / "bundle"
    shutil.copytree(dense_bundle, folder)
    content = json.loads((folder / "model.json").read_text())
    change(content)
    (folder / "model.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=message):
        DenseCaptioner(Bundle.load(folder), threads=1)
