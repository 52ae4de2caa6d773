"""Clients that speak HTTP badly, slowly or with bad intent, on a real socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from web.conftest import Serving, photo_file, served, until
from web.wire import HEAD, ask, begun, form, health, heard, opened, told

from seetell.tasks.captioning.predict import Captioner
from seetell.web import connection, request_body
from seetell.web.application import application
from seetell.web.limits import Limits

BODY = form(photo_file())
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


@pytest.fixture(scope="module")
def shared_port(captioner: Captioner) -> Iterator[int]:
    limits = Limits(max_bytes=2**20, seconds=0.5)
    with pytest.MonkeyPatch.context() as patched, served(application({"caption": captioner}, limits=limits)) as port:
        patched.setattr(request_body, "DRAIN_SECONDS", 0.3)
        until(lambda: ask(port, BODY)[0] == 200)  # the first photo waits for the process that opens it
        yield port


@pytest.fixture
def port(shared_port: int) -> Iterator[int]:
    """The port of a server that answers whatever clients before did, and does so after this test."""
    yield shared_port
    until(lambda: ask(shared_port, BODY)[0] == 200)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: a\rSet-Cookie: b\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2**15,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 2**12,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2**14 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b" " * 2**14 + b"a\r\n\r\n",
        b"GET /?" + b"a" * 2**14 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:60]),
)
def test_what_is_no_http_is_told_so(port: int, sent: bytes):
    with opened(port, sent) as client:
        status, refused = told(client)
    assert (status, refused["code"]) == (400, "not_http")
    assert set(refused) == {"error", "code", "request_id"}


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_both_versions_are_answered(port: int, version: bytes):
    with opened(port, GET.replace(b"1.1", version) + b"Connection: close\r\n\r\n") as client:
        assert told(client)[0] == 200


def test_without_a_name_of_this_machine_nothing_is_told(port: int):
    for head in (b"GET / HTTP/1.0\r\n\r\n", b"GET http://localhost/ HTTP/1.0\r\nHost: evil.example\r\n\r\n"):
        with opened(port, head) as client:
            status, refused = told(client)
        assert (status, refused["code"]) == (421, "unknown_host")


@pytest.mark.parametrize("target", [b"/../../etc/passwd", b"/page/../../../etc/passwd", b"http://x/etc/passwd", b"*"])
def test_no_target_leads_to_the_disk(port: int, target: bytes):
    with opened(port, GET.replace(b"/healthz", target) + b"Connection: close\r\n\r\n") as client:
        assert told(client)[0] == 404


@pytest.mark.slow
def test_an_upload_that_does_not_arrive_is_given_up(port: int):
    for sent in (
        HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:50],
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1) + BODY,
        CHUNKED + chunk(BODY),
        CHUNKED + b"ffff\r\n" + BODY,
    ):
        with opened(port, sent) as client:
            assert b" 408 " in client.recv(100)


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"", HEAD + b"Content-Length: %d\r\n\r\n" % (2 * len(BODY))], ids=["headers", "body"])
def test_a_trickle_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch, head: bytes):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.5)
    with opened(port, head) as client:
        client.settimeout(0.05)
        answer = b""
        for sign in BODY if head else GET * 5:
            client.sendall(bytes([sign]))
            with suppress(TimeoutError):
                answer = client.recv(100)
                break
    assert b" 408 " in answer


def test_more_than_was_announced_is_another_request(port: int):
    with opened(port, HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY + b"nonsense\r\n\r\n") as client:
        answers = heard(client)
    assert answers.count(b"HTTP/1.1 200 ") == answers.count(b"HTTP/1.1 400 ") == 1


def test_of_two_lengths_the_chunks_count(port: int):
    smuggled = chunk(BODY) + b"0\r\n\r\n"
    with opened(port, HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled) as client:
        answer = client.recv(2**16)
    assert b" 200 " in answer


def test_chunks_that_are_none_end_the_request(port: int):
    with opened(port, CHUNKED + b"zz\r\nnonsense") as client:
        status, refused = told(client)
    assert (status, refused["code"]) == (400, "not_http")


def test_a_chunked_upload_without_end_is_refused_at_the_limit(port: int):
    with opened(port, CHUNKED) as client, suppress(ConnectionError):
        for _ in range(200):
            client.sendall(chunk(bytes(2**16)))
    with opened(port, CHUNKED + chunk(BODY + bytes(2**20)) + b"0\r\n\r\n") as client:
        assert b" 413 " in client.recv(100)


def test_who_sends_too_much_reads_why_it_is_refused(port: int):
    status, refused = ask(port, form(bytes(2**20 + 2**19)))
    assert (status, refused["code"]) == (413, "upload_too_large")


def test_a_client_that_waits_for_leave_is_refused_before_it_sends(port: int):
    with opened(port, HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n") as client:
        answer = client.recv(2**16)
    assert b" 413 " in answer
    assert b" 100 " not in answer


@pytest.mark.slow
def test_who_never_asks_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)
    with opened(port) as client:
        assert heard(client) == b""
    with opened(port, GET) as client:
        status, refused = told(client)
        assert (status, refused["code"]) == (408, "too_slow")
    with opened(port, GET + b"\r\n") as client:
        assert b" 200 " in client.recv(2**16)
        client.sendall(GET)
        assert told(client)[0] == 408


@pytest.mark.slow
def test_an_answer_that_nobody_reads_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    asked = GET.replace(b"/healthz", b"/page/page.css") + b"\r\n"
    with opened(port) as client, pytest.raises(ConnectionError):
        client.sendall(asked * 200_000)


def test_too_many_connections_are_told_to_come_back(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 3)
    held = [opened(port, GET) for _ in range(3)]
    try:

        def refused() -> bool:
            with opened(port) as client:
                answer = heard(client) if len(held) == 3 else b""
            return b" 503 " in answer and b"busy" in answer

        until(refused)
    finally:
        for client in held:
            client.close()
    until(lambda: ask(port, BODY)[0] == 200)


@LINUX
def test_one_address_does_not_take_all_connections(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 8)
    held = [opened(port, GET, source="127.0.0.2") for _ in range(4)]
    try:
        with opened(port, source="127.0.0.2") as client:
            status, refused = told(client)
        assert (status, refused["code"]) == (503, "busy")
        assert ask(port, BODY)[0] == 200
    finally:
        for client in held:
            client.close()


@pytest.mark.slow
@LINUX
def test_uploads_that_do_not_arrive_keep_no_other_client_out(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(request_body, "DRAIN_SECONDS", 0.3)
    with serving(application({"caption": captioner}, limits=Limits(queue=16))) as port:
        held = [begun(port, BODY, 50, source="127.0.0.2") for _ in range(16)]
        until(lambda: health(port)["in_flight"] == 16)
        assert [ask(port, BODY)[0] for _ in range(3)] == [200] * 3
        for client in held:
            client.close()
        until(lambda: health(port)["in_flight"] == 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [((), [200, 429, 429]), (("127.0.0.0/8",), [200, 200, 200]), (("192.0.2.1",), [200, 429, 429])],
)
def test_only_a_named_proxy_says_for_whom_it_asks(
    captioner: Captioner, serving: Serving, proxies: tuple[str, ...], statuses: list[int]
):
    app = application({"caption": captioner}, limits=Limits(per_minute=1))
    with serving(app, proxies) as port:
        got = [ask(port, BODY, {"X-Forwarded-For": f"192.0.2.{number}"})[0] for number in (7, 8, 9)]
    assert got == statuses
