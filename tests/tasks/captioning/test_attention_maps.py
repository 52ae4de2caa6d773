from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_bundle import write_tiny_bundle

from seetell.errors import BundleError, UsageError
from seetell.runtime import bundle as bundle_module
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.loading import load

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 255, 0)]
PHOTOS = [Image.new("RGB", (20, 10), colour) for colour in COLOURS]


@pytest.fixture(scope="module")
def captioner(attending_bundle: Path) -> BundleCaptioner:
    return load(attending_bundle, threads=1)


def test_every_word_has_a_map_that_sums_to_1(captioner: BundleCaptioner):
    caption = captioner.caption(PHOTOS[0], attention=True)
    assert len(caption.words) > 1
    for word in caption.words:
        assert word.attention is not None
        assert (word.attention.shape, word.attention.dtype) == ((2, 3), np.float32)
        assert word.attention.sum() == pytest.approx(1, abs=1e-6)
    assert np.ptp([word.attention for word in caption.words], axis=0).max() > 0.01
    assert np.array(caption.to_dict()["words"][0]["attention"]).shape == (2, 3)


def test_a_map_is_that_of_the_step_that_predicts_the_word(captioner: BundleCaptioner):
    caption = captioner.caption(PHOTOS[1], attention=True)
    features = captioner.encode(captioner.bundle.preprocessing(PHOTOS[1])[None])
    (state,) = captioner.decoder._start.run(features, ["state_0"])
    token = 1
    for word in caption.words:
        feeds = {"tokens": np.array([token]), "state_0": state}
        logprobs, attention, state = captioner.decoder._step.run(feeds, ["logprobs", "attention", "next_state_0"])
        (token,) = captioner.bundle.vocabulary.encode([word.text])
        assert word.logprob == pytest.approx(float(logprobs[0, token]), abs=1e-5)
        assert word.attention == pytest.approx(attention.reshape(2, 3), abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"method": "greedy"}, {"method": "sample", "seed": 3, "max_words": 9}])
def test_captions_are_the_same_with_and_without(captioner: BundleCaptioner, options: dict[str, object]):
    without = list(captioner.caption_many(PHOTOS, **options))
    assert list(captioner.caption_many(PHOTOS, attention=True, **options)) == without
    assert all(word.attention is None for caption in without for word in caption.words)


def test_a_batch_matches_one_by_one(captioner: BundleCaptioner):
    many = list(captioner.caption_many([PHOTOS[0], b"no photo", *PHOTOS[1:]], attention=True, batch_size=4))
    del many[1]
    assert len({len(caption.words) for caption in many}) > 1
    for photo, caption in zip(PHOTOS, many, strict=True):
        alone = captioner.caption(photo, attention=True)
        assert caption.text == alone.text
        for word, same in zip(caption.words, alone.words, strict=True):
            np.testing.assert_allclose(word.attention, same.attention, atol=1e-6)


def test_the_error_of_a_model_without_attention_names_those_with(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    captioner = load(tiny_bundle)
    monkeypatch.setattr(bundle_module, "BUNDLES", tmp_path)
    with pytest.raises(UsageError, match=r"tiny has no attention.*bundled models that have: none"):
        captioner.caption(PHOTOS[0], attention=True)
    write_tiny_bundle(tmp_path / "seeing", grid=(2, 3))
    write_tiny_bundle(tmp_path / "blind")
    with pytest.raises(UsageError, match=r"bundled models that have: seeing$"):
        captioner.caption_many([], attention=True)


def test_a_bundle_with_another_grid_or_none_captions_without_attention(tmp_path: Path):
    decoding = {"beam_size": 3, "max_words": 6}
    for grid, said in (({}, r"lacks 'settings\.grid'"), ({"grid": [7, 7]}, "attends to 6 locations.*7×7; export")):
        settings = {"decoding": decoding, **grid}
        captioner = load(write_tiny_bundle(tmp_path / str(len(said)), grid=(2, 3), settings=settings))
        assert captioner.caption(PHOTOS[0]).text
        with pytest.raises(BundleError, match=said):
            captioner.caption(PHOTOS[0], attention=True)
