"""Captions and keywords in photos' metadata: XMP sidecars, text beside the photos, and the photos' files themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import click

from seetell.bulk.items import Item
from seetell.cli.side_output import SideOutput
from seetell.errors import PhotoError, SeetellError, UsageError

if TYPE_CHECKING:
    from seetell.photos.metadata.description import Description
    from seetell.results import Caption


class MetadataOutput(SideOutput):
    """A place where what is told of a photo is written, unless it stands there."""

    skips = True
    kind: ClassVar[str]
    """Field of a photo's row that names the file."""

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Take what the other options say of metadata."""
        given = {other.option: other.value for other in others}
        overwrite = "--overwrite" in given
        self._keywords = bool(options.get("keywords"))
        self._written = [other for other in others if isinstance(other, MetadataOutput)]
        self._all = overwrite or any(other.whole_run for other in others)
        self.begin(full_names=given.get("--sidecar-name") == "full", overwrite=overwrite)

    def begin(self, *, full_names: bool, overwrite: bool) -> None:
        """Begin; see :mod:`seetell.photos.metadata.sidecar` for the arguments."""
        raise NotImplementedError

    def is_complete(self, image: str, *, keywords: bool) -> bool:
        """Return whether a photo lacks nothing there."""
        raise NotImplementedError

    def is_there(self, image: str) -> bool:
        """Return whether a photo lacks nothing there, unless that is overwritten."""
        return not self._all and self.is_complete(image, keywords=self._keywords)

    def write(self, image: str, caption: Caption) -> str:
        """Write, and return the file.

        Raises:
            PhotoError: it cannot be written.
        """
        raise NotImplementedError

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Skip photos that lack nothing anywhere, unless that is overwritten or a report is to show all.

        Raises:
            UsageError: a photo is no file here; raised when it is reached.
        """
        items = self._without_addresses(items)
        if self._all or self is not self._written[0]:
            yield from items
            return
        skipped = 0
        for item in items:
            if all(output.is_there(item.image) for output in self._written):
                skipped += 1
                continue
            yield item
        if skipped:
            which = "1 photo is" if skipped == 1 else f"{skipped:,} photos are"
            print(f"skipped: {which} described already; --overwrite captions again", file=sys.stderr)

    def _without_addresses(self, items: Iterator[Item]) -> Iterator[Item]:
        from seetell.photos.remote import is_remote

        for item in items:
            if is_remote(item.image):
                raise UsageError(f"{self.option} is for photos in files, and {item.image} is an address")
            yield item

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write what is told of a photo that has a caption."""
        if not isinstance(result, PhotoError) and result.text:
            files[self.kind] = self.write(image, result)


class AltTextOutput(MetadataOutput):
    """A place for alt text, which is told only where the model is as sure as ``seetell alt`` asks for."""

    def defaults(self, model: str) -> Mapping[str, Any]:
        """Return the least confidence of alt text, if the model tells how sure it is."""
        from seetell.alttext.alt_text import MIN_CONFIDENCE
        from seetell.runtime.bundle import read_description
        from seetell.tasks.backends import parse_reference
        from seetell.tasks.loading import find_model
        from seetell.tasks.registry import find_task

        if parse_reference(model) is not None:
            return {}
        try:
            settings = read_description(find_model(model, find_task("caption"))).get("settings", {})
        except SeetellError:  # which is told when it is loaded
            return {}
        return {"min_confidence": MIN_CONFIDENCE} if "confidence" in settings else {}


class Sidecar(AltTextOutput):
    """XMP sidecars."""

    kind = "sidecar"

    def begin(self, *, full_names: bool, overwrite: bool) -> None:
        """Begin."""
        from seetell.photos.metadata.sidecar import Sidecars

        self._sidecars = Sidecars(full_names=full_names, overwrite=overwrite)

    def is_complete(self, image: str, *, keywords: bool) -> bool:
        """Return whether a photo has a complete sidecar."""
        return self._sidecars.is_complete(image, keywords=keywords)

    def write(self, image: str, caption: Caption) -> str:
        """Write a sidecar."""
        return str(self._sidecars.write(image, _description(image, caption)))


class Text(MetadataOutput):
    """Text files beside the photos."""

    kind = "txt"

    def begin(self, *, full_names: bool, overwrite: bool) -> None:
        """Begin."""
        from seetell.photos.metadata.sidecar import TextSidecars

        self._sidecars = TextSidecars(full_names=full_names, overwrite=overwrite)

    def is_complete(self, image: str, *, keywords: bool) -> bool:
        """Return whether a photo has a text."""
        return self._sidecars.is_complete(image)

    def write(self, image: str, caption: Caption) -> str:
        """Write a text."""
        return str(self._sidecars.write(image, caption.text))


class InFiles(AltTextOutput):
    """The photos' files; with sidecars as well, those of formats that take no metadata here have theirs alone."""

    kind = "metadata"

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """See whether there are sidecars, too."""
        super().check(others, options)
        self._beside = any(isinstance(other, Sidecar) for other in others)

    def begin(self, *, full_names: bool, overwrite: bool) -> None:
        """Begin."""
        from seetell.photos.metadata.embedded import PhotoFiles

        self._files = PhotoFiles(overwrite=overwrite)

    def is_complete(self, image: str, *, keywords: bool) -> bool:
        """Return whether a photo's file is described."""
        return self._has_sidecar_alone(image) or self._files.is_complete(image, keywords=keywords)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write what is told of a photo whose format takes it."""
        if not self._has_sidecar_alone(image):
            super().add(image, result, files)

    def _has_sidecar_alone(self, image: str) -> bool:
        return self._beside and not self._files.takes(image)

    def write(self, image: str, caption: Caption) -> str:
        """Write into a photo's file."""
        self._files.write(image, _description(image, caption))
        return image


class MetadataOption(SideOutput):
    """How metadata are written; read by :class:`MetadataOutput`."""

    needed: ClassVar[tuple[str, ...]] = ("--sidecar", "--txt", "--write-metadata")

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Refuse the option where nothing is written so."""
        if not {other.option for other in others} & {*self.needed}:
            raise UsageError(f"{self.option} says how captions are written; give {' or '.join(self.needed)}, too")

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Do nothing."""


class NameOption(MetadataOption):
    """How sidecars are called."""

    needed = ("--sidecar", "--txt")


def metadata_outputs() -> list[tuple[click.Option, type[SideOutput]]]:
    """Return the options by which captions are written into metadata, and what each makes."""

    def option(*names: str, help: str, **given: Any) -> click.Option:
        return click.Option(names, help=help, **(given or {"is_flag": True}))

    return [
        (
            option(
                "--sidecar",
                help="Write alt text and description, with --keywords these too, into XMP sidecars; photos with a "
                "complete one are skipped.",
            ),
            Sidecar,
        ),
        (
            option(
                "--txt",
                help="Write each caption to a text file beside its photo, dog.txt, as training tools read them; one "
                "that is there stays.",
            ),
            Text,
        ),
        (
            option(
                "--write-metadata",
                help="Write the same as --sidecar into the JPEG, PNG and WebP files themselves; the pictures in them "
                "stay as they are, byte by byte.",
            ),
            InFiles,
        ),
        (
            option(
                "--sidecar-name",
                type=click.Choice(["stem", "full"]),
                help="Name of new sidecars: stem, dog.xmp, as Adobe's programs and training tools; full, dog.jpg.xmp, "
                "as digiKam, darktable and Immich.",
            ),
            NameOption,
        ),
        (
            option("--overwrite", help="Caption photos that are described too, and replace alt text and description."),
            MetadataOption,
        ),
    ]


def _description(image: str, caption: Caption) -> Description:
    """Return what is written of a photo.

    Raises:
        PhotoError: the caption has no words.
    """
    from seetell.alttext.alt_text import alt_text
    from seetell.photos.metadata.description import Description

    short = alt_text(caption.text)
    if not short:
        raise PhotoError(f"{image}: the model generated no words for its metadata")
    return Description(short, alt_text(caption.text, longest=None), caption.keywords)
