"""``seetell align``: show where in photos a sentence is true."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seetell.cli.format import Format
from seetell.errors import PhotoError, UsageError

if TYPE_CHECKING:
    from seetell.results import Alignment


def align(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO... SENTENCE",
            help="Files, folders, patterns, or - for a list on standard input; and last, what is said of them.",
        ),
    ] = None,
    captions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Instead of photos and a sentence: JSON lines with image and caption, as seetell caption writes them; "
            "- for standard input.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Of one photo, a picture (.png, .jpg) or a page (.html)."),
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="How much neighbouring words keep together: 0 cuts most often.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How segments are written.")] = Format.text,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a model folder.")] = "align",
    precision: Annotated[str | None, typer.Option(help="Encoder: int8 (fast) or fp32.")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
) -> None:
    """Show where in photos a sentence is true: cut it into segments, and give each its box.

    A line is a photo, a segment, its score, and the box's left, top, right and bottom in pixels.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell align dog.jpg "a dog runs through the grass" --output dog.html

    Example: seetell caption holiday --format jsonl | seetell align --captions -
    """
    from seetell.cli.boxed_output import check_drawing, write_row
    from seetell.cli.rows import take_any_name

    pairs = _said(captions) if captions is not None else _named(words or [])
    if captions is not None and words:
        raise UsageError("name photos and a sentence, or --captions, but not both")
    if output is not None:
        pairs = check_drawing(output, pairs)
    take_any_name(utf8=output_format is Format.jsonl)

    from seetell.language.phrases import BETA
    from seetell.tasks.loading import load
    from seetell.tasks.retrieval.predict import Aligner

    aligner = load(model, precision=precision, threads=threads)
    if not isinstance(aligner, Aligner):
        raise UsageError(f"{model}: does not compare photos with sentences; expected a model such as 'align'")
    asked, pairs = itertools.tee(pairs)
    failed = False
    for result in aligner.align_many(pairs, beta=BETA if beta is None else beta):
        photo, sentence = next(asked)
        write_row(_row(photo, sentence, result), output_format)
        if isinstance(result, PhotoError) or not result.regions:
            failed = True
        elif output is not None:
            _draw(output, photo, result)
    raise typer.Exit(1 if failed else 0)


def _named(words: list[str]) -> Iterator[tuple[str, str]]:
    """Return each photo that is meant with the sentence.

    Raises:
        UsageError: photos or the sentence are lacking.
    """
    from seetell.cli.inputs import at_least_one, expand

    if len(words) < 2 or not words[-1].strip():
        raise UsageError('name a photo and a sentence: seetell align photo.jpg "a dog on a beach", or --captions FILE')
    *paths, sentence = words
    photos = at_least_one(expand(paths, sys.stdin.buffer), paths)
    return ((photo, sentence) for photo in photos)


def _said(captions: str) -> Iterator[tuple[str, str]]:
    """Read photos and what is said of them; a row that tells an error instead is passed over.

    Raises:
        UsageError: the file cannot be read, or a line is no such object.
    """
    try:
        with sys.stdin.buffer if captions == "-" else open(captions, "rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    if "error" not in row:
                        yield str(row["image"]), str(row["caption"])
                except (ValueError, TypeError, KeyError) as error:
                    raise UsageError(
                        f"--captions {captions}, line {number}: expected a JSON object with image and caption"
                    ) from error
    except OSError as error:
        raise UsageError(f"--captions {captions}: cannot be read ({error.strerror})") from error


def _row(photo: str, sentence: str, result: Alignment | PhotoError) -> dict[str, Any]:
    from seetell.results import row

    if not isinstance(result, PhotoError) and not result.regions:
        result = PhotoError("the model knows no word of the sentence that has a place")
    content = row(photo, result)
    return {"image": content.pop("image"), "sentence": sentence, **content}


def _draw(output: Path, photo: str, alignment: Alignment) -> None:
    from seetell.cli.boxed_output import draw
    from seetell.drawing import page, picture

    draw(
        output,
        photo,
        page=lambda opened, name: page(opened, alignment, name=name),
        picture=lambda opened: picture(opened, alignment),
    )
