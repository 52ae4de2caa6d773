from __future__ import annotations

import io
import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

import seetell
from seetell.errors import BundleError, PhotoError, PhotoMemoryError, UsageError
from seetell.results import Caption
from seetell.runtime.bundle import Bundle, bundled_models, read_description
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.loading import load

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 255, 0), (0, 255, 255)]


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (20, 10)) -> Image.Image:
    return Image.new("RGB", size, colour)


@pytest.fixture(scope="module")
def captioner(tiny_bundle: Path) -> BundleCaptioner:
    return load(tiny_bundle, threads=1)


def test_a_caption_has_its_words_and_their_log_probabilities(captioner: BundleCaptioner):
    caption = captioner.caption(plain((255, 0, 0)))
    assert caption.model == "tiny"
    assert caption.text
    assert [word.text for word in caption.words]
    assert all(word.logprob <= 0 for word in caption.words)
    assert caption.logprob <= sum(word.logprob for word in caption.words) + 1e-9
    assert caption.to_dict()["caption"] == str(caption) == caption.text


def test_captions_match_the_graphs_run_by_hand(captioner: BundleCaptioner):
    caption = captioner.caption(plain((255, 0, 0)), method="greedy", max_words=6)
    features = captioner.encode(captioner.bundle.preprocessing(plain((255, 0, 0)))[None])
    (state,) = captioner.decoder._start.run(features, ["state_0"])
    token, words, total = 1, [], 0.0
    for _ in range(6):
        logprobs, state = captioner.decoder._step.run(
            {"tokens": np.array([token]), "state_0": state}, ["logprobs", "next_state_0"]
        )
        logprobs[0, 1:3] = -np.inf
        token = int(logprobs[0].argmax())
        total += float(logprobs[0, token])
        if token == 0:
            break
        words.append(token)
    else:
        logprobs, _ = captioner.decoder._step.run(
            {"tokens": np.array([token]), "state_0": state}, ["logprobs", "next_state_0"]
        )
        total += float(logprobs[0, 0])
    assert [word.text for word in caption.words] == captioner.bundle.vocabulary.decode(words)
    assert caption.logprob == pytest.approx(total, abs=1e-4)


def test_paths_bytes_files_arrays_and_images_give_the_same_caption(captioner: BundleCaptioner, tmp_path: Path):
    photo = plain((0, 0, 255))
    photo.save(tmp_path / "blue.png")
    content = (tmp_path / "blue.png").read_bytes()
    expected = captioner.caption(photo)
    for source in (tmp_path / "blue.png", str(tmp_path / "blue.png"), content, io.BytesIO(content), np.asarray(photo)):
        assert captioner.caption(source) == expected
    with pytest.raises(PhotoError, match="no such file"):
        captioner.caption(tmp_path / "absent.png")


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
@pytest.mark.parametrize("options", [{}, {"method": "greedy"}, {"method": "sample", "seed": 3}])
def test_many_match_one_by_one_in_order(captioner: BundleCaptioner, batch_size: int, options: dict[str, object]):
    photos = [plain(colour) for colour in COLOURS]
    many = list(captioner.caption_many(photos, batch_size=batch_size, workers=2, **options))
    whole = list(captioner.caption_many(photos, batch_size=len(photos), workers=1, **options))
    assert [caption.text for caption in many] == [caption.text for caption in whole]
    if options.get("method") != "sample":
        assert [caption.text for caption in many] == [captioner.caption(photo, **options).text for photo in photos]
    assert len({caption.text for caption in many}) > 1


@pytest.mark.parametrize("options", [{}, {"sample": True, "seed": 3}, {"method": "greedy", "keywords": True}])
def test_threads_that_caption_a_batch_each_tell_the_same(
    captioner: BundleCaptioner, tiny_bundle: Path, options: dict[str, object]
):
    several = load(tiny_bundle, threads=3)
    assert (captioner.batches_at_once, several.batches_at_once) == (1, 3)
    photos = [plain(colour) for colour in COLOURS]
    expected = [(str(caption), caption.keywords) for caption in captioner.caption_many(photos, **options)]
    prepared = [several.prepare(photo) for photo in photos]
    for found in (
        several.caption_many(photos, batch_size=1, **options),
        several.caption_many(photos, **options),
        several.predict_prepared(prepared, **options),
    ):
        assert [(str(caption), caption.keywords) for caption in found] == expected


def test_a_sentence_is_scored_on_all_threads_as_on_one(
    captioner: BundleCaptioner, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    prepared = [captioner.prepare(plain(colour)) for colour in COLOURS]
    tokens = captioner.sentence(plain(COLOURS[0]))
    scored = load(tiny_bundle, threads=3).logprobs(prepared, tokens)
    assert scored.shape == (len(COLOURS), len(tokens))
    np.testing.assert_allclose(scored, captioner.logprobs(prepared, tokens), rtol=1e-5)

    def scarce(images: np.ndarray) -> dict[str, np.ndarray]:
        raise MemoryError

    monkeypatch.setattr(captioner, "encode", scarce)
    with pytest.raises(PhotoMemoryError, match="not enough memory"):
        captioner.logprobs(prepared, tokens)


def test_copies_of_a_photo_get_its_caption_unless_each_is_captioned_alone(
    captioner: BundleCaptioner, monkeypatch: pytest.MonkeyPatch
):
    captions = [f"caption {number}" for number in range(5)]
    numbered = lambda batch, numbers: [Caption(captions[number], (), -1.0, "tiny") for number in numbers]  # noqa: E731
    monkeypatch.setattr(captioner, "_bind", lambda wanted: numbered)
    red, blue = plain((250, 0, 0)), plain((0, 0, 250))
    photos = [red, blue, red.resize((18, 9)), b"no photo", blue.resize((10, 5))]

    def said(**options: object) -> list[str]:
        return [str(caption)[:9] for caption in captioner.caption_many(photos, batch_size=2, **options)]

    assert said() == ["caption 0", "caption 1", "caption 0", "photo: no", "caption 1"]
    for options in ({"each_alone": True}, {"sample": True}, {"method": "sample"}):
        assert said(**options) == ["caption 0", "caption 1", "caption 2", "photo: no", "caption 4"]


def test_a_bad_photo_gives_its_error_and_does_not_affect_the_others(captioner: BundleCaptioner, tmp_path: Path):
    good = [plain(colour) for colour in COLOURS]
    mixed: list[object] = list(good)
    for place in (0, 2, 3, 9):
        mixed.insert(place, tmp_path / f"absent{place}.jpg")
    results = list(captioner.caption_many(mixed, batch_size=2))
    assert len(results) == len(mixed)
    for item, result in zip(mixed, results, strict=True):
        if isinstance(item, Path):
            assert isinstance(result, PhotoError)
            assert item.name in str(result)
        else:
            assert isinstance(result, Caption)
            assert result.text == captioner.caption(item).text


@pytest.mark.parametrize("options", [{}, {"method": "greedy", "max_words": 3}])
def test_prepared_photos_give_the_same_captions(captioner: BundleCaptioner, options: dict[str, object]):
    photos = [plain(colour) for colour in COLOURS]
    prepared = [captioner.prepare(photo) for photo in photos]
    assert captioner.predict_prepared(prepared, **options) == list(captioner.caption_many(photos, **options))
    assert captioner.predict_prepared([]) == []
    with pytest.raises(UsageError, match="has no attention"):
        captioner.predict_prepared(prepared, attention=True)


def test_only_bad_photos_and_none_at_all(captioner: BundleCaptioner, tmp_path: Path):
    results = list(captioner.caption_many([tmp_path / "a.jpg", b"", 3]))
    assert all(isinstance(result, PhotoError) for result in results)
    assert len(results) == 3
    assert list(captioner.caption_many([])) == []


def test_photos_are_read_ahead_by_at_most_two_batches_and_threads_end(captioner: BundleCaptioner):
    taken = itertools.count()
    seen = 0

    def endless():
        nonlocal seen
        while True:
            seen = next(taken) + 1
            yield plain((9, 9, 9))

    stream = captioner.caption_many(endless(), batch_size=2)
    assert isinstance(next(stream), Caption)
    assert seen <= 4
    stream.close()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith(("seetell-images", "seetell-batches"))
    ]


def test_a_batch_that_memory_does_not_hold_is_halved(captioner: BundleCaptioner, monkeypatch: pytest.MonkeyPatch):
    encode, sizes = captioner.encode, []

    def scarce(images: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(len(images))
        if len(images) > 2 or images.max() > 0.99:
            raise MemoryError
        return encode(images)

    photos = [plain(colour) for colour in [(10, 20, 200), (200, 20, 10), (255, 255, 255), (20, 200, 10)]]
    expected = [captioner.caption(photo).text for photo in photos]
    monkeypatch.setattr(captioner, "encode", scarce)
    results = list(captioner.caption_many(photos, batch_size=4))
    assert [getattr(result, "text", None) for result in results] == [expected[0], expected[1], None, expected[3]]
    assert "not enough memory" in str(results[2])
    assert sizes[0] == 4


def test_preparing_without_memory_is_a_photo_error(captioner: BundleCaptioner, monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", explode)
    with pytest.raises(PhotoError, match="memory"):
        captioner.caption(np.zeros((4, 4, 3), np.uint8))


def test_options_and_arguments_are_checked_at_the_call(captioner: BundleCaptioner, tiny_bundle: Path):
    for wrong in ({"beam_sise": 2}, {"beam_size": 0}, {"batch_size": 0}, {"workers": 0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            captioner.caption_many([], **wrong)
    for name in ("attention", "sample", "any_picture", "keywords", "rerank", "each_alone"):
        with pytest.raises(UsageError, match=f"{name} must be true or false, got 'no'"):
            captioner.check(**{name: "no"})
    with pytest.raises(UsageError, match="threads"):
        load(tiny_bundle, threads=0)
    with pytest.raises(UsageError, match="precision"):
        load(tiny_bundle, precision="int4")
    assert load(tiny_bundle, precision="fp32").caption(plain((1, 2, 3))).text


def test_a_bundle_of_another_task_or_with_other_graphs_is_refused(tmp_path: Path):
    other = Bundle.load(write_tiny_aligner(tmp_path / "other", settings={"decoding": {}}))
    with pytest.raises(BundleError, match="no graph 'decoder_start'; it is a model for the task 'retrieval'"):
        BundleCaptioner(other)
    graphs = read_description(write_tiny_bundle(tmp_path / "whole"))["graphs"]
    swapped = graphs | {"decoder_start": graphs["decoder_step"], "decoder_step": graphs["decoder_start"]}
    misnamed = graphs | {"decoder_step": {**graphs["decoder_step"], "fp32": "decoder_start.onnx"}}
    for name, wrong in {"swapped": swapped, "misnamed": misnamed}.items():
        with pytest.raises(BundleError, match="expected inputs among"):
            load(write_tiny_bundle(tmp_path / name, graphs=wrong))
    with pytest.raises(BundleError, match=r"settings\.decoding: decoding: unknown option 'beam'"):
        load(write_tiny_bundle(tmp_path / "misspelled", settings={"decoding": {"beam": 5}}))


def test_sampling_and_searching_exclude_each_other(captioner: BundleCaptioner):
    photo = plain((255, 0, 0))
    assert captioner.caption(photo, sample=True, seed=4) == captioner.caption(photo, method="sample", seed=4)
    assert captioner.caption(photo, beam_size=None, sample=False) == captioner.caption(photo)
    with pytest.raises(UsageError, match="sample draws one caption and beam_size searches"):
        captioner.check(sample=True, beam_size=3)
    with pytest.raises(UsageError, match="top_k, seed: only together with sample"):
        captioner.check(seed=3, top_k=4)


def test_the_package_offers_the_same(tiny_bundle: Path):
    assert isinstance(seetell.load(tiny_bundle), seetell.Captioner)
    with pytest.raises(seetell.UsageError, match="unknown model 'nothing'"):
        seetell.load("nothing")


@pytest.mark.slow
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_the_bundled_captioner_is_deterministic():
    captioner = seetell.load()
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (90, 120, 3), dtype=np.uint8), plain((90, 160, 230), (300, 200))]
    first = [captioner.caption(photo, any_picture=True) for photo in photos]
    assert all(len(caption.words) >= 3 for caption in first)
    assert 0 < first[0].confidence < 1
    assert first[1].confidence == 0
    assert first == [captioner.caption(photo, any_picture=True) for photo in photos]
    many = list(captioner.caption_many(photos, any_picture=True))
    assert [caption.text for caption in many] == [caption.text for caption in first]


@pytest.mark.slow
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_what_is_no_photo_or_not_sure_is_withheld_and_the_rest_of_the_batch_told():
    captioner = seetell.load()
    photo = Image.open(Path(__file__).parents[3] / "examples" / "dog.jpg")
    blank, told, withheld = (
        *captioner.caption_many([plain((200, 30, 30)), photo]),
        captioner.caption(photo, min_confidence=1),
    )
    assert (blank.text, blank.reason, blank.confidence) == ("", "no photo: a blank picture", None)
    assert told.text == captioner.caption(photo).text
    assert told.reason == ""
    assert (withheld.text, withheld.words) == ("", ())
    assert withheld.reason == f"confidence {withheld.confidence:.2f} is below 1"
    assert withheld.confidence == told.confidence


@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_the_bundled_captioner_reranks_withholds_and_finds_keywords(monkeypatch: pytest.MonkeyPatch):
    captioner = seetell.load(threads=1)
    assert isinstance(captioner, BundleCaptioner)
    photo = captioner.prepare(Path(__file__).parents[3] / "examples" / "dog.jpg")
    (surest,) = captioner.predict_prepared([photo])
    (unsure,) = captioner.predict_prepared([photo], min_confidence=1, keywords=True)
    assert surest.text
    assert surest.keywords is None
    assert (unsure.text, unsure.reason) == ("", f"confidence {surest.confidence:.2f} is below 1")
    assert "dog" in unsure.keywords
    monkeypatch.setattr(
        captioner, "reranker", lambda ranked, _: [replace(ranked[0][0], tokens=(7, 8), logprobs=(0, 0))]
    )
    (chosen,) = captioner.predict_prepared([photo])
    assert chosen.text.split() == captioner.bundle.require_vocabulary().decode([7, 8])


@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_nothing_is_surely_in_a_blank_picture():
    captioner = seetell.load(threads=1)
    told, withheld = (captioner.caption(plain((255, 255, 255)), any_picture=True, min_confidence=m) for m in (0, 0.1))
    assert (bool(told.text), told.confidence) == (True, 0.0)
    assert (withheld.text, withheld.reason) == ("", "no photo: a blank picture")


def test_only_a_model_of_photos_looks_whether_it_is_one(captioner: BundleCaptioner, tmp_path: Path):
    assert captioner.caption(plain((255, 0, 0))).text
    of_photos = load(
        write_tiny_bundle(tmp_path / "of photos", settings=captioner.bundle.settings | {"photos_only": True})
    )
    assert of_photos.caption(plain((255, 0, 0))).reason == "no photo: a blank picture"
    assert of_photos.caption(plain((255, 0, 0)), any_picture=True).text


def test_an_unknown_option_is_told_with_all_that_are_known(captioner: BundleCaptioner):
    with pytest.raises(UsageError, match=r"option 'foo'.*Known: any_picture, attention, .*beam_size, .*min_confidence"):
        captioner.caption(plain((255, 0, 0)), foo=1)
    with pytest.raises(UsageError, match="Did you mean 'min_confidence'"):
        captioner.bind(min_confidense=0.5)


@pytest.mark.parametrize("least", [-0.1, 1.5, "abc"])
def test_a_confidence_is_a_probability(captioner: BundleCaptioner, least: object):
    with pytest.raises(UsageError, match="between 0 and 1"):
        captioner.bind(min_confidence=least)
    assert captioner.caption(plain((255, 0, 0)), min_confidence=None).text
