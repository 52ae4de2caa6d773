from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from runtime.fake_hub import FakeHub, git_digest

from seetell.errors import SeetellError
from seetell.file_lock import try_lock
from seetell.runtime import download
from seetell.runtime.download import DownloadError, RemoteFile, check_space, download_all

CONTENT = bytes(range(256)) * 4096  # 1 MB: several blocks


@pytest.fixture
def file(hub: FakeHub, tmp_path: Path) -> RemoteFile:
    hub.models["a/b"] = {"weights.safetensors": CONTENT}
    return RemoteFile(
        name="weights",
        url=f"{hub.url}/a/b/resolve/main/weights.safetensors",
        size=len(CONTENT),
        digest=hashlib.sha256(CONTENT).hexdigest(),
        target=tmp_path / "new" / "weights",
        partial=tmp_path / "new" / "weights.incomplete",
        headers={"Authorization": "Bearer secret"},
    )


def downloaded(file: RemoteFile) -> int:
    """Download a file, and return how many bytes were counted."""
    counted: list[int] = []
    download_all([file], arrived=counted.append)
    assert file.target.read_bytes() == CONTENT
    assert not file.partial.exists()
    return sum(counted)


def begin(file: RemoteFile, content: bytes) -> None:
    file.partial.parent.mkdir()
    file.partial.write_bytes(content)


def test_a_file_is_downloaded_once(file: RemoteFile, hub: FakeHub):
    assert file.missing == len(CONTENT)
    assert downloaded(file) == len(CONTENT)
    assert file.missing == 0
    assert downloaded(file) == len(CONTENT)
    assert hub.ranges("weights.safetensors") == [None]


def test_a_secret_is_not_sent_on_to_another_server(file: RemoteFile, hub: FakeHub):
    downloaded(file)
    assert hub.tokens == {"hub": {"Bearer secret"}, "storage": {None}}


def test_a_broken_connection_is_taken_up_where_it_broke(file: RemoteFile, hub: FakeHub):
    hub.broken_off["weights.safetensors"] = [300_000, 0, 1]
    assert downloaded(file) == len(CONTENT)
    assert hub.ranges("weights.safetensors") == [None, "bytes=300000-", "bytes=300000-", "bytes=300001-"]


def test_what_an_earlier_run_left_is_not_downloaded_again(file: RemoteFile, hub: FakeHub):
    begin(file, CONTENT[:700_000])
    assert file.missing == len(CONTENT) - 700_000
    assert downloaded(file) == len(CONTENT)
    assert hub.ranges("weights.safetensors") == ["bytes=700000-"]


@pytest.mark.parametrize("left", [b"?" + CONTENT[1:1000], CONTENT + b"more", b"?" + CONTENT[1:]])
def test_what_an_earlier_run_left_may_be_damaged(left: bytes, file: RemoteFile, hub: FakeHub):
    begin(file, left)
    assert downloaded(file) == len(CONTENT)
    assert hub.ranges("weights.safetensors")[-1] is None


def test_a_server_may_know_no_ranges(file: RemoteFile, hub: FakeHub):
    hub.ignores_ranges = True
    begin(file, CONTENT[:1000])
    assert downloaded(file) == len(CONTENT)


def test_a_busy_server_is_asked_again(file: RemoteFile, hub: FakeHub):
    hub.busy["weights.safetensors"] = download.ATTEMPTS - 1
    assert downloaded(file) == len(CONTENT)


def test_a_connection_that_breaks_again_and_again_is_given_up(file: RemoteFile, hub: FakeHub):
    hub.broken_off["weights.safetensors"] = [5000, *[0] * download.ATTEMPTS]
    with pytest.raises(DownloadError, match=r"cannot be read \(the connection broke\); what has arrived is kept"):
        downloaded(file)
    assert file.partial.read_bytes() == CONTENT[:5000]


def test_other_content_is_not_kept(file: RemoteFile, hub: FakeHub):
    hub.changed.add("weights.safetensors")
    with pytest.raises(DownloadError, match="sent another content than it announced"):
        downloaded(file)
    assert list(file.target.parent.iterdir()) == []


def test_a_refusal_has_its_status(file: RemoteFile, hub: FakeHub):
    hub.gated.add("a/b")
    with pytest.raises(DownloadError, match=r"weights: 127.0.0.1:\d+ answers 401") as caught:
        downloaded(file)
    assert caught.value.status == 401
    assert list(file.target.parent.iterdir()) == []


def test_a_server_that_is_not_there(file: RemoteFile):
    gone = RemoteFile(file.name, "http://127.0.0.1:9/", file.size, file.digest, file.target, file.partial)
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9 cannot be read .*refused"):
        downloaded(gone)


def test_two_processes_do_not_write_one_file(file: RemoteFile):
    begin(file, b"")
    with open(file.partial, "r+b") as other:
        assert try_lock(other.fileno())
        with pytest.raises(DownloadError, match="another process is downloading it"):
            downloaded(file)


def test_git_knows_files_by_another_hash(file: RemoteFile, hub: FakeHub):
    assert git_digest(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object
    downloaded(RemoteFile("w", file.url, file.size, git_digest(CONTENT), file.target, file.partial))


def test_a_full_disk_is_noticed_before(file: RemoteFile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=len(CONTENT) - 1))
    with pytest.raises(SeetellError, match="1 MB are to be downloaded, and 1 MB are free"):
        check_space([file], file.target.parent)
    begin(file, CONTENT[:1])
    check_space([file], file.target.parent)
