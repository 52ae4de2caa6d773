"""Captioners of transformers, each kind with random weights, made from its configuration and loaded as any other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seetell
from seetell.errors import PhotoError, UsageError
from seetell.results import Caption
from seetell.tasks.captioning.answers import PROMPT

pytestmark = pytest.mark.slow

KINDS = ["blip", "blip2", "git", "encoder_decoder", "florence", "paligemma", "smolvlm", "llava", "qwen"]


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, size, dtype=np.uint8) for size in ((40, 60, 3), (90, 50, 3), (64, 64, 3))]


@pytest.fixture(scope="module")
def captioner(tiny_hub):
    return seetell.load(f"hf:{tiny_hub('blip')}", threads=1, max_tokens=8)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # PaliGemma's processor
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_captions_photos_whatever_the_batch(kind: str, tiny_hub, photos: list):
    model = seetell.load(tiny_hub(kind), threads=1, max_tokens=8)
    assert isinstance(model, seetell.Captioner)
    for options in ({}, {"sample": True, "seed": 3}, {"beam_size": 2}):
        together = list(model.caption_many(photos, **options))
        alone = list(model.caption_many(photos, batch_size=1, **options))
        assert [caption.text for caption in together] == [caption.text for caption in alone]
        for caption in together:
            assert caption.model == str(tiny_hub(kind))
            assert "\n" not in caption.text
            assert [word.text for word in caption.words] == caption.text.split() or not caption.words
            assert all(word.logprob <= 0 for word in caption.words)


def test_log_probabilities_of_words_add_up_to_that_of_the_caption(captioner, photos: list):
    for caption in captioner.caption_many(photos, sample=True, max_words=4):
        assert 1 <= len(caption.words) <= 4
        assert caption.logprob <= sum(word.logprob for word in caption.words) + 1e-9
        assert caption.to_dict()["logprob"] < 0


def test_a_photo_that_does_not_open_costs_the_others_nothing(captioner, photos: list, tmp_path: Path):
    (tmp_path / "no.jpg").write_bytes(b"no")
    Image.fromarray(photos[0]).save(tmp_path / "yes.png")
    bad, good = captioner.caption_many([tmp_path / "no.jpg", tmp_path / "yes.png"])
    assert isinstance(bad, PhotoError)
    assert isinstance(good, Caption)


def test_memory_that_does_not_suffice_halves_the_batch(captioner, photos: list, monkeypatch: pytest.MonkeyPatch):
    import torch

    generate, sizes = captioner.model.network.generate, []

    def scarce(**inputs):
        sizes.append(len(inputs["pixel_values"]))
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(**inputs)

    expected = [caption.text for caption in captioner.caption_many(photos)]
    monkeypatch.setattr(captioner.model.network, "generate", scarce)
    assert [caption.text for caption in captioner.caption_many(photos)] == expected
    assert sizes == [3, 1, 2, 1, 1]


def test_large_photos_are_opened_no_larger_than_the_model_needs(captioner):
    opened, size, _ = captioner.prepare(np.zeros((900, 1400, 3), np.uint8))
    assert size == (1400, 900)
    assert opened.size == (350, 225)  # 224 is the least


def test_models_that_take_instructions_get_smaller_images(tiny_hub):
    photo = np.zeros((600, 2000, 3), np.uint8)
    opened = seetell.load(tiny_hub("llava"), threads=1, max_side=500).prepare(photo).image
    assert opened.size == (500, 150)
    opened = seetell.load(tiny_hub("llava"), threads=1).prepare(photo).image
    assert max(opened.size) == 1000  # half, which is as much as it needs


def test_nouns_are_keywords(captioner, photos: list):
    (caption,) = captioner.caption_many(photos[:1], keywords=True, sample=True, max_words=4)
    assert isinstance(caption.keywords, tuple)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": True}, "no attention"),
        ({"min_confidence": 0.5}, "min_confidence has nothing to compare"),
        ({"min_confidence": 2}, "between 0 and 1"),
        ({"length_penalty": 2.0}, "beam_size of 2 or more"),
        ({"temperature": 2.0}, "only together with sample"),
        ({"sample": True, "beam_size": 2}, "use one of them"),
        ({"sample": True, "temperature": 0}, "temperature must be above 0"),
        ({"remove_bad_endings": True}, "tokens, not in words"),
        ({"fluency": True}, "fluency: .* tokens, not in words"),
        ({"beam_threshold": 2.0}, "searched without one"),
        ({"loudness": 1}, "unknown option 'loudness'"),
    ],
)
def test_what_it_cannot_do_is_refused(captioner, options: dict, message: str):
    with pytest.raises(UsageError, match=message):
        captioner.check(**options)
    captioner.check(min_confidence=0.0, any_picture=True, attention=False, beam_size=None, fluency=False)


@pytest.mark.parametrize(("kind", "prompt", "said"), [("llava", None, PROMPT), ("llava", "Say a.", "Say a.")])
def test_models_that_take_instructions_are_told_what_to_do(kind: str, prompt: str | None, said: str, tiny_hub):
    model = seetell.load(tiny_hub(kind), threads=1, prompt=prompt)
    inputs = model._inputs([Image.new("RGB", (32, 32))] * 2)
    text = model.model.tokenizer.decode(inputs["input_ids"][1], skip_special_tokens=True)
    assert text.split() == f"user: {said}assistant:".split()


def test_a_caption_may_be_begun(captioner, tiny_hub, photos: list):
    begun = seetell.load(tiny_hub("blip"), threads=1, max_tokens=8, prompt="a dog")
    said, unprompted = (list(map(str, each.caption_many(photos, sample=True))) for each in (begun, captioner))
    assert said != unprompted
    with pytest.raises(UsageError, match=r"--prompt: .* of the type 'git', which takes none"):
        seetell.load(tiny_hub("git"), prompt="a dog")


def test_models_for_other_tasks_are_refused(tiny_hub):
    with pytest.raises(UsageError, match=r"is a model of the type 'yolos', which is none for captioning"):
        seetell.load(tiny_hub("yolos"))


def test_threads_may_share_a_captioner(captioner, photos: list):
    expected = [str(captioner.caption(photo, sample=True)) for photo in photos] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: str(captioner.caption(photo, sample=True)), photos * 4))
    assert together == expected


@pytest.mark.parametrize("kind", ["blip", "florence", "smolvlm"])
def test_numbers_may_be_half_as_long(kind: str, tiny_hub, photos: list):
    model = seetell.load(tiny_hub(kind), threads=1, max_tokens=4, dtype="bfloat16")
    assert [caption.model for caption in model.caption_many(photos)] == [model.name] * 3
