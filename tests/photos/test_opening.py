from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.errors import PhotoError, PhotoFormatError, PhotoMemoryError
from seetell.photos import colour, opening
from seetell.photos.budget import DecodeBudget
from seetell.photos.opening import open_photo, photo_size


def noise(width: int, height: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(photo: Image.Image, image_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, image_format, **options)
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size without holding its pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * height, 10**6)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A JPEG whose header is rewritten to claim another size."""
    content = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG", progressive=progressive))
    at = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
def test_every_format_opens_with_the_colours_it_holds(image_format: str, tmp_path: Path):
    colours = Image.new("RGB", (40, 30), (200, 30, 90))
    path = tmp_path / "photo.bin"
    path.write_bytes(encoded(colours, image_format))
    photo = open_photo(path)
    assert (photo.mode, photo.size) == ("RGB", (40, 30))
    assert np.abs(np.asarray(photo, int) - (200, 30, 90)).max() <= 6


@pytest.mark.parametrize("kind", [str, Path, bytes, io.BytesIO])
def test_paths_and_content_open_alike(kind, tmp_path: Path):
    path = tmp_path / "ünï ✓.png"
    Image.fromarray(noise(9, 7)).save(path)
    source = {
        str: lambda: str(path),
        Path: lambda: path,
        bytes: path.read_bytes,
        io.BytesIO: lambda: io.BytesIO(path.read_bytes()),
    }[kind]()
    assert np.array_equal(np.asarray(open_photo(source)), noise(9, 7))


def test_an_open_file_is_read_and_left_open(tmp_path: Path):
    Image.fromarray(noise(9, 7)).save(tmp_path / "photo.png")
    with open(tmp_path / "photo.png", "rb") as file:
        assert np.array_equal(np.asarray(open_photo(file)), noise(9, 7))
        assert not file.closed


def test_arrays_and_pillow_images_are_photos():
    pixels = noise(5, 4)
    assert np.array_equal(np.asarray(open_photo(pixels)), pixels)
    assert np.array_equal(np.asarray(open_photo(Image.fromarray(pixels))), pixels)
    assert np.asarray(open_photo(pixels[:, :, 0])).shape == (4, 5, 3)
    transparent = np.zeros((4, 5, 4), np.uint8)
    assert (np.asarray(open_photo(transparent)) == 255).all()
    for wrong in (
        pixels.astype(np.float32),
        pixels[None],
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((3, 3, 2), np.uint8),
    ):
        with pytest.raises(PhotoError, match="uint8"):
            open_photo(wrong)


def test_transparency_is_kept_on_demand(tmp_path: Path):
    layered = np.dstack([noise(5, 4), np.arange(20, dtype=np.uint8).reshape(4, 5)])
    Image.fromarray(layered).save(tmp_path / "layered.png")
    Image.fromarray(noise(5, 4)).save(tmp_path / "opaque.png")
    for source in (tmp_path / "layered.png", layered, Image.fromarray(layered)):
        kept = open_photo(source, transparent=True)
        assert kept.mode == "RGBA"
        assert np.array_equal(np.asarray(kept), layered)
    opaque = np.asarray(open_photo(tmp_path / "opaque.png", transparent=True))
    assert np.array_equal(opaque, np.dstack([noise(5, 4), np.full((4, 5), 255, np.uint8)]))
    Image.fromarray(noise(5, 4)[..., 0]).save(tmp_path / "grey.png", transparency=int(noise(5, 4)[0, 0, 0]))
    assert np.asarray(open_photo(tmp_path / "grey.png", transparent=True))[0, 0, 3] == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_rotation_is_applied(orientation: int, image_format: str):
    corners = np.zeros((16, 32, 3), np.uint8)
    corners[:8, :16] = (255, 0, 0)
    corners[:8, 16:] = (0, 255, 0)
    corners[8:, :16] = (0, 0, 255)
    stored = Image.fromarray(corners)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if image_format == "JPEG" else {}
    if image_format == "WEBP":
        options = {"lossless": True}
    opened = open_photo(encoded(stored, image_format, exif=exif, **options))
    assert np.array_equal(open_photo(opened), opened)  # and is not applied again
    photo = np.asarray(opened, int)
    expected = {
        1: corners,
        2: corners[:, ::-1],
        3: corners[::-1, ::-1],
        4: corners[::-1],
        5: corners.transpose(1, 0, 2),
        6: np.rot90(corners, -1),
        7: corners[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(corners, 1),
    }[orientation].astype(int)
    assert photo.shape == expected.shape
    assert np.abs(photo - expected).mean() < 12


def test_broken_exif_leaves_the_photo_as_stored_and_warns_nobody():
    for image_format in ("JPEG", "PNG", "WEBP"):
        content = encoded(Image.fromarray(noise(32, 16)), image_format, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
        assert open_photo(content).size == (32, 16)


def test_warnings_of_pillow_do_not_leak_and_the_filters_stay_as_they_were():
    tags = encoded(Image.fromarray(noise(16, 16)), "TIFF")
    at = struct.unpack("<I", tags[4:8])[0]
    broken = bytearray(tags)
    entries = struct.unpack("<H", tags[at : at + 2])[0]
    for entry in range(entries):  # the XResolution tag points past the end
        start = at + 2 + 12 * entry
        if struct.unpack("<H", tags[start : start + 2])[0] == 258:
            broken[start + 8 : start + 12] = struct.pack("<I", 10**8)
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        palette = Image.new("P", (4, 4))
        open_photo(encoded(palette, "PNG", transparency=bytes([0, 128, 255])))
        with pytest.raises(PhotoError):
            open_photo(bytes(broken))
    assert not caught
    assert list(warnings.filters) == before


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for image_format in ("PNG", "TIFF"):
        photo = np.asarray(open_photo(encoded(Image.fromarray(ramp), image_format)))
        assert np.array_equal(photo[..., 0].ravel(), np.arange(256))
        assert np.array_equal(photo[..., 0], photo[..., 2])


def test_pixels_without_an_agreed_white_are_stretched():
    values = np.array([[-2.0, 0.0], [2.0, np.nan]], np.float32)
    photo = np.asarray(open_photo(encoded(Image.fromarray(values), "TIFF")))[..., 0]
    assert photo.tolist() == [[0, 128], [255, 128]]
    flat = open_photo(encoded(Image.fromarray(np.full((2, 2), 7, np.int32)), "TIFF"))
    assert np.asarray(flat).max() == 0


def test_transparency_lies_on_white():
    red = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    red.putpixel((1, 0), (0, 0, 0, 0))
    assert np.asarray(open_photo(encoded(red, "PNG"))).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    grey = Image.new("LA", (1, 1), (0, 127))
    assert np.asarray(open_photo(encoded(grey, "PNG"))).ravel().tolist() == [128, 128, 128]
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((1, 0), 1)
    shown = np.asarray(open_photo(encoded(palette, "PNG", transparency=0)))
    assert shown.tolist() == [[[255, 255, 255], [10, 20, 30]]]
    keyed = Image.new("RGB", (2, 1), (1, 2, 3))
    keyed.putpixel((1, 0), (9, 9, 9))
    shown = np.asarray(open_photo(encoded(keyed, "PNG", transparency=(1, 2, 3))))
    assert shown.tolist() == [[[255, 255, 255], [9, 9, 9]]]


def test_cmyk_and_one_bit_become_rgb():
    cmyk = np.asarray(open_photo(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")), int)
    assert np.abs(cmyk - (255, 0, 0)).max() < 12
    assert np.asarray(open_photo(encoded(Image.new("1", (4, 4), 1), "PNG"))).min() == 255


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(image_format: str):
    first, second = Image.new("RGB", (12, 8), (250, 0, 0)), Image.new("RGB", (12, 8), (0, 0, 250))
    content = encoded(first, image_format, save_all=True, append_images=[second])
    assert np.asarray(open_photo(content))[0, 0, 0] > 200


def test_the_smallest_and_the_longest_photos_open(tmp_path: Path):
    assert open_photo(encoded(Image.new("RGB", (1, 1)), "JPEG"), at_least=(224, 224)).size == (1, 1)
    assert open_photo(encoded(Image.new("RGB", (30_000, 20)), "PNG")).size == (30_000, 20)
    assert open_photo(encoded(Image.new("L", (30_000, 900)), "JPEG"), at_least=(224, 224)).size == (15_000, 450)


def test_photos_of_ordinary_size_are_decoded_whole():
    """So that a model is shown the same whether they are opened for it or beforehand."""
    content = encoded(Image.fromarray(noise(1024, 768)), "JPEG")
    assert np.array_equal(open_photo(content, at_least=(100, 100)), open_photo(content))


@pytest.mark.parametrize("size", [(640, 480), (1000, 450), (449, 448), (3000, 2000), (230, 5000)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_reduced_decoding_never_falls_below_twice_the_size_asked_for(
    size: tuple[int, int], orientation: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opening, "WHOLE_PIXELS", 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.new("RGB", size, (10, 200, 30)), "JPEG", exif=exif)
    whole, reduced = open_photo(content), open_photo(content, at_least=(200, 100))
    assert reduced.width >= min(400, whole.width)
    assert reduced.height >= min(200, whole.height)
    scale = min(whole.width // 400, whole.height // 200)
    if scale >= 2:
        assert reduced.width < whole.width
    assert reduced.width / reduced.height == pytest.approx(whole.width / whole.height, rel=0.03)


def test_bombs_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch):
    bombs = [
        (png_of(50_000, 50_000), (224, 224)),
        (jpeg_of(60_000, 60_000), (224, 224)),
        (jpeg_of(30_000, 20_000, progressive=True), (224, 224)),
        (jpeg_of(20_000, 20_000), None),
    ]
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    for bomb, at_least in bombs:
        with pytest.raises(PhotoError, match="million pixels"):
            open_photo(bomb, at_least=at_least)


def test_what_pillow_calls_a_bomb_but_the_limit_allows_is_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_photo(encoded(Image.new("RGB", (30, 30)), "PNG")).size == (30, 30)
    monkeypatch.setattr(opening, "MAX_PIXELS", 899)
    with pytest.raises(PhotoError, match="million pixels"):
        open_photo(encoded(Image.new("RGB", (30, 30)), "PNG"))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_an_error_of_one_line(image_format: str, kept: float):
    content = encoded(Image.fromarray(noise(64, 64)), image_format)
    with pytest.raises(PhotoError) as caught:
        open_photo(content[: int(len(content) * kept)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
def test_flipped_bytes_give_a_photo_or_a_photo_error(image_format: str):
    content = encoded(Image.fromarray(noise(24, 24)), image_format)
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(0, min(len(damaged), 200), 3)
        damaged[places] = rng.integers(0, 256, 3)
        with suppress(PhotoError):
            assert open_photo(damaged.tobytes(), at_least=(8, 8)).mode == "RGB"


@pytest.mark.parametrize(
    "error", [SyntaxError, ValueError, struct.error, KeyError, EOFError, zlib.error, RecursionError]
)
def test_any_error_of_a_decoder_is_a_photo_error(error: type[Exception], monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object) -> None:
        raise error("first line\nsecond line")

    content = encoded(Image.new("RGB", (4, 4)), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", explode)
    with pytest.raises(PhotoError, match="photo: the file is damaged"):
        open_photo(content)


def test_running_out_of_memory_affects_only_that_photo(monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", explode)
    with pytest.raises(PhotoError, match="not enough memory"):
        open_photo(encoded(Image.new("RGB", (4, 4)), "PNG"))


def test_files_that_are_not_photos_are_refused(tmp_path: Path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("just words, and more of them than sixteen bytes")
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nothing.jpg")
    for name, reason in {
        "empty.jpg": "the file is empty",
        "text.jpg": "not a photo; expected JPEG",
        "page.eps": "EPS is not supported; export it as PNG",
        "missing.jpg": "no such file",
        "dangling.jpg": "no such file",
        ".": "is a folder",
        "text.jpg/inner.jpg": "cannot be read",
        "n" * 300: "cannot be read",
        "nul\0.jpg": "zero byte",
    }.items():
        with pytest.raises(PhotoError, match=reason) as caught:
            open_photo(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path))
        assert isinstance(caught.value, PhotoFormatError) == (name in ("text.jpg", "page.eps"))
    with pytest.raises(PhotoError, match="no such file"):
        open_photo("")
    with pytest.raises(PhotoError, match="got int"):
        open_photo(3)  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_are_refused_without_blocking(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(PhotoError, match="pipe or device"):
            open_photo(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path):
    path = tmp_path / "secret.png"
    Image.new("RGB", (2, 2)).save(path)
    path.chmod(0)
    with pytest.raises(PhotoError, match="no permission"):
        open_photo(path)


def test_permission_errors_are_worded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PhotoError, match="no permission to read it"):
        open_photo(tmp_path / "secret.png")


def test_threads_open_photos_side_by_side():
    content = encoded(Image.fromarray(noise(64, 64)), "PNG")
    broken = content[:-200]
    barrier = threading.Barrier(4)

    def work(which: int) -> bool:
        barrier.wait()
        for _ in range(20):
            try:
                open_photo(broken if which % 2 else content)
            except PhotoError:
                continue
        return True

    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert list(warnings.filters) == before


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("orientation", [None, 3, 6])
def test_the_size_is_that_of_the_opened_photo(image_format: str, orientation: int | None, tmp_path: Path):
    options = {}
    if orientation is not None and image_format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    path = tmp_path / "photo.bin"
    path.write_bytes(encoded(Image.new("RGB", (40, 30)), image_format, **options))
    assert photo_size(path) == open_photo(path).size


@pytest.mark.parametrize("content", [png_of(100_000, 90_000), jpeg_of(60_000, 50_000), png_of(9, 5)[:60]])
def test_a_size_is_read_without_decoding(content: bytes):
    with pytest.raises(PhotoError):
        open_photo(content)
    assert photo_size(content) in ((100_000, 90_000), (60_000, 50_000), (9, 5))


@pytest.mark.parametrize("content", [b"", b"no photo at all", jpeg_of(8, 8)[:20]])
def test_what_has_no_size_is_an_error(content: bytes):
    with pytest.raises(PhotoError):
        photo_size(content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\0\0\0\x14ftypqt  " + bytes(20), "video"),
        (b"\0\0\1\0\1\0\x20\x20\0\0\1\0\x20\0" + bytes(20), "icon"),
        (b"\0\0\2\0\1\0\x20\x20\0\0\5\0\5\0" + bytes(20), "icon"),
        (b"\0\0\2" + bytes(9) + b"\x40\1\xf0\0\x18\x20" + bytes(20), "TGA, DDS or QOI"),
        (b"\4\1\1\0\0\0\1\x18" + bytes(4) + b"\x40\1\xf0\0\x08\0note" + bytes(20), "TGA, DDS or QOI"),
    ],
)
def test_formats_that_people_have_are_named_with_what_to_do(content: bytes, kind: str):
    with pytest.raises(PhotoFormatError, match=f"{kind} is not supported; [a-z]"):
        open_photo(content)


def with_tag(content: bytes, tag: int, value: int) -> bytes:
    """Return a TIFF file with another value of a tag."""
    changed, at = bytearray(content), struct.unpack_from("<I", content, 4)[0]
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", content, at)[0], 12):
        if struct.unpack_from("<H", content, entry)[0] == tag:
            struct.pack_into("<H", changed, entry + 8, value)
    return bytes(changed)


def bmp_of(depth: int = 24, compression: int = 0) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (4, 4)), "BMP"))
    struct.pack_into("<HI", content, 28, depth, compression)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        bmp_of(depth=2),
        bmp_of(depth=64),
        bmp_of(compression=4),
        with_tag(encoded(Image.new("F", (9, 9)), "TIFF"), 258, 64),
        with_tag(encoded(Image.new("F", (9, 9)), "TIFF"), 258, 16),
        with_tag(encoded(Image.new("RGB", (9, 9)), "TIFF"), 259, 34712),
    ],
)
def test_sound_files_of_an_unsupported_kind_are_not_called_damaged(content: bytes):
    with pytest.raises(PhotoFormatError, match="a kind of its format that is not supported") as caught:
        open_photo(content)
    assert "damaged" not in str(caught.value)


def lossless_jpeg(width: int, height: int) -> bytes:
    """A lossless JPEG of one grey: every difference is 0, coded by the bit 0."""
    frame = b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    table = b"\xff\xc4" + struct.pack(">HB", 20, 0) + bytes([1] + [0] * 15) + b"\0"
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0)
    return b"\xff\xd8" + frame + table + scan + bytes(-(-width * height // 8)) + b"\xff\xd9"


def test_a_lossless_jpeg_larger_than_what_is_asked_for_opens():
    opened = open_photo(lossless_jpeg(1200, 900), at_least=(224, 224))
    assert opened.size == (1200, 900)
    assert opened.getpixel((600, 450)) == (128, 128, 128)


def test_libtiff_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]):
    content = bytearray(encoded(Image.fromarray(noise(99, 99)), "TIFF", compression="tiff_lzw"))
    content[500:900] = b"\xff" * 400
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(bytes(content))
    with pytest.raises(PhotoError):
        open_photo(with_tag(encoded(Image.new("RGB", (9, 9)), "TIFF"), 277, 11))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "HTTP://example.org/a.jpg", "file:///a.jpg"])
def test_an_address_is_told_from_a_file(address: str):
    with pytest.raises(PhotoError, match="is an address, not a file; download it first"):
        open_photo(address)


@pytest.mark.slow
def test_too_little_memory_is_not_called_damage(monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object) -> None:
        raise OSError("failed to read next frame")

    content = encoded(Image.new("RGB", (2000, 2000)), "WEBP")
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile.load", explode)
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(content)
    monkeypatch.setattr(opening, "is_free", lambda size: False)
    with pytest.raises(PhotoMemoryError, match="not enough memory"):
        open_photo(content)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "CMYK", "F", "I", "I;16"])
def test_large_photos_are_converted_in_parts_with_the_same_result(mode: str, monkeypatch: pytest.MonkeyPatch):
    values = noise(50, 40, 4)
    if mode in ("F", "I", "I;16"):
        photo = Image.fromarray(values[..., 0].astype({"F": np.float32, "I": np.int32, "I;16": np.uint16}[mode]) * 200)
    else:
        photo = (
            Image.fromarray(values, "RGBA").convert("RGB").convert(mode) if mode != "RGBA" else Image.fromarray(values)
        )
    whole = np.asarray(colour.to_rgb(photo))
    monkeypatch.setattr(colour, "BAND_PIXELS", 333)
    assert np.array_equal(np.asarray(colour.to_rgb(photo)), whole)


def test_photos_that_need_much_memory_wait_for_each_other():
    budget, together, most = DecodeBudget(100), [], []

    def decode(need: int) -> None:
        with budget.reserve(need):
            together.append(need)
            most.append(sum(together))
            time.sleep(0.002)
            together.remove(need)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [30, 60, 250, 10, 90, 40] * 8))
    assert max(most) == 250
    assert max(sum_ for sum_ in most if sum_ != 250) <= 100


def test_a_photo_whose_wait_is_interrupted_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch):
    def interrupt(need: int) -> bool:
        raise KeyboardInterrupt

    budget, decoded = DecodeBudget(100), threading.Event()

    def decode() -> None:
        with budget.reserve(20):
            decoded.set()

    with budget.reserve(80):
        with monkeypatch.context() as patch:
            patch.setattr(budget, "_fits", interrupt)
            with pytest.raises(KeyboardInterrupt), budget.reserve(50):
                pass
        threading.Thread(target=decode, daemon=True).start()
        assert decoded.wait(20)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}])
def test_the_pixels_of_webp_are_read_from_its_start(options: dict[str, object]):
    content = encoded(Image.new("RGB", (300, 200), (9, 200, 3)), "WEBP", **options)
    assert opening._webp_pixels(content[:512]) == 300 * 200


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited in other ways there")
@pytest.mark.parametrize("image_format", ["WEBP", "AVIF", "JPEG2000"])
def test_a_large_photo_and_little_memory_is_not_called_damage(image_format: str, tmp_path: Path):
    side = 7000 if image_format == "WEBP" else 4000
    Image.new("RGB", (side, side), (9, 200, 3)).save(tmp_path / "photo", image_format, method=0, speed=10)
    program = """
import resource, sys
from PIL import AvifImagePlugin, Jpeg2KImagePlugin, WebPImagePlugin
from seetell.errors import PhotoMemoryError
from seetell.photos import budget, opening
budget.LEAST_BITS = dict.fromkeys(budget.LEAST_BITS, 0.0)
with open("/proc/self/status") as file:
    size = next(int(line.split()[1]) for line in file if line.startswith("VmSize")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + 40 * 2**20,) * 2)
try:
    opening.open_photo(sys.argv[1])
except PhotoMemoryError:
    sys.exit(7)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "photo")]
    assert subprocess.run(command, timeout=100, check=False).returncode == 7
