"""Metadata in the files: read back by Pillow and by a reader of these tests, with everything else as it was."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, IptcImagePlugin

from seetell.errors import PhotoError
from seetell.photos.metadata import embedded, jpeg, png, webp
from seetell.photos.metadata.description import ALT_TEXT, DESCRIPTION, HIERARCHY, KEYWORDS, Description
from seetell.photos.metadata.embedded import PhotoFiles
from seetell.photos.metadata.xmp import EMPTY, Outline, with_properties

DOG = Description("A dog.", "A dog runs.", ("dog", "grass"))
FORMATS = {"JPEG": jpeg, "PNG": png, "WEBP": webp}
NOISE = np.random.default_rng(0).integers(0, 256, (60, 90, 4), np.uint8)


def photo(image_format: str = "JPEG", *, mode: str = "RGB", **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(content, image_format, **options)
    return content.getvalue()


def pixels(content: bytes) -> bytes:
    opened = Image.open(io.BytesIO(content))
    frames = []
    for frame in range(getattr(opened, "n_frames", 1)):
        opened.seek(frame)
        frames.append(opened.tobytes())
    return b"".join(frames)


def written(path: Path, content: bytes, description: Description = DOG, **options: bool) -> bytes:
    path.write_bytes(content)
    PhotoFiles(**options).write(path, description)
    return path.read_bytes()


def xmp_of(content: bytes) -> bytes:
    """The XMP document as Pillow finds it."""
    opened = Image.open(io.BytesIO(content))
    opened.load()
    found = opened.info.get("xmp") or opened.info.get("XML:com.adobe.xmp")
    return found.encode() if isinstance(found, str) else found


def jpeg_segments(content: bytes) -> list[bytes]:
    at, found = 2, []
    while content[at + 1] != 0xDA:
        size = 2 + struct.unpack_from(">H", content, at + 2)[0]
        found.append(content[at : at + size])
        at += size
    return [*found, content[at:]]


def png_chunks(content: bytes) -> list[bytes]:
    at, found = 8, []
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + 12 + size]
        if len(chunk) == 12 + size:
            assert zlib.crc32(chunk[4:-4]) == struct.unpack(">I", chunk[-4:])[0]
        found.append(chunk)
        at += 12 + size
        if kind == b"IEND":
            return [*found, content[at:]]
    return found


def webp_chunks(content: bytes) -> list[bytes]:
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
    at, found = 12, []
    while at < len(content):
        size = struct.unpack_from("<I", content, at + 4)[0]
        found.append(content[at : at + 8 + size + size % 2])
        at += 8 + size + size % 2
    return found


def others(content: bytes) -> list[bytes]:
    """All parts of a file but for its XMP and, in WebP, the head that says whether there is some."""
    if content.startswith(b"\xff\xd8"):
        return [part for part in jpeg_segments(content) if b"ns.adobe.com/xap/1.0/\0" not in part[:40]]
    if content.startswith(b"\x89PNG"):
        return [part for part in png_chunks(content) if b"XML:com.adobe.xmp" not in part[:32]]
    return [part for part in webp_chunks(content) if part[:4] not in (b"XMP ", b"VP8X")]


EXIF = Image.Exif()
EXIF[0x0112] = 6
EXIF[0x010E] = "SONY DSC"
PHOTOS = {
    "plain": photo(),
    "progressive": photo(progressive=True),
    "exif and profile": photo(exif=EXIF, icc_profile=b"profile" * 20_000, comment="hello"),
    "grey": photo(mode="L"),
    "with XMP": photo(exif=EXIF, xmp=with_properties(EMPTY, {("dc", DESCRIPTION[1], "title"): "mine"})),
    "PNG": photo("PNG"),
    "PNG with alpha": photo("PNG", mode="RGBA", exif=EXIF),
    "animated PNG": photo("PNG", save_all=True, append_images=[Image.new("RGB", (90, 60))]),
    "WebP": photo("WEBP", quality=50),
    "lossless WebP": photo("WEBP", lossless=True),
    "WebP with alpha": photo("WEBP", mode="RGBA", lossless=True),
    "WebP with more": photo("WEBP", exif=EXIF, icc_profile=b"profile"),
    "animated WebP": photo("WEBP", save_all=True, append_images=[Image.new("RGB", (90, 60))]),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_it_is_read_back_and_all_else_stays(name: str, tmp_path: Path):
    before, path = PHOTOS[name], tmp_path / "photo.jpg"
    after = written(path, before)
    outline = Outline(xmp_of(after))
    assert outline.default_text(ALT_TEXT) == "A dog."
    assert outline.default_text(DESCRIPTION) == "A dog runs."
    assert outline.entries(KEYWORDS) == outline.entries(HIERARCHY) == ["dog", "grass"]
    assert others(after) == others(before)
    assert pixels(after) == pixels(before)
    assert Image.open(io.BytesIO(after)).getexif() == Image.open(io.BytesIO(before)).getexif()
    assert (b"mine" in after) == (name == "with XMP")
    assert not PhotoFiles(overwrite=True).write(path, DOG)
    assert path.read_bytes() == after
    assert PhotoFiles().is_complete(path, keywords=True)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_second_description_comes_only_on_request(name: str, tmp_path: Path):
    path = tmp_path / "photo.jpg"
    once = written(path, PHOTOS[name])
    cat = Description("A cat.", "A cat sits.", ("cat", "dog"))
    assert PhotoFiles().write(path, Description("A cat.", "A cat sits.")) is False
    assert PhotoFiles(overwrite=True).write(path, cat)
    outline = Outline(xmp_of(path.read_bytes()))
    assert outline.default_text(DESCRIPTION) == "A cat sits."
    assert outline.entries(KEYWORDS) == ["dog", "grass", "cat"]
    assert others(path.read_bytes()) == others(once)


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1)


@settings(max_examples=40)
@given(st.sampled_from(sorted(PHOTOS)), texts, st.lists(texts, max_size=4))
def test_any_text_is_read_back(name: str, text: str, keywords: list[str]):
    form = FORMATS[Image.open(io.BytesIO(PHOTOS[name])).format or ""]
    xmp = with_properties(EMPTY, {DESCRIPTION: text}, {KEYWORDS: keywords})
    after = form.with_xmp(PHOTOS[name], xmp)
    assert form.read(io.BytesIO(after)).xmp == xmp
    assert Outline(xmp).default_text(DESCRIPTION) == text
    assert form.with_xmp(after, xmp) == after
    assert others(after) == others(PHOTOS[name])


def test_the_sides_of_a_simple_webp_file_are_told_in_its_new_head(tmp_path: Path):
    kinds = {"WebP": False, "lossless WebP": False, "WebP with alpha": True}
    for name, alpha in kinds.items():
        head, *_ = webp_chunks(written(tmp_path / "photo.webp", PHOTOS[name]))
        assert head[:4] == b"VP8X"
        assert bool(head[8] & 0x10) == alpha
        assert [int.from_bytes(head[at : at + 3], "little") + 1 for at in (12, 15)] == [90, 60]


def chunk(data: bytes) -> bytes:
    """A chunk of PNG, given its name and content."""
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


@pytest.mark.slow
def test_compressed_xmp_of_a_png_file_is_read(tmp_path: Path):
    xmp = with_properties(EMPTY, {DESCRIPTION: "mine"})
    data = b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)
    content = PHOTOS["PNG"]
    after = written(tmp_path / "photo.png", content[:33] + chunk(data) + content[33:])
    assert Outline(xmp_of(after)).default_text(DESCRIPTION) == "mine"
    assert Outline(xmp_of(after)).default_text(ALT_TEXT) == "A dog."
    bomb = b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(65 * 2**20))
    with pytest.raises(PhotoError, match="its XMP has more than 16 MiB"):
        written(tmp_path / "photo.png", content[:33] + chunk(bomb) + content[33:])


def segment(marker: int, payload: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload


def multi_picture(order: str = ">", xmp: bytes | None = None, *, xmp_last: bool = False) -> bytes:
    """Two pictures in a file with an index, as cameras and Ultra HDR photos have it."""
    first, second = photo(exif=EXIF), photo(mode="L")

    def index(size: int, place: int) -> bytes:
        entries = struct.pack(order + "IIIHHIIIHH", 0x030000, size, 0, 0, 0, 0, len(second), place, 0, 0)
        two, at = struct.pack(order + "I", 2), struct.pack(order + "I", 50)
        tags = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, two), (0xB002, 7, 32, at)]
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 3)
        body = b"".join(struct.pack(order + "HHI", *tag[:3]) + tag[3] for tag in tags)
        return segment(0xE2, b"MPF\0" + (head + body).ljust(50, b"\0") + entries)

    own = b"" if xmp is None else segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)
    parts = jpeg_segments(first)
    before = [*parts[:2], b"" if xmp_last else own]
    length, base = len(first) + len(own) + len(index(0, 0)), 2 + len(b"".join(before)) + 8
    after = [index(length, length - base), own if xmp_last else b"", *parts[2:]]
    return b"\xff\xd8" + b"".join([*before, *after]) + second


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("xmp", [None, "before", "after"])
def test_further_pictures_are_found_after_it(order: str, xmp: str | None, tmp_path: Path):
    content = multi_picture(order, None if xmp is None else EMPTY, xmp_last=xmp == "after")
    opened = Image.open(io.BytesIO(content))
    assert (opened.format, opened.n_frames) == ("MPO", 2)
    after = written(tmp_path / "photo.jpg", content)
    assert pixels(after) == pixels(content)
    opened = Image.open(io.BytesIO(after))
    assert Outline(opened.info["xmp"]).entries(KEYWORDS) == ["dog", "grass"]
    first, second = opened.mpinfo[0xB002]
    assert first["Size"] + second["Size"] == len(after)
    assert after[-second["Size"] :] == content[-second["Size"] :]
    opened.seek(1)
    assert opened.size == (90, 60)
    assert [part for part in others(after) if b"MPF" not in part[:8]] == [
        part for part in others(content) if b"MPF" not in part[:8]
    ]


def test_a_damaged_index_of_pictures_is_no_reason_to_lose_them(tmp_path: Path):
    content = multi_picture().replace(b"MM\0*", b"MM\0+")
    with pytest.raises(PhotoError, match="several pictures, whose index is damaged; --sidecar writes beside it"):
        written(tmp_path / "photo.jpg", content)
    assert (tmp_path / "photo.jpg").read_bytes() == content


@pytest.mark.parametrize(
    ("told", "end", "changed"),
    [
        ("", bytes(100), True),
        ("", b"film" * 100, False),
        ('GCamera:MicroVideo="1"', b"film" * 100, True),
        ('GCamera:MotionPhoto="1"', b"film" * 100, True),
        ("", b"\0\0\x01\x0aMotionPhoto_Data" + b"film" * 9 + b"SEFT", True),
    ],
)
def test_what_follows_the_picture_stays_where_it_is_from_the_end(told: str, end: bytes, changed: bool, tmp_path: Path):
    space = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
    xmp = EMPTY.replace(b" </rdf:RDF>", f"<rdf:Description {space} {told}/></rdf:RDF>".encode())
    content = photo(progressive=True, xmp=xmp) + end
    if changed:
        assert written(tmp_path / "photo.jpg", content).endswith(content[-len(end) - 500 :])
        return
    with pytest.raises(PhotoError, match="400 bytes of other data follow the picture"):
        written(tmp_path / "photo.jpg", content)
    assert (tmp_path / "photo.jpg").read_bytes() == content


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_data_after_the_end_of_a_file_are_not_moved(image_format: str, tmp_path: Path):
    content = photo(image_format) + b"film" * 100
    with pytest.raises(PhotoError, match="400 bytes of other data follow the picture"):
        written(tmp_path / "photo", content)
    assert (tmp_path / "photo").read_bytes() == content
    assert written(tmp_path / "padded", photo(image_format) + bytes(10)).endswith(bytes(10))


@pytest.mark.parametrize("image_format", FORMATS)
def test_signed_photos_stay_as_they_are(image_format: str, tmp_path: Path):
    content = photo(image_format)
    if image_format == "JPEG":
        manifest = b"JP\0\1\0\0\0\1\0\0\0\x20jumb...c2pa"
        content = content[:2] + segment(0xEB, manifest) + content[2:]
    elif image_format == "PNG":
        content = content[:33] + chunk(b"caBXdata") + content[33:]
    else:
        content = content + b"C2PA\4\0\0\0data"
        content = content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
    with pytest.raises(PhotoError, match="signed Content Credentials"):
        written(tmp_path / "photo.jpg", content)
    assert (tmp_path / "photo.jpg").read_bytes() == content


def with_iptc(content: bytes, *records: tuple[int, int, bytes], digest: bool = True) -> bytes:
    data = b"".join(b"\x1c" + struct.pack(">BBH", *kind, len(value)) + value for *kind, value in records)
    resources = [(0x03ED, bytes(16)), (0x0404, data), *([(0x0425, hashlib.md5(data).digest())] if digest else [])]
    packed = b"".join(
        b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(value)) + value + bytes(len(value) % 2)
        for number, value in resources
    )
    return content[:2] + segment(0xED, b"Photoshop 3.0\0" + packed) + content[2:]


def iptc_of(path: Path) -> dict[tuple[int, int], bytes | list[bytes]]:
    with Image.open(path) as opened:
        return IptcImagePlugin.getiptcinfo(opened) or {}


def test_a_description_and_keywords_in_iptc_are_of_people_and_stay(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    content = with_iptc(photo(), (1, 90, b"\x1b%G"), (2, 25, "Zoë".encode()), (2, 25, b"DOG"), (2, 120, b"Rex"))
    after = written(path, content)
    outline = Outline(xmp_of(after))
    assert outline.default_text(DESCRIPTION) == ""
    assert outline.default_text(ALT_TEXT) == "A dog."
    assert outline.entries(KEYWORDS) == ["Zoë", "DOG", "grass"]
    told = iptc_of(path)
    assert told[2, 120] == b"Rex"
    assert told[2, 25] == ["Zoë".encode(), b"DOG", b"grass"]
    assert PhotoFiles().is_complete(path, keywords=True)
    assert not PhotoFiles().write(path, DOG)
    block = after[after.index(b"8BIM\x04\x04") + 12 :]
    data = block[: struct.unpack_from(">I", after, after.index(b"8BIM\x04\x04") + 8)[0]]
    assert hashlib.md5(data).digest() in after
    assert pixels(after) == pixels(content)


def test_they_follow_what_overwrites_them(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    content = with_iptc(photo(), (2, 80, b"me"), (2, 120, b"Rex"), digest=False)
    written(path, content, Description("A dog.", "A dog runs."), overwrite=True)
    assert iptc_of(path) == {(2, 80): b"me", (2, 120): b"A dog runs."}
    written(path, content, Description("Ein Hündchen.", "Ein Hündchen."), overwrite=True)
    assert iptc_of(path)[2, 120] == b"Rex"  # whose characters are not told
    assert Outline(xmp_of(path.read_bytes())).default_text(DESCRIPTION) == "Ein Hündchen."


def test_a_description_in_exif_is_of_a_person_unless_a_camera_wrote_it(tmp_path: Path):
    mine = Image.Exif()
    mine[0x010E] = "Rex at the lake"
    outline = Outline(xmp_of(written(tmp_path / "photo.jpg", photo(exif=mine))))
    assert outline.default_text(DESCRIPTION) == ""
    assert outline.default_text(ALT_TEXT) == "A dog."
    for text in ("OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM\\100MEDIA\\DJI_1.JPG", "   "):
        mine[0x010E] = text
        after = written(tmp_path / "photo.jpg", photo(exif=mine))
        assert Outline(xmp_of(after)).default_text(DESCRIPTION) == "A dog runs."


def extended(xmp: bytes) -> bytes:
    payload = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", len(xmp), 0) + xmp
    return segment(0xE1, payload)


def test_extended_xmp_stays_and_is_not_contradicted(tmp_path: Path):
    content = photo(xmp=EMPTY)
    title = with_properties(EMPTY, {("dc", DESCRIPTION[1], "title"): "mine"})
    after = written(tmp_path / "photo.jpg", content[:2] + extended(title) + content[2:])
    assert extended(title) in after
    described = extended(with_properties(EMPTY, {DESCRIPTION: "x"}))
    with pytest.raises(PhotoError, match="its extended XMP has a description or keywords"):
        written(tmp_path / "photo.jpg", content[:2] + described + content[2:])


def test_a_jpeg_file_without_room_is_refused_unless_padding_is_given_up(tmp_path: Path):
    for padding, room in ((64_000, True), (0, False)):
        long = with_properties(EMPTY, {("dc", DESCRIPTION[1], "rights"): "x" * (64_800 - padding)})
        xmp = long.replace(b"\n<?xpacket end", b"\n" + b" " * padding + b"<?xpacket end")
        if room:
            assert pixels(written(tmp_path / "photo.jpg", photo(xmp=xmp))) == pixels(photo())
            continue
        with pytest.raises(PhotoError, match="its XMP has no room for more; a JPEG file holds 65 kB"):
            written(tmp_path / "photo.jpg", photo(xmp=xmp))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (photo("GIF"), "its format is not JPEG, PNG or WebP"),
        (photo("AVIF"), "its format is not JPEG, PNG or WebP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC is not JPEG, PNG or WebP"),
        (b"", "its format is not JPEG, PNG or WebP"),
        (photo()[:200], "the JPEG file is damaged"),
        (photo()[:-2], "the JPEG file is cut short"),
        (b"\xff\xd8" + b"\xff" * 10_000, "the JPEG file is damaged"),
        (photo("PNG")[:-4], "the PNG file is damaged"),
        (photo("PNG")[:8] + photo("PNG")[33:], "the PNG file is damaged"),
        (photo("WEBP")[:-4], "the WebP file is damaged"),
        (photo(xmp=b"no XML"), "it is not XML"),
        (b"\xff\xd8" + 2 * photo(xmp=EMPTY)[2:][: 4 + 29 + len(EMPTY) + 18] + photo()[2:], "several XMP documents"),
    ],
)
def test_other_files_stay_as_they_are(content: bytes, said: str, tmp_path: Path):
    with pytest.raises(PhotoError, match=f"photo.jpg: its metadata were not changed: .*{said}"):
        written(tmp_path / "photo.jpg", content)
    assert (tmp_path / "photo.jpg").read_bytes() == content
    assert os.listdir(tmp_path) == ["photo.jpg"]
    assert not PhotoFiles().is_complete(tmp_path / "photo.jpg")


def test_an_absent_file_and_a_pipe(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("absent.jpg", "pipe.jpg"):
        with pytest.raises(PhotoError, match=f"{name}: its metadata were not changed: ") as raised:
            PhotoFiles().write(tmp_path / name, DOG)
        assert "--sidecar" not in str(raised.value)  # which would not help
        assert not PhotoFiles().is_complete(tmp_path / name)


@pytest.mark.parametrize("name", PHOTOS)
def test_damaged_files_are_errors_or_change_as_sound_ones(name: str, tmp_path: Path):
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = np.frombuffer(PHOTOS[name], np.uint8).copy()
        at = rng.integers(0, min(len(broken), 700), 3)
        broken[at] = rng.integers(0, 256, 3)
        before = broken.tobytes()
        try:
            after = written(tmp_path / "photo.jpg", before)
        except PhotoError:
            assert (tmp_path / "photo.jpg").read_bytes() == before
        else:
            assert PhotoFiles().is_complete(tmp_path / "photo.jpg", keywords=True)
            assert len(after) > len(before)


def test_permissions_and_the_time_of_the_last_change_stay(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTOS["plain"])
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18 + 7))
    (tmp_path / "link.jpg").symlink_to("photo.jpg")
    PhotoFiles().write(tmp_path / "link.jpg", DOG)
    assert (tmp_path / "link.jpg").is_symlink()
    assert PhotoFiles().is_complete(path)
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime_ns) == (0o640, 10**18 + 7)


def test_a_photo_that_another_program_changes_meanwhile_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "photo.jpg"

    def read(file: io.BytesIO, read=jpeg.read):
        path.write_bytes(PHOTOS["grey"])
        return read(file)

    monkeypatch.setattr(embedded, "_FORMATS", [embedded._FORMATS[0]._replace(read=read)])
    with pytest.raises(PhotoError, match="another program changed it meanwhile"):
        written(path, PHOTOS["plain"])
    assert path.read_bytes() == PHOTOS["grey"]


def test_another_hard_link_such_as_a_backups_keeps_the_original(tmp_path: Path):
    path, backup = tmp_path / "photo.jpg", tmp_path / "backup.jpg"
    path.write_bytes(PHOTOS["plain"])
    backup.hardlink_to(path)
    PhotoFiles().write(path, DOG)
    assert backup.read_bytes() == PHOTOS["plain"]
    assert PhotoFiles().is_complete(path)


def test_the_original_stays_where_the_new_file_cannot_be_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTOS["plain"])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PhotoError, match="were not changed: No space left on device"):
        PhotoFiles().write(path, DOG)
    assert path.read_bytes() == PHOTOS["plain"]
    assert os.listdir(tmp_path) == ["photo.jpg"]


@pytest.mark.slow
def test_a_killed_process_leaves_every_photo_whole(tmp_path: Path):
    content = photo(exif=EXIF, icc_profile=b"profile" * 9000) + bytes(10**7)  # so that writing takes a while
    paths = [tmp_path / f"{number}.jpg" for number in range(30)]
    for path in paths:
        path.write_bytes(content)
    script = (
        "import sys; from pathlib import Path; from seetell.photos.metadata.embedded import PhotoFiles; "
        "from seetell.photos.metadata.description import Description; print('ready', flush=True); "
        f"photos = sorted(Path({str(tmp_path)!r}).glob('*.jpg')); "
        "[PhotoFiles().write(photo, Description('A dog.', 'A dog.')) for photo in photos]"
    )
    kills = 0
    for pause in (0.05, 0.11, 0.17, 0.23, 30):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
        process.kill()
        kills += process.wait() != 0
        process.stdout.close()
        for path in paths:
            found = path.read_bytes()
            assert found == content or (pixels(found) == pixels(content) and PhotoFiles().is_complete(path))
    assert kills
    assert all(map(PhotoFiles().is_complete, paths))


@pytest.mark.parametrize(
    "content",
    [
        photo(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02\0\0\xf0\0\0\0\0\x20" + b"!" * 62_000),
        photo(xmp=EMPTY + b" " * 60_000 + b"x"),
        photo(xmp=EMPTY.replace(b" </rdf:RDF>", b"\n" * 64_000 + b" </rdf:RDF>")),
        photo()[:-2] + b"\xff" * 10**7,
        photo("PNG")[:33] + b"".join([chunk(b"tEXta\0b")] * 200_000) + photo("PNG")[33:],
    ],
)
def test_files_made_to_keep_a_reader_busy_for_hours_take_seconds(content: bytes, tmp_path: Path):
    with suppress(PhotoError):
        written(tmp_path / "photo.jpg", content)
    changed = (tmp_path / "photo.jpg").read_bytes() != content
    assert PhotoFiles().is_complete(tmp_path / "photo.jpg") == changed
