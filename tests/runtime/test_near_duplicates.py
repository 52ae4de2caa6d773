from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.runtime import near_duplicates
from seetell.runtime.near_duplicates import NearDuplicates, thumbnail

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")


def saved(photo: Image.Image, format: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, format, quality=quality)
    return Image.open(file).convert("RGB")


def test_copies_in_other_formats_and_sizes_have_the_result_of_the_first_photo():
    known: NearDuplicates[str] = NearDuplicates()
    photos = {path.stem: opened(path) for path in EXAMPLES}
    for name, photo in photos.items():
        assert known.first(thumbnail(photo), name) == name
    for name, photo in photos.items():
        copies = [saved(photo, format, 60) for format in ("JPEG", "WEBP", "AVIF")]
        copies += [photo.reduce(2), photo.resize((photo.width * 2, photo.height * 2))]
        assert {known.first(thumbnail(copy), "another") for copy in copies} == {name}


def test_photos_in_which_something_is_elsewhere_are_others():
    known: NearDuplicates[str] = NearDuplicates()
    frame = np.asarray(opened(EXAMPLES[0]).resize((256, 256))).copy()
    assert known.first(thumbnail(frame), "first") == "first"
    moved = frame.copy()
    moved[96:112, 96:112] = 255 - moved[96:112, 96:112]
    assert known.first(thumbnail(moved), "moved") == "moved"
    darker = (frame * 0.7).astype(np.uint8)
    assert known.first(thumbnail(darker), "darker") == "darker"
    assert known.first(thumbnail(np.ascontiguousarray(frame[:, ::-1])), "mirrored") == "mirrored"


def test_the_fainter_a_picture_the_less_its_copies_may_differ():
    grey = np.full((64, 64, 3), 128, np.uint8)
    faint = grey.copy()
    faint[20:40, 20:40] += 6
    known: NearDuplicates[str] = NearDuplicates()
    results = [known.first(thumbnail(each), name) for name, each in {"grey": grey, "faint": faint}.items()]
    assert results == ["grey", "faint"]
    assert known.first(thumbnail(grey.copy()), "again") == "grey"


def test_the_last_photos_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(near_duplicates, "REMEMBERED", 3)
    known: NearDuplicates[int] = NearDuplicates()
    photos = [thumbnail(opened(path)) for path in EXAMPLES[:5]]
    assert [known.first(photo, number) for number, photo in enumerate(photos)] == [0, 1, 2, 3, 4]
    assert [known.first(photo, 10 + number) for number, photo in enumerate(photos)] == [10, 11, 12, 13, 14]
    assert [known.first(photo, 20) for photo in photos[2:]] == [12, 13, 14]
