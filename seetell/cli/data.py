"""``seetell data``: look at a data set before training on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seetell.data.check import PhotoCheck
    from seetell.data.records import CaptionDataset

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Look at a data set of captioned photos.

    Example: seetell data check my-photos
    """


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="The data set's folder or file, e.g. my-photos or captions.csv.")],
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos, e.g. --photos images; looked for around PATH if absent.")
    ] = None,
    data_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="flickr, karpathy, coco, neuraltalk2, table, entities or visual-genome, e.g. --format coco; found out "
            "if absent.",
        ),
    ] = None,
    open_photos: Annotated[
        bool, typer.Option(help="Decode every photo, e.g. --no-open-photos to save the time.")
    ] = True,
    examples: Annotated[int, typer.Option(min=0, help="Problems shown of each kind, e.g. --examples 10.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with every problem, e.g. --json > report.json.")
    ] = False,
) -> None:
    """Report what a data set holds and what is wrong with it.

    Reads Flickr8k/30k folders, Karpathy's split JSON, COCO captions, neuraltalk2's raw JSON, Flickr30k Entities, Visual
    Genome's region descriptions, and CSV, TSV or JSON lines tables with the columns image and caption. Exit status: 0
    clean, 1 problems found, 2 wrong use.

    Example: seetell data check my-photos --photos my-photos/images
    """
    from seetell.data import read
    from seetell.data.report import build_report
    from seetell.errors import DataError, UsageError

    try:
        dataset = read(path, format=data_format, photos=photos)
    except DataError as error:
        raise UsageError(str(error)) from error
    report = build_report(dataset, _checked(dataset) if open_photos else None)
    if as_json:
        import json

        typer.echo(json.dumps(report.to_dict()))
    else:
        typer.echo(report.to_text(examples=examples))
    if report.problems:
        raise typer.Exit(1)


def _checked(dataset: CaptionDataset) -> PhotoCheck:
    """Open the photos, with a progress bar on standard error where that is a terminal."""
    import sys

    from seetell.data.check import check_photos

    if not sys.stderr.isatty():
        return check_photos(dataset)
    with typer.progressbar(length=len(dataset.photos), label="opening photos", file=sys.stderr) as bar:
        return check_photos(dataset, progress=lambda done, total: bar.update(1))
