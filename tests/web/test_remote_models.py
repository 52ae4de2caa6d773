from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from runtime.backends.chat_server import SENTENCE, ChatServer, Handler, Request, answer, close, error
from runtime.backends.chat_server import serving as serving_chat
from starlette.testclient import TestClient
from web.conftest import ADDRESS, Serving, photo_file, until
from web.wire import ask, form, health

import seetell
from seetell.runtime.backends import http_client
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.web.application import application
from seetell.web.batching import Batcher
from seetell.web.limits import Limits


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setattr(http_client, "sleep", lambda seconds: None)
    with serving_chat() as fake:
        yield fake


def load(server: ChatServer, **options: Any) -> Any:
    return seetell.load(server.reference, threads=1, **options)


ROW = {"caption": SENTENCE, "confidence": None, "kind": "sentence", "logprob": None, "words": [], "model": "tiny"}


@pytest.mark.slow
def test_a_model_behind_a_server_answers(server: ChatServer, serving: Serving):
    with serving(application({"caption": load(server)})) as port:
        assert ask(port, form(photo_file())) == (200, {"image": "photo.png", **ROW})
        server.always = answer("I'm sorry, I can't help with that.")
        assert ask(port, form(photo_file()))[1]["caption"] is None


@pytest.mark.slow
def test_requests_are_passed_on_at_once_as_far_as_that_is_allowed(server: ChatServer, serving: Serving):
    together = threading.Barrier(3)

    def meet(handler: Handler, request: Request) -> None:
        together.wait(20)
        answer()(handler, request)

    server.always = meet
    app = application({"caption": load(server, concurrency=3)}, limits=Limits(batch_size=1))
    with serving(app) as port, ThreadPoolExecutor(6) as pool:
        assert [status for status, _ in pool.map(lambda _: ask(port, form(photo_file())), range(6))] == [200] * 6


def test_a_slow_server_holds_models_of_this_machine_back_by_nothing(server: ChatServer, grounder: PhraseGrounder):
    asked, go = threading.Event(), threading.Event()

    def wait(handler: Handler, request: Request) -> None:
        asked.set()
        go.wait(30)
        answer()(handler, request)

    server.always = wait
    image = {"image": photo_file()}
    app = application({"caption": load(server), "align": grounder})
    with TestClient(app, base_url=ADDRESS) as client, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.post, "/v1/caption", files=image)
        assert asked.wait(20)
        assert client.post("/v1/align", files=image, data={"sentence": "red"}).status_code == 200
        assert not slow.done()
        go.set()
        assert slow.result(30).json()["caption"] == SENTENCE


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [error(400, "secret detail"), error(401, "secret detail"), close])
def test_a_server_that_gives_no_answer_is_told_without_its_details(
    server: ChatServer, serving: Serving, wrong: Any, caplog: pytest.LogCaptureFixture
):
    with serving(application({"caption": load(server)})) as port:
        server.always = wrong
        for _ in range(12):
            status, told = ask(port, form(photo_file()))
            assert (status, told["code"]) == (503, "no_answer")
            assert told["error"] == "the server that runs the model gave no answer; try again later"
        assert any(message.startswith("a model on a server: ") for message in caplog.messages)
        server.always = answer()
        assert ask(port, form(photo_file()))[0] == 200
        assert health(port)["status"] == "ok"


def test_several_threads_count_as_stuck_when_all_are():
    let = threading.Event()
    batcher = Batcher(
        {"wait": lambda items: [let.wait(20)]}, batch_size=1, observe=lambda *_: None, timeout=0.05, threads=2
    )
    first = batcher.submit("wait", 1)
    until(lambda: first.running())
    threading.Event().wait(0.1)
    assert batcher.state == "ok"
    second = batcher.submit("wait", 2)
    until(lambda: batcher.state == "stuck")
    let.set()
    assert (first.result(20), second.result(20)) == (True, True)
    until(lambda: batcher.state == "ok")
    batcher.close()
    assert batcher.state == "stopping"
