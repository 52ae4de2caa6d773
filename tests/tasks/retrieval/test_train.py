from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from runtime.tiny_bundle import write_tiny_bundle
from runtime.tiny_tagger import DETECTED, add_tagger
from training_runs import StoppedError, assert_same_run, assert_two_train_as_one, configured, loop_of, sections, stop_at

from seetell.data import read
from seetell.data.snippets import snippet_line
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.nn.backbones import weights_hash
from seetell.tasks.retrieval.feature_cache import PreparedFeatureCache
from seetell.tasks.retrieval.models.member import PhotoFeatures
from seetell.tasks.retrieval.train import Training
from seetell.tasks.retrieval.validation import rank, score_all, sentence_tensors
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import RunConfig, load_config, save_config
from seetell.training.run_log import draw_curves


def recipe(shapes: Path, cache: Path, **changes) -> RunConfig:
    aligner = {"width": 16, "components": 32, "windows": [2], "word_size": 8, "hidden_size": 8, "heads": 2}
    content = {
        "task": "retrieval",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1},
        "encoder": {"image_size": 64, "cache": str(cache)},
        "retrieval": {"aligner": aligner},
        "optimiser": {"name": "adam", "learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 4},
        "batch_size": 4,
        "steps": 10,
        "checkpoint_every": 3,
        "log_every": 1,
        "threads": 1,
    }
    return configured(content, **changes)


@pytest.fixture
def shapes_recipe(shapes, tmp_path, small_encoder):
    def make(**changes) -> RunConfig:
        changes["encoder"] = {**small_encoder, **changes.get("encoder", {})}
        return recipe(shapes, tmp_path / "cache", **changes)

    return make


def photos_of(training: Training, batch_size: int) -> list[PhotoFeatures]:
    cache = PreparedFeatureCache(
        training.aligner.prepare,
        training.prepared.cache,
        training.prepared.train.photos,
        views=1,
        device=torch.device("cpu"),
    )
    return [PhotoFeatures(*parts) for parts in cache.batches(batch_size)]


MODES = {
    "averaged": {"ema_decay": 0.9},
    "as the paper": {
        "retrieval": {
            "aligner": {
                "similarity": "region_word",
                "sentence_encoder": "brnn",
                "word_score": "sum",
                "normalise_regions": False,
            },
            "ranking": {"loss": "max_margin"},
        },
        "optimiser": {"name": "momentum", "learning_rate": 1e-3, "momentum": 0.9},
    },
    "hardest of all captions, unmirrored": {
        "data": {"captions_per_photo": 2, "flip": False},
        "retrieval": {
            "aligner": {"similarity": "global", "sentence_encoder": "transformer"},
            "ranking": {"loss": "hardest_negative", "margin": 0.2},
        },
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_resumes_exactly(shapes, tmp_path, shapes_recipe, mode):
    chosen, dataset = shapes_recipe(**MODES[mode]), read(shapes)
    loop_of(chosen, dataset, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            loop_of(chosen, dataset, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = loop_of(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
def test_overfits_the_shapes(shapes, tmp_path):
    """With the real encoder: every training photo finds its sentences, and they find it."""
    chosen = recipe(
        shapes,
        tmp_path / "cache",
        encoder={"weights": "imagenet"},
        retrieval={"aligner": {"dropout": 0.0, "feature_dropout": 0.0, "word_dropout": 0.0}},
        data={"flip": False},
        validation={"every": 80},
        batch_size=10,
        steps=80,
        checkpoint_every=1000,
    )
    loop = loop_of(chosen, read(shapes), tmp_path / "run")
    loop.run()
    training = loop.training
    captions = training.prepared.train.captions
    ranked = rank(training.aligner.eval(), photos_of(training, 4), captions, max_words=16)
    assert ranked.sum == 600


@pytest.mark.slow
def test_the_files_of_a_run(shapes, tmp_path, shapes_recipe, monkeypatch):
    monkeypatch.setattr("seetell.training.loop.draw_curves", draw_curves)
    seen = []
    loop_of(shapes_recipe(), read(shapes), tmp_path / "run", on_validation=seen.append).run()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    expected = {"recipe.yaml", "vocabulary.json", "log.jsonl", "curves.png", "checkpoint.safetensors"}
    assert names == expected | {"best.safetensors"}
    assert [line["step"] for line in seen] == [4, 8, 10]
    _, metadata = read_checkpoint(tmp_path / "run" / "best.safetensors")
    assert metadata["scores"]["sum"] == max(line["sum"] for line in seen)
    ways = [seen[0][f"{way}_R@{k}"] for way in ("annotation", "search") for k in (1, 5, 10)]
    assert seen[0]["sum"] == pytest.approx(sum(ways))
    with Image.open(tmp_path / "run" / "curves.png") as curves:
        assert len(curves.convert("RGB").getcolors(1 << 20)) > 10


@pytest.mark.slow
def test_the_encoder_of_a_pretrained_captioner_is_loaded_and_saved(shapes, tmp_path, shapes_recipe):
    content = {"task": "captioning", "encoder": shapes_recipe().to_dict()["encoder"], "batch_size": 4, "steps": 2}
    section = {
        "captioner": {"embedding_size": 8, "hidden_size": 8},
        "finetune": {"after": 0, "optimiser": {"learning_rate": 1e-3}},
        "language_metrics": False,
    }
    captioning = configured(content, captioning=section, data={"min_count": 1}, threads=1)
    captioner = loop_of(captioning, read(shapes), tmp_path / "captioner")
    captioner.run()
    chosen = shapes_recipe(init_from=str(tmp_path / "captioner"), steps=2)
    loop = loop_of(chosen, read(shapes), tmp_path / "run")
    loop.run()
    assert weights_hash(loop.training.encoder) == weights_hash(captioner.training.encoder)
    parts, _ = read_checkpoint(tmp_path / "run" / "best.safetensors")
    assert parts["encoder"].keys() == captioner.training.encoder.state_dict().keys()

    frozen = {"aligner": {"freeze_word_embeddings": True}}
    chosen = shapes_recipe(init_from=str(tmp_path / "captioner"), steps=2, retrieval=frozen, ema_decay=0.9)
    loop = loop_of(chosen, read(shapes), tmp_path / "frozen")
    initial = loop.training.aligner.members[0].embedding.weight.clone()
    loop.run()
    parts, _ = read_checkpoint(tmp_path / "frozen" / "best.safetensors")
    assert torch.equal(parts["aligner"]["members.0.embedding.weight"], initial)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory) -> Path:
    return add_tagger(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


TAGGED = {"imagenet_classes": 5, "object_classes": 3, "detected_words": 4, "detections": 2, "word_evidence": 0.5}


@pytest.mark.slow
def test_members_that_read_tags(shapes, tmp_path, shapes_recipe, tagger):
    chosen = shapes_recipe(steps=3, retrieval={"tagger": str(tagger), "aligner": {**TAGGED, "members": 2}})
    loop = loop_of(chosen, read(shapes), tmp_path / "run")
    loop.run()
    training = loop.training
    assert set(DETECTED) <= set(training.vocabulary.words)
    aligner = training.aligner
    assert (aligner.evidence.numbers < len(DETECTED)).sum() >= len(DETECTED)
    assert aligner.evidence.prior.min() < aligner.evidence.prior.max()
    one, other = (member.photo.weight for member in aligner.members)
    assert not torch.equal(one, other)
    assert aligner.members[0].detection.weight.any()
    assert loop_of(chosen, read(shapes), tmp_path / "run").step == 3


def test_tags_that_the_tagger_does_not_give_are_refused(shapes, tmp_path, shapes_recipe, tagger):
    section = {"tagger": str(tagger), "aligner": {**TAGGED, "object_classes": 80}}
    with pytest.raises(RecipeError, match=r"aligner.object_classes: the tagger gives 3, got 80"):
        loop_of(shapes_recipe(retrieval=section), read(shapes), tmp_path / "run")
    with pytest.raises(RecipeError, match=r"retrieval.tagger: name the bundle"):
        shapes_recipe(retrieval={"aligner": TAGGED})


@pytest.mark.slow
def test_another_recipe_or_other_sentences_are_refused(shapes, tmp_path, shapes_recipe):
    loop_of(shapes_recipe(steps=3), read(shapes), tmp_path / "run").run()
    with pytest.raises(CheckpointError, match=r"retrieval\.aligner\.width \(16 there, 8 here\).*--restart"):
        loop_of(shapes_recipe(steps=3, retrieval={"aligner": {"width": 8}}), read(shapes), tmp_path / "run")
    with pytest.raises(CheckpointError, match="the vocabulary and data changed"):
        loop_of(shapes_recipe(steps=3), _fewer(shapes), tmp_path / "run")
    assert loop_of(shapes_recipe(steps=5), read(shapes), tmp_path / "run").step == 3


def _fewer(shapes: Path):
    dataset = read(shapes)
    return dataclasses.replace(dataset, photos=dataset.photos[3:])


@pytest.mark.slow
def test_scores_do_not_depend_on_batches(shapes, tmp_path, shapes_recipe):
    training = loop_of(shapes_recipe(steps=2), read(shapes), tmp_path / "run").training
    train = training.prepared.train
    sentences = [caption for photo in train.captions for caption in photo]
    whole = score_all(training.aligner.eval(), photos_of(training, 50), sentences, max_words=16)
    parts = score_all(training.aligner, photos_of(training, 3), sentences[:7], max_words=16)
    assert whole.shape == (10, 20)
    np.testing.assert_allclose(whole[:, :7], parts, rtol=1e-4, atol=1e-4)


def test_sentences_are_cut_and_empty_ones_are_unknown():
    tokens, lengths = sentence_tensors([[5, 6, 7], [], [8]], max_words=2)
    assert tokens.tolist() == [[5, 6], [2, 0], [8, 0]]
    assert lengths.tolist() == [2, 1, 1]


def test_a_saved_recipe_reads_back_the_same(tmp_path, shapes_recipe):
    save_config(shapes_recipe(), tmp_path / "recipe.yaml")
    assert load_config(tmp_path / "recipe.yaml", sections) == shapes_recipe()
    changed = load_config(tmp_path / "recipe.yaml", sections, ["retrieval.aligner.windows=[2, 5]"])
    assert changed.section.aligner.windows == (2, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("retrieval.aligner.windows=[few]", "retrieval.aligner.windows: expected int, got 'few'"),
        ("retrieval.aligner.similarty=global", "Did you mean 'similarity'"),
        ("retrieval.ranking.loss=margin", "retrieval.ranking.loss: unknown value 'margin'"),
        ("retrieval.ranking.margin=0", "retrieval.ranking.margin: expected a positive number"),
        ("batch_size=1", "batch_size: an aligner compares photos"),
        ("schedule.decay=cosine", "cosine ends with the last step"),
        ("data.crop=true", "cached features, which cannot be cropped"),
        ("encoder.cache=", "encoder.cache: an aligner is trained on cached features"),
        ("validation.photos=0", "validation.photos: expected at least 1, or -1"),
    ],
)
def test_mistakes_name_the_field(tmp_path, settings, message):
    (tmp_path / "recipe.yaml").write_text("task: retrieval")
    with pytest.raises(RecipeError) as raised:
        load_config(tmp_path / "recipe.yaml", sections, [settings])
    assert message in str(raised.value)


def test_phrases_of_regions_are_refused(shapes, tmp_path, shapes_recipe):
    data = tmp_path / "phrases.jsonl"
    data.write_text(snippet_line(shapes / "red-cross.png", (0, 0, 9, 9), "a cross", split="train"))
    with pytest.raises(DataError, match="an aligner is trained on captions of whole photos"):
        loop_of(shapes_recipe(), read(data), tmp_path / "run")


@pytest.mark.nightly
@pytest.mark.parametrize("loss", ["info_nce", pytest.param("hardest_negative", marks=pytest.mark.slow)])
def test_two_processes_compare_the_photos_of_both(shapes, tmp_path, shapes_recipe, loss):
    aligner = dict.fromkeys(("dropout", "feature_dropout", "word_dropout"), 0.0)
    data = {"captions_per_photo": 2}
    config = shapes_recipe(retrieval={"aligner": aligner, "ranking": {"loss": loss}}, data=data, batch_size=7, steps=3)
    assert_two_train_as_one(config, read(shapes), tmp_path)


def test_one_process_compares_all_photos_at_once(shapes, tmp_path, shapes_recipe):
    with pytest.raises(RecipeError, match=r"batch_parts: .* leave it at 1, got 2"):
        loop_of(shapes_recipe(batch_parts=2), read(shapes), tmp_path / "run")
