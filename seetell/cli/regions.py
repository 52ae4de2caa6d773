"""``seetell regions``: say what is where on photos."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seetell.cli.format import Format
from seetell.errors import PhotoError, UsageError

if TYPE_CHECKING:
    from seetell.results import Regions

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
PAGES = (".html", ".htm")


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
    from seetell.cli.output_file import check_writable
    from seetell.cli.rows import take_any_name

    photos = _found(paths)
    if output is not None:
        if output.suffix.lower() not in (*PICTURES, *PAGES):
            raise UsageError(f"--output {output}: expected a name that ends in .png, .jpg or .html")
        check_writable(output, "--output")
        few = list(itertools.islice(photos, 2))
        if len(few) > 1:
            raise UsageError("--output shows one photo; name one, or leave --output out")
        photos = iter(few)
    if results is not None:
        check_writable(results, "--results")
    take_any_name(utf8=output_format is Format.jsonl)

    from seetell.runtime.loading import load
    from seetell.runtime.region_captioner import RegionCaptioner

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
        row = _row(photo, result)
        _write(row, output_format)
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


def _found(paths: list[str]) -> Iterator[str]:
    """Return the photos that are meant.

    Raises:
        UsageError: there is none.
    """
    from seetell.cli.inputs import expand

    photos = expand(paths, sys.stdin.buffer)
    first = next(photos, None)
    if first is None:
        raise UsageError(
            f"no photos found in {', '.join(paths)}; in a folder, photos are known by endings such as .jpg"
        )
    return itertools.chain([first], photos)


def _row(photo: str, result: Regions | PhotoError) -> dict[str, Any]:
    if isinstance(result, PhotoError):
        return {"image": photo, "error": str(result).removeprefix(f"{photo}: ")}
    return result.to_row(photo)


def _write(row: dict[str, Any], output_format: Format) -> None:
    from seetell.cli.rows import printable

    if output_format is Format.jsonl:
        typer.echo(json.dumps(row, ensure_ascii=False))
    elif "error" in row:
        typer.echo(f"{printable(row['image'])}: {printable(row['error'])}", err=True)
    else:
        for region in row["regions"]:
            box = " ".join(f"{edge:.0f}" for edge in region["box"])
            typer.echo(f"{printable(row['image'])}\t{printable(region['caption'])}\t{region['score']:.2f}\t{box}")


def _draw(output: Path, photo: str, found: Regions) -> None:
    from seetell.cli.output_file import write_file
    from seetell.drawing.aligned_page import regions_page
    from seetell.drawing.aligned_photo import labelled_photo
    from seetell.photos.opening import open_photo

    opened = open_photo(photo, at_least=(1280, 1280))
    if output.suffix.lower() in PAGES:
        write_file(output, regions_page(opened, found, name=os.path.basename(photo)))
    else:
        picture = io.BytesIO()
        drawn = labelled_photo(
            opened, [region.caption for region in found], [region.box for region in found], size=found.size
        )
        drawn.save(picture, PICTURES[output.suffix.lower()], quality=90, subsampling=0)
        write_file(output, picture.getvalue())


def _write_results(results: Path, rows: Sequence[tuple[str, Regions]]) -> None:
    from seetell.cli.output_file import write_file
    from seetell.data.region_results import densecap_results

    write_file(results, json.dumps(densecap_results(rows)) + "\n")
