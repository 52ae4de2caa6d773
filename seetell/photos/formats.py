"""Photo formats: those that are opened, and the ones people have beside them, each with what to do about it."""

from __future__ import annotations

import importlib.util
import os
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from seetell.extras import extra_of, install_command

FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "JPEG": ("PIL.JpegImagePlugin", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    "PNG": ("PIL.PngImagePlugin", (".png", ".apng")),
    "WEBP": ("PIL.WebPImagePlugin", (".webp",)),
    "GIF": ("PIL.GifImagePlugin", (".gif",)),
    "BMP": ("PIL.BmpImagePlugin", (".bmp",)),
    "TIFF": ("PIL.TiffImagePlugin", (".tif", ".tiff")),
    "PPM": ("PIL.PpmImagePlugin", (".ppm", ".pgm", ".pbm", ".pnm")),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", (".jp2", ".j2k")),
    "AVIF": ("PIL.AvifImagePlugin", (".avif",)),
}
"""Formats that Pillow opens, in the order they are tried: its name, the plugin, file name endings in lower case."""

SUFFIXES = frozenset(suffix for _, suffixes in FORMATS.values() for suffix in suffixes)


@dataclass(frozen=True)
class Other:
    """A format of pictures that Pillow does not open by itself.

    Attributes:
        name: as people call it.
        suffixes: file name endings in lower case.
        start: matches the first bytes of a file.
        instead: what to do where it is not opened.
        module: opens it where it is installed, by an extra; empty where none does.
    """

    name: str
    suffixes: frozenset[str]
    start: re.Pattern[bytes]
    instead: str
    module: str = ""

    @property
    def is_opened(self) -> bool:
        """Whether the module that opens it is installed."""
        return bool(self.module) and _is_installed(self.module)

    @property
    def remedy(self) -> str:
        """What to do about a file of it, which is not opened."""
        return f"{install_command(extra_of(self.module))} opens it; or {self.instead}" if self.module else self.instead


@cache
def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _other(name: str, suffixes: str, start: bytes, instead: str, module: str = "") -> Other:
    endings = frozenset(f".{suffix}" for suffix in suffixes.split())
    return Other(name, endings, re.compile(start, re.DOTALL), instead, module)


HEIC = _other(
    "HEIC",
    "heic heif heics heifs hif",
    rb".{4}ftyp(hei|hev|(mif1|msf1)(?!.*avi[fs]))",
    "export it as JPEG, or convert it: heif-convert photo.heic photo.jpg",
    "pillow_heif",
)
JPEG_XL = _other("JPEG XL", "jxl", rb"\xff\x0a|\0\0\0\x0cJXL ", "convert it: djxl photo.jxl photo.jpg", "pillow_jxl")
VIDEO = _other(
    "video",
    "mp4 m4v mov avi mkv webm mts m2ts ts mpg mpeg vob wmv asf flv 3gp 3g2 ogv ivf dv mxf "
    "mjpeg mjpg h264 h265 hevc y4m",
    rb".{4}(ftyp(isom|iso\d|mp4\d|qt  |M4V|3gp|avc1)|moov|mdat|wide)|\x1a\x45\xdf\xa3|RIFF.{4}AVI |"
    rb"FLV\x01|OggS|DKIF|YUV4MPEG2|\x30\x26\xb2\x75|\0\0\x01[\xb3\xba]|\x06\x0e\x2b\x34|(.{4})?G.{187}(.{4})?G",
    "seetell describe says what it shows; or save a picture of it",
)
RAW = _other(
    "RAW",
    "3fr arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f",
    rb"FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0|FOVb|\0MRM|II\x1a\0\0\0HEAPCCDR|.{4}ftypcrx|II\*\0\x10\0\0\0CR",
    "develop it to JPEG, or use the JPEG that the camera wrote beside it",
    "rawpy",
)
"""Cameras' raw photos. Most are TIFF files by their first bytes; see :func:`seetell.photos.raw.is_raw`."""

OTHERS = (
    HEIC,
    JPEG_XL,
    RAW,
    _other(
        "SVG",
        "svg svgz",
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!DOCTYPE )?svg",
        "draw it as PNG: rsvg-convert a.svg -o a.png",
    ),
    _other("PSD", "psd psb", rb"8BPS", "export it as PNG or JPEG"),
    _other("PDF", "pdf", rb"%PDF", "save its pages as pictures: pdftoppm -png file.pdf page"),
    _other("EPS", "eps ps ai", rb"%!PS|\xc5\xd0\xd3\xc6", "export it as PNG"),
    _other("XCF", "xcf", rb"gimp xcf", "export it as PNG or JPEG"),
    _other("EXR or HDR", "exr hdr", rb"v/1\x01|#\?RADIANCE", "convert it to JPEG"),
    _other("icon", "ico cur icns", rb"\0\0[\x01\x02]\0(?!\0\0).{5}[\0\xff]|icns", "save it as PNG"),
    _other(
        "TGA, DDS or QOI",
        "tga dds qoi pcx",
        rb"DDS |qoif|"
        rb".(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{4}[\x0f\x10\x18\x20]).{8}[\x08\x0f\x10\x18\x20][\0-\x3f]",
        "save it as PNG",
    ),
    _other("animated PNG (MNG)", "mng jng", rb"\x8a[MJ]NG|\x8bJNG", "save it as PNG"),
    VIDEO,
)
"""Formats that people keep among their photos, and that Pillow does not open."""

PICTURES = SUFFIXES.union(*(kind.suffixes for kind in OTHERS if kind.name in ("HEIC", "JPEG XL", "RAW", "PSD")))
"""Endings of the pictures that programs write sidecars for."""

_BY_SUFFIX = {suffix: kind for kind in OTHERS for suffix in kind.suffixes}


def is_photo_name(path: str) -> bool:
    """Return whether a file's name has the ending of a format that is opened."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix in SUFFIXES or (suffix in _BY_SUFFIX and _BY_SUFFIX[suffix].is_opened)


def is_picture_name(path: str) -> bool:
    """Return whether a file's name has the ending of a format of pictures, whether it is opened here or not."""
    return os.path.splitext(path)[1].lower() in PICTURES


def other_format(start: bytes) -> Other | None:
    """Return the format of a file that begins with these bytes, if Pillow does not open it by itself."""
    return next((kind for kind in OTHERS if kind.start.match(start)), None)


def looks_like_a_picture(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a picture in some format, not a text."""
    opened = (
        rb"\xff\xd8|\x89PNG|RIFF.{4}WEBP|GIF8|BM.{4}\0\0\0\0|II[*+]\0|MM\0[*+]|"
        rb"P[1-7]\s|.{4}(ftyp|jP  )|\xff\x4f\xff\x51"
    )
    return re.match(opened, start, re.DOTALL) is not None or other_format(start) is not None


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
        """Return such as ``2 PDF (save its pages …), 3 .txt``; empty if nothing was skipped."""
        pictures: Counter[Other] = Counter()
        parts, others = [], []
        for suffix, count in self.most_common():
            if suffix in _BY_SUFFIX:
                pictures[_BY_SUFFIX[suffix]] += count
            elif suffix == LINK:
                links = "links to folders (name them" if count > 1 else "link to a folder (name it"
                parts.append(f"{count:,} {links} to have the photos there)")
            else:
                others.append(f"{count:,} {suffix or 'without an ending'}")
        return ", ".join(
            [f"{count:,} {kind.name} ({kind.remedy})" for kind, count in pictures.most_common()] + parts + others
        )
