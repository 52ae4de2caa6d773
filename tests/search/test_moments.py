"""Films in the index: the second at which something is shown is found."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from search.conftest import TINTS, paint
from search.toy import ColourEmbedder
from small_films import tinted, write_film

from seetell.errors import PhotoIndexError
from seetell.search import moments
from seetell.search.integrity import add_checksums
from seetell.search.photo_index import Hit, PhotoIndex
from seetell.search.store import FILE, Store

pytest.importorskip("av")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that is red, blue, green and blue again, and a photo that is green."""
    folder = tmp_path_factory.mktemp("films")
    shots = [(TINTS[name], count) for name, count in (("red", 20), ("blue", 14), ("green", 16), ("blue", 20))]
    write_film(folder / "film.mp4", tinted(*shots))
    paint(folder / "grass.png", "green")
    return folder


@pytest.fixture(scope="module")
def sound(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    location = tmp_path_factory.mktemp("sound")
    with PhotoIndex(location, ColourEmbedder()) as index:
        done = index.update([str(folder)])
        assert (done.added, done.encoded, done.failures, done.damaged) == (2, 2, {}, {})
    return location


@pytest.fixture
def location(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "index"))


def found(location: Path, query: str, top: int = 2) -> list[tuple[str, float | None]]:
    with PhotoIndex(location, ColourEmbedder()) as index:
        return [(os.path.basename(hit.photo), hit.seconds) for hit in index.search(query, top=top)]


@pytest.mark.slow
def test_a_search_names_the_second(sound: Path):
    assert found(sound, "red", 1) == [("film.mp4", 0.9)]
    assert sorted(found(sound, "blue")) == [("film.mp4", 2.7), ("film.mp4", pytest.approx(5.9, abs=0.11))]
    assert [name for name, _ in found(sound, "green")] in (["grass.png", "film.mp4"], ["film.mp4", "grass.png"])
    with PhotoIndex(sound, ColourEmbedder()) as index:
        assert len(index) == 2
        (hit, *_) = index.search("red", top=1)
        assert hit.to_dict()["seconds"] == pytest.approx(0.9)
    assert "seconds" not in Hit("a.jpg", 0.5).to_dict()


@pytest.mark.slow
def test_one_film_does_not_fill_the_list(sound: Path):
    assert len(found(sound, "red", 20)) == moments.MOST + 1


def test_a_film_is_encoded_once_wherever_it_lies(location: Path, folder: Path, tmp_path: Path):
    embedder, album = ColourEmbedder(), tmp_path / "album"
    shutil.copytree(folder, album)
    with PhotoIndex(location, embedder) as index:
        done = index.update([str(album)])
        assert (done.added, done.encoded, embedder.asked) == (2, 0, [])
        (hit, *_) = index.search("red", top=1)
        assert [os.path.basename(path) for path in (hit.photo, *hit.copies)] == ["film.mp4", "film.mp4"]
    (album / "film.mp4").rename(album / "moved.mp4")
    with PhotoIndex(location, embedder) as index:
        assert (index.update([str(album)]).moved, embedder.asked) == (1, [])


@pytest.mark.slow
def test_the_moments_of_a_film_that_is_gone_go_with_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    album, location = tmp_path / "album", tmp_path / "index"
    shutil.copytree(folder, album)
    with PhotoIndex(location, ColourEmbedder()) as index:
        index.update([str(album)])
        (album / "film.mp4").unlink()
        monkeypatch.setattr("seetell.search.update.REMEMBERED", -1.0)
        assert index.update([str(album)]).missing == 1
    with Store(location) as store:
        assert store.rows("SELECT count(*) FROM moments") == [(0,)]
        assert store.vector_count() == 1


@pytest.mark.slow
def test_a_cut_off_film_is_found_by_what_could_be_read_and_told(folder: Path, tmp_path: Path):
    album = tmp_path / "album"
    album.mkdir()
    shots = [(TINTS[name], 20) for name in ("red", "blue", "green")]
    write_film(album / "whole.mkv", tinted(*shots))
    content = (album / "whole.mkv").read_bytes()
    (album / "cut.mkv").write_bytes(content[: len(content) * 3 // 4])
    (album / "none.mp4").write_bytes(b"no film")
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        done = index.update([str(album)])
    assert [os.path.basename(path) for path in done.failures] == ["none.mp4"]
    assert done.added == 2
    assert {os.path.basename(path) for path in done.damaged} <= {"cut.mkv"}


def test_without_pyav_films_are_skipped(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(moments, "is_installed", lambda extra: False)
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        done = index.update([str(folder)])
        assert (done.added, str(done.skipped_files)[:7]) == (1, "1 video")
        done = index.update([str(folder / "film.mp4")])
        assert len(done.failures) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE moments SET seconds = 9.0 WHERE content = 2",
        "UPDATE moments SET film = 77 WHERE content = 2",
        "UPDATE moments SET seconds = 'soon' WHERE content = 2",
        "UPDATE moments SET checksum = 0 WHERE content = 1",
        "DELETE FROM moments WHERE content = 2",
        "DELETE FROM contents WHERE id = 2",
        "UPDATE contents SET vector = zeroblob(6) WHERE id = 2",
    ],
)
def test_damaged_moments_are_told_and_mended(location: Path, folder: Path, statement: str):
    with sqlite3.connect(location / FILE) as database:
        add_checksums(database)
        assert database.execute(statement).rowcount
    database.close()
    with pytest.raises(PhotoIndexError, match="mend it: seetell index"):
        found(location, "red")
    with PhotoIndex(location, ColourEmbedder()) as index:
        index.update([str(folder / "grass.png")])
    assert found(location, "red", 1) == [("film.mp4", 0.9)]
    assert sorted(found(location, "blue"))[0] == ("film.mp4", 2.7)
