"""``seetell explain``: show where in a photo a word, a class, an object, a phrase or a search hit comes from."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FILES,
    FOLDER_OR_FILE,
    PRECISION_HELP,
    Format,
    Whole,
    argument,
    command,
    format_option,
    model_option,
    threads_option,
    with_backend_params,
)
from seetell.cli.side_outputs import DRAWN_SIDE, PAGES, PICTURES
from seetell.tasks.registry import tasks

if TYPE_CHECKING:
    from seetell.cli.progress import Progress
    from seetell.results import Explanation, Explanations

SCHEMES = tuple(dict.fromkeys(scheme for task in tasks().values() if task.explain for scheme in task.backends))


@with_backend_params(SCHEMES)
@command("explain")
@argument("photos", nargs=-1, required=True, type=FILES, metavar="PHOTO...", help="Photos; one with --output.")
@click.option(
    "--word",
    "-w",
    "words",
    metavar="TEXT",
    multiple=True,
    help="What is explained: a word of the caption, a class, an object, a phrase; repeatable; all if absent.",
)
@click.option(
    "--text",
    metavar="TEXT",
    help="What the photo was searched by, the sentence it is aligned with, or a caption instead of the model's own.",
)
@click.option(
    "--method",
    "methods",
    metavar="NAME",
    multiple=True,
    help="attention, occlusion, saliency, gradient-x-input, integrated-gradients, guided-backpropagation, grad-cam; "
    "repeatable; occlusion and attention if absent.",
)
@click.option("--cells", type=Whole(min=2, max=64), default=8, help="Cells along each side of the map of occlusion.")
@model_option("caption", SCHEMES, about="What to explain: caption, classify, detect, regions, align, retrieval;")
@click.option("--precision", help=PRECISION_HELP)
@format_option(Format.text, Format.jsonl, help="How explanations are written to standard output.")
@click.option("--output", "-o", metavar="FILE", type=FOLDER_OR_FILE, help="Draw the maps there: .png, .jpg or .html.")
@threads_option()
def explain(
    photos: tuple[str, ...],
    words: tuple[str, ...],
    text: str | None,
    methods: tuple[str, ...],
    cells: int,
    model: str,
    precision: str | None,
    output_format: Format,
    output: Path | None,
    threads: int | None,
    **backend: Any,
) -> int:
    """Show where in photos a word of the caption, a class, an object, a phrase or a search hit comes from.

    A line is a photo, a part of the prediction, its score, a method, and where its map is highest.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell explain photo.jpg --word dog --output dog.png

    Example: seetell explain photo.jpg --model retrieval --text "a dog on a beach" --output why.html
    """
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.progress import Progress
    from seetell.cli.rows import allow_undecodable_names, printable
    from seetell.errors import NotPredictedError, PhotoError, UsageError
    from seetell.results import row
    from seetell.tasks.explanation import check_methods
    from seetell.tasks.explanation import explain as explain_photo
    from seetell.tasks.loading import load_for, task_of

    methods = tuple(name.strip() for method in methods for name in method.split(","))
    if text is not None and not text.strip():
        raise UsageError("--text: is empty; expected a text, or leave --text out")
    task = task_of(model)
    check_methods(task.name, methods)
    if output is not None:
        if output.suffix.lower() not in (*PICTURES, *PAGES):
            raise UsageError(f"--output {output}: expected a name that ends in {', '.join((*PICTURES, *PAGES))}")
        if len(photos) > 1:
            raise UsageError("--output shows one photo; name one, or leave --output out")
        check_writable(output, "--output", inputs=photos, picture=True)
    allow_undecodable_names(utf8=output_format is Format.jsonl)
    predictor = load_for(task, model, precision=precision, threads=threads, **backend)
    failed = 0
    for photo in photos:
        try:
            with Progress() as progress:
                result = explain_photo(
                    predictor,
                    photo,
                    text=text or "",
                    names=words,
                    methods=methods,
                    cells=cells,
                    progress=_announcing(progress),
                    tell=lambda note: click.echo(printable(note), err=True),
                )
        except (PhotoError, NotPredictedError) as error:
            if len(photos) == 1 and isinstance(error, NotPredictedError):
                raise
            failed += 1
            if output_format is Format.jsonl:
                click.echo(json.dumps(row(photo, error), ensure_ascii=False))
            else:
                click.echo(f"{printable(photo)}: {printable(row(photo, error)['error'])}", err=True)
            continue
        if output_format is Format.jsonl:
            click.echo(json.dumps(row(photo, result), ensure_ascii=False))
        else:
            for fields in _lines(result):
                click.echo("\t".join(map(printable, (photo, *fields))))
        if output is not None:
            write_file(output, _drawn(photo, result, output))
    return 1 if failed else 0


def _announcing(progress: Progress) -> Callable[[str, int, int], None]:
    """Return what takes the progress of methods, shows it, and says how long one will take that is slow."""
    from seetell.cli.picture_options import announced

    tells: dict[str, Callable[[int, int], None]] = {}

    def tell(method: str, done: int, total: int) -> None:
        if method not in tells:
            tells[method] = announced(progress, method, [1.0] * total)
        tells[method](done, total)

    return tell


def _lines(result: Explanations) -> Sequence[tuple[str, ...]]:
    return [
        (part.text, f"{part.score:.2f}", heat_map.method, _highest(part, place, result.size))
        for part in result.parts
        for place, heat_map in enumerate(part.maps)
    ]


def _highest(part: Explanation, place: int, size: tuple[int, int]) -> str:
    """Name the ninth of the photo in which a map is highest."""
    from seetell.drawing.page_parts import position_in_thirds

    heat_map = part.maps[place]
    values = heat_map.averaged(8)
    row, column = divmod(int(values.argmax()), values.shape[1])
    left, top, right, bottom = heat_map.box
    x = left + (column + 0.5) / values.shape[1] * (right - left)
    y = top + (row + 0.5) / values.shape[0] * (bottom - top)
    return position_in_thirds(x / size[0], y / size[1])


def _drawn(photo: str, result: Explanations, output: Path) -> str | bytes:
    from seetell import drawing
    from seetell.photos.opening import open_photo

    opened = open_photo(photo, at_least=(DRAWN_SIDE, DRAWN_SIDE))
    if output.suffix.lower() in PAGES:
        return drawing.page(opened, result, name=os.path.basename(photo))
    file = io.BytesIO()
    drawing.picture(opened, result).save(file, PICTURES[output.suffix.lower()], quality=90, subsampling=0)
    return file.getvalue()
