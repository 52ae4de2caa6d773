"""Regions and masks in the files of others, beside their rows.

COCO's results, YOLO's labels, Pascal VOC's XML, DenseCap's results, and label maps.
"""

from __future__ import annotations

import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import click

from seetell.cli.command import FOLDER_OR_FILE
from seetell.cli.output_file import check_writable, write_file
from seetell.cli.side_output import SideOutput
from seetell.errors import PhotoError, UsageError

DATA = "data.yaml"
"""File of a folder of YOLO's labels that names the classes by number."""


HEAD = "train: images\nval: images\nnames:\n"
"""Of that file: programs that train want to know where both splits are."""


class ResultsFile(SideOutput, ABC):
    """A file of the results of all images, written when the run ends without an error."""

    whole_run = True

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Refuse a place that takes no file, and that of another file of results."""
        check_writable(self.value, self.option)
        for other in others:
            if other is not self and isinstance(other, ResultsFile) and other.value.resolve() == self.value.resolve():
                raise UsageError(f"{self.option} {self.value}: {other.option} writes there; name another file")

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin."""
        self._found: list[tuple[str, Any]] = []
        opened.push(self._write)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Keep the result of an image."""
        if not isinstance(result, PhotoError):
            self._found.append((image, result))

    @abstractmethod
    def results(self) -> Any:
        """Return the content of the file."""

    def _write(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        if error is None:
            write_file(self.value, json.dumps(self.results()) + "\n")


class CocoResults(ResultsFile):
    """COCO's results."""

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Refuse a place that takes no file of results, or has something else."""
        super().check(others, options)
        if self.value.is_file() and self.value.suffix.lower() != ".json":
            raise UsageError(f"{self.option} {self.value}: is there and does not end in .json; name another file")

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin."""
        super().open(predictor, opened)
        self._classes = getattr(predictor, "labels", ())
        self._images: dict[int | str, str] = {}

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Keep the result of an image, unless another has its number or name."""
        from seetell.data.object_results import image_id

        if not isinstance(result, PhotoError):
            number = image_id(image)
            if self._images.setdefault(number, image) != image:
                raise PhotoError(f"{image}: {self.option} calls it {number}, as {self._images[number]}; rename one")
        super().add(image, result, files)

    def results(self) -> list[dict[str, Any]]:
        """Return the content of the file."""
        from seetell.data.object_results import coco_results

        return coco_results([(os.path.basename(image), found) for image, found in self._found], self._classes)


class DenseCapResults(ResultsFile):
    """DenseCap's ``results.json``."""

    def results(self) -> dict[str, Any]:
        """Return the content of the file."""
        from seetell.data.region_results import densecap_results

        return densecap_results(self._found)


class CocoPolygons(CocoResults):
    """COCO's results with outlines instead of run lengths."""

    def results(self) -> list[dict[str, Any]]:
        """Return the content of the file."""
        from seetell.geometry.masks import decode
        from seetell.geometry.polygons import outlines

        found = super().results()
        for item in found:
            height, width = item["segmentation"]["size"]
            item["segmentation"] = outlines(decode(item["segmentation"]["counts"], (width, height)))
        return found


class LabelFolder(SideOutput):
    """A folder with a file for each image, called as the image is.

    A file that is there and says something else stays, and its image counts as failed: a person may have written it,
    or it is of another image of the same name.
    """

    ending: ClassVar[str]
    kind: ClassVar[str]
    """Field of an image's row that names the file."""

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Refuse a place that takes no folder."""
        if self.value.exists() and not self.value.is_dir():
            raise UsageError(f"{self.option} {self.value}: is a file; expected the name of a folder")
        if not self.value.exists() and not self.value.absolute().parent.is_dir():
            raise UsageError(f"{self.option} {self.value}: there is no folder {self.value.parent}; make it first")

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """That of the files."""
        return Path(self.value)

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Write the file of an image."""
        if isinstance(result, PhotoError):
            return
        file = self.folder / f"{Path(image).stem}{self.ending}"
        content = self.content(image, result)
        if file.exists():
            if file.read_bytes() != content:
                raise PhotoError(f"{image}: {file} is there and says something else; give {self.option} another folder")
        else:
            write_file(file, content)
        files[self.kind] = str(file)

    def content(self, image: str, regions: Any) -> bytes:
        """Return the file of an image."""
        raise NotImplementedError


class VocAnnotations(LabelFolder):
    """Pascal VOC's XML files."""

    ending, kind = ".xml", "voc"

    def content(self, image: str, regions: Any) -> bytes:
        """Return the file of an image."""
        from seetell.data.voc import annotation_xml

        folder, name = os.path.split(image)
        return annotation_xml(name, regions.size, regions, folder=os.path.basename(folder))


class LabelMaps(LabelFolder):
    """Label maps: PNG files with a palette, whose values are the indices of masks."""

    ending, kind = ".png", "label_map"

    def content(self, image: str, regions: Any) -> bytes:
        """Return the file of an image."""
        from seetell.drawing.masks import label_picture

        file = io.BytesIO()
        label_picture(regions).save(file, "PNG", optimize=True)
        return file.getvalue()


class YoloLabels(LabelFolder):
    """YOLO's labels: ``labels/NAME.txt``, and ``data.yaml`` with the names of the classes.

    A model without a list of classes has those that it told, in the order in which they came.
    """

    ending, kind = ".txt", "yolo"

    @property
    def folder(self) -> Path:
        """That of the files."""
        return Path(self.value) / "labels"

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Make the folder and name the classes.

        Raises:
            UsageError: the folder has other classes.
        """
        super().open(predictor, opened)
        known, before = list(getattr(predictor, "labels", ())), self._named()
        if known and before and before != known:
            raise UsageError(self._of_others)
        self._classes: list[str] = known or before
        if self._classes != before:
            self._name()

    def content(self, image: str, regions: Any) -> bytes:
        """Return the file of an image."""
        from seetell.data.object_results import yolo_labels

        new = dict.fromkeys(region.text for region in regions if region.text not in self._classes)
        if new:
            self._classes = [*self._classes, *new]
            self._name()
        return yolo_labels(regions, self._classes).encode()

    def _named(self) -> list[str]:
        """Return the classes that the folder has from an earlier run; no reader of YAML is needed for it.

        Raises:
            UsageError: another program named them.
        """
        file = Path(self.value) / DATA
        lines = file.read_text(encoding="utf-8").splitlines()[HEAD.count("\n") :] if file.exists() else []
        try:
            classes = [json.loads(line.partition(": ")[2]) for line in lines]
        except ValueError:
            classes = []
        if file.exists() and _data(classes) != file.read_text(encoding="utf-8"):
            raise UsageError(self._of_others)
        return classes

    @property
    def _of_others(self) -> str:
        return f"{self.option} {self.value}: its {DATA} names other classes; name another folder"

    def _name(self) -> None:
        write_file(Path(self.value) / DATA, _data(self._classes))


def _data(classes: Sequence[str]) -> str:
    """Return YAML that names the classes."""
    return HEAD + "".join(f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(classes))


def label_outputs() -> list[tuple[click.Option, type[SideOutput]]]:
    """Return the options by which regions are written for other programs, and what each makes."""
    return [
        (_option("--coco", "FILE", "Write COCO's results as well: JSON that its evaluation reads."), CocoResults),
        (_option("--yolo", "DIR", "Write YOLO's labels there as well: labels/dog.txt and data.yaml."), YoloLabels),
        (_option("--voc", "DIR", "Write Pascal VOC's XML files there as well: dog.xml."), VocAnnotations),
    ]


def mask_outputs() -> list[tuple[click.Option, type[SideOutput]]]:
    """Return the options by which masks are written for other programs, and what each makes."""
    return [
        (_option("--label-maps", "DIR", "Write pictures of the masks' numbers there as well: street.png."), LabelMaps),
        (_option("--coco", "FILE", "Write COCO's results as well, masks as run lengths."), CocoResults),
        (_option("--coco-polygons", "FILE", "Write COCO's results as well, masks as polygons."), CocoPolygons),
    ]


def _option(name: str, metavar: str, help: str) -> click.Option:
    return click.Option([name], metavar=metavar, type=FOLDER_OR_FILE, help=help)
