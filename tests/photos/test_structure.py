"""Files made to keep a decoder busy are refused by their structure; sound files with much in them are not."""

from __future__ import annotations

import importlib.util
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from seetell.errors import PhotoError
from seetell.photos import opening
from seetell.photos.opening import open_photo
from seetell.photos.structure import check_exif, check_structure

_SPEC = importlib.util.spec_from_file_location(
    "picture_bombs", Path(__file__).parents[2] / "benchmarks" / "picture_bombs.py"
)
assert _SPEC is not None
picture_bombs = importlib.util.module_from_spec(_SPEC)
assert _SPEC.loader is not None
_SPEC.loader.exec_module(picture_bombs)

SLOW_TO_MAKE = {"flat-progressive.jpg", "floats.tif", "large.jp2", "large.avif", "large.webp", "transparent.png"}
REFUSED = r"no photo has|no photo;|longer than|at most 4 million|of memory to decode"
QUICK = {name: make for name, make in picture_bombs.BOMBS.items() if name not in SLOW_TO_MAKE}


@pytest.mark.slow
@pytest.mark.parametrize("make", QUICK.values(), ids=QUICK)
def test_a_bomb_is_refused_before_it_is_decoded(make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch):
    bomb = make()
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    if bomb[:2] == b"\xff\xd8":
        monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile._open", lambda self: pytest.fail("read by Pillow"))
    with pytest.raises(PhotoError, match=REFUSED):
        open_photo(bomb, at_least=(224, 224))


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(SLOW_TO_MAKE))
def test_a_large_bomb_is_refused_or_decoded_at_a_smaller_scale(name: str):
    error = None
    try:
        opened = open_photo(picture_bombs.BOMBS[name](), at_least=(224, 224))
    except PhotoError as raised:
        error = str(raised)
    assert re.search(REFUSED, error) if error else max(opened.size) < 1000


def photo(width: int = 60, height: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def test_a_photo_with_many_segments_opens():
    content = picture_bombs.encoded(photo(), "JPEG", icc_profile=bytes(10**6), comment=b"a comment")
    depth_map = 300 * picture_bombs._segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000))
    assert open_photo(content[:2] + depth_map + content[2:]).size == (60, 40)


def test_a_progressive_photo_with_further_photos_behind_it_opens():
    content = picture_bombs.encoded(photo(), "JPEG", progressive=True)
    assert open_photo(40 * content).size == (60, 40)


def test_a_png_with_texts_and_many_small_parts_opens():
    texts = PngImagePlugin.PngInfo()
    for number in range(60):
        texts.add_text(f"key{number}", "words", zip=True)
    assert open_photo(picture_bombs.encoded(photo(), "PNG", pnginfo=texts)).size == (60, 40)


def test_numbers_of_odd_depth_and_comments_open():
    assert open_photo(b"P2 # made by hand\n# size\n3 2\n15\n0 1 2\n3 4 15\n").getpixel((2, 1)) == (255, 255, 255)
    assert open_photo(b"P6\n2 1\n15\n" + bytes([15, 15, 15, 0, 0, 0])).getpixel((0, 0)) == (255, 255, 255)


def test_exif_whose_values_are_larger_than_it_is_is_refused():
    entries = b"".join(struct.pack("<HHII", tag, 7, 60_000, 8) for tag in range(4000))
    data = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 4000) + entries + bytes(20_000)
    with pytest.raises(PhotoError, match="tags hold many times more"):
        check_exif(data)
    chunk = struct.pack(">I", len(data) - 6) + b"eXIf" + data[6:] + struct.pack(">I", zlib.crc32(b"eXIf" + data[6:]))
    sound = picture_bombs.encoded(photo(), "PNG")
    assert open_photo(sound[:33] + chunk + sound[33:]).size == (60, 40)  # as stored: its orientation is not read


@pytest.mark.parametrize(("image_format", "times"), [("JPEG", 3), ("PNG", 0), ("JPEG2000", 5)])
def test_decoders_say_how_often_they_halve(image_format: str, times: int):
    content = picture_bombs.encoded(photo(600, 400), image_format)
    assert check_structure(io.BytesIO(content), image_format, len(content)) == times


def test_jpeg2000_is_decoded_at_a_smaller_scale(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "WHOLE_PIXELS", 0)
    opened = open_photo(
        picture_bombs.encoded(Image.new("RGB", (1000, 800), (10, 200, 30)), "JPEG2000"), at_least=(100, 50)
    )
    assert opened.size == (250, 200)
    assert np.abs(np.asarray(opened, int) - (10, 200, 30)).max() < 9
