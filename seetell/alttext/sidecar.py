"""XMP sidecars: a photo's caption in a file beside it, which photo managers read.

Two properties are written: ``Iptc4xmpCore:AltTextAccessibility``, "Alt Text (Accessibility)" of the IPTC Photo Metadata
Standard since 2021.1, and ``dc:description``, its "Description/Caption". An existing sidecar gets only those of the two
that it lacks.

A sidecar has one of two names. ``dog.jpg.xmp``, of digiKam, darktable and Immich, says whose it is. ``dog.xmp``, of
Adobe's programs, could be that of ``dog.png`` or ``dog.cr2``; in a new one ``photoshop:SidecarForExtension`` says whose
it is, which they write, too.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from seetell.alttext.alt_text import alt_text
from seetell.alttext.xmp import EMPTY, RDF, Outline, with_properties
from seetell.atomic_write import atomic_file
from seetell.errors import PhotoError
from seetell.photos.formats import PICTURES, RAW

ALT_TEXT = ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "AltTextAccessibility")
DESCRIPTION = ("dc", "http://purl.org/dc/elements/1.1/", "description")

_FOR_EXTENSION = ("http://ns.adobe.com/photoshop/1.0/", "SidecarForExtension")
_FORMAT = ("http://purl.org/dc/elements/1.1/", "format")
_FILE_NAMES = (
    ("http://ns.adobe.com/camera-raw-settings/1.0/", "RawFileName"),
    ("http://ns.adobe.com/xap/1.0/mm/", "DerivedFrom"),
    ("http://ns.adobe.com/xap/1.0/mm/", "PreservedFileName"),
)
"""Properties that name the file that a sidecar is for; by the last, its name before it was renamed."""

_FORMATS = {"jpg": "jpeg", "jpe": "jpeg", "jfif": "jpeg", "tif": "tiff", "apng": "png", "pjpeg": "jpeg", "mpo": "jpeg"}
LARGEST = 64 * 2**20
"""Largest size of a sidecar in bytes; those with long edit histories have a few million."""


class Sidecars:
    """The sidecars of photos.

    Args:
        full_names: whether new ones are called ``dog.jpg.xmp`` rather than ``dog.xmp``.
        overwrite: whether the two properties are replaced where they are.
    """

    def __init__(self, *, full_names: bool = False, overwrite: bool = False) -> None:
        self._full_names = full_names
        self._overwrite = overwrite
        self._folder: str | None = None
        self._by_stem: dict[str, list[str]] = {}

    def find(self, photo: str | os.PathLike[str]) -> Path:
        """Return the sidecar of a photo, which need not exist.

        Raises:
            PhotoError: it would be that of another file.
        """
        path = Path(photo)
        full, short = path.with_name(f"{path.name}.xmp"), path.with_name(f"{path.stem}.xmp")
        existing = _existing(full)
        if existing is not None:
            return existing
        others = self._others(path)
        existing = _existing(short)
        if existing is not None:
            owner = _other_owner(existing, path, others)
        else:
            owner = next((name for name in others if _suffix(name) in RAW.suffixes), "")
        if not owner:
            return existing or (full if self._full_names else short)
        if self._full_names:
            return full
        raise PhotoError(
            f"{photo}: its sidecar {short.name} is that of {owner}; --sidecar-name full writes {full.name} instead"
        )

    def is_complete(self, photo: str | os.PathLike[str]) -> bool:
        """Return whether a photo has a sidecar that lacks neither property."""
        try:
            path = self.find(photo)
            return {ALT_TEXT[1:], DESCRIPTION[1:]} <= Outline(_content(path)).properties.keys()
        except (OSError, ValueError, PhotoError):
            return False

    def write(self, photo: str | os.PathLike[str], caption: str) -> Path:
        """Write a caption into a photo's sidecar.

        Args:
            photo: its path.
            caption: a sentence.

        Returns:
            The sidecar, whether or not it lacked anything.

        Raises:
            PhotoError: the sidecar is that of another file, is not valid XMP or cannot be written, or the caption has
                no words.
        """
        values = {ALT_TEXT: alt_text(caption), DESCRIPTION: alt_text(caption, longest=None)}
        if not values[ALT_TEXT]:
            raise PhotoError(f"{photo}: the model generated no words for its sidecar")
        path = self.find(photo)
        try:
            exists = path.exists()
            before = _content(path) if exists else _new(_suffix(photo, lower=False)[1:])
            changed = with_properties(before, values, overwrite=self._overwrite)
            if changed == before and exists:
                return path
            if exists and not os.access(path, os.W_OK):
                raise PermissionError(None, "no permission to write it")
            with atomic_file(path) as file:
                file.write(changed)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise PhotoError(f"{photo}: its sidecar {path.name} was not changed: {reason}") from error
        return path

    def _others(self, photo: Path) -> list[str]:
        """Return the names of other pictures in the folder that differ in their endings only."""
        folder = str(photo.parent)
        if folder != self._folder:
            self._folder, self._by_stem = folder, {}
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                names = []
            for name in names:
                if _suffix(name) in PICTURES:
                    self._by_stem.setdefault(os.path.splitext(name)[0], []).append(name)
        return [name for name in self._by_stem.get(photo.stem, ()) if name != photo.name]


def _existing(sidecar: Path) -> Path | None:
    for path in (sidecar, sidecar.with_suffix(".XMP")):
        if os.path.lexists(path):
            return path
    return None


def _other_owner(sidecar: Path, photo: Path, others: list[str]) -> str:
    """Return what a ``dog.xmp`` belongs to if that may be another file than the photo; empty if it does not."""
    try:
        outline = Outline(_content(sidecar))
    except (OSError, ValueError):
        return "" if not others else others[0]
    extension = outline.properties.get(_FOR_EXTENSION)
    if extension:
        alike = [name for name in (photo.name, *others) if _suffix(name) == f".{extension.lower()}"]
        exact = [name for name in alike if name.endswith(f".{extension}")]
        return "" if photo.name in (exact or alike) else f"{photo.stem}.{extension}"
    about = outline.about.replace("\\", "/").rpartition("/")[2]
    if _suffix(about) in PICTURES and about.lower() != photo.name.lower():
        return about
    for wanted in _FILE_NAMES:
        name = outline.properties.get(wanted, "").replace("\\", "/").rpartition("/")[2]
        renamed = wanted == _FILE_NAMES[-1] and _suffix(name) == _suffix(photo)
        if _suffix(name) and name.lower() != photo.name.lower() and not renamed:
            return name
    kind, _, media = outline.properties.get(_FORMAT, "").lower().partition("/")
    suffix = _suffix(photo)[1:]
    if kind == "image" and media and _FORMATS.get(media, media) != _FORMATS.get(suffix, suffix):
        return f"a file of the format {kind}/{media}"
    return others[0] if others else ""


def _suffix(name: str | os.PathLike[str], *, lower: bool = True) -> str:
    suffix = os.path.splitext(name)[1]
    return suffix.lower() if lower else suffix


def _new(extension: str) -> bytes:
    """Return an XMP document that says which file it is for."""
    if not extension or not extension.isprintable():
        return EMPTY
    namespace, name = _FOR_EXTENSION
    about = f'  <rdf:Description rdf:about="" xmlns:photoshop="{namespace}" photoshop:{name}="{escape(extension)}"/>\n'
    return EMPTY.replace(f'{RDF}">\n'.encode(), f'{RDF}">\n{about}'.encode())


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("it is not a file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 2**20} MiB")
    return path.read_bytes()
