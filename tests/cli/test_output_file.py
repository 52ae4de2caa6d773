from __future__ import annotations

import os
from pathlib import Path

import pytest

from seetell.cli.main import main
from seetell.cli.output_file import check_writable, write_file
from seetell.errors import SeetellError, UsageError


def test_a_file_is_put_in_place_whole(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    check_writable(path, "--output")
    write_file(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path: Path):
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_file(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_file_needs_a_folder_that_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.csv").touch()
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place).is_file())  # root may write everywhere
    with pytest.raises(UsageError, match="nothing can be written there"):
        check_writable(tmp_path / "a.csv", "--output")


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def full(source: object, target: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SeetellError, match=r"a\.csv: cannot be written \(No space left"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"--report .*: is a folder"):
        check_writable(tmp_path, "--report")
    with pytest.raises(UsageError, match=r"there is no folder .*none; make it first"):
        check_writable(tmp_path / "none" / "a.csv", "--output")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="nothing can be written there"):
        check_writable(tmp_path / "a.csv", "--output")


def test_what_a_command_reads_is_not_overwritten(tmp_path: Path):
    captions = tmp_path / "captions.csv"
    captions.write_text("image,caption\n")
    (tmp_path / "link.csv").symlink_to(captions)
    for path in (captions, tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="would overwrite what this command reads"):
            check_writable(path, "--output", inputs=[None, "absent.csv", captions])
    check_writable(tmp_path / "other.csv", "--output", inputs=[captions])


def test_only_a_picture_has_the_name_of_one(tmp_path: Path):
    check_writable(tmp_path / "dog.jpg", "--output", picture=True)
    with pytest.raises(UsageError, match="has the name of a photo"):
        check_writable(tmp_path / "dog.jpg", "--results")


def test_a_film_is_not_replaced_by_a_page(tmp_path: Path):
    with pytest.raises(UsageError, match="has the name of a video"):
        check_writable(tmp_path / "walk.mp4", "--gallery")
    check_writable(tmp_path / "walk.mp4", "--output", video=True)


@pytest.mark.parametrize(
    "words",
    [
        ["classify", "dog.jpg", "--output", "dog.jpg"],
        ["regions", "dog.jpg", "-o", "./dog.jpg"],
        ["regions", "dog.jpg", "--results", "dog.jpg"],
        ["align", "dog.jpg", "a dog", "-o", "dog.jpg"],
        ["search", "dog", "--gallery", "dog.jpg"],
        ["score", "captions.csv", "-r", "references.csv", "--output", "captions.csv"],
        ["score", "captions.csv", "-r", "references.csv", "--report", "references.csv"],
    ],
    ids=lambda words: " ".join(words),
)
def test_no_command_overwrites_its_input(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    for name in ("dog.jpg", "captions.csv", "references.csv"):
        Path(name).write_bytes(b"mine")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "would overwrite" in (told := capsys.readouterr().err) or "name of a photo" in told
    assert all(Path(name).read_bytes() == b"mine" for name in ("dog.jpg", "captions.csv", "references.csv"))
