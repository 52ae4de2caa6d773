"""``seetell alt``: fill in the alt text that images of web pages and Markdown files lack."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seetell.errors import PhotoError, SeetellError, UsageError

if TYPE_CHECKING:
    from seetell.alttext.filling import Filled, Image
    from seetell.results import Caption


class Format(str, Enum):
    """How changes are written."""

    diff = "diff"
    jsonl = "jsonl"


def alt(
    paths: Annotated[list[str], typer.Argument(help="HTML and Markdown files, and folders of them.")],
    write: Annotated[bool, typer.Option("--write", help="Change the files; without it they are only read.")] = False,
    root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="What / begins at in addresses; the named folder a page is in when absent."),
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Captions to prefer to the model's, as a report saves them: CSV or JSON lines."
        ),
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a model folder.")] = "caption",
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="A diff, or an object for each image without alt text.")
    ] = Format.diff,
    batch_size: Annotated[int, typer.Option(help="Photos captioned at once.")] = 16,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
) -> None:
    """Fill in the alt text that images of web pages and Markdown files lack.

    Shows what would change; --write changes it. Alt text that is there stays, and so does alt="", which says that an
    image is decoration. Images on other sites, and those of templates, are left alone.

    Exit status: 0 all done, 1 some images or pages failed, 2 wrong use.

    Example: seetell alt site/ > alt.patch

    Example: seetell alt site/ --write
    """
    from seetell.alttext.captions_file import read_captions
    from seetell.alttext.filling import fill
    from seetell.alttext.page import pages
    from seetell.cli.rows import take_any_name

    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: is no folder")
    if batch_size < 1:
        raise UsageError(f"--batch-size must be at least 1, got {batch_size}")
    known = {} if captions is None else read_captions(captions)
    found = ((name, root or folder) for name, folder in pages(paths))
    first = next(found, None)
    if first is None:
        raise UsageError(f"no pages found in {', '.join(paths)}; in a folder they are known by endings such as .html")

    def caption_many(photos: Iterator[Path]) -> Iterator[Caption | PhotoError]:
        photo = next(photos, None)
        if photo is None:
            return iter(())  # nothing to say, so no model to load
        from seetell.tasks.captioning.predict import load

        captioner = load(model, threads=threads)
        return _counted(captioner.caption_many(itertools.chain([photo], photos), batch_size=batch_size))

    take_any_name(utf8=True)
    counts: Counter[str] = Counter()
    for filled in fill(itertools.chain([first], found), caption_many, known):
        error = _written(filled) if write else None
        if isinstance(filled.page, SeetellError):
            error = filled.page
        _show(filled, error, written=write, output_format=output_format)
        _count(filled, error, counts)
    print(_summary(counts, written=write), file=sys.stderr)
    raise typer.Exit(1 if counts["failed"] or counts["unfit pages"] else 0)


def _counted(captions: Iterator[Caption | PhotoError]) -> Iterator[Caption | PhotoError]:
    """Tell while captions come how many there are; how many will come, only the last page shows."""
    from seetell.cli.progress import progress

    with progress(None) as advance:
        for caption in captions:
            advance()
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
    """Write what becomes of a page: the changes to standard output, as a diff complaints to standard error."""
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
        counts["unfit pages"] += 1
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
        f"{_number(counts['left'], 'image')} left alone" if counts["left"] else "",
        f"{_number(counts['failed'], 'image')} failed" if counts["failed"] else "",
        f"{_number(counts['unfit pages'], 'page')} failed" if counts["unfit pages"] else "",
    ]
    hint = "; --write writes them" if counts["alts"] and not written else ""
    return ", ".join(filter(None, parts)) + hint


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
