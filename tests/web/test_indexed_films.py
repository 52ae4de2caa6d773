from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from search.toy import ColourEmbedder
from small_films import tinted, write_film

from seetell.errors import PhotoError
from seetell.search.photo_index import PhotoIndex
from seetell.web.indexed_photos import IndexedPhotos
from seetell.web.photo_workers import PhotoWorkers

pytest.importorskip("av")


def test_of_a_film_the_frame_that_was_found_is_shown(tmp_path: Path):
    film = write_film(tmp_path / "film.mp4", tinted(((250, 10, 10), 15), ((10, 10, 250), 15)))
    with PhotoIndex(tmp_path / "index", ColourEmbedder()) as index:
        index.update([str(film)])
    photos, workers = IndexedPhotos(tmp_path / "index", ColourEmbedder()), PhotoWorkers()
    (hits,) = photos.search([("blue", 1)])
    row = photos.row(hits[0])
    assert (row["image"], row["copies"]) == ("film.mp4", [])
    assert 1.5 <= row["seconds"] < 3
    key = row["photo"].rpartition("/")[2]
    shown = Image.open(io.BytesIO(photos.thumbnail(key, workers) or b""))
    red, _, blue = shown.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert blue > 200 > 50 > red
    film.unlink()
    with pytest.raises(PhotoError, match=r"film\.mp4 can no longer be shown"):
        photos.thumbnail(key, workers)
