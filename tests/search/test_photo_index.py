from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from search.conftest import paint
from search.toy import ColourEmbedder

from seetell.errors import PhotoError, PhotoIndexError, UsageError
from seetell.search import nearest, ranking
from seetell.search.photo_index import PhotoIndex
from seetell.search.store import VECTOR, Store


@pytest.fixture
def model() -> ColourEmbedder:
    return ColourEmbedder()


@pytest.fixture
def index(tmp_path: Path, model: ColourEmbedder):
    with PhotoIndex(tmp_path / "index", model) as index:
        yield index


def found(index: PhotoIndex, sentence: str, top: int = 20) -> list[str]:
    return [os.path.basename(hit.photo) for hit in index.search(sentence, top=top)]


def test_a_sentence_finds_its_photo_first(index: PhotoIndex, album: Path):
    done = index.update([str(album)])
    assert (done.added, done.unchanged, done.failures) == (4, 0, {})
    assert len(index) == 4
    first, second, *_ = index.search("something red")
    assert first.photo == str(album.resolve() / "rose.png")
    assert first.score == pytest.approx(251 / np.sqrt(251**2 + 2 * 11**2), abs=1e-3)
    assert os.path.basename(second.photo) == "sun.png"
    assert found(index, "blue", top=1) == ["sea.PNG"]


def test_a_photo_finds_those_like_it_alone_or_with_a_sentence(index: PhotoIndex, album: Path, tmp_path: Path):
    index.update([str(album)])
    leaf = str(paint(tmp_path / "leaf.png", "green", 2))
    assert [os.path.basename(hit.photo) for hit in index.search(image=leaf, top=1)] == ["grass.png"]
    both = index.search("red", image=leaf, top=1)
    assert os.path.basename(both[0].photo) == "sun.png"
    assert both[0].score > 0.99


def test_a_search_needs_something_to_look_for(index: PhotoIndex, album: Path, tmp_path: Path):
    with pytest.raises(PhotoIndexError, match="make one: seetell index"):
        index.search("red")
    index.update([str(album)])
    with pytest.raises(UsageError, match="a sentence, a photo, or both"):
        index.search()
    with pytest.raises(UsageError, match="at least 1"):
        index.search("red", top=0)
    with pytest.raises(PhotoError, match="no such file"):
        index.search(image=str(tmp_path / "absent.jpg"))


def test_an_open_index_sees_what_another_adds(index: PhotoIndex, album: Path, tmp_path: Path):
    index.update([str(album)])
    assert found(index, "red", top=1) == ["rose.png"]
    (album / "rose.png").unlink()
    paint(album / "ruby.png", "red", 5)
    PhotoIndex(index.location, ColourEmbedder()).update([str(album)])
    assert found(index, "red", top=1) == ["ruby.png"]


def test_copies_are_one_hit_and_are_encoded_once(index: PhotoIndex, model: ColourEmbedder, album: Path):
    shutil.copy(album / "rose.png", album / "deep" / "copy of rose.png")
    index.update([str(album)])
    assert len(model.asked) == 4
    hit = index.search("red")[0]
    assert {hit.photo, *hit.copies} == {
        str(album.resolve() / "rose.png"),
        str(album.resolve() / "deep" / "copy of rose.png"),
    }
    assert hit.to_dict() == {"photo": hit.photo, "score": hit.score, "copies": hit.copies}
    assert len(index.search("red")) == 4


def test_an_index_of_another_model_is_refused(index: PhotoIndex, album: Path):
    index.update([str(album)])
    for other, said in (
        (ColourEmbedder("shapes", "shapes-1"), "was made with colours, whose vectors"),
        (ColourEmbedder(identity="colours-2"), "another version of colours"),
    ):
        refusing = PhotoIndex(index.location, other)
        with pytest.raises(PhotoIndexError, match=said):
            refusing.search("red")
        with pytest.raises(PhotoIndexError, match="delete the folder"):
            refusing.update([str(album)])
        assert other.asked == []
    assert found(index, "red", top=1) == ["rose.png"]


def test_only_one_process_changes_an_index_while_others_search(index: PhotoIndex, album: Path):
    index.update([str(album)])
    paint(album / "ruby.png", "red", 5)

    class Meanwhile(ColourEmbedder):
        def photo_vectors(self, photos):
            with pytest.raises(PhotoIndexError, match="another seetell is changing this index"):
                PhotoIndex(index.location, ColourEmbedder()).update([str(album)])
            assert found(index, "red", top=1) == ["rose.png"]
            return super().photo_vectors(photos)

    assert PhotoIndex(index.location, Meanwhile()).update([str(album)]).added == 1


def test_what_a_first_run_leaves_on_a_full_disk_is_no_index_yet(index: PhotoIndex, album: Path):
    index.location.mkdir()
    (index.location / "photos.db").touch()
    with pytest.raises(PhotoIndexError, match="there is no index of photos; make one"):
        index.search("red")
    assert index.update([str(album)]).added
    assert index.search("red")


def test_a_folder_of_something_else_is_not_taken_for_an_index(index: PhotoIndex, album: Path, tmp_path: Path):
    (tmp_path / "index").mkdir()
    with sqlite3.connect(tmp_path / "index" / "photos.db") as other:
        other.execute("CREATE TABLE photos (x)")
    other.close()
    with pytest.raises(PhotoIndexError, match="is not an index of photos"):
        index.update([str(album)])
    (tmp_path / "index" / "photos.db").write_bytes(b"no database at all" * 100)
    for act in (lambda: index.update([str(album)]), lambda: index.search("red")):
        with pytest.raises(PhotoIndexError, match="damaged; delete the folder"):
            act()


def test_an_index_of_a_later_format_is_refused(index: PhotoIndex, album: Path):
    index.update([str(album)])
    database = sqlite3.connect(index.location / "photos.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(PhotoIndexError, match="has format 99"):
        PhotoIndex(index.location, ColourEmbedder()).search("red")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_index_that_cannot_be_written_is_searched(index: PhotoIndex, album: Path):
    index.update([str(album)])
    for path in (*index.location.iterdir(), index.location):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert found(index, "red", top=1) == ["rose.png"]
        with pytest.raises(PhotoIndexError, match="nothing can be written there"):
            index.update([str(album)])
    finally:
        index.location.chmod(0o755)


def test_an_index_opened_for_reading_only_is_searched(index: PhotoIndex, album: Path, monkeypatch: pytest.MonkeyPatch):
    index.update([str(album)])
    monkeypatch.setattr("seetell.search.store.os.access", lambda path, mode: False)
    assert found(PhotoIndex(index.location, ColourEmbedder()), "red", top=1) == ["rose.png"]
    with pytest.raises(PhotoIndexError, match="nothing can be written there"):
        index.update([str(album)])


class Directions(ColourEmbedder):
    """Gives each photo a direction of its own, told by its shade and place in the album."""

    def __init__(self, dimensions: int) -> None:
        super().__init__("directions", f"directions-{dimensions}")
        self.dimensions = dimensions

    def photo_vectors(self, photos):
        self.asked += photos
        return [self.direction(os.path.basename(photo)) for photo in photos]

    def sentence_vectors(self, sentences):
        return np.stack([self.direction(sentence) for sentence in sentences])

    def direction(self, name: str) -> np.ndarray:
        seed = int.from_bytes(name.encode(), "big")
        return np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """Files of which nothing but the name counts."""
    folder = tmp_path / "crowd"
    folder.mkdir()
    for number in range(1200):
        (folder / f"{number}.png").write_bytes(b"%d" % number)
    return folder


def nearest_is_unused(location: Path, dimensions: int) -> bool:
    with PhotoIndex(location, Directions(dimensions)) as index:
        return index._opened()._quantised_file() is None


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [16, 9])
def test_many_photos_are_found_as_few_are(
    dimensions: int, crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("faiss", reason="faiss is an extra")
    few = PhotoIndex(tmp_path / "few", Directions(dimensions))
    few.update([str(crowd)])
    monkeypatch.setattr(ranking, "MANY", 1000)
    many = PhotoIndex(tmp_path / "many", Directions(dimensions))
    many.update([str(crowd)])
    (file,) = (tmp_path / "many").glob("vectors-*.faiss")
    asked = ["7.png", "500.png", "1100.png", "a sentence"]
    for sentence in asked:
        assert many.search(sentence, top=5) == few.search(sentence, top=5)
    assert many.search("500.png")[0].photo.endswith("500.png")

    (crowd / "500.png").unlink()
    (crowd / "new.png").write_bytes(b"new")
    many.update([str(crowd)])
    assert [*(tmp_path / "many").glob("vectors-*.faiss")] == [file], "few changes do not make it anew"
    assert many.search("new.png")[0].photo.endswith("new.png")
    assert not many.search("500.png")[0].photo.endswith("500.png")

    monkeypatch.setattr(ranking, "REMAINDER", 0)
    many.update([str(crowd)])
    (anew,) = (tmp_path / "many").glob("vectors-*.faiss")
    assert anew != file
    assert many.search("new.png")[0].photo.endswith("new.png")
    assert len(many.search("new.png", top=1200)) == 1200

    content = bytearray(anew.read_bytes())
    content[len(content) // 2] ^= 255
    for spoil in (lambda: anew.write_bytes(content), lambda: anew.write_bytes(b"damaged"), anew.unlink):
        spoil()
        assert nearest_is_unused(tmp_path / "many", dimensions)
        assert PhotoIndex(tmp_path / "many", Directions(dimensions)).search("new.png")[0].photo.endswith("new.png")


@pytest.mark.slow
def test_many_photos_are_found_without_faiss(crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nearest, "available", lambda: False)
    monkeypatch.setattr(ranking, "MANY", 1000)
    index = PhotoIndex(tmp_path / "index", Directions(16))
    index.update([str(crowd)])
    assert [*(tmp_path / "index").glob("*.faiss")] == []
    hits = index.search("77.png", top=1200)
    assert len(hits) == 1200
    assert hits[0].photo.endswith("77.png")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_long_vectors_waste_no_space(tmp_path: Path):
    vector = np.zeros(1034, VECTOR).tobytes()
    with Store(tmp_path / "index", write=True) as store:
        rows = [(number.to_bytes(32, "big"), vector) for number in range(200)]
        statement = "INSERT INTO contents (hash, vector, checksum) VALUES (?1, ?2, checksum(?1, ?2, NULL))"
        with store.transaction():
            store.change_many(statement, rows)
    assert (tmp_path / "index" / "photos.db").stat().st_size < 1.5 * 200 * len(vector)
