"""Photos are found by the words that are written in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from search.conftest import paint
from search.toy import ColourEmbedder

from seetell.errors import PhotoError, UsageError
from seetell.results import Region, Regions
from seetell.search.photo_index import PhotoIndex
from seetell.search.store import Store
from seetell.search.words import find_words


class ToyReader:
    """Reads what the name of a photo says."""

    name = "toy"

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts, self.read = texts, []

    def predict_many(self, photos):
        for photo in photos:
            name = Path(photo).stem
            self.read.append(name)
            if self.texts.get(name) is None:
                yield PhotoError(f"{photo}: does not open")
                continue
            lines = [line for line in self.texts[name].split("\n") if line]
            yield Regions(tuple(Region(line, (0, 0, 1, 1), 0.9) for line in lines), (1, 1), self.name)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, tint in (("sign", "red"), ("bill", "green"), ("dog", "blue")):
        paint(folder / f"{name}.png", tint)
    return folder


def find_words_in(folder: Path, query: str) -> list[tuple[int, str]]:
    with Store(folder) as store:
        return list(find_words(store, query))


TEXTS = {"sign": "STOP\nAll way", "bill": "Invoice no. 2026-0815\nCafé Müller", "dog": ""}


def test_photos_with_the_words_come_first(tmp_path, photos):
    reader = ToyReader(TEXTS)
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        done = index.update([str(photos)], reader=reader)
        assert (done.with_words, done.failures) == (2, {})
        assert index.has_words
        for query, expected, written in (
            ("stop", ["sign"], "STOP"),
            ("all stop", ["sign"], "STOP / All way"),
            ("0815", ["bill"], "Invoice no. 2026-0815"),
            ("cafe mull", ["bill"], "Café Müller"),
        ):
            hits = index.search(query)
            assert [Path(hit.photo).stem for hit in hits if hit.written] == expected
            assert hits[0].written == written
        paint(photos / "red.png", "red", 5)
        index.update([str(photos)], reader=ToyReader({**TEXTS, "red": "green"}))
        hits = index.search("green")
        assert [Path(hit.photo).stem for hit in hits][:2] == ["red", "bill"]  # the word itself, then its colour
        assert len(hits) == 4
        assert not any(hit.written for hit in index.search("green", image=str(photos / "dog.png")))


def test_a_photo_is_read_once(tmp_path, photos):
    reader = ToyReader(TEXTS)
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        index.update([str(photos)])
        assert not index.has_words
        index.update([str(photos)], reader=reader)  # those that were indexed before, too
        assert sorted(reader.read) == ["bill", "dog", "sign"]
        index.update([str(photos)], reader=reader)
        assert len(reader.read) == 3
        better = ToyReader({**TEXTS, "sign": "HALT"})
        better.name = "better"
        index.update([str(photos)], reader=better)
        assert len(better.read) == 3
        assert index.search("halt")[0].written == "HALT"
        assert not dict(find_words_in(tmp_path / "index", "stop"))


def test_deleted_photos_are_not_found_and_failures_are_named(tmp_path, photos):
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        done = index.update([str(photos)], reader=ToyReader({**TEXTS, "bill": None}))
        assert list(done.failures.values()) == ["does not open"]
        (photos / "sign.png").unlink()
        index.update([str(photos)], reader=ToyReader(TEXTS))
        assert find_words_in(tmp_path / "index", "stop") == []
        with pytest.raises(UsageError, match="no photo has all these words written in it; not known: stop"):
            index.search("stop")
        assert not any(hit.written for hit in index.search("stop red"))
        assert index.search("invoice")[0].written  # read again, as it failed


@pytest.mark.parametrize("query", ['"', "stop' OR 1", "a AND (", "*", "NEAR(stop)", ""])
def test_signs_of_a_query_language_are_words_or_nothing(tmp_path, photos, query):
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        index.update([str(photos)], reader=ToyReader(TEXTS))
    assert find_words_in(tmp_path / "index", query) == []
