"""Photo formats: those that are opened, and the ones people have beside them, each with what to do about it."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass

FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "JPEG": ("JpegImagePlugin", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    "PNG": ("PngImagePlugin", (".png", ".apng")),
    "WEBP": ("WebPImagePlugin", (".webp",)),
    "GIF": ("GifImagePlugin", (".gif",)),
    "BMP": ("BmpImagePlugin", (".bmp",)),
    "TIFF": ("TiffImagePlugin", (".tif", ".tiff")),
    "PPM": ("PpmImagePlugin", (".ppm", ".pgm", ".pbm", ".pnm")),
    "JPEG2000": ("Jpeg2KImagePlugin", (".jp2", ".j2k")),
    "AVIF": ("AvifImagePlugin", (".avif",)),
}
"""Formats that are opened, in the order they are tried: Pillow's name, its plugin, file name endings in lower case."""

SUFFIXES = frozenset(suffix for _, suffixes in FORMATS.values() for suffix in suffixes)


@dataclass(frozen=True)
class Unsupported:
    """A format of pictures that is not opened.

    Attributes:
        name: as people call it.
        suffixes: file name endings in lower case.
        start: matches the first bytes of a file.
        remedy: what to do.
    """

    name: str
    suffixes: frozenset[str]
    start: re.Pattern[bytes]
    remedy: str


def _unsupported(name: str, suffixes: str, start: bytes, remedy: str) -> Unsupported:
    return Unsupported(
        name, frozenset(f".{suffix}" for suffix in suffixes.split()), re.compile(start, re.DOTALL), remedy
    )


UNSUPPORTED = (
    _unsupported(
        "HEIC",
        "heic heif heics heifs hif",
        rb".{4}ftyp(hei|hev|(mif1|msf1)(?!.*avi[fs]))",
        "export it as JPEG, or convert it: heif-convert photo.heic photo.jpg",
    ),
    _unsupported("JPEG XL", "jxl", rb"\xff\x0a|\0\0\0\x0cJXL ", "convert it: djxl photo.jxl photo.jpg"),
    _unsupported(
        "RAW",
        "3fr arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f",
        rb"FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0|FOVb|\0MRM|II\x1a\0\0\0HEAPCCDR|.{4}ftypcrx|II\*\0\x10\0\0\0CR",
        "develop it to JPEG, or use the JPEG that the camera wrote beside it",
    ),
    _unsupported(
        "SVG",
        "svg svgz",
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!DOCTYPE )?svg",
        "draw it as PNG: rsvg-convert a.svg -o a.png",
    ),
    _unsupported("PSD", "psd psb", rb"8BPS", "export it as PNG or JPEG"),
    _unsupported("PDF", "pdf", rb"%PDF", "save its pages as pictures: pdftoppm -png file.pdf page"),
    _unsupported("EPS", "eps ps ai", rb"%!PS|\xc5\xd0\xd3\xc6", "export it as PNG"),
    _unsupported("XCF", "xcf", rb"gimp xcf", "export it as PNG or JPEG"),
    _unsupported("EXR or HDR", "exr hdr", rb"v/1\x01|#\?RADIANCE", "convert it to JPEG"),
    _unsupported("icon", "ico cur icns", rb"\0\0[\x01\x02]\0(?!\0\0).{5}[\0\xff]|icns", "save it as PNG"),
    _unsupported(
        "TGA, DDS or QOI",
        "tga dds qoi pcx",
        rb"DDS |qoif|"
        rb".(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{4}[\x0f\x10\x18\x20]).{8}[\x08\x0f\x10\x18\x20][\0-\x3f]",
        "save it as PNG",
    ),
    _unsupported("animated PNG (MNG)", "mng jng", rb"\x8a[MJ]NG|\x8bJNG", "save it as PNG"),
    _unsupported(
        "video",
        "mp4 m4v mov avi mkv webm mts m2ts mpg mpeg wmv 3gp",
        rb".{4}(ftyp(isom|iso\d|mp4\d|qt  |M4V|3gp|avc1)|moov|mdat|wide)|\x1a\x45\xdf\xa3|RIFF.{4}AVI ",
        "save a picture of it",
    ),
)
"""Formats that people keep among their photos, and that are not opened."""


def is_photo_name(path: str) -> bool:
    """Return whether a file's name has the ending of a format that is opened."""
    return os.path.splitext(path)[1].lower() in SUFFIXES


def unsupported(start: bytes) -> Unsupported | None:
    """Return the format of a file that begins with these bytes, if it is known not to be opened."""
    return next((kind for kind in UNSUPPORTED if kind.start.match(start)), None)


def looks_like_a_picture(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a picture in some format, not a text."""
    opened = (
        rb"\xff\xd8|\x89PNG|RIFF.{4}WEBP|GIF8|BM.{4}\0\0\0\0|II[*+]\0|MM\0[*+]|"
        rb"P[1-7]\s|.{4}(ftyp|jP  )|\xff\x4f\xff\x51"
    )
    return re.match(opened, start, re.DOTALL) is not None or unsupported(start) is not None


SIDECAR = ".xmp"
LINK = "/"
"""Stands for the name ending of a symbolic link to a folder."""


class SkippedFiles(Counter[str]):
    """Counts files that are no photos, by name ending; printed by format, with what to do about pictures."""

    def add(self, name: str) -> None:
        """Count a file by its name, or a symbolic link to a folder by a name that ends in a slash; not XMP sidecars."""
        if not name.lower().endswith(SIDECAR):
            self[LINK if name.endswith(LINK) else os.path.splitext(name)[1].lower()] += 1

    def __str__(self) -> str:
        """Return such as ``2 HEIC (export it as JPEG …), 3 .txt``; empty if nothing was skipped."""
        kinds = {suffix: kind for kind in UNSUPPORTED for suffix in kind.suffixes}
        pictures: Counter[Unsupported] = Counter()
        parts, others = [], []
        for suffix, count in self.most_common():
            if suffix in kinds:
                pictures[kinds[suffix]] += count
            elif suffix == LINK:
                links = "links to folders (name them" if count > 1 else "link to a folder (name it"
                parts.append(f"{count:,} {links} to have the photos there)")
            else:
                others.append(f"{count:,} {suffix or 'without an ending'}")
        return ", ".join(
            [f"{count:,} {kind.name} ({kind.remedy})" for kind, count in pictures.most_common()] + parts + others
        )
