"""The server on a real socket: what only shows there."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from web.conftest import Serving, photo_file, until

from seetell.errors import UsageError
from seetell.runtime.captioner import Captioner
from seetell.web.application import Models, application
from seetell.web.limits import Limits
from seetell.web.server import listen

BOUNDARY = "a-boundary"
KIND = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(photo: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="photo.png"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(port: int, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/caption", body, KIND)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def begun(port: int, body: bytes, sent: int) -> socket.socket:
    """Begin a request and send so many bytes of its body."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST /v1/caption HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND['Content-Type']}\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:sent])
    return client


def test_of_many_clients_each_gets_its_own_answer(captioner: Captioner, serving: Serving):
    photos = [photo_file((25 * number, 255 - 25 * number, 60)) for number in range(10)]
    expected = [captioner.caption(photo).text for photo in photos]
    with serving(application(Models(captioner))) as port, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: ask(port, form(photos[number % 10])), range(160)))
    assert [status for status, _ in answers] == [200] * 160
    assert [answer["caption"] for _, answer in answers] == 16 * expected
    assert len(set(expected)) > 1


def test_nothing_is_lost_when_a_server_is_full(captioner: Captioner, serving: Serving):
    body = form(photo_file())
    with serving(application(Models(captioner), limits=Limits(queue=2))) as port, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(port, body), range(96)))
        assert ask(port, body)[0] == 200
    codes = {answer.get("code", "answered") for _, answer in answers}
    assert "answered" in codes
    assert codes <= {"answered", "busy"}


def test_a_client_that_goes_away_costs_the_others_nothing(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    body, let, sizes, together = form(photo_file()), threading.Event(), [], captioner.caption_prepared

    def slow(images: Sequence[Any], **options: Any) -> Any:
        sizes.append(len(images))
        assert let.wait(20)
        return together(images, **options)

    monkeypatch.setattr(captioner, "caption_prepared", slow)
    app = application(Models(captioner))
    with serving(app) as port, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, port, body)
        until(lambda: sizes == [1])
        leaving = [begun(port, body, sent) for sent in (len(body), len(body), 100)]
        staying = pool.submit(ask, port, body)
        until(lambda: _inside(port) == 5)
        for client in leaving:
            client.close()
        until(lambda: _inside(port) == 2)
        let.set()
        assert first.result(30)[0] == staying.result(30)[0] == 200
    assert sizes == [1, 1]


def test_an_upload_that_does_not_arrive_is_given_up(captioner: Captioner, serving: Serving):
    body = form(photo_file())
    with serving(application(Models(captioner), limits=Limits(seconds=0.3))) as port:
        with begun(port, body, 50) as client:
            assert b" 408 " in client.recv(100)
        assert ask(port, body)[0] == 200


def test_who_sends_too_much_reads_why_it_is_refused(captioner: Captioner, serving: Serving):
    with serving(application(Models(captioner), limits=Limits(max_bytes=2**20))) as port:
        status, refused = ask(port, form(bytes(2**20 + 2**19)))
        assert (status, refused["code"]) == (413, "upload_too_large")


def test_huge_headers_and_nonsense_are_refused(captioner: Captioner, serving: Serving):
    with serving(application(Models(captioner))) as port:
        for sent in (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2**18, b"\x16\x03\x01 nonsense\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                try:
                    client.sendall(sent)
                    assert b" 400 " in client.recv(100)
                except ConnectionError:  # it did not wait for the end
                    pass
        assert ask(port, form(photo_file()))[0] == 200


def test_an_address_that_is_taken_is_wrong_use():
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def _inside(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/healthz")
    inside = json.loads(connection.getresponse().read())["inside"]
    connection.close()
    return inside
