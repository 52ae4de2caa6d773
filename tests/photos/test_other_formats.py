"""HEIC, JPEG XL and RAW: opened by the extra ``formats``, named where it is not installed."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from raw_photo import dng

from seetell.errors import PhotoError, PhotoFormatError
from seetell.extras import install_command
from seetell.photos import formats, jpeg_xl, opening, raw
from seetell.photos.opening import open_photo, photo_size
from seetell.video.endings import READ

HALVES = np.zeros((200, 300, 3), np.uint8)
HALVES[:, :150], HALVES[:, 150:] = (200, 60, 40), (40, 80, 200)
"""Red on the left, blue on the right."""

OTHERS = [
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
    (b"\xff\x0a" + bytes(20), "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
    (b"II*\0\x10\0\0\0CR\2\0" + bytes(20), "RAW"),
    (b"FUJIFILMCCD-RAW 0201" + bytes(20), "RAW"),
    (dng(HALVES), "RAW"),
]


@pytest.fixture
def plain_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seetell.photos.formats._is_installed", lambda module: False)


def jpeg(photo: Image.Image | np.ndarray, **options) -> bytes:
    return saved(photo, "JPEG", quality=95, **options)


def saved(photo: Image.Image | np.ndarray, image_format: str, **options) -> bytes:
    import pillow_heif
    import pillow_jxl  # noqa: F401  # registers itself

    pillow_heif.register_heif_opener()
    content = io.BytesIO()
    image = photo if isinstance(photo, Image.Image) else Image.fromarray(photo)
    image.save(content, image_format, **options)
    return content.getvalue()


def colours(photo: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The colours in the middle of the left half and of the right one."""
    pixels = np.asarray(photo, int)
    height, width = pixels.shape[:2]
    return tuple(pixels[height // 2, width // 4].tolist()), tuple(pixels[height // 2, 3 * width // 4].tolist())


def assert_halves(photo: Image.Image, left: str = "red") -> None:
    red, blue = colours(photo) if left == "red" else colours(photo)[::-1]
    assert red[0] > 150 > red[2] + 60
    assert blue[2] > 150 > blue[0] + 60


@pytest.mark.parametrize(("content", "kind"), OTHERS)
@pytest.mark.usefixtures("plain_install")
def test_without_the_extra_the_error_names_it(content: bytes, kind: str):
    for look in (open_photo, photo_size):
        with pytest.raises(PhotoFormatError) as caught:
            look(content)
        install = install_command("jxl" if kind == "JPEG XL" else "formats")
        assert f"{kind} is not opened by this installation; {install} opens it; or " in str(caught.value)


@pytest.mark.parametrize("content", [content[:40] for content, _ in OTHERS])
def test_what_only_begins_like_one_is_damaged(content: bytes):
    with pytest.raises(PhotoError):
        open_photo(content)


def test_heic_opens_upright_in_its_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(HALVES).transpose(Image.Transpose.ROTATE_90)
    lying_jpeg = Image.open(io.BytesIO(jpeg(lying, exif=exif)))  # whose orientation becomes that of the container
    turned = saved(lying_jpeg, "HEIF", quality=90)
    assert b"irot" in turned
    for content in (saved(HALVES, "HEIF", quality=90), turned):
        photo = open_photo(content, at_least=(32, 32))
        assert photo.size == photo_size(content) == (300, 200)
        assert_halves(photo)


def test_heic_of_other_kinds():
    import pillow_heif

    see_through = np.dstack([HALVES, np.full((200, 300), 255, np.uint8)])
    see_through[:, 150:, 3] = 0
    photo = open_photo(saved(see_through, "HEIF", quality=-1))
    assert colours(photo)[0][0] > 150
    assert min(colours(photo)[1]) > 240
    grey = open_photo(saved(HALVES[:, :, 0], "HEIF", quality=90))
    assert grey.mode == "RGB"
    assert abs(colours(grey)[0][1] - 200) < 6
    ten_bits = io.BytesIO()
    deep = HALVES.astype(np.uint16) << 8
    pillow_heif.from_bytes(mode="RGB;16", size=(300, 200), data=deep.tobytes()).save(ten_bits, quality=90)
    assert_halves(open_photo(ten_bits.getvalue()))


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"use_container": True}])
def test_jpeg_xl_opens_in_its_colours(options: dict[str, bool]):
    content = saved(HALVES, "JXL", effort=1, **options)
    photo = open_photo(content, at_least=(32, 32))
    assert photo.size == photo_size(content) == (300, 200)
    assert_halves(photo)


def test_jpeg_xl_of_other_kinds():
    see_through = np.dstack([HALVES, np.full((200, 300), 255, np.uint8)])
    see_through[:, 150:, 3] = 0
    photo = open_photo(saved(see_through, "JXL", effort=1, lossless=True))
    assert colours(photo) == ((200, 60, 40), (255, 255, 255))
    grey = open_photo(saved(HALVES[:, :, 0], "JXL", effort=1, lossless=True))
    assert colours(grey) == ((200,) * 3, (40,) * 3)
    deep = Image.fromarray(HALVES[:, :, 0].astype(np.uint16) * 257)
    assert colours(open_photo(saved(deep, "JXL", effort=1, lossless=True))) == ((200,) * 3, (40,) * 3)


@pytest.mark.filterwarnings("ignore:Using JPEG reconstruction")
def test_jpeg_xl_made_of_a_jpeg_is_turned_once(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(HALVES).transpose(Image.Transpose.ROTATE_90)
    (tmp_path / "lying.jpg").write_bytes(jpeg(lying, exif=exif))
    with Image.open(tmp_path / "lying.jpg") as photo:
        content = saved(photo, "JXL", lossless_jpeg=True)
    photo = open_photo(content)
    assert photo.size == photo_size(content) == (300, 200)
    assert_halves(photo)


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (300, 200), (1, 1), (513, 7), (160, 90), (9000, 3), (40, 20)])
def test_the_size_of_a_jpeg_xl_file_is_read_from_its_header(size: tuple[int, int]):
    for options in ({}, {"use_container": True}):
        content = saved(Image.new("RGB", size), "JXL", effort=1, **options)
        assert jpeg_xl.photo_size(io.BytesIO(content)) == size


def jpeg_xl_of(width: int, height: int) -> bytes:
    """The beginning of a JPEG XL file that claims a size of up to 2¹⁸ + … pixels a side."""
    bits = [(0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30), (1, 1)]
    value = at = 0
    for number, count in bits:
        value |= number << at
        at += count
    return b"\xff\x0a" + value.to_bytes(-(-at // 8), "little") + bytes(200)


def test_a_jpeg_xl_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jpeg_xl, "decode", lambda content: pytest.fail("decoded"))
    assert photo_size(jpeg_xl_of(30_000, 20_000)) == (30_000, 20_000)
    with pytest.raises(PhotoError, match="has 600 million pixels"):
        open_photo(jpeg_xl_of(30_000, 20_000))
    with pytest.raises(PhotoError, match="are no photo"):
        open_photo(jpeg_xl_of(6_000, 4_000))


def test_a_container_without_end_is_refused():
    boxes = b"\0\0\0\x0cJXL \r\n\x87\n" + (struct.pack(">I4s", 8, b"free") * 2000)
    with pytest.raises(PhotoError, match="more than 1,000 boxes"):
        photo_size(boxes)


def test_raw_is_developed_where_there_is_no_preview():
    content = dng(HALVES)
    whole = open_photo(content)
    assert whole.size == photo_size(content) == (300, 200)
    assert_halves(whole)
    half = open_photo(content, at_least=(100, 100))
    assert half.size == (150, 100)
    assert_halves(half)
    assert open_photo(content, at_least=(151, 100)).size == (300, 200)


@pytest.mark.parametrize(
    ("preview_size", "at_least", "taken"),
    [
        ((300, 200), (100, 60), True),
        ((300, 200), (300, 200), True),
        ((240, 160), (200, 100), True),
        ((240, 160), (241, 100), False),  # too small
        ((300, 200), None, False),
        ((200, 200), (100, 60), False),  # a crop
    ],
)
def test_the_cameras_jpeg_is_taken_where_it_is_large_enough(
    preview_size: tuple[int, int], at_least: tuple[int, int] | None, taken: bool
):
    mirrored = jpeg(Image.fromarray(HALVES).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize(preview_size))
    content = dng(HALVES, preview=mirrored)
    assert photo_size(content) == (300, 200)
    assert_halves(open_photo(content, at_least=at_least), left="blue" if taken else "red")


def test_raw_is_turned_upright_developed_or_not():
    lying = np.rot90(HALVES)
    for preview in (None, jpeg(lying)):
        content = dng(lying, preview=preview, orientation=6)
        assert photo_size(content) == (300, 200)
        for at_least in (None, (10, 10), (300, 200)):
            assert_halves(open_photo(content, at_least=at_least))


def test_a_damaged_preview_is_done_without():
    preview = jpeg(HALVES)
    content = dng(HALVES, preview=preview)
    assert content.endswith(preview)
    for broken in (content[: -len(preview) // 2], content[: -len(preview)] + bytes(len(preview))):
        assert_halves(open_photo(broken, at_least=(100, 100)))
    whole = raw.RawPhoto(Opened(preview), content)
    assert whole.preview() == preview
    assert raw.RawPhoto(Opened(preview), content[: -len(preview) // 2]).preview() is None


class Opened:
    """Stands in for LibRaw, which returns as many bytes as it should, whatever the file has."""

    sizes = SimpleNamespace(width=300, height=200, flip=0, raw_width=300, raw_height=200)

    def __init__(self, preview: bytes) -> None:
        self._preview = preview

    def extract_thumb(self) -> SimpleNamespace:
        import rawpy

        return SimpleNamespace(format=rawpy.ThumbFormat.JPEG, data=self._preview)


def test_a_cameras_tiff_is_raw_by_its_tags_or_its_name(tmp_path: Path):
    scan = saved(HALVES, "TIFF")
    assert not raw.is_raw(io.BytesIO(scan), scan[:512], "scan.tif")
    assert raw.is_raw(io.BytesIO(scan), scan[:512], "photo.NEF")
    content = dng(HALVES, preview=jpeg(HALVES))
    without_version = content.replace(struct.pack("<HH", 50706, 1), struct.pack("<HH", 50705, 1), 1)
    assert raw.is_raw(io.BytesIO(without_version), without_version[:512], "")
    (tmp_path / "scan.tif").write_bytes(scan)
    assert_halves(open_photo(tmp_path / "scan.tif"))


def test_raw_with_more_pixels_than_are_decoded_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "MAX_PIXELS", 59_999)
    monkeypatch.setattr(raw.RawPhoto, "develop", lambda self, half: pytest.fail("developed"))
    with pytest.raises(PhotoError, match="million pixels"):
        open_photo(dng(HALVES))


@pytest.mark.parametrize("make", [lambda: saved(HALVES, "HEIF"), lambda: saved(HALVES, "JXL"), lambda: dng(HALVES)])
def test_damaged_files_are_errors(make):
    content = make()
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = np.frombuffer(content, np.uint8).copy()
        at = rng.integers(0, min(len(broken), 600), 4)
        broken[at] = rng.integers(0, 256, 4)
        for look in (open_photo, photo_size):
            with suppress(PhotoError):
                look(broken.tobytes()[: rng.integers(len(broken) // 2, len(broken))])


def test_jpeg_xl_that_is_cut_short_is_told_plainly(tmp_path: Path):
    content = saved(HALVES, "JXL")
    (tmp_path / "a.jxl").write_bytes(content[: len(content) // 2])
    with pytest.raises(PhotoError, match=r"a\.jxl: the file is cut short or damaged$"):
        open_photo(tmp_path / "a.jxl")


@pytest.mark.slow
def test_nothing_of_the_extra_is_imported_for_other_photos(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(HALVES))
    looked = (
        "import sys; from seetell.photos.opening import open_photo, photo_size; "
        f"open_photo({str(path)!r}); photo_size({str(path)!r}); "
        "print([name for name in ('pillow_heif', 'pillow_jxl', 'rawpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_called_a_video_is_what_is_read_as_one():
    assert formats.VIDEO.suffixes == READ - {".gif"}
