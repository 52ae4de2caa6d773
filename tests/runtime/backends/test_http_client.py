from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

import pytest
from runtime.backends.chat_server import ChatServer, Handler, Request, close, error, reply

from seetell.errors import UsageError
from seetell.runtime.backends import http_client
from seetell.runtime.backends.http_client import Address, HttpClient, Reply, UnansweredError

KEY = "sk-secret/0123"


def client(server: ChatServer, key: str | None = None) -> HttpClient:
    return HttpClient(Address.parse(f"http://127.0.0.1:{server.port}/v1"), key)


def ask(server: ChatServer, *, key: str | None = None, seconds: float = 20.0, tries: int = 3) -> Reply:
    return client(server, key).request("POST", "/x", {"a": 1}, seconds=seconds, tries=tries)


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Run a server that does with connections what HTTP has no words for."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield Address(False, "127.0.0.1", listening.getsockname()[1], "")
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("url", "secure", "host", "port", "path"),
    [
        ("http://127.0.0.1:11434", False, "127.0.0.1", 11434, ""),
        ("http://localhost:8080/v1/", False, "localhost", 8080, "/v1"),
        ("https://Example.ORG/a/b/v1", True, "example.org", None, "/a/b/v1"),
        ("http://[::1]:8000/v1", False, "::1", 8000, "/v1"),
        ("https://bücher.example:444", True, "xn--bcher-kva.example", 444, ""),
        ("http://ollama_1:11434", False, "ollama_1", 11434, ""),
    ],
)
def test_an_address_is_read(url: str, secure: bool, host: str, port: int | None, path: str):
    address = Address.parse(url)
    assert address == Address(secure, host, port, path)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "url",
    ["ftp://host", "http://", "http://:80", "http://h:99999", "http://h:0", "http://h:x", "http://[::1", "http://a..b"],
)
def test_what_is_no_address_of_a_server_is_refused(url: str):
    with pytest.raises(UsageError, match=r"such as http://127\.0\.0\.1:8000/v1"):
        Address.parse(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://me:hunter2@example.org/v1", "holds no user or password"),
        ("https://me:hunter2@[::1", "is no URL"),
        ("https://hunter2@:1/v1", "expected a URL of http"),
        ("https://example.org/v1?key=hunter2", "without . and #"),
        ("https://example.org/v1#x", "without . and #"),
        ("https://example.org/a b", "without . and #"),
    ],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(url: str, message: str):
    with pytest.raises(UsageError, match=message) as refused:
        Address.parse(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("h.de", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, own: bool):
    assert Address(False, host, None, "").is_loopback is own


def test_json_goes_there_and_back(server: ChatServer):
    server.always = reply(200, {"b": [1, "é"]})
    assert ask(server, key=KEY) == Reply(200, {"b": [1, "é"]})
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/x", {"a": 1})
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert "Authorization" not in (ask(server), server.requests[-1].headers)[1]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(server: ChatServer, pauses: list[float], status: int):
    server.script = [error(status, "busy"), close]
    server.always = reply(200, {})
    assert ask(server).status == 200
    assert len(server.requests) == 3
    first, second = pauses
    assert 0.25 <= first <= 0.5 <= second <= 1.0


def test_in_the_end_it_is_told(server: ChatServer, pauses: list[float]):
    server.always = error(503, "busy")
    assert ask(server, tries=3) == Reply(503, {"error": {"message": "busy", "type": "some_error"}})
    server.always = close
    with pytest.raises(UnansweredError, match="closed the connection without an answer"):
        ask(server, tries=2)
    assert len(server.requests) == 3 + 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 501])
def test_what_does_not_pass_is_not_tried_again(server: ChatServer, pauses: list[float], status: int):
    server.always = error(status, "no")
    assert ask(server).status == status
    assert (len(server.requests), pauses) == (1, [])


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("7", 7.0), ("0", None), ("2.5", 2.5), ("soon", None), ("-3", None), ("9" * 400, None), ("Tue, 99 Zzz", None)],
)
def test_the_pause_that_a_server_asks_for_is_kept(server: ChatServer, pauses: list[float], asked: str, waited: float):
    server.script, server.always = [error(429, "slow down", Retry_After=asked)], reply(200, {})
    assert ask(server).status == 200
    assert pauses == [waited] if waited else 0.25 <= pauses[0] <= 0.5


def test_a_pause_may_be_a_date(server: ChatServer, pauses: list[float]):
    server.script, server.always = (
        [error(503, "", Retry_After=formatdate(time.time() + 9, usegmt=True))],
        reply(200, {}),
    )
    ask(server)
    assert 7 <= pauses[0] <= 9


def test_no_pause_is_longer_than_there_is_time(server: ChatServer, pauses: list[float]):
    server.always = error(429, "slow down", Retry_After="3600")
    assert ask(server).status == 429
    assert (len(server.requests), pauses) == (1, [])


def test_a_server_that_does_not_answer_in_time_is_left(server: ChatServer, pauses: list[float]):
    release = threading.Event()
    server.always = lambda handler, request: release.wait(10) and None  # type: ignore[assignment]
    begin = time.monotonic()
    with pytest.raises(UnansweredError, match=r"no answer within 0\.1 seconds"):
        ask(server, seconds=0.1)
    release.set()
    assert time.monotonic() - begin < 5
    while not server.requests and time.monotonic() - begin < 5:
        time.sleep(0.01)  # a busy machine may read the request after it was given up
    assert (len(server.requests), pauses) == (1, [])


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_left(start: bytes):
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(2000):
            connection.sendall(b"H")
            time.sleep(0.005)

    with raw(drip) as address, pytest.raises(UnansweredError, match="no answer within"):
        HttpClient(address).request("GET", "/", seconds=0.15, tries=1)


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch, pauses: list[float]):
    monkeypatch.setattr(http_client, "MAX_BYTES", 2**20)

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(2**16))

    with raw(flood) as address, pytest.raises(UnansweredError, match="more than 1 MB"):
        HttpClient(address).request("GET", "/", seconds=20)
    assert pauses == []


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "its answer is cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "its answer is cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz", "its answer is cut short"),
        (b"SSH-2.0-OpenSSH\r\n", "its answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "its answer is no HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_tried_again(sent: bytes, reason: str, pauses: list[float]):
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(sent)

    with raw(talk) as address, pytest.raises(UnansweredError, match=reason):
        HttpClient(address).request("GET", "/", seconds=20, tries=2)
    assert len(pauses) == 1


def test_an_answer_before_the_request_is_whole_is_read(pauses: list[float]):
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.05)

    with raw(refuse) as address:
        assert HttpClient(address).request("POST", "/", "x" * 10**7, seconds=20).status == 413


def test_a_server_that_is_down_is_told(pauses: list[float]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnansweredError, match="connection refused"):
        HttpClient(Address(False, "127.0.0.1", port, "")).request("GET", "/", seconds=60)
    assert len(pauses) == 4
    assert pauses == sorted(pauses)


def test_https_is_spoken_where_it_is_asked_for(pauses: list[float]):
    greetings: list[bytes] = []
    with raw(lambda connection: greetings.append(connection.recv(1000))) as plain, pytest.raises(UnansweredError):
        HttpClient(Address(True, plain.host, plain.port, "")).request("GET", "/", seconds=20)
    assert greetings[0].startswith(b"\x16\x03")  # TLS
    assert pauses == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_must_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    making = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*making, "-keyout", key, "-out", certificate, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            seen.append(secured.recv(65536))
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw(talk) as plain:
        address = Address(True, plain.host, plain.port, "")
        with pytest.raises(UnansweredError, match=r"its certificate is not trusted: self.signed"):
            HttpClient(address, KEY).request("GET", "/", seconds=20)
        assert (seen, pauses) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert HttpClient(address, KEY).request("GET", "/", seconds=20) == Reply(200, {})
    assert KEY.encode() in seen[0]


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b'{"a":', b"\xff\xfe", b"[" * 200_000, b"1" * 5000])
def test_what_is_no_json_is_told_as_text(server: ChatServer, body: bytes):
    server.always = reply(200, body)
    told = ask(server)
    assert told.content is None
    assert len(told.text) <= 2000


def test_a_redirect_is_not_followed(server: ChatServer):
    server.always = reply(307, {}, Location=f"http://127.0.0.1:{server.port}/elsewhere")
    assert ask(server, key=KEY).location == f"http://127.0.0.1:{server.port}/elsewhere"
    assert len(server.requests) == 1


def test_the_key_that_a_server_repeats_is_removed(server: ChatServer):
    def echo(handler: Handler, request: Request) -> None:
        said = request.headers["Authorization"]
        escaped = json.dumps({"error": {said: [said, 1, None]}}).replace("/", "\\/").encode()
        handler.send(307, escaped, Location=f"http://x/{said}")

    server.script = [echo, lambda handler, request: handler.send(500, request.headers["Authorization"].encode())]
    told = [ask(server, key=KEY), ask(server, key=KEY, tries=1)]
    assert "secret" not in repr(told)
    assert told[0].content == {"error": {"Bearer [key]": ["Bearer [key]", 1, None]}}
    assert KEY not in repr(client(server, KEY))


def test_a_placeholder_for_a_key_is_removed_where_it_stands_alone(server: ChatServer):
    server.script = [reply(200, {"message": ["a sage", "(sage)", "Bearer sage", "messages"]})]
    told = ask(server, key="sage").content
    assert told == {"message": ["a [key]", "([key])", "Bearer [key]", "messages"]}


def test_proxies_of_the_environment_are_not_used(server: ChatServer, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask(server).status == 200
