"""``seetell data``: look at a data set before training on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seetell.cli.command import FOLDER_OR_FILE, Command, Whole, argument

if TYPE_CHECKING:
    from seetell.data.check import PhotoCheck
    from seetell.data.records import CaptionDataset, ObjectDataset
    from seetell.data.report import DataReport


@click.group()
def data() -> None:
    """Look at a data set of captioned photos, or of photos with boxes.

    Example: seetell data check my_photos
    """


@data.command(cls=Command)
@argument("path", metavar="PATH", type=FOLDER_OR_FILE, help="The data set's folder or file, e.g. my_photos.")
@click.option(
    "--photos",
    metavar="DIR",
    type=FOLDER_OR_FILE,
    help="Folder of the photos, e.g. --photos images; looked for around PATH if absent.",
)
@click.option(
    "--format",
    "data_format",
    metavar="NAME",
    help="flickr, karpathy, coco, neuraltalk2, table, entities or visual-genome; of boxes yolo, coco-instances or voc; "
    "detected if absent.",
)
@click.option("--open-photos/--no-open-photos", default=True, help="Decode every photo, which takes longest.")
@click.option("--examples", type=Whole(min=0), default=3, help="Problems shown of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every problem.")
def check(
    path: Path, photos: Path | None, data_format: str | None, open_photos: bool, examples: int, as_json: bool
) -> int:
    """Report what a data set holds and what is wrong with it.

    Reads Flickr8k/30k folders, Karpathy's split JSON, COCO captions, neuraltalk2's raw JSON, Flickr30k Entities, Visual
    Genome's region descriptions, and CSV, TSV or JSON lines tables with the columns image and caption; and boxes of
    objects as YOLO labels, COCO instances and Pascal VOC's XML. Exit status: 0 clean, 1 problems found, 2 wrong use.

    Example: seetell data check my_photos --photos my_photos/images
    """
    from seetell.data.object_report import build_object_report
    from seetell.data.records import ObjectDataset
    from seetell.data.report import build_report

    dataset = _read(path, data_format, photos)
    checked = _checked(dataset) if open_photos else None
    report: DataReport
    if isinstance(dataset, ObjectDataset):
        report = build_object_report(dataset, checked)
    else:
        report = build_report(dataset, checked)
    if as_json:
        import json

        click.echo(json.dumps(report.to_dict()))
    else:
        click.echo(report.to_text(examples=examples))
    return 1 if report.problems else 0


def _read(path: Path, data_format: str | None, photos: Path | None) -> CaptionDataset | ObjectDataset:
    """Read captions, or boxes where there are no captions."""
    from seetell.data import read
    from seetell.data.objects import BOXES_ALONE, holds_boxes, read_objects
    from seetell.errors import DataError, UsageError

    try:
        if data_format in BOXES_ALONE:
            return read_objects(path, format=data_format, photos=photos)
        try:
            return read(path, format=data_format, photos=photos)
        except DataError:
            if data_format is not None or not holds_boxes(path):
                raise
            return read_objects(path, photos=photos)
    except DataError as error:
        raise UsageError(str(error)) from error


def _checked(dataset: CaptionDataset | ObjectDataset) -> PhotoCheck:
    from seetell.cli.progress import Progress
    from seetell.data.check import check_photos

    with Progress() as progress:
        return check_photos(dataset, progress=lambda done, total: progress("opening photos", done, total))
