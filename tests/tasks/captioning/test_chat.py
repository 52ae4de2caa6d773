from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runtime.backends.chat_server import (
    SENTENCE,
    ChatServer,
    Handler,
    Request,
    answer,
    completion,
    error,
    reply,
    serving,
)

import seetell
from seetell.errors import ModelServerError, NoAnswerError, PhotoError, UsageError
from seetell.results import Caption
from seetell.runtime.backends import http_client
from seetell.tasks.captioning.answers import PROMPT
from seetell.tasks.captioning.chat import ChatCaptioner
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    for name in ("OPENAI_API_KEY", "SEETELL_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http_client, "sleep", lambda seconds: None)
    with serving() as fake:
        yield fake


def load(server: ChatServer, **options: Any) -> ChatCaptioner:
    captioner = seetell.load(server.reference, threads=1, **options)
    assert isinstance(captioner, ChatCaptioner)
    return captioner


def plain(grey: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, (grey, grey, grey))


def echo(handler: Handler, request: Request) -> None:
    """Answer with the grey of the image."""
    handler.send(200, completion(f"Grey {request.image.getpixel((0, 0))[0]}."))


def test_a_caption_carries_the_models_name_and_the_words_the_server_tells(server: ChatServer):
    tokens = [{"token": "A", "logprob": -0.5}, {"token": " dog", "logprob": -1.0}, {"token": ".", "logprob": -0.25}]
    server.always = answer("A dog.", logprobs={"content": tokens})
    caption = load(server).caption(plain(0))
    assert caption.to_dict() == {
        "caption": "A dog.",
        "confidence": None,
        "kind": "sentence",
        "logprob": -1.75,
        "words": [{"text": "A", "logprob": -0.5}, {"text": "dog.", "logprob": -1.25}],
        "model": "tiny",
    }
    server.always = answer(f'**Alt text:** "{SENTENCE}"')
    assert (load(server).caption(plain(0)).text, load(server).caption(plain(0)).words) == (SENTENCE, ())


def test_keywords_are_the_nouns_of_the_sentence(server: ChatServer):
    server.always = answer("Two dogs run on the beach.")
    assert load(server).caption(plain(0), keywords=True).keywords == ("dog", "beach")
    assert load(server).caption(plain(0)).keywords is None


def test_a_refusal_is_withheld(server: ChatServer):
    server.always = answer("I'm sorry, I can't help with that.")
    assert "refused" in load(server).caption(plain(0)).reason


def test_images_are_sent_upright_small_and_without_metadata(server: ChatServer, tmp_path: Path):
    photo = Image.new("RGB", (1000, 500), (0, 0, 255))
    photo.paste((255, 0, 0), (0, 0, 500, 500))
    exif = photo.getexif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # turned by 90°: the left is above
    photo.save(tmp_path / "turned.jpg", exif=exif)
    load(server).caption(tmp_path / "turned.jpg")
    sent = server.requests[-1].image
    assert sent.size == (384, 768)
    assert sent.getpixel((190, 20))[0] > 200 > 50 > sent.getpixel((190, 20))[2]
    assert not sent.getexif()
    load(server, max_side=100).caption(tmp_path / "turned.jpg")
    assert server.requests[-1].image.size == (50, 100)


def test_transparency_is_sent_as_white_and_small_images_as_they_are(server: ChatServer):
    load(server).caption(Image.new("RGBA", (30, 20), (0, 0, 0, 0)))
    sent = server.requests[-1].image
    assert (sent.size, sent.getpixel((5, 5))) == ((30, 20), (255, 255, 255))
    wide = Image.new("RGB", (3000, 1))
    load(server).caption(wide)
    assert server.requests[-1].image.size == (768, 1)
    assert wide.size == (3000, 1)
    load(server).caption(np.zeros((20, 30, 3), np.uint8))
    assert server.requests[-1].image.size == (30, 20)


def test_the_prompt_is_ours_or_the_users(server: ChatServer):
    load(server).caption(plain(0))
    server.always = answer("An image of a dog. It barks.")
    assert load(server).caption(plain(0)).text == "A dog."
    captioner = load(server, prompt="Was ist das?", max_tokens=9)
    assert captioner.caption(plain(0)).text == "An image of a dog. It barks."
    prompts = [request.body["messages"][0]["content"][1]["text"] for request in server.requests]
    assert prompts == [PROMPT, PROMPT, "Was ist das?"]
    assert server.requests[-1].body["max_tokens"] == 9


@pytest.mark.parametrize(
    "options", [{"prompt": " "}, {"max_tokens": 0}, {"timeout": 0}, {"concurrency": 0}, {"max_side": -1}]
)
def test_arguments_are_checked_before_the_server_is_asked(server: ChatServer, options: dict[str, Any]):
    with pytest.raises(UsageError, match=next(iter(options))):
        load(server, **options)
    assert server.probes == []


def test_sampling_is_that_of_the_protocol(server: ChatServer):
    captioner = load(server)
    captioner.caption(plain(0), beam_size=1, any_picture=True, min_confidence=0)
    list(captioner.caption_many([plain(0)] * 2, sample=True, temperature=0.5, top_p=0.9, seed=7))
    captioner.caption(plain(0), sample=True)
    sent = [{name: request.body.get(name) for name in ("temperature", "top_p", "seed")} for request in server.requests]
    assert sent[0] == {"temperature": 0, "top_p": None, "seed": None}
    assert sorted(sent[1:3], key=lambda options: options["seed"]) == [
        {"temperature": 0.5, "top_p": 0.9, "seed": 7},
        {"temperature": 0.5, "top_p": 0.9, "seed": 8},
    ]
    assert sent[3] == {"temperature": 1.0, "top_p": None, "seed": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": True}, "tiny has no attention to show where in the image a word came from"),
        ({"min_confidence": 0.5}, "tiny does not tell how sure it is"),
        ({"min_confidence": 2}, "between 0 and 1"),
        ({"beam_size": 3}, "beam_size: tiny is behind a server, which takes temperature, top_p, seed only"),
        ({"length_penalty": 1.0, "max_words": 9}, "length_penalty, max_words: tiny is behind a server"),
        ({"method": "beam"}, "method: tiny is behind a server"),
        ({"fluency": True}, "fluency: tiny is behind a server"),
        ({"beam_threshold": 2.0, "no_repeat_ngram_size": 0}, "beam_threshold: tiny is behind a server"),
        ({"sample": True, "top_k": 3}, "top_k: tiny"),
        ({"temperature": 0.5}, "only together with sample"),
        ({"sample": True, "temperature": -1}, "temperature must be above 0"),
        ({"sample": True, "beam_size": 3}, "use one of them"),
        ({"colour": 1}, "decoding: unknown option 'colour'"),
    ],
)
def test_what_a_server_cannot_do_is_refused_before_it_is_asked(
    server: ChatServer, options: dict[str, Any], message: str
):
    captioner = load(server)
    assert not captioner.has_confidence
    assert not captioner.attends
    with pytest.raises(UsageError, match=message):
        captioner.check(**options)
    with pytest.raises(UsageError, match=message):
        captioner.caption_many([plain(0)], **options)
    assert server.requests == []


def test_what_a_server_lacks_may_be_given_as_off(server: ChatServer):
    off = {"remove_bad_endings": False, "no_repeat_content_words": False, "fluency": False}
    load(server).check(**off, beam_threshold=0, no_repeat_ngram_size=0, sample=True, top_k=0)


def test_many_are_asked_for_at_once_and_come_in_order(server: ChatServer):
    together = threading.Barrier(3)

    def meet(handler: Handler, request: Request) -> None:
        together.wait(10)
        echo(handler, request)

    server.always = meet
    captioner = load(server, concurrency=3)
    images = [plain(10 * number) for number in range(9)]
    expected = [f"Grey {10 * number}." for number in range(9)]
    assert [str(caption) for caption in captioner.caption_many(images)] == expected
    batch = [captioner.prepare(image) for image in images]
    assert [str(caption) for caption in captioner.predict_prepared(batch)] == expected


def test_images_that_cannot_be_read_on_lose_no_answer(server: ChatServer):
    def failing() -> Iterator[Image.Image]:
        yield from map(plain, (10, 20, 30))
        raise ConnectionError("the camera is gone")

    server.always = echo
    captions = load(server, concurrency=2).caption_many(failing())
    assert [str(next(captions)) for _ in range(3)] == ["Grey 10.", "Grey 20.", "Grey 30."]
    with pytest.raises(ConnectionError, match="the camera is gone"):
        next(captions)
    captions = load(server).caption_many([plain(10), plain(20)], sample_ids=[0])
    assert str(next(captions)) == "Grey 10."
    with pytest.raises(UsageError, match="a sample id for each image"):
        next(captions)


@pytest.mark.slow
def test_no_more_are_asked_for_at_once_than_is_said(server: ChatServer):
    running, most = [], []

    def count(handler: Handler, request: Request) -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()  # before the answer, at which the next request may come
        echo(handler, request)

    server.always = count
    captioner = load(server, concurrency=2)
    assert len(list(captioner.caption_many([plain(0)] * 12, batch_size=16))) == 12
    assert max(most) <= 2
    most.clear()
    assert len(list(captioner.caption_many([plain(0)] * 6, batch_size=1))) == 6
    assert max(most) == 1


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": 0}])
def test_batches_are_checked_as_of_any_predictor(server: ChatServer, wrong: dict[str, int]):
    with pytest.raises(UsageError, match="must be at least 1"):
        load(server).caption_many([plain(0)], **wrong)
    with pytest.raises(UsageError, match="expected many images, got one"):
        load(server).caption_many("photo.jpg")


def test_what_fails_for_one_image_costs_the_others_nothing(server: ChatServer, tmp_path: Path):
    def picky(handler: Handler, request: Request) -> None:
        if request.image.getpixel((0, 0))[0] > 200:
            handler.send(400, {"error": {"message": "too bright"}})
        else:
            echo(handler, request)

    server.always = picky
    (tmp_path / "no.jpg").write_bytes(b"no photo")
    captioner = load(server)
    images = [plain(0), plain(255), tmp_path / "no.jpg", io.BytesIO(b""), plain(30)]
    first, bright, broken, empty, last = captioner.caption_many(images)
    assert (str(first), str(last)) == ("Grey 0.", "Grey 30.")
    assert isinstance(bright, NoAnswerError)
    assert str(bright) == "the server answered 400: too bright"
    assert isinstance(broken, PhotoError)
    assert isinstance(empty, PhotoError)
    with pytest.raises(NoAnswerError, match="too bright"):
        captioner.caption(plain(255))
    results = captioner.predict_prepared([captioner.prepare(plain(255)), captioner.prepare(plain(30))])
    assert [type(result) for result in results] == [NoAnswerError, Caption]


def test_a_server_that_answers_nothing_ends_the_run_and_leaves_the_rest(server: ChatServer):
    server.always = error(400, "never")
    read: list[int] = []

    def images() -> Iterator[Image.Image]:
        for number in range(100_000):
            read.append(number)
            yield plain(0)

    results = []
    with pytest.raises(ModelServerError, match="answered none of 10 images in a row"):
        results.extend(load(server).caption_many(images()))
    assert len(read) < 30


def test_the_timeout_is_the_users(server: ChatServer):
    go = threading.Event()
    server.always = lambda handler, request: go.wait(10) and None  # type: ignore[assignment]
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.1 seconds"):
        load(server, timeout=0.1).caption(plain(0))
    go.set()


def test_it_is_for_captions(server: ChatServer):
    with pytest.raises(UsageError, match="seetell regions takes no openai: models; those that do: caption"):
        load_for(find_task("regions"), server.reference)
    with pytest.raises(UsageError, match=r"--device: .* is a model of openai:NAME@URL"):
        load(server, device="cpu")
    server.probe = reply(200, b"")
    assert load(server).name == "tiny"
