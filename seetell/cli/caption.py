"""``seetell caption``: say what is on photos."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from seetell.cli.inputs import STANDARD_INPUT, at_least_one, expand
from seetell.cli.progress import progress
from seetell.cli.rows import Format, Rows
from seetell.cli.side_outputs import check_report, companions
from seetell.errors import PhotoError, UsageError


def caption(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, patterns, or - for a list on standard input.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a model folder.")] = "caption",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How captions are written.")] = Format.text,
    beam: Annotated[int | None, typer.Option(help="Sentences followed at once; 1 takes the likeliest word.")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Draw words at random instead of searching.")] = False,
    temperature: Annotated[float | None, typer.Option(help="With --sample: below 1 is safer, above 1 bolder.")] = None,
    top_k: Annotated[int | None, typer.Option(help="With --sample: draw among this many likeliest words.")] = None,
    top_p: Annotated[float | None, typer.Option(help="With --sample: draw among words of this probability.")] = None,
    seed: Annotated[int | None, typer.Option(help="With --sample: the same seed gives the same captions.")] = None,
    max_words: Annotated[int | None, typer.Option(help="Longest caption.")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="0 favours short captions, 1 long ones.")] = None,
    no_repeat_ngram_size: Annotated[int | None, typer.Option(help="Never repeat this many words in a row.")] = None,
    precision: Annotated[str | None, typer.Option(help="Encoder: int8 (fast) or fp32.")] = None,
    batch_size: Annotated[int, typer.Option(help="Photos captioned at once.")] = 16,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
    attention: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write pages and pictures there that show where each word came from."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a web page there of all photos, to filter, edit and save captions."),
    ] = None,
    sidecar: Annotated[
        bool, typer.Option("--sidecar", help="Write the captions as alt text into XMP sidecars, dog.xmp for dog.jpg.")
    ] = False,
) -> None:
    """Say what is on photos: one sentence each, in the order given.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell caption holiday/ --format jsonl > captions.jsonl

    Example: seetell caption holiday/ --report captions.html
    """
    drawing = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    searching = {"beam_size": beam, "max_words": max_words, "length_penalty": length_penalty}
    given = {**searching, **drawing, "no_repeat_ngram_size": no_repeat_ngram_size}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if sample and beam is not None:
        raise UsageError("--sample draws one caption and --beam searches among several: use one of them")
    if not sample and drawing.keys() & options.keys():
        names = ", ".join(f"--{name.replace('_', '-')}" for name in drawing if name in options)
        raise UsageError(f"{names}: only together with --sample")
    if sample or beam is not None:
        options["method"] = "sample" if sample else "beam"

    if report is not None:
        check_report(report, attention)
    photos, total = _found(paths, attention)
    from seetell.tasks.captioning.predict import load

    captioner = load(model, precision=precision, threads=threads)
    names_ahead: deque[str] = deque()

    def noted() -> Iterator[str]:
        for photo in photos:
            names_ahead.append(photo)
            yield photo

    results = captioner.caption_many(noted(), batch_size=batch_size, attention=attention is not None, **options)
    rows, failed = Rows(output_format), False
    beside = companions(captioner, attention=attention, sidecar=sidecar, report=report)
    with beside as accompany, progress(total) as advance:
        for outcome in results:
            photo = names_ahead.popleft()
            result, files = accompany(photo, outcome)
            rows.write(photo, result, files)
            failed = failed or isinstance(result, PhotoError)
            advance()
    raise typer.Exit(1 if failed else 0)


def _found(paths: list[str], attention: str | None) -> tuple[Iterator[str], int | None]:
    """Return the photos and, unless standard input tells them as they come, how many there are.

    Args:
        paths: what the user named.
        attention: the folder whose pictures, from an earlier run, are left out.

    Raises:
        UsageError: there is none.
    """
    photos = expand(paths, sys.stdin.buffer)
    if attention is not None:
        from seetell.drawing.attention_folder import is_picture_of

        photos = (photo for photo in photos if not is_picture_of(attention, photo))
    if STANDARD_INPUT not in paths:
        found = list(photos)
        photos, total = iter(found), len(found)
    else:
        total = None
    return at_least_one(photos, paths), total
