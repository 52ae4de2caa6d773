"""What a prediction gets besides its row: files beside the images, reports, drawings; by the shape of results."""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import click

from seetell.bulk.items import Item
from seetell.cli.command import FOLDER_OR_FILE
from seetell.cli.label_outputs import DenseCapResults, label_outputs, mask_outputs
from seetell.cli.metadata_outputs import metadata_outputs
from seetell.cli.output_file import check_writable, write_file
from seetell.cli.side_output import SideOutput
from seetell.errors import PhotoError, UsageError
from seetell.tasks.registry import Task

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
PAGES = (".html", ".htm")
DRAWN_SIDE = 1280
"""Shortest side of a drawn image in pixels, where the image is as large."""

NAMED = 10
"""Images that a line on standard error names at most."""


class Attention(SideOutput):
    """A folder of pages that show where each word came from."""

    options: ClassVar[Mapping[str, Any]] = {"attention": True}
    skips = True
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


class Words(SideOutput):
    """The words in an image, behind its caption."""

    changes_results = True

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Keep the least certainty of what is told."""
        self._least = options.get("min_confidence") or 0.0

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Prepare to read."""
        from seetell.tasks.reading import WordReader

        self._reader = WordReader(threads=predictor.threads)

    def change(self, image: str, result: Any) -> Any:
        """Return the caption with the words."""
        from seetell.photos.remote import source
        from seetell.tasks.reading import with_words

        if isinstance(result, PhotoError):
            return result
        return with_words(result, self._reader.read(source(image)), min_confidence=self._least)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write nothing: the words are in the result."""


class Report(SideOutput):
    """A web page of all images and their captions; put in place when the run ends."""

    whole_run = True

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
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

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
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
        from seetell.photos.remote import source

        opened = open_photo(source(image), at_least=(DRAWN_SIDE, DRAWN_SIDE))
        if self.value.suffix.lower() in PAGES:
            write_file(self.value, drawing.page(opened, result, name=os.path.basename(image)))
            return
        file = io.BytesIO()
        drawing.picture(opened, result).save(file, PICTURES[self.value.suffix.lower()], quality=90, subsampling=0)
        write_file(self.value, file.getvalue())


def side_outputs(task: Task) -> list[tuple[click.Option, type[SideOutput]]]:
    """Return the options that the shape of a task's results permits, and what each makes."""
    if task.result == "text":
        outputs: list[tuple[click.Option, type[SideOutput]]] = []
        if any(option.name == "attention" for option in task.options):
            text = "Write pages and pictures there that show where each word came from."
            outputs.append((click.Option(["--attention"], metavar="DIR", help=text), Attention))
        text = "Add the words that are written in photos to their captions."
        outputs.append((click.Option(["--read"], is_flag=True, help=text), Words))
        outputs += metadata_outputs()
        text = "Write a web page there of all photos, to filter, edit and save captions."
        return [*outputs, (click.Option(["--report"], metavar="FILE", type=FOLDER_OR_FILE, help=text), Report)]
    if task.result == "regions" and not task.text_input:
        text = "Write the regions to DenseCap's results.json as well."
        results = (click.Option(["--results"], metavar="FILE", type=FOLDER_OR_FILE, help=text), DenseCapResults)
        return [results, *label_outputs()]
    if task.result == "masks":
        return mask_outputs()
    return []
