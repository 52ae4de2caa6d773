"""Sidecars: what is told of a photo in a file beside it, XMP for photo managers or plain text for training sets.

An existing XMP sidecar gets only the properties that it lacks; an existing text stays. Programs take what a sidecar
says rather than what the photo's file says, so what a person wrote in the file is taken over.

A sidecar has one of two names. ``dog.jpg.xmp``, of digiKam, darktable and Immich, says whose it is. ``dog.xmp``, as
Adobe's programs and cameras' makers call those of raw photos, could be that of ``dog.png`` or ``dog.cr2``; in a new one
``photoshop:SidecarForExtension`` says whose it is, which they write, too. Texts are called ``dog.txt``, as training
tools expect them, or ``dog.jpg.txt``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import ClassVar

from seetell.atomic_write import atomic_file
from seetell.errors import PhotoError
from seetell.photos.formats import PICTURES, RAW
from seetell.photos.metadata.description import Description, OtherMetadata, described, is_described
from seetell.photos.metadata.embedded import told_in
from seetell.photos.metadata.xmp import EMPTY, RDF, Outline

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


class _BesidePhotos:
    """Files beside photos.

    Args:
        full_names: whether new ones are called ``dog.jpg.xmp`` rather than ``dog.xmp``.
        overwrite: whether what they tell is replaced.
    """

    suffix: ClassVar[str]
    kind: ClassVar[str]

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
        full, short = path.with_name(f"{path.name}{self.suffix}"), path.with_name(f"{path.stem}{self.suffix}")
        existing = _existing(full)
        if existing is not None:
            return existing
        existing = _existing(short)
        owner = self._owner(path, existing, self._others(path))
        if not owner:
            return existing or (full if self._full_names else short)
        if self._full_names:
            return full
        raise PhotoError(
            f"{photo}: its {self.kind} {short.name} is that of {owner}; --sidecar-name full writes {full.name} instead"
        )

    def _owner(self, photo: Path, existing: Path | None, others: list[str]) -> str:
        """Return what a ``dog.xmp`` that exists, or not yet, belongs to, if not to the photo; empty if it does."""
        raise NotImplementedError

    def _not_written(self, photo: str | os.PathLike[str], path: Path, error: OSError | ValueError) -> PhotoError:
        reason = error.strerror if isinstance(error, OSError) else error
        done = "changed" if os.path.lexists(path) else "written"
        return PhotoError(f"{photo}: its {self.kind} {path.name} was not {done}: {reason}")

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


class Sidecars(_BesidePhotos):
    """The XMP sidecars of photos; with ``overwrite``, alt text and description are replaced where they are."""

    suffix, kind = ".xmp", "sidecar"

    def is_complete(self, photo: str | os.PathLike[str], *, keywords: bool = False) -> bool:
        """Return whether a photo has a sidecar that lacks nothing.

        Args:
            photo: its path.
            keywords: whether it shall have some.
        """
        try:
            return is_described(Outline(_content(self.find(photo))), OtherMetadata(), keywords=keywords)
        except (OSError, ValueError, PhotoError):
            return False

    def write(self, photo: str | os.PathLike[str], description: Description) -> Path:
        """Write what is told of a photo into its sidecar.

        Returns:
            The sidecar, whether or not it lacked anything.

        Raises:
            PhotoError: the sidecar is that of another file, is not valid XMP or cannot be written.
        """
        path, own = self.find(photo), told_in(photo)
        if not self._overwrite:
            alt_text, text = own.alt_text or description.alt_text, own.text or description.text
            description = replace(description, alt_text=alt_text, text=text)
        try:
            exists = path.exists()
            before = _content(path) if exists else _new(_suffix(photo, lower=False)[1:])
            taken_over = OtherMetadata(keywords=own.keywords or ())
            changed = described(before, description, taken_over, overwrite=self._overwrite)
            if changed == before and exists:
                return path
            if exists and not os.access(path, os.W_OK):
                raise PermissionError(None, "no permission to write it")
            with atomic_file(path) as file:
                file.write(changed)
        except (OSError, ValueError) as error:
            raise self._not_written(photo, path, error) from error
        return path

    def _owner(self, photo: Path, existing: Path | None, others: list[str]) -> str:
        raw = next((name for name in others if _suffix(name) in RAW.suffixes), "")
        if existing is None:
            return "" if _suffix(photo) in RAW.suffixes else raw
        return _other_owner(existing, photo, others)


class TextSidecars(_BesidePhotos):
    """Files of plain text beside photos; with ``overwrite``, those that are there are replaced."""

    suffix, kind = ".txt", "text"

    def is_complete(self, photo: str | os.PathLike[str]) -> bool:
        """Return whether a photo has such a file."""
        try:
            return self.find(photo).exists()
        except PhotoError:
            return False

    def write(self, photo: str | os.PathLike[str], text: str) -> Path:
        """Write a text beside a photo, unless there is one.

        Returns:
            The file, whether or not it was there.

        Raises:
            PhotoError: it would be that of another photo too, or cannot be written.
        """
        path = self.find(photo)
        if path.exists() and not self._overwrite:
            return path
        try:
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(None, "no permission to write it")
            with atomic_file(path) as file:
                file.write(f"{text}\n".encode())
        except OSError as error:
            raise self._not_written(photo, path, error) from error
        return path

    def _owner(self, photo: Path, existing: Path | None, others: list[str]) -> str:
        return f"{others[0]}, too" if others else ""  # training tools would take it for both


def _existing(sidecar: Path) -> Path | None:
    for path in (sidecar, sidecar.with_suffix(sidecar.suffix.upper())):
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
    suffix, raw = _suffix(photo)[1:], _suffix(photo) in RAW.suffixes
    of_a_camera = raw and (media.startswith("x-") or media == "dng")
    if kind == "image" and media and _FORMATS.get(media, media) != _FORMATS.get(suffix, suffix) and not of_a_camera:
        return f"a file of the format {kind}/{media}"
    return others[0] if others and not raw else ""


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
