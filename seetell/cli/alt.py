"""``seetell alt``: fill in the alt text that images of web pages and Markdown files lack."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FOLDER_OR_FILE,
    POSITIVE,
    Format,
    argument,
    command,
    format_option,
    model_option,
    threads_option,
)
from seetell.errors import PhotoError, SeetellError, UsageError

if TYPE_CHECKING:
    from seetell.alttext.filling import Filled, Image
    from seetell.results import Caption


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
    help="Captions to prefer to the model's, as a report saves them: CSV or JSON lines.",
)
@model_option("caption")
@format_option(Format.diff, Format.jsonl, help="A diff, or an object for each image without alt text.")
@click.option("--batch-size", type=POSITIVE, default=16, help="Photos captioned at once.")
@threads_option()
def alt(
    paths: tuple[str, ...],
    write: bool,
    root: Path | None,
    captions: Path | None,
    model: str,
    output_format: Format,
    batch_size: int,
    threads: int | None,
) -> int:
    """Fill in the alt text that images of web pages and Markdown files lack.

    Shows what would change; --write changes it. Existing alt text stays, and so does alt="", which marks an image as
    decoration. Images on other sites, and those of templates, are skipped.

    Exit status: 0 all done, 1 some images or pages failed, 2 wrong use.

    Example: seetell alt site/ > alt.patch

    Example: seetell alt site/ --write
    """
    from seetell.alttext.captions_file import read_captions
    from seetell.alttext.filling import fill
    from seetell.alttext.page import pages
    from seetell.cli.rows import allow_undecodable_names

    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: is not a folder")
    known = {} if captions is None else read_captions(captions)
    found = ((name, root or folder) for name, folder in pages(list(paths)))
    first = next(found, None)
    if first is None:
        raise UsageError(f"no pages found in {', '.join(paths)}; in a folder they are known by endings such as .html")

    def caption_many(photos: Iterator[Path]) -> Iterator[Caption | PhotoError]:
        photo = next(photos, None)
        if photo is None:
            return iter(())  # no model to load
        from seetell.tasks.loading import load_for
        from seetell.tasks.registry import find_task

        captioner = load_for(find_task("caption"), model, threads=threads)
        return _counted(captioner.caption_many(itertools.chain([photo], photos), batch_size=batch_size))

    allow_undecodable_names(utf8=True)
    counts: Counter[str] = Counter()
    for filled in fill(itertools.chain([first], found), caption_many, known):
        error = _written(filled) if write else None
        if isinstance(filled.page, SeetellError):
            error = filled.page
        _show(filled, error, written=write, output_format=output_format)
        _count(filled, error, counts)
    print(_summary(counts, written=write), file=sys.stderr)
    return 1 if counts["failed"] or counts["failed pages"] else 0


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


def _show(filled: Filled, error: SeetellError | None, *, written: bool, output_format: Format) -> None:
    """Write the changes of a page to standard output; with a diff, errors go to standard error."""
    from seetell.alttext.unified_diff import unified_diff
    from seetell.cli.rows import printable

    page = None if isinstance(filled.page, SeetellError) else filled.page
    if output_format is Format.jsonl:
        rows = [] if page is None else [_row(image, filled, written and error is None) for image in filled.images]
        if error is not None:
            rows.append({"page": filled.name, "error": str(error).removeprefix(f"{filled.name}: ")})
        sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        sys.stdout.flush()
        return
    for image in filled.images:
        if image.error and page is not None:
            place = f"{filled.name}:{page.line(image.missing)}: {image.address}"
            print(f"{printable(place)}: {printable(image.error)}", file=sys.stderr)
    if error is not None:
        print(printable(str(error)), file=sys.stderr)
    elif page is not None and filled.alts:
        on_terminal = sys.stdout.isatty()
        for line in unified_diff(filled.name, page.text, page.filled(filled.alts)):
            sys.stdout.write(f"{printable(line.rstrip().expandtabs())}\n" if on_terminal else line)
        sys.stdout.flush()


def _row(image: Image, filled: Filled, written: bool) -> dict[str, Any]:
    assert not isinstance(filled.page, SeetellError)
    row: dict[str, Any] = {"page": filled.name, "line": filled.page.line(image.missing), "image": image.address}
    if image.skip_reason:
        return {**row, "skip_reason": image.skip_reason}
    if image.error:
        return {**row, "error": image.error}
    assert image.caption is not None
    content = image.caption.to_dict()
    kept = {name: content[name] for name in ("caption", "logprob", "model")}
    return {**row, "photo": str(image.photo), "alt": image.alt, **kept, "written": written}


def _count(filled: Filled, error: SeetellError | None, counts: Counter[str]) -> None:
    counts["pages"] += 1
    if error is not None:
        counts["failed pages"] += 1
    else:
        counts["alts"] += len(filled.alts)
    if not isinstance(filled.page, SeetellError):
        counts["described"] += filled.page.findings.described
    counts["failed"] += sum(bool(image.error) for image in filled.images)
    counts["left"] += sum(bool(image.skip_reason) for image in filled.images)


def _summary(counts: Counter[str], *, written: bool) -> str:
    parts = [
        _number(counts["pages"], "page"),
        f"{_number(counts['alts'], 'alt text')} {'written' if written else 'to write'}",
        f"{_number(counts['described'], 'image')} with alt text before",
        f"{_number(counts['left'], 'image')} skipped" if counts["left"] else "",
        f"{_number(counts['failed'], 'image')} failed" if counts["failed"] else "",
        f"{_number(counts['failed pages'], 'page')} failed" if counts["failed pages"] else "",
    ]
    hint = "; --write writes them" if counts["alts"] and not written else ""
    return ", ".join(filter(None, parts)) + hint


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
