"""Indexes with damaged bytes or entries: the same answers or an error, and mended by the next update."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from search.conftest import TINTS, paint
from search.toy import ColourEmbedder

from seetell.errors import PhotoIndexError
from seetell.search.integrity import add_checksums
from seetell.search.photo_index import Hit, PhotoIndex
from seetell.search.store import FILE

QUERIES = ("red", "green", "blue", "yellow", "red green")


def answers(location: Path) -> list[list[Hit]]:
    """Return what some searches find; equal scores in the order of the paths."""
    with PhotoIndex(location, ColourEmbedder()) as index:
        found = [index.search(query, top=50) for query in QUERIES]
        assert all(np.isfinite(hit.score) and abs(hit.score) < 1.001 for hits in found for hit in hits)
        return [sorted(hits, key=lambda hit: (-hit.score, hit.photo)) for hits in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(40):
        paint(folder / f"group {number % 3}" / f"{number:02}.png", list(TINTS)[number % 4], number)
        paint(folder / "copies" / f"{number:02}.png", list(TINTS)[number % 4], number)
    (folder / "broken.png").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def sound(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    location = tmp_path_factory.mktemp("sound")
    with PhotoIndex(location, ColourEmbedder()) as index:
        index.update([str(folder)])
    return location


@pytest.fixture
def location(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "index"))


def damage(content: bytes, draw: random.Random) -> bytes:
    """Change, erase, exchange or cut off bytes."""
    changed, place = bytearray(content), draw.randrange(len(content))
    match draw.randrange(5):
        case 0:
            changed[place] ^= 1 << draw.randrange(8)
        case 1:
            changed[place] = draw.randrange(256)
        case 2:
            length = draw.choice([2, 16, 512, 4096])
            changed[place : place + length] = bytes(len(changed[place : place + length]))
        case 3:
            length, other = draw.choice([8, 512, 4096]), draw.randrange(len(content))
            changed[place : place + length] = content[other : other + length]
        case 4:
            del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("seed", [*range(30), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(30, 300))])
def test_damaged_bytes_change_no_answer(sound: Path, location: Path, folder: Path, seed: int):
    expected = answers(sound)
    (location / FILE).write_bytes(damage((location / FILE).read_bytes(), random.Random(seed)))
    with suppress(PhotoIndexError):
        assert answers(location) == expected
    with suppress(PhotoIndexError):  # the file as a whole is damaged
        with PhotoIndex(location, ColourEmbedder()) as index:
            index.update([str(folder)])
        assert answers(location) == expected


CONTENT, PHOTO = "UPDATE contents SET {} WHERE id = 3", "UPDATE photos SET {} WHERE content = 3"


@pytest.mark.parametrize(
    "statement",
    [
        CONTENT.format("vector = zeroblob(6)"),
        CONTENT.format("vector = x'00'"),
        CONTENT.format("vector = x'007e007e007e'"),
        CONTENT.format("vector = x'ff7bff7bff7b'"),
        CONTENT.format("vector = CAST(x'ff7bff' AS TEXT)"),
        CONTENT.format("vector = 7"),
        CONTENT.format("vector = NULL"),
        CONTENT.format("vector = (SELECT vector FROM contents WHERE id = 4)"),
        CONTENT.format("vector = zeroblob(6), checksum = checksum(hash, zeroblob(6), failure)"),
        CONTENT.format("vector = x'00', checksum = checksum(hash, x'00', failure)"),
        CONTENT.format("failure = CAST(x'ff' AS TEXT)"),
        CONTENT.format("hash = x'00'"),
        CONTENT.format("checksum = 0"),
        "DELETE FROM contents WHERE id = 3",
        PHOTO.format("content = 5"),
        PHOTO.format("content = 12345"),
        PHOTO.format("missing_since = 1.0"),
        PHOTO.format("name = CAST(name || 'x' AS BLOB)"),
        PHOTO.format("name = hex(folder)"),
        PHOTO.format("folder = CAST(x'ff' || folder AS TEXT)"),
        PHOTO.format("size = -1, changed = 'never'"),
    ],
)
def test_damaged_entries_are_told_and_mended(sound: Path, location: Path, folder: Path, statement: str):
    with sqlite3.connect(location / FILE) as database:
        add_checksums(database)
        assert database.execute(statement).rowcount
    database.close()
    with pytest.raises(PhotoIndexError, match="mend it: seetell index"):
        answers(location)
    elsewhere = folder / "copies"  # whose photos are all known: those of other folders are mended as well
    with PhotoIndex(location, ColourEmbedder()) as index:
        index.update([str(elsewhere if statement.startswith(("UPDATE contents", "DELETE")) else folder)])
    assert answers(location) == answers(sound)


@pytest.mark.parametrize("name", ["model_identity", "dimensions", "key"])
def test_a_damaged_description_is_told(location: Path, name: str):
    for change in ("UPDATE facts SET value = value || 'x' WHERE name = ?", "DELETE FROM facts WHERE name = ?"):
        with sqlite3.connect(location / FILE) as database:
            assert database.execute(change, [name]).rowcount
        database.close()
        with pytest.raises(PhotoIndexError, match="delete the folder"):
            answers(location)
