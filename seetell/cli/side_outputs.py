"""What a prediction gets besides its row: files beside the images, reports, drawings; by the shape of results."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import click

from seetell.bulk.items import Item
from seetell.cli.command import FOLDER_OR_FILE
from seetell.cli.output_file import check_writable, write_file
from seetell.errors import PhotoError, UsageError
from seetell.tasks.registry import Task

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
PAGES = (".html", ".htm")
DRAWN_SIDE = 1280
"""Shortest side of a drawn image in pixels, where the image is as large."""

NAMED = 10
"""Images that a line on standard error names at most."""


class SideOutput:
    """A file, or files, that the user asked for by an option.

    Args:
        option: its name on the command line, such as ``--report``.
        value: what was given.

    Attributes:
        options: of the predictor, which it needs.
        whole_run: whether it shows all images of a run together, so that a run that is resumed cannot make it.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    whole_run: ClassVar[bool] = False

    def __init__(self, option: str, value: Any) -> None:
        self.option = option
        self.value = value

    def check(self, others: Sequence[SideOutput]) -> None:
        """Raise a ``UsageError`` if it cannot be written; called before any work."""

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Return the images, with their texts, that are to be processed; called before any work."""
        return items

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin; called when the model is loaded.

        Args:
            predictor: the model.
            opened: closed when all images are done, with the error where one ends the run.
        """

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Take the result of an image.

        Args:
            image: its path.
            result: what was predicted, or the ``PhotoError`` that it failed with.
            files: paths of the files written for it, by their kind; may be added to.

        Raises:
            PhotoError: its file cannot be made; the image then counts as failed.
        """
        raise NotImplementedError


class Sidecar(SideOutput):
    """XMP sidecars with captions as alt text."""

    def check(self, others: Sequence[SideOutput]) -> None:
        """Take what the other options say of sidecars."""
        from seetell.alttext.sidecar import Sidecars

        given = {other.option: other.value for other in others}
        overwrite = "--overwrite" in given
        self._sidecars = Sidecars(full_names=given.get("--sidecar-name") == "full", overwrite=overwrite)
        self._all = overwrite or any(isinstance(other, (Attention, Report)) for other in others)

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Skip images with a complete sidecar, unless that is overwritten or a report is to show all."""
        skipped = 0
        for item in items:
            if not self._all and self._sidecars.is_complete(item.image):
                skipped += 1
                continue
            yield item
        if skipped:
            which = "1 photo has" if skipped == 1 else f"{skipped:,} photos have"
            print(f"skipped: {which} alt text in a sidecar; --overwrite captions again", file=sys.stderr)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write the sidecar of an image that has a caption."""
        if not isinstance(result, PhotoError) and result.text:
            files["sidecar"] = str(self._sidecars.write(image, result.text))


class SidecarOption(SideOutput):
    """How sidecars are written; read by :class:`Sidecar`."""

    def check(self, others: Sequence[SideOutput]) -> None:
        """Refuse the option without sidecars."""
        if not any(isinstance(other, Sidecar) for other in others):
            raise UsageError(f"{self.option} says how sidecars are written; give --sidecar, too")

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Do nothing."""


class Attention(SideOutput):
    """A folder of pages that show where each word came from."""

    options: ClassVar[Mapping[str, Any]] = {"attention": True}
    whole_run = True

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Skip the pictures that an earlier run wrote there."""
        from seetell.drawing.attention_folder import is_picture_of

        return (item for item in items if not is_picture_of(self.value, item.image))

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Make the folder."""
        from seetell.drawing.attention_folder import AttentionFolder

        self._folder = opened.enter_context(AttentionFolder(self.value, visible_box=predictor.visible_box))
        self._without: list[str] = []
        opened.callback(self._tell)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write the page of an image whose words have a place."""
        if isinstance(result, PhotoError):
            return
        if result.words:
            files["page"] = str(self._folder.add(image, result))
        else:
            self._without.append(image)

    def _tell(self) -> None:
        """Name the images without maps."""
        from seetell.cli.rows import printable

        if self._without:
            names = ", ".join(printable(image) for image in self._without[:NAMED])
            more = f" and {len(self._without) - NAMED:,} more" if len(self._without) > NAMED else ""
            print(f"no attention maps, as the caption is shortened or withheld: {names}{more}", file=sys.stderr)


class Report(SideOutput):
    """A web page of all images and their captions; put in place when the run ends."""

    whole_run = True

    def check(self, others: Sequence[SideOutput]) -> None:
        """Refuse a photo's name, and the place of another page."""
        check_writable(self.value, self.option)
        folders = [Path(other.value) for other in others if isinstance(other, Attention)]
        if any(self.value.resolve() == (folder / "index.html").resolve() for folder in folders):
            raise UsageError(f"--report {self.value}: --attention writes its index.html there; name another file")

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin the page."""
        from seetell.drawing.caption_report import CaptionReport

        self._report = opened.enter_context(CaptionReport(self.value))

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Add an image to the page."""
        self._report.add(image, result, files.get("page"))


class Drawing(SideOutput):
    """A picture or a page of one image with its result."""

    whole_run = True

    @staticmethod
    def makes(path: Path) -> bool:
        """Return whether a file has the ending of a picture or page."""
        return path.suffix.lower() in (*PICTURES, *PAGES)

    def check(self, others: Sequence[SideOutput]) -> None:
        """Refuse a place that takes no file."""
        check_writable(self.value, self.option, picture=True)

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Refuse several images."""
        first = list(itertools.islice(items, 2))
        if len(first) > 1:
            raise UsageError("--output shows one photo; name one, or leave --output out")
        check_writable(self.value, self.option, inputs=[item.image for item in first], picture=True)
        return iter(first)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Draw the image."""
        if isinstance(result, PhotoError):
            return
        from seetell import drawing
        from seetell.photos.opening import open_photo

        opened = open_photo(image, at_least=(DRAWN_SIDE, DRAWN_SIDE))
        if self.value.suffix.lower() in PAGES:
            write_file(self.value, drawing.page(opened, result, name=os.path.basename(image)))
            return
        file = io.BytesIO()
        drawing.picture(opened, result).save(file, PICTURES[self.value.suffix.lower()], quality=90, subsampling=0)
        write_file(self.value, file.getvalue())


class DenseCapResults(SideOutput):
    """DenseCap's ``results.json``, written when the run ends without an error."""

    whole_run = True

    def check(self, others: Sequence[SideOutput]) -> None:
        """Refuse a place that takes no file."""
        check_writable(self.value, self.option)

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin."""
        self._rows: list[tuple[str, Any]] = []
        opened.push(self._write)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Keep the regions of an image."""
        if not isinstance(result, PhotoError):
            self._rows.append((image, result))

    def _write(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        from seetell.data.region_results import densecap_results

        if error is None:
            write_file(self.value, json.dumps(densecap_results(self._rows)) + "\n")


def side_outputs(task: Task) -> list[tuple[click.Option, type[SideOutput]]]:
    """Return the options that the shape of a task's results permits, and what each makes."""
    if task.result == "text":
        outputs: list[tuple[click.Option, type[SideOutput]]] = []
        if any(option.name == "attention" for option in task.options):
            text = "Write pages and pictures there that show where each word came from."
            outputs.append((click.Option(["--attention"], metavar="DIR", help=text), Attention))
        text = "Write the captions as alt text into XMP sidecars; photos with a complete one are skipped."
        outputs.append((click.Option(["--sidecar"], is_flag=True, help=text), Sidecar))
        text = "Name of new sidecars: stem, dog.xmp, as Lightroom; full, dog.jpg.xmp, as digiKam, darktable and Immich."
        names = click.Option(["--sidecar-name"], type=click.Choice(["stem", "full"]), help=text)
        text = "Caption photos that have a sidecar too, and replace its alt text and description."
        overwrite = click.Option(["--overwrite"], is_flag=True, help=text)
        outputs += [(names, SidecarOption), (overwrite, SidecarOption)]
        text = "Write a web page there of all photos, to filter, edit and save captions."
        return [*outputs, (click.Option(["--report"], metavar="FILE", type=FOLDER_OR_FILE, help=text), Report)]
    if task.result == "regions" and not task.text_input:
        text = "Write the regions to DenseCap's results.json as well."
        return [(click.Option(["--results"], metavar="FILE", type=FOLDER_OR_FILE, help=text), DenseCapResults)]
    return []
