from __future__ import annotations

import logging
import struct
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from web.conftest import ADDRESS, photo_file

from seetell.tasks.captioning.predict import Captioner
from seetell.web.application import application
from seetell.web.limits import Limits


@pytest.fixture(scope="module")
def client(captioner: Captioner) -> Iterator[TestClient]:
    with TestClient(application({"caption": captioner}), base_url=ADDRESS) as client:
        yield client


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


PAGE = b"<!doctype html><script>alert(1)</script>"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a photo as PNG with a chunk more, before its pixels."""
    photo = photo_file()
    return photo[:33] + chunk(kind, data) + photo[33:]


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "nothing": (b"", 422, "unusable_photo"),
    "cut short": (photo_file(size=(200, 200), kind="JPEG")[:-300], 422, "unusable_photo"),
    "header alone": (photo_file()[:30], 422, "unusable_photo"),
    "bomb": (bomb(30_000, 30_000), 413, "photo_too_large"),
    "text": (b"hello " * 100, 415, "not_a_photo"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415, "not_a_photo"),
    "html": (PAGE, 415, "not_a_photo"),
    "html before a photo": (PAGE + photo_file(), 415, "not_a_photo"),
    "text bomb": (with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26))), 422, "unusable_photo"),
    "profile bomb": (with_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**26))), 422, "unusable_photo"),
    "bomb of a gif": (
        struct.pack("<6sHHBBB", b"GIF89a", 65535, 65535, 0, 0, 0) + b"," + bytes(8) + b"\0\2\0;",
        413,
        "photo_too_large",
    ),
    "no pixels": (photo_file(kind="BMP")[:18] + bytes(8) + photo_file(kind="BMP")[26:], 422, "unusable_photo"),
    "program": (b"\x7fELF" + bytes(500), 415, "not_a_photo"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "not_a_photo"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_photo_is_refused_and_the_next_one_answered(client: TestClient, name: str):
    content, status, code = HOSTILE[name]
    refused = client.post("/v1/caption", files={"image": ("../../etc/passwd", content)})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert set(refused.json()) == {"error", "code", "request_id"}
    assert client.post("/v1/caption", files={"image": photo_file()}).status_code == 200


POLYGLOTS = {
    "page after a JPEG": photo_file(kind="JPEG") + PAGE,
    "page in a GIF": photo_file(kind="GIF") + b"<!--" + PAGE + b"-->",
    "page in a comment": with_chunk(b"tEXt", b"Comment\0" + PAGE),
    "archive after a PNG": photo_file() + b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_what_is_also_something_else_is_a_photo_and_nothing_else(client: TestClient, name: str):
    answer = client.post("/v1/caption", files={"image": ("page.html", POLYGLOTS[name], "text/html")})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "script" not in answer.text


NAMES = {
    "a" * 3000: "a" * 255,
    "../../../../etc/passwd": "../../../../etc/passwd",
    "C:\\Windows\\win.ini": "win.ini",
    "a\r\nSet-Cookie: b=c\r\n.png": "a%0D%0ASet-Cookie: b=c%0D%0A.png",  # as the client sends it
    "\x1b[2J\u2028\u202e.png": "\x1b[2J\u2028\u202e.png",
    "'; DROP TABLE photos; --": "'; DROP TABLE photos; --",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "{{7*7}}${7*7}%n%s": "{{7*7}}${7*7}%n%s",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_told_as_it_is_and_goes_nowhere(client: TestClient, name: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    answer = client.post("/v1/caption", files={"image": (name, photo_file())})
    assert answer.json()["image"] == NAMES[name]
    assert set(answer.headers) == set(client.post("/v1/caption", files={"image": photo_file()}).headers)
    assert "POST /v1/caption 200" in caplog.text
    assert NAMES[name][:20] not in caplog.text


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="image"; filename="a\rb\x00\x1b.png"',
        b'form-data; name="image"; filename="\xff\xfe\xed\xa0\x80.png"',
        b"form-data; name=\"image\"; filename*=utf-8''%ff%00%0d%0aa.png",
        b"form-data; name=\"image\"; filename*=idna''a.png",
        b"form-data; name=\"image\"; filename*=zip''a.png; filename=b.png",
        b'form-data; name="image"; filename=""',
        b'form-data; name="image"; filename="a"; filename="b"',
        b'form-data; name="image"; filename="' + b"a" * 10_000 + b'"',
        b'attachment; name="image"; filename="a"',
        b"\xff" * 100,
    ],
)
def test_names_by_hand_are_answered_or_refused(client: TestClient, disposition: bytes):
    body = b"--b\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + photo_file() + b"\r\n--b--\r\n"
    answer = client.post("/v1/caption", content=body, headers=FORM)
    assert answer.status_code in (200, 422)
    assert set(answer.json()) >= ({"caption", "image"} if answer.status_code == 200 else {"error", "code"})


def part(head: str, content: bytes = b"x") -> bytes:
    return f"--b\r\n{head}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415, "not_a_form"),
        (photo_file(), {"Content-Type": "image/png"}, 415, "not_a_form"),
        (b"x", {}, 415, "not_a_form"),
        (b"x", {"Content-Type": "multipart/form-data"}, 422, "broken_form"),
        (b"no boundary here", FORM, 422, "broken_form"),
        (b"", {"Content-Type": "multipart/form-data; charset=idna; boundary=b"}, 415, "not_a_form"),
        (b"", {"Content-Type": 'multipart/form-data; charset="UTF-8"; boundary=b'}, 422, "no_photo"),
        (b"", FORM, 422, "no_photo"),
        (part('Content-Disposition: form-data; name="image"'), FORM, 422, "no_photo"),
        (part('Content-Disposition: form-data; name="photo"; filename="a.png"'), FORM, 422, "no_photo"),
        (part("Content-Disposition: form-data"), FORM, 422, "broken_form"),
        (part('Content-Disposition: form-data; name="a"' + "\r\nX: y" * 500), FORM, 422, "broken_form"),
        (part('Content-Disposition: form-data; name="a"\r\nX: ' + "y" * 2**19), FORM, 422, "broken_form"),
        (part('Content-Disposition: form-data; name="a"', b"x" * 2**21), FORM, 422, "broken_form"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 2**14, FORM, 422, "broken_form"),
        (b"--b\r\n" * 2**14, FORM, 422, "broken_form"),
        (b"", {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}, 422, "broken_form"),
        (b"", {"Content-Type": "multipart/form-data; boundary=b; " + "a=b; " * 2000}, 422, "no_photo"),
    ],
)
def test_forms_that_are_none(client: TestClient, body: bytes, headers: dict[str, str], status: int, code: str):
    refused = client.post("/v1/caption", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_several_photos_and_too_many_fields_are_refused(client: TestClient):
    two = [("image", photo_file()), ("image", photo_file())]
    assert client.post("/v1/caption", files=two).json()["code"] == "broken_form"
    many = {f"field{number}": "x" for number in range(9)}
    assert client.post("/v1/caption", files={"image": photo_file()}, data=many).json()["code"] == "broken_form"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_over_the_limit_is_refused_however_it_comes(captioner: Captioner, chunked: bool):
    with TestClient(application({"caption": captioner}, limits=Limits(max_bytes=5000)), base_url=ADDRESS) as client:
        head = part('Content-Disposition: form-data; name="image"; filename="a"', b"x" * 6000)
        body: Any = (head[start : start + 1000] for start in range(0, len(head), 1000)) if chunked else head
        refused = client.post("/v1/caption", content=body, headers=FORM)
        assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
        assert client.post("/v1/caption", files={"image": photo_file()}).status_code == 200


def test_no_upload_touches_the_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", None)
    large = photo_file(kind="BMP", size=(1200, 1000))
    assert len(large) > 2**21
    assert client.post("/v1/caption", files={"image": large}).status_code == 200
