from __future__ import annotations

import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seetell.errors import PhotoError, UsageError
from seetell.photos import remote
from seetell.photos.formats import SkippedFiles
from seetell.photos.opening import open_photo
from seetell.photos.remote import RemotePhoto, is_remote, remote_photos, source

fsspec = pytest.importorskip("fsspec")
EXAMPLE = Path(__file__).parents[2] / "examples" / "dog.jpg"


@pytest.fixture
def bucket() -> Iterator[str]:
    """A store in memory, in place of one on the network."""
    store = fsspec.filesystem("memory")
    for name in ("b.jpg", "a.png", "notes.txt", "below/c.webp", "below/.hidden.jpg", ".trash/d.jpg"):
        store.pipe(f"/bucket/{name}", EXAMPLE.read_bytes() if name == "b.jpg" else name.encode())
    yield "memory://bucket"
    store.rm("/bucket", recursive=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    (tmp_path / "dog.jpg").write_bytes(EXAMPLE.read_bytes())

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, directory=str(tmp_path), **kwargs)

        def log_message(self, *args) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.mark.parametrize(
    ("name", "remote"),
    [("s3://b/a.jpg", True), ("https://h/a.jpg", True), ("a.jpg", False), ("C:/a.jpg", False), ("a://b", False)],
)
def test_addresses_are_told_from_paths(name: str, remote: bool):
    assert is_remote(name) is remote
    assert (source(name) == name) is not remote


def test_folders_patterns_and_files(bucket: str):
    skipped = SkippedFiles()
    assert list(remote_photos(bucket, skipped)) == [
        "memory:///bucket/a.png",
        "memory:///bucket/b.jpg",
        "memory:///bucket/below/c.webp",
    ]
    assert skipped == {".txt": 1}
    assert list(remote_photos(f"{bucket}/*.jpg", SkippedFiles())) == ["memory:///bucket/b.jpg"]
    assert list(remote_photos(f"{bucket}/notes.txt", SkippedFiles())) == [f"{bucket}/notes.txt"]


def test_addresses_of_web_servers_are_single_photos():
    pytest.importorskip("aiohttp")
    for address in ("https://host/page", "HTTP://host/a*.jpg"):
        assert list(remote_photos(address, SkippedFiles())) == [address]


@pytest.mark.slow
def test_photos_are_fetched_when_they_are_opened(bucket: str, server: str, monkeypatch: pytest.MonkeyPatch):
    expected = open_photo(EXAMPLE).tobytes()
    assert open_photo(RemotePhoto(f"{bucket}/b.jpg")).tobytes() == expected
    assert open_photo(RemotePhoto(f"{server}/dog.jpg")).tobytes() == expected
    assert open_photo(RemotePhoto(f"{server}/dog.jpg".replace("http", "HTTP"))).tobytes() == expected
    with pytest.raises(PhotoError, match=r"nothing.jpg: cannot be fetched \(404 File not found\)"):
        open_photo(RemotePhoto(f"{server}/nothing.jpg"))
    with pytest.raises(PhotoError, match=r"http://127.0.0.1:1/a.jpg: cannot be fetched \(.*Connect call failed"):
        open_photo(RemotePhoto("http://127.0.0.1:1/a.jpg"))
    with pytest.raises(PhotoError, match=r"nothing.jpg: cannot be fetched \(no such file\)"):
        open_photo(RemotePhoto(f"{bucket}/nothing.jpg"))
    with pytest.raises(PhotoError, match=r"a.png: .*photo"):
        open_photo(RemotePhoto(f"{bucket}/a.png"))
    monkeypatch.setattr(remote, "MAX_BYTES", 100)
    with pytest.raises(PhotoError, match="more than 100 bytes"):
        open_photo(RemotePhoto(f"{bucket}/b.jpg"))


def test_unknown_schemes_and_missing_packages_are_wrong_use(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UsageError, match="nowhere://a"):
        list(remote_photos("nowhere://a", SkippedFiles()))

    def missing(address: str, **options) -> None:
        raise ImportError("install it", name="s3fs")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    for address in ("s3://bucket/photos/", "https://host/a.jpg"):
        with pytest.raises(UsageError, match=r"(s3|https):// needs s3fs: .*pip install .*\[remote\]"):
            list(remote_photos(address, SkippedFiles()))
    monkeypatch.setitem(sys.modules, "fsspec.core", None)  # as in the plain install
    for address in ("s3://bucket/photos/", "https://host/a.jpg"):
        with pytest.raises(UsageError, match=r"(s3|https):// needs fsspec: .*pip install .*\[remote\]"):
            list(remote_photos(address, SkippedFiles()))


def test_a_web_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote, "SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg"
        with pytest.raises(PhotoError, match="cannot be fetched"):
            open_photo(RemotePhoto(address))
