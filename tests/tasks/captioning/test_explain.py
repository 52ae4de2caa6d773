from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seetell
from seetell.errors import UsageError
from seetell.tasks.captioning.explain import LEAST_LOGPROB, explain
from seetell.tasks.explanation import explain as explain_photo

PHOTO = Image.new("RGB", (64, 48), (200, 30, 60))


@pytest.fixture(scope="module")
def captioner(attending_bundle: Path):
    return seetell.load(attending_bundle, threads=1)


def test_words_score_as_in_the_caption_itself(captioner):
    caption = captioner.caption(PHOTO, attention=True)
    explained = explain(captioner, PHOTO, "", [])
    assert explained.targets == tuple(word.text for word in caption.words)
    scores = explained.score([np.asarray(PHOTO), np.zeros((48, 64, 3), np.uint8)])
    logprobs = [max(word.logprob, LEAST_LOGPROB) for word in caption.words]
    assert np.allclose(scores[0], logprobs, atol=1e-5)
    assert not np.allclose(scores[0], scores[1])
    for own, word in zip(explained.maps["attention"], caption.words, strict=True):
        assert np.allclose(own, word.attention)


def test_a_sentence_of_the_user_is_explained_instead(captioner):
    explained = explain(captioner, PHOTO, "A dog runs on grass", ["dog", "grass"])
    assert (explained.answer, explained.targets) == ("a dog runs on grass", ("dog", "grass"))
    assert explained.positions == (1, 4)
    with pytest.raises(UsageError, match="tiny does not know zebra, lawn of 'a zebra on lawn'"):
        explain(captioner, PHOTO, "a zebra on lawn", [])


def test_a_word_that_is_not_in_the_caption(captioner):
    words = captioner.caption(PHOTO).words
    with pytest.raises(UsageError, match=rf"the caption '{words[0].text}.*unknown word 'zebra'\. .*{words[0].text}"):
        explain(captioner, PHOTO, "", ["zebra"])


def test_maps_of_attention_and_of_occlusion(captioner):
    told: list[tuple[str, int, int]] = []
    found = explain_photo(captioner, PHOTO, cells=3, progress=lambda *how: told.append(how))
    assert told[-1] == ("occlusion", 5, 5)
    for part in found.parts:
        attention, occlusion = part.maps
        assert (attention.method, attention.values.shape) == ("attention", (2, 3))
        assert (occlusion.method, occlusion.values.shape) == ("occlusion", (3, 3))
        assert occlusion.box == (0, 0, 64, 48)
    assert [part["text"] for part in found.to_dict()["explained"]] == [part.text for part in found.parts]


def test_what_a_model_lacks_is_said(captioner, tiny_bundle: Path):
    with pytest.raises(UsageError, match="tiny has no attention to show"):
        explain_photo(seetell.load(tiny_bundle, threads=1), PHOTO, methods=["attention"])
    with pytest.raises(UsageError, match=r"unknown method 'oclusion'. Did you mean 'occlusion'\?"):
        explain_photo(captioner, PHOTO, methods=["oclusion"])
