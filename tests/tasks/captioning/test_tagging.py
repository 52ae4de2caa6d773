"""Training captioners that read tags, from a bundle with detectors to another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import write_shapes
from runtime.tiny_bundle import write_tiny_bundle
from runtime.tiny_tagger import DETECTED, OBJECTS, add_tagger
from training_runs import StoppedError, assert_same_run, configured, loop_of, stop_at, trained_in

import seetell
from seetell.data import read
from seetell.errors import BundleError, RecipeError
from seetell.export.exporter import export_run
from seetell.photos import Preprocessing
from seetell.runtime.bundle import Bundle
from seetell.runtime.resized_images import resize_all
from seetell.runtime.tags import TAGGING_GRAPHS, ImageTagger, stacked
from seetell.tasks.captioning.tagging import PhotoTagger, load_tagger_bundle
from seetell.tasks.registry import find_task
from seetell.training.config import RunConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory) -> Path:
    """A bundle with detectors whose encoder sees photos as the small encoder does."""
    folder = tmp_path_factory.mktemp("bundles") / "tagger"
    write_tiny_bundle(folder, preprocessing=Preprocessing(32, 32).to_dict(), encoder="efficientnet_lite_small")
    return add_tagger(folder, reads_pooled=False)


def recipe(shapes: Path, folder: Path, small: dict, **changes) -> RunConfig:
    content = {
        "task": "captioning",
        "name": "tagged",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2},
        "encoder": {"cache": str(folder / "cache"), **small},
        "captioning": {
            "architecture": "tag_transformer",
            "captioner": {"width": 8, "heads": 2, "feedforward": 8, "objects": len(OBJECTS), "words": len(DETECTED)},
            "decoding": {"beam_size": 2, "max_words": 8},
        },
        "optimiser": {"learning_rate": 1e-2},
        "validation": {"every": 4},
        "batch_size": 4,
        "steps": 8,
        "checkpoint_every": 3,
        "log_every": 1,
        "threads": 1,
    }
    return configured(content, **changes)


def test_cached_tags_are_those_of_the_tagger_and_of_the_mirrored_photo(shapes, tagger, tmp_path):
    photos = [photo.path for photo in read(shapes).photos][:3]
    bundle = load_tagger_bundle(tagger)
    of_photos = PhotoTagger(bundle, threads=1)
    cache, failures = of_photos.cache(str(tmp_path), photos, flips=True, progress=lambda *_: None)
    assert failures == {}
    records = torch.from_numpy(cache.open()[cache.rows(photos)].astype(np.float32))
    alone, captioner = ImageTagger(bundle, threads=1), seetell.load(tagger, threads=1)
    ways = captioner.preprocessings
    for mirrored in (0, 1):
        tags = of_photos.unpack(records[:, mirrored])
        opened = [resize_all(photo, ways) for photo in photos]
        if mirrored:
            opened = [{way: image[:, ::-1] for way, image in each.items()} for each in opened]
        pooled = captioner.encode(stacked(opened, ways)[bundle.preprocessing])["pooled"]
        found = alone(stacked(opened, alone.preprocessings), pooled).features
        for name, values in tags.items():
            np.testing.assert_allclose(values, found[name], atol=4e-3, rtol=2e-3)


@pytest.fixture(scope="module")
def run(shapes, tagger, tmp_path_factory, small_encoder) -> Path:
    """A captioner that reads tags, trained for a few steps; its classes have thresholds."""
    folder = tmp_path_factory.mktemp("run")
    chosen = recipe(shapes, folder, small_encoder, captioning={"tagger": str(tagger)}, steps=4)
    loop = loop_of(chosen, read(shapes), folder / "run")
    loop.training.model.thresholds[:] = torch.tensor([-1.0, -2.0, -3.0])
    loop.run()
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("exported") / "tagged"
    export_run(run, target, find_task=find_task, precisions=("fp32",))
    return target


@pytest.mark.parametrize("rewarded", [-1, 4])
def test_a_stopped_run_resumes_exactly(shapes, tagger, tmp_path, small_encoder, rewarded):
    rewards = {"after": rewarded, "samples": 2}
    chosen = recipe(shapes, tmp_path, small_encoder, captioning={"tagger": str(tagger), "self_critical": rewards})
    loop_of(chosen, read(shapes), tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(chosen, read(shapes), tmp_path / "stopped", on_step=stop_at(5)).run()
    loop_of(chosen, read(shapes), tmp_path / "stopped").run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.nightly
def test_its_bundle_tags_images(shapes, bundle):
    loaded = Bundle.load(bundle)
    loaded.verify()
    assert set(loaded.graphs) - {"encoder", "decoder_start", "decoder_step"} == set(TAGGING_GRAPHS)
    assert (loaded.settings["objects"], loaded.settings["words"]) == (OBJECTS, DETECTED)
    assert loaded.grid == (1, 1)
    captioner = seetell.load(bundle, threads=1)
    photos = [photo.path for photo in read(shapes).photos][:5]
    one_by_one = [captioner.caption(photo, attention=True) for photo in photos]
    assert [caption.text for caption in captioner.caption_many(photos, batch_size=3)] == list(map(str, one_by_one))
    assert all(word.attention.shape == (1, 1) for caption in one_by_one for word in caption.words)


def test_further_training_keeps_what_words_in_both_vocabularies_know(run, bundle, tmp_path, small_encoder):
    others = write_shapes(tmp_path / "others")
    table = others / "captions.csv"
    table.write_text(table.read_text().replace(" circle", " dog"))
    chosen = recipe(others, tmp_path, small_encoder, init_from=str(bundle), steps=4)
    training = loop_of(chosen, read(others), tmp_path / "further").training
    training.initialise()
    before, after = trained_in(run, "captioning"), training.model
    words, old = training.vocabulary.words, before.vocabulary.words
    assert "dog" not in old
    assert after.object_of[words.index("dog")] == OBJECTS.index("dog")
    assert after.detected_as[words.index("dog")] == DETECTED.index("dog")
    assert after.object_of[words.index("red")] == -1
    for name in ("object_gain", "word_embedding.weight"):
        here, there = after.state_dict()[name], before.model.state_dict()[name]
        torch.testing.assert_close(here[words.index("red")], there[old.index("red")], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(after.thresholds, torch.tensor([-1.0, -2.0, -3.0]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "captioning.tagger: tag_transformer reads tags; name a bundle with word detectors"),
        ({"captioning": {"captioner": {"objects": 5}}}, "captioner.objects: tiny tags photos with 3 objects, got 5"),
        ({"encoder": {"image_size": 64}}, "read features of efficientnet_lite_small at 32×32 pixels; use the same"),
        (
            {"encoder": {"name": "efficientnet_lite0", "weights": "none", "image_size": 32}},
            "read features of efficientnet_lite_small at 32×32 pixels; use the same",
        ),
        ({"data": {"crop": True}}, "data.crop: cached features cannot be cropped"),
        ({"encoder": {"cache": ""}}, "encoder.cache: a captioner that reads tags is trained on cached features"),
    ],
)
def test_what_cannot_be_tagged(shapes, tagger, tmp_path, small_encoder, changes, message):
    named = {"tagger": str(tagger)} if changes else {}
    changes = {**changes, "captioning": {**named, **changes.get("captioning", {})}}
    with pytest.raises(RecipeError, match=message):
        loop_of(recipe(shapes, tmp_path, small_encoder, **changes), read(shapes), tmp_path / "run")


def test_a_bundle_without_word_detectors_tags_no_photos_for_training(tmp_path):
    with pytest.raises(RecipeError, match="tiny has no word detectors"):
        load_tagger_bundle(write_tiny_bundle(tmp_path / "tiny"))
    with pytest.raises(BundleError, match="not a model folder"):
        load_tagger_bundle(tmp_path)


def test_teachers_that_read_tags(shapes, run, bundle, tmp_path, small_encoder):
    losses = []
    for teacher in (run, bundle):
        student = {
            "architecture": "neuraltalk2",
            "captioner": {"embedding_size": 8, "hidden_size": 8},
            "distillation": {"teachers": [str(teacher)]},
        }
        chosen = recipe(shapes, tmp_path, small_encoder).to_dict() | {"captioning": student}
        training = loop_of(configured(chosen), read(shapes), tmp_path / "taught").training
        training.begin(training.phases()[0])
        losses.append(training.loss(0, training.batch(0))[0].mean.item())
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
