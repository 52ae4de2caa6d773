"""``seetell regions``: say what is where on photos."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seetell.cli.format import Format
from seetell.errors import PhotoError, UsageError

if TYPE_CHECKING:
    from seetell.results import Regions


def regions(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, patterns, or - for a list on standard input.")],
    top: Annotated[int, typer.Option(help="Regions a photo at most, the surest ones.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Of one photo, a picture (.png, .jpg) or a page (.html)."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How regions are written.")] = Format.text,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them to DenseCap's results.json as well.")
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a model folder.")] = "regions",
    precision: Annotated[str | None, typer.Option(help="Encoder: int8 (fast) or fp32.")] = None,
    batch_size: Annotated[int, typer.Option(help="Photos looked at at once.")] = 4,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
) -> None:
    """Find regions of photos and say what is in each: a box and a phrase, the surest first.

    A line is a photo, a phrase, its score, and the box's left, top, right and bottom in pixels.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell regions dog.jpg --output dog.html

    Example: seetell regions holiday --top 50 --format jsonl > regions.jsonl
    """
    from seetell.cli.boxed_output import check_drawing, write_row
    from seetell.cli.inputs import at_least_one, expand
    from seetell.cli.output_file import check_writable
    from seetell.cli.rows import take_any_name

    photos = at_least_one(expand(paths, sys.stdin.buffer), paths)
    if output is not None:
        photos = check_drawing(output, photos)
    if results is not None:
        check_writable(results, "--results")
    take_any_name(utf8=output_format is Format.jsonl)

    from seetell.results import row
    from seetell.tasks.dense_captioning.predict import RegionCaptioner
    from seetell.tasks.loading import load

    captioner = load(model, precision=precision, threads=threads)
    if not isinstance(captioner, RegionCaptioner):
        raise UsageError(f"{model}: does not find regions; expected a model such as 'regions'")
    names_ahead: deque[str] = deque()

    def noted() -> Iterator[str]:
        for photo in photos:
            names_ahead.append(photo)
            yield photo

    failed, rows = False, []
    for result in captioner.describe_many(noted(), top=top, batch_size=batch_size):
        photo = names_ahead.popleft()
        write_row(row(photo, result), output_format)
        if isinstance(result, PhotoError):
            failed = True
            continue
        if output is not None:
            _draw(output, photo, result)
        if results is not None:
            rows.append((photo, result))
    if results is not None:
        _write_results(results, rows)
    raise typer.Exit(1 if failed else 0)


def _draw(output: Path, photo: str, found: Regions) -> None:
    from seetell.cli.boxed_output import draw
    from seetell.drawing import page, picture

    draw(
        output,
        photo,
        page=lambda opened, name: page(opened, found, name=name),
        picture=lambda opened: picture(opened, found),
    )


def _write_results(results: Path, rows: Sequence[tuple[str, Regions]]) -> None:
    from seetell.cli.output_file import write_file
    from seetell.data.region_results import densecap_results

    write_file(results, json.dumps(densecap_results(rows)) + "\n")
