"""``seetell search``: find photos by what they show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FILES,
    FOLDER_OR_FILE,
    POSITIVE,
    Format,
    argument,
    command,
    format_option,
    index_option,
    model_option,
    threads_option,
    with_backend_params,
)
from seetell.tasks.registry import find_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seetell.language.reading import Reading
    from seetell.search.photo_index import Hit


@with_backend_params(find_task("retrieval").backends)
@command("search")
@argument("sentence", metavar="[SENTENCE]", required=False, help="What the photos should show.")
@click.option("--image", metavar="PHOTO", type=FILES, help="A photo that they should be like, alone or with SENTENCE.")
@click.option("--top", type=POSITIVE, default=20, help="The most photos to list.")
@format_option(Format.text, Format.jsonl, help="How photos are listed.")
@click.option("--gallery", "page", metavar="FILE", type=FOLDER_OR_FILE, help="Write a web page of the photos there.")
@click.option("--open-report", is_flag=True, help="Show the web page in a browser; a temporary one without --gallery.")
@index_option()
@model_option("align", find_task("retrieval").backends, about="The model that the index was made with.")
@threads_option()
def search(
    sentence: str | None,
    image: str | None,
    top: int,
    output_format: Format,
    page: Path | None,
    open_report: bool,
    location: Path | None,
    model: str,
    threads: int | None,
    **backend: Any,
) -> None:
    """List the photos of an index that fit a sentence or are like a photo, highest score first.

    Of a film, the second that fits is named. Photos in which the words are written come before the others, with the
    lines that have them, if they were indexed with --read.

    Exit status: 0 all done, 1 the index or the photo cannot be used, 2 wrong use.

    Example: seetell search "a dog runs on a beach" --top 5

    Example: seetell search "stop sign"

    Example: seetell search --image sunset.jpg --open-report
    """
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.rows import allow_undecodable_names, printable
    from seetell.errors import UsageError
    from seetell.search.location import default_location
    from seetell.search.photo_index import PhotoIndex
    from seetell.tasks.loading import load_for

    if not (sentence or "").strip() and image is None:
        raise UsageError('say what to look for: seetell search "a dog on a beach", or --image PHOTO')
    if page is not None:
        check_writable(page, "--gallery", inputs=[image])
    allow_undecodable_names(utf8=output_format is Format.jsonl)
    embedder = load_for(find_task("retrieval"), model, threads=threads, **backend)
    with PhotoIndex(location or default_location(), embedder) as photos:
        hits = photos.search(sentence, image=image, top=top)
        reading = embedder.read_query(sentence or "")
        if note := _note(hits, reading):
            click.echo(printable(note), err=True)
        for hit in hits:
            click.echo(_row(hit, reading.to_dict(), output_format))
        if not hits:
            click.echo("the index has no photos; add some: seetell index FOLDER", err=True)
        if page is None and not open_report:
            return
        content = _gallery(hits, photos.holdings, sentence, image)
    page = page or _temporary()
    write_file(page, content)
    if open_report:
        _show(page)


def _note(hits: Sequence[Hit], reading: Reading) -> str:
    """Return what the user should know of how a sentence was read, and to which hits it matters."""
    from seetell.search.photo_index import sought_by_looks

    written = sum(bool(hit.written) for hit in hits)
    if not written or not reading.note:
        return reading.note
    have = "photo has the words written in it" if written == 1 else "photos have the words written in them"
    return f"{written:,} {have}" + (f"; for the others, {reading.note}" if sought_by_looks(hits) else "")


def _row(hit: Hit, read: Mapping[str, Any], output_format: Format) -> str:
    from seetell.cli.rows import printable
    from seetell.video.times import clock

    there = os.path.lexists(hit.photo)
    if output_format is Format.jsonl:
        moment = {} if hit.seconds is None else {"seconds": round(hit.seconds, 3)}
        row = {"video" if moment else "image": hit.photo, **moment, "score": round(hit.score, 6)}
        row |= {"copies": list(hit.copies), **({"written": hit.written} if hit.written else read)}
        return json.dumps(row if there else {**row, "error": "no such file"}, ensure_ascii=False)
    when = "" if hit.seconds is None else f" {clock(hit.seconds)}"
    words = f"\t{printable(hit.written)}" if hit.written else ""
    return f"{hit.score:.3f}\t{printable(hit.photo)}{when}{'' if there else ' (no longer there)'}{words}"


def _gallery(hits: Sequence[Hit], holdings: str, sentence: str | None, image: str | None) -> str:
    from seetell.drawing.gallery import Found, gallery

    title = sentence or f"Photos like {os.path.basename(image or '')}"
    matches = "match" if len(hits) == 1 else f"{len(hits):,} matches"
    about = f"The best {matches} among {holdings}. Each leads to its file."
    return gallery(title, about, [Found(hit.photo, hit.score, hit.seconds) for hit in hits], query_photo=image)


def _temporary() -> Path:
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="seetell-search-", suffix=".html")
    os.close(descriptor)
    return Path(path)


def _show(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        click.echo(f"no browser could be started; the page is {page}", err=True)
