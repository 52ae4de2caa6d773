from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.runtime import near_duplicates
from seetell.runtime.near_duplicates import NearDuplicates, Thumbnail, thumbnail

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")


def small(picture: Image.Image | np.ndarray) -> Thumbnail:
    return thumbnail(picture, Image.fromarray(picture).size if isinstance(picture, np.ndarray) else picture.size)


def saved(photo: Image.Image, format: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, format, quality=quality, speed=10)  # of AVIF: the fastest
    return Image.open(file).convert("RGB")


@pytest.mark.slow
def test_copies_in_other_formats_and_sizes_have_the_result_of_the_first_photo():
    known: NearDuplicates[str] = NearDuplicates()
    photos = {path.stem: opened(path) for path in EXAMPLES}
    for name, photo in photos.items():
        assert known.result(small(photo), name) == name
    for name, photo in photos.items():
        copies = [saved(photo, format, 60) for format in ("JPEG", "WEBP", "AVIF")]
        copies += [
            photo.resize((photo.width * 2, photo.height * 2)),
            photo.resize((photo.width // 2, photo.height // 2)),
        ]
        assert {known.result(small(copy), "another") for copy in copies} == {name}


def test_pictures_in_which_something_is_elsewhere_are_others():
    known: NearDuplicates[str] = NearDuplicates()
    frame = np.asarray(opened(EXAMPLES[0]).resize((256, 256))).copy()
    assert known.result(small(frame), "first") == "first"
    moved, darker = frame.copy(), (frame * 0.7).astype(np.uint8)
    moved[96:112, 96:112] = np.roll(frame, 60, axis=1)[96:112, 96:112]
    others = {"moved": moved, "darker": darker, "mirrored": np.ascontiguousarray(frame[:, ::-1])}
    for name, other in others.items():
        assert known.result(small(other), name) == name


@pytest.mark.parametrize("ground", [(128, 128, 128), (255, 40, 40), (255, 224, 0), (20, 20, 60)])
def test_the_fainter_a_picture_the_less_its_copies_may_differ(ground: tuple[int, int, int]):
    plain = np.full((256, 256, 3), ground, np.uint8)
    pictures = {"plain": plain, "left": plain.copy(), "right": plain.copy()}
    pictures["left"][80:160, 16:96] //= 2
    pictures["right"][80:160, 160:240] //= 2
    known: NearDuplicates[str] = NearDuplicates()
    for name, picture in pictures.items():
        assert known.result(small(picture), name) == name
        assert known.result(small(np.ascontiguousarray(picture[::2, ::2])), "again") == name


def test_a_photo_does_not_get_the_result_of_its_small_preview_but_its_copies_do_get_its_own():
    known: NearDuplicates[str] = NearDuplicates()
    photo = opened(EXAMPLES[0])
    preview = photo.copy()
    preview.thumbnail((150, 150))
    results = [known.result(small(each), name) for name, each in {"small": preview, "whole": photo}.items()]
    assert results == ["small", "whole"]
    assert known.result(small(saved(photo, "WEBP", 80)), "copy") == "whole"
    assert known.result(small(preview), "copy") == "whole"


def test_the_last_photos_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(near_duplicates, "REMEMBERED", 3)
    known: NearDuplicates[int] = NearDuplicates()
    photos = [small(opened(path)) for path in EXAMPLES[:5]]
    assert [known.result(photo, number) for number, photo in enumerate(photos)] == [0, 1, 2, 3, 4]
    assert [known.result(photo, 10 + number) for number, photo in enumerate(photos)] == [10, 11, 12, 13, 14]
    assert [known.result(photo, 20) for photo in photos[2:]] == [12, 13, 14]
