"""``seetell alt``: fill in the alt text that images of web pages and Markdown files lack."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.alttext.alt_text import MIN_CONFIDENCE
from seetell.cli.command import (
    FOLDER_OR_FILE,
    POSITIVE,
    Format,
    Number,
    argument,
    command,
    format_option,
    model_option,
    threads_option,
    with_backend_params,
)
from seetell.errors import PhotoError, SeetellError, UsageError
from seetell.tasks.registry import find_task

if TYPE_CHECKING:
    from seetell.alttext.filling import Filled
    from seetell.results import Caption


@with_backend_params(find_task("caption").backends)
@command("alt")
@argument("paths", nargs=-1, required=True, metavar="PATH...", help="HTML and Markdown files, and folders of them.")
@click.option("--write", is_flag=True, help="Change the files; without it they are only read.")
@click.option(
    "--root",
    metavar="DIR",
    type=FOLDER_OR_FILE,
    help="What / begins at in addresses; the named folder a page is in when absent.",
)
@click.option(
    "--captions",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    multiple=True,
    help="Captions to prefer to the model's, as a report saves them: a table (CSV or TSV) or JSON lines; - for "
    "standard input. Images whose caption was cleared are skipped. May be given several times.",
)
@click.option("--empty-alt", is_flag=True, help='Write alt="" where a caption was cleared: the image is decoration.')
@click.option(
    "--check",
    is_flag=True,
    help="Only list images without alt text, and alt text that says nothing; exit status 1 if there are any.",
)
@click.option(
    "--min-confidence",
    type=Number(0, 1),
    help="Say less, or leave the image to you, where it is less likely than this that everything in the text is there; "
    f"{MIN_CONFIDENCE} when absent, if the model has a confidence.",
)
@click.option(
    "--read/--no-read",
    default=None,
    help="Add the words that are written in images to their alt text; where text covers much of the image when absent.",
)
@click.option("--any-picture", is_flag=True, help="Describe what is no photo, too: text, charts, drawings.")
@model_option("caption", find_task("caption").backends)
@format_option(Format.diff, Format.jsonl, help="A diff, or an object for each image without alt text.")
@click.option("--batch-size", type=POSITIVE, help="Photos per batch; the model's own choice when absent.")
@threads_option()
def alt(
    paths: tuple[str, ...],
    write: bool,
    root: Path | None,
    captions: tuple[Path, ...],
    empty_alt: bool,
    check: bool,
    min_confidence: float | None,
    any_picture: bool,
    read: bool | None,
    model: str,
    output_format: Format,
    batch_size: int | None,
    threads: int | None,
    **backend: Any,
) -> int:
    """Fill in the alt text that images of web pages and Markdown files lack.

    Shows what would change; --write changes it. Existing alt text stays, and so does alt="", which marks an image as
    decoration. Images on other sites, and those of templates, are skipped; what the model is not sure of, and what is
    no photo, is left to you, unless it can be read.

    Exit status: 0 all done, 1 some images or pages failed or --check found something, 2 wrong use.

    Example: seetell alt site/ > alt.patch

    Example: seetell alt site/ --write

    Example: seetell alt site/ --check
    """
    from seetell.alttext.captions_file import read_captions
    from seetell.alttext.filling import fill
    from seetell.alttext.page import pages
    from seetell.cli.alt_outputs import check_pages, count_page, show_page, summary, unused_captions
    from seetell.cli.inputs import standard_input
    from seetell.cli.rows import allow_undecodable_names

    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: is not a folder")
    if check and (write or captions):
        raise UsageError(f"--check writes nothing; leave {'--write' if write else '--captions'} out")
    known = read_captions(*captions, listed=standard_input())
    found = ((name, root or folder) for name, folder in pages(list(paths)))
    first = next(found, None)
    if first is None:
        raise UsageError(f"no pages found in {', '.join(paths)}; in a folder they are known by endings such as .html")

    allow_undecodable_names(utf8=True)
    if check:
        return check_pages(itertools.chain([first], found), output_format)

    def caption_many(photos: Iterator[Path]) -> Iterator[Caption | PhotoError]:
        photo = next(photos, None)
        if photo is None:
            return iter(())  # no model to load
        from seetell.tasks.loading import load_for

        captioner = load_for(find_task("caption"), model, threads=threads, **backend)
        least = min_confidence
        if least is None:
            least = MIN_CONFIDENCE if captioner.has_confidence else 0.0
        photos = itertools.chain([photo], photos)
        options = {"min_confidence": least, "any_picture": any_picture}
        if read is False:
            return _counted(captioner.caption_many(photos, batch_size=batch_size, **options))
        photos, read_too = itertools.tee(photos)
        described = captioner.caption_many(photos, batch_size=batch_size, **options)
        return _counted(_with_words(read_too, described, always=bool(read), least=least, threads=threads))

    counts: Counter[str] = Counter()
    unused = dict.fromkeys(known)
    for filled in fill(itertools.chain([first], found), caption_many, known, empty_alt=empty_alt):
        for photo in filled.known:
            unused.pop(photo, None)
        error = _written(filled) if write else None
        if isinstance(filled.page, SeetellError):
            error = filled.page
        show_page(filled, error, written=write, output_format=output_format)
        count_page(filled, error, counts)
    print(summary(counts, written=write), file=sys.stderr)
    if unused:
        print(unused_captions(list(unused), len(known)), file=sys.stderr)
    return 1 if counts["failed"] or counts["failed pages"] else 0


def _with_words(
    photos: Iterator[Path],
    captions: Iterator[Caption | PhotoError],
    *,
    always: bool,
    least: float,
    threads: int | None,
) -> Iterator[Caption | PhotoError]:
    """Yield captions with the words in their photos, where these matter or are always wanted."""
    from seetell.alttext.alt_text import LONGEST
    from seetell.tasks.reading import MATTERS, WordReader, with_words

    reader = WordReader(threads=threads)
    for photo, caption in zip(photos, captions, strict=True):
        if isinstance(caption, PhotoError):
            yield caption
            continue
        try:
            yield with_words(
                caption,
                reader.read(photo),
                min_confidence=least,
                least_share=0.0 if always else MATTERS,
                longest=LONGEST - len("."),
            )
        except PhotoError as error:
            yield error


def _counted(captions: Iterator[Caption | PhotoError]) -> Iterator[Caption | PhotoError]:
    from seetell.cli.progress import Progress

    with Progress(shown=not sys.stdout.isatty()) as progress:
        for done, caption in enumerate(captions, 1):
            progress("captions", done)
            yield caption


def _written(filled: Filled) -> SeetellError | None:
    if isinstance(filled.page, SeetellError) or not filled.alts:
        return None
    try:
        filled.page.write(filled.page.filled(filled.alts))
    except SeetellError as error:
        return error
    return None
