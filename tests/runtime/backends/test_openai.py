from __future__ import annotations

import math
import socket

import pytest
from runtime.backends.chat_server import SENTENCE, ChatServer, Handler, Request, answer, close, completion, error, reply

from seetell.errors import ModelServerError, NoAnswerError, UsageError
from seetell.runtime.backends import openai
from seetell.runtime.backends.answer import Answer, Token
from seetell.runtime.backends.openai import ChatModel

KEY = "sk-secret-0123"


def model(server: ChatServer, name: str = "tiny", *, timeout: float | None = 20) -> ChatModel:
    return ChatModel(f"{name}@http://127.0.0.1:{server.port}/v1", timeout=timeout)


def ask(server: ChatServer, **options: float) -> Answer:
    return model(server).ask("What?", b"jpeg", max_tokens=50, sampling=options or None)


@pytest.mark.parametrize(
    ("reference", "name", "address"),
    [
        ("gemma3@http://127.0.0.1:{}", "gemma3", "http://127.0.0.1:{}/v1"),
        ("gemma3:4b@http://127.0.0.1:{}/", "gemma3:4b", "http://127.0.0.1:{}/v1"),
        ("org/x@1@HTTP://127.0.0.1:{}/a/v1/", "org/x@1", "http://127.0.0.1:{}/a/v1"),
        ("x@http://127.0.0.1:{}/v1/chat/completions", "x", "http://127.0.0.1:{}/v1"),
    ],
)
def test_a_reference_names_a_model_and_a_server(server: ChatServer, reference: str, name: str, address: str):
    server.probe = error(404, "no such page")
    found = ChatModel(reference.format(server.port))
    assert (found.name, str(found.address)) == (name, address.format(server.port))
    found.ask("What?", b"", max_tokens=5)
    assert server.requests[-1].path == f"{found.address.path}/chat/completions"
    assert server.requests[-1].body["model"] == name
    assert server.probes[-1].path == f"{found.address.path}/models"


@pytest.mark.parametrize("reference", ["gemma3", "gemma3@", "@http://h", " @http://h", "gemma3@127.0.0.1:11434"])
def test_what_names_none_is_refused(reference: str):
    with pytest.raises(UsageError, match="is named openai:NAME@URL, such as"):
        ChatModel(reference)


def test_a_request_is_that_of_the_protocol(server: ChatServer):
    assert ask(server) == Answer(SENTENCE)
    (request,) = server.requests
    image, text = request.body["messages"][0].pop("content")
    assert image == {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,anBlZw=="}}
    assert text == {"type": "text", "text": "What?"}
    assert request.body == {
        "model": "tiny",
        "messages": [{"role": "user"}],
        "stream": False,
        "max_tokens": 50,
        "logprobs": True,
        "temperature": 0,
    }
    ask(server, temperature=0.7, seed=3)
    assert (server.requests[-1].body["temperature"], server.requests[-1].body["seed"]) == (0.7, 3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (completion("A dog", finish="length"), Answer("A dog", cut_off=True)),
        (completion(None), Answer("")),
        (completion("", finish="content_filter"), Answer("", refusal="content filter")),
        (completion([{"type": "text", "text": "A "}, {"type": "x"}, {"type": "text", "text": "dog"}]), Answer("A dog")),
        ({"choices": [{"message": {"content": None, "refusal": "I will not"}}]}, Answer("", refusal="I will not")),
        (
            completion(
                "A dog", logprobs={"content": [{"token": "A", "logprob": -1}, {"token": " dog", "logprob": 0.001}]}
            ),
            Answer("A dog", (Token("A", -1.0), Token(" dog", 0.0))),
        ),
        (completion("A dog", logprobs=None), Answer("A dog")),
        (completion("A dog", logprobs={"content": None}), Answer("A dog")),
        (completion("A dog", logprobs={"content": [{"token": "A"}]}), Answer("A dog")),
        (completion("A dog", logprobs=[1]), Answer("A dog")),
    ],
)
def test_answers_are_read(server: ChatServer, content: object, expected: Answer):
    server.always = reply(200, content)
    assert ask(server) == expected


def test_a_probability_of_zero_is_read(server: ChatServer):
    server.always = reply(200, completion("A", logprobs={"content": [{"token": "A", "logprob": -math.inf}]}))
    assert ask(server).tokens[0].logprob == -math.inf


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (reply(200, {"choices": []}), "the server's answer is no completion"),
        (reply(200, {"choices": None}), "no completion"),
        (reply(200, {"choices": [{"message": "A dog"}]}), "no completion"),
        (reply(200, completion({"text": 1})), "no completion"),
        (reply(200, completion([{"text": 1, "type": "text"}])), "no completion"),
        (reply(200, [1]), "no completion"),
        (reply(200, None), "it is empty"),
        (reply(200, b"<html>\nLogin"), "no completion: <html> Login"),
        (reply(200, {"error": {"message": "out of credits"}}), "no completion: out of credits"),
        (error(400, "image too small"), "the server answered 400: image too small"),
        (reply(422, {"detail": [{"loc": ["body"]}]}), r"the server answered 422: \[\{'loc'"),
        (reply(413, b""), "the server answered 413$"),
        (reply(400, {"object": "error", "message": "too many tokens"}), "400: too many tokens"),
        (reply(400, {"error": "'url' field must be a base64 encoded image."}), "400: 'url' field must be a base64"),
        (error(400, "x" * 9999), "x…$"),
    ],
)
def test_what_is_no_answer_is_an_error_of_its_image(
    server: ChatServer, pauses: list[float], sent: object, message: str
):
    server.always = sent  # type: ignore[assignment]
    with pytest.raises(NoAnswerError, match=message) as refused:
        ask(server)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
        (400, "this model does not support image input"),
        (400, "Model does not support images. Please use a model that does."),
        (400, "tiny is not a multimodal model"),
        (500, 'Failed to parse messages: Unsupported content part type: "image_url"'),
    ],
)
def test_a_model_that_reads_no_images_ends_the_run(server: ChatServer, pauses: list[float], status: int, said: str):
    server.always = error(status, said)
    with pytest.raises(ModelServerError, match=r"tiny reads no images; name a model that does .the server says: "):
        ask(server)


@pytest.mark.parametrize("status", [400, 403])
def test_a_filter_is_no_error(server: ChatServer, status: int):
    server.always = error(status, "The response was filtered: content_filter")
    assert ask(server) == Answer("", refusal="content filter")


def test_options_that_a_server_does_not_take_are_left_out(server: ChatServer):
    server.script = [
        reply(422, {"detail": "Unsupported fields in the request: {'logprobs'}"}),
        error(400, "Unsupported parameter: 'max_tokens' is not supported with this model."),
        error(400, "Unsupported value: 'temperature' does not support 0 with this model."),
    ]
    asking = model(server)
    asking.ask("What?", b"", max_tokens=7)
    assert len(server.requests) == 4
    asking.ask("What?", b"", max_tokens=7)
    for request in server.requests[-2:]:
        assert request.body.keys() == {"model", "messages", "stream", "max_completion_tokens"}
    server.always = error(400, "temperature must be 1")
    with pytest.raises(NoAnswerError, match="temperature must be 1"):
        asking.ask("What?", b"", max_tokens=7, sampling={"temperature": 0.5})
    assert server.requests[-1].body["temperature"] == 0.5


def test_a_server_that_is_down_is_told_before_the_first_image(pauses: list[float], monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ModelServerError, match=rf"http://127.0.0.1:{port}/v1: no server answers there \(connection re"):
        ChatModel(f"tiny@http://127.0.0.1:{port}")
    monkeypatch.setitem(openai._STARTED_BY, port, "ollama serve")
    with pytest.raises(ModelServerError, match="start it, for example by ollama serve, or name another URL"):
        ChatModel(f"tiny@http://127.0.0.1:{port}")


@pytest.mark.parametrize("probe", [error(404, "no"), error(501, "no"), reply(200, b"hi"), reply(200, {"data": None})])
def test_a_server_need_not_list_its_models(server: ChatServer, probe: object):
    server.probe = probe  # type: ignore[assignment]
    assert ask(server).text == SENTENCE
    assert len(server.requests) == 1


@pytest.mark.parametrize("listed", ["tiny", "tiny:latest"])
def test_a_model_that_is_listed_is_not_tried(server: ChatServer, listed: str):
    server.models = ["other", listed]
    model(server)
    assert server.requests == []


def test_a_model_that_is_not_listed_is_tried_with_a_token(server: ChatServer):
    server.models = ["/models/tiny.gguf"]
    model(server)
    (request,) = server.requests
    assert request.body["messages"] == [{"role": "user", "content": "Hello"}]
    assert request.body["max_tokens"] == 1


def test_an_unknown_model_is_told_with_those_that_there_are(server: ChatServer):
    server.models, server.always = (
        ["gemma3:4b", "llava:7b"],
        error(404, 'model "gema3" not found, try pulling it first'),
    )
    with pytest.raises(
        UsageError, match=r"unknown model 'gema3'. Did you mean 'gemma3:4b'. Known: gemma3:4b, llava:7b.*try p"
    ):
        model(server, "gema3")
    server.probe = error(404, "no such page")
    with pytest.raises(UsageError, match=r"unknown model 'gema3'. Known: none"):
        model(server, "gema3").ask("What?", b"", max_tokens=5)


def test_a_model_that_is_still_loading_is_no_unknown_one(server: ChatServer, pauses: list[float]):
    server.models, server.always = ["other"], error(503, "Loading model")
    model(server)
    assert len(server.requests) == 5


def test_a_model_that_a_server_cannot_load_is_told(server: ChatServer, pauses: list[float]):
    server.models, server.always = [], reply(500, b"Internal Server Error")
    with pytest.raises(ModelServerError, match=r"/v1 fails at tiny, which it does not list: Internal Server Error"):
        model(server)


def test_a_wrong_path_is_told(server: ChatServer):
    server.probe = server.always = reply(404, b"404 page not found")
    with pytest.raises(ModelServerError, match=r"/v1/chat/completions: there is no such page .404.; the URL is often"):
        ask(server)


def test_a_redirect_is_told_and_not_followed(server: ChatServer):
    server.probe = reply(301, b"", Location="https://elsewhere.example/v1/models")
    with pytest.raises(
        ModelServerError, match=r"redirects to https://elsewhere\.example/v1/models, where nothing is sent"
    ):
        model(server)
    server.probe, server.always = None, reply(308, b"", Location="https://elsewhere.example/v1/chat")
    with pytest.raises(ModelServerError, match=r"redirects to https://elsewhere\.example/v1/chat"):
        ask(server)


def test_a_server_that_answers_no_image_ends_the_run(server: ChatServer, pauses: list[float]):
    asking = model(server)
    server.script = [*[error(400, "no")] * 9, answer(), *[error(400, "no")] * 9]
    server.always = error(400, "never")
    told = []
    for _ in range(19):
        try:
            told.append(asking.ask("What?", b"", max_tokens=5).text)
        except NoAnswerError:
            told.append("")
    assert "".join(told) == SENTENCE
    with pytest.raises(ModelServerError, match=r"answered none of 10 images in a row; the last: .*400: never"):
        asking.ask("What?", b"", max_tokens=5)
    with pytest.raises(NoAnswerError):
        asking.ask("What?", b"", max_tokens=5)


def test_a_server_that_goes_down_ends_the_run(server: ChatServer, pauses: list[float]):
    asking = model(server)
    server.always = close
    for _ in range(9):
        with pytest.raises(NoAnswerError, match="gave no answer: it closed the connection"):
            asking.ask("What?", b"", max_tokens=5)
    with pytest.raises(ModelServerError):
        asking.ask("What?", b"", max_tokens=5)
    assert len(server.requests) == 50


def test_without_a_key_none_is_sent(server: ChatServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # which is for another server
    ask(server)
    assert "Authorization" not in {**server.requests[0].headers, **server.probes[0].headers}


def test_the_key_of_the_environment_is_sent_and_never_told(server: ChatServer, monkeypatch: pytest.MonkeyPatch):
    def echo(handler: Handler, request: Request) -> None:
        handler.send(400, {"error": {"message": f"bad {request.headers['Authorization']}"}})

    monkeypatch.setenv("SEETELL_OPENAI_API_KEY", f" {KEY}\n")
    server.always = echo
    with pytest.raises(NoAnswerError, match=r"bad Bearer \[key\]"):
        ask(server)
    assert [request.headers["Authorization"] for request in server.probes + server.requests] == [f"Bearer {KEY}"] * 2
    server.always = reply(200, completion(f"The key is {KEY}."))
    assert ask(server).text == "The key is [key]."


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "it wants a key; put it in the environment as SEETELL_OPENAI_API_KEY"),
        (KEY, r"not accept the key in \$SEE"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_told(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, key: str, message: str
):
    monkeypatch.setenv("SEETELL_OPENAI_API_KEY", key)
    server.probe = error(401, "Unauthorized")
    with pytest.raises(ModelServerError, match=f"{message}.*Unauthorized"):
        model(server)
    server.probe, server.always = None, error(401, "Unauthorized")
    with pytest.raises(ModelServerError, match=message):
        ask(server)


def test_a_key_is_never_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEETELL_OPENAI_API_KEY", KEY)
    with pytest.raises(UsageError, match=r"would be sent in the clear; name an https URL") as refused:
        ChatModel("tiny@http://192.0.2.1:8000")
    assert KEY not in str(refused.value)


def test_a_key_that_is_none_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEETELL_OPENAI_API_KEY", "sk-a\r\nX-Evil: b")
    with pytest.raises(UsageError, match=r"\$SEETELL_OPENAI_API_KEY: expected a key") as refused:
        ChatModel("tiny@http://127.0.0.1:8000")
    assert "sk-a" not in str(refused.value)


def test_the_key_for_openai_goes_to_openai_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for url, key in {
        "https://api.openai.com/v1": KEY,
        "https://api.openai.com.evil.example/v1": None,
        "https://example.org/v1": None,
        "http://127.0.0.1/v1": None,
        "http://api.openai.com/v1": None,
    }.items():
        assert openai._key(openai.Address.parse(url)) == key
    monkeypatch.setenv("SEETELL_OPENAI_API_KEY", "own")
    assert openai._key(openai.Address.parse("https://api.openai.com/v1")) == "own"
