"""``seetell search``: find photos by what they show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seetell.cli.format import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seetell.search.photo_index import Hit


def search(
    sentence: Annotated[str | None, typer.Argument(help="What the photos should show.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="PHOTO", help="A photo that they should be like, alone or with SENTENCE.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="The most photos to list.")] = 20,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How photos are listed.")] = Format.text,
    page: Annotated[
        Path | None, typer.Option("--gallery", metavar="FILE", help="Write a web page of the photos there.")
    ] = None,
    open_report: Annotated[
        bool, typer.Option("--open-report", help="Show the web page in a browser; a temporary one without --gallery.")
    ] = False,
    location: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="DIR", help="Where the index lies; $SEETELL_INDEX or your data folder if absent."
        ),
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="The model that the index was made with.")] = "align",
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
) -> None:
    """List the photos of an index that fit a sentence or are like a photo, the best first, with their scores.

    Exit status: 0 all done, 1 the index or the photo cannot be used, 2 wrong use.

    Example: seetell search "a dog runs on a beach" --top 5

    Example: seetell search --image sunset.jpg --open-report
    """
    from seetell.cli.embedder import load_embedder
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.rows import take_any_name
    from seetell.errors import UsageError
    from seetell.search.location import default_location
    from seetell.search.photo_index import PhotoIndex

    if not (sentence or "").strip() and image is None:
        raise UsageError('say what to look for: seetell search "a dog on a beach", or --image PHOTO')
    if page is not None:
        check_writable(page, "--gallery")
    take_any_name(utf8=output_format is Format.jsonl)
    with PhotoIndex(location or default_location(), load_embedder(model, threads=threads)) as photos:
        hits = photos.search(sentence, image=image, top=top)
        for hit in hits:
            typer.echo(_row(hit, output_format))
        if not hits:
            typer.echo("the index has no photos; add some: seetell index FOLDER", err=True)
        if page is None and not open_report:
            return
        content = _gallery(hits, len(photos), sentence, image)
    page = page or _temporary()
    write_file(page, content)
    if open_report:
        _show(page)


def _row(hit: Hit, output_format: Format) -> str:
    from seetell.cli.rows import printable

    there = os.path.lexists(hit.photo)
    if output_format is Format.jsonl:
        row = {"image": hit.photo, "score": round(hit.score, 6), "copies": list(hit.copies)}
        return json.dumps(row if there else {**row, "error": "no such file"}, ensure_ascii=False)
    return f"{hit.score:.3f}\t{printable(hit.photo)}{'' if there else ' (no longer there)'}"


def _gallery(hits: Sequence[Hit], count: int, sentence: str | None, image: str | None) -> str:
    from seetell.drawing.gallery import Found, gallery

    title = sentence or f"Photos like {os.path.basename(image or '')}"
    about = f"The {len(hits):,} of {count:,} photos that fit best. Each leads to its file."
    return gallery(title, about, [Found(hit.photo, hit.score) for hit in hits], query_photo=image)


def _temporary() -> Path:
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="seetell-search-", suffix=".html")
    os.close(descriptor)
    return Path(path)


def _show(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        typer.echo(f"no browser could be started; the page is {page}", err=True)
