"""What ``seetell alt`` shows: the changes of pages, or what is wrong with them, and a summary."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seetell.cli.command import Format
from seetell.cli.rows import printable
from seetell.errors import SeetellError

if TYPE_CHECKING:
    from seetell.alttext.filling import Filled, Image


def check_pages(names: Iterator[tuple[str, Path | None]], output_format: Format) -> int:
    """List the images without alt text, and alt text that says nothing; return the exit status."""
    from seetell.alttext.check import problems
    from seetell.alttext.page import Page

    counts: Counter[str] = Counter()
    for name, _ in names:
        counts["pages"] += 1
        try:
            page = Page.read(name)
        except SeetellError as error:
            counts["failed pages"] += 1
            if output_format is Format.jsonl:
                print(json.dumps({"page": name, "error": str(error).removeprefix(f"{name}: ")}, ensure_ascii=False))
            else:
                print(printable(str(error)), file=sys.stderr)
            continue
        counts["described"] += len(page.findings.described)
        for problem in problems(page):
            counts[problem.kind] += 1
            if output_format is Format.jsonl:
                row = {"page": name, "line": problem.line, "image": problem.image, "problem": problem.kind}
                print(json.dumps({**row, **({"alt": problem.alt} if problem.alt else {})}, ensure_ascii=False))
            else:
                print(printable(f"{name}:{problem}"))
    sys.stdout.flush()
    parts = [
        _number(counts["pages"], "page"),
        f"{_number(counts['missing'], 'image')} without alt text",
        f"{_number(counts['worthless'], 'alt text')} that say{'s' * (counts['worthless'] == 1)} nothing",
        f"{_number(counts['described'], 'image')} with alt text",
        f"{_number(counts['failed pages'], 'page')} failed" if counts["failed pages"] else "",
    ]
    print(", ".join(filter(None, parts)), file=sys.stderr)
    return 1 if counts["missing"] or counts["worthless"] or counts["failed pages"] else 0


def show_page(filled: Filled, error: SeetellError | None, *, written: bool, output_format: Format) -> None:
    """Write the changes of a page to standard output; with a diff, errors go to standard error."""
    from seetell.alttext.unified_diff import unified_diff

    page = None if isinstance(filled.page, SeetellError) else filled.page
    if output_format is Format.jsonl:
        rows = [] if page is None else [_row(image, filled, written and error is None) for image in filled.images]
        if error is not None:
            rows.append({"page": filled.name, "error": str(error).removeprefix(f"{filled.name}: ")})
        sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        sys.stdout.flush()
        return
    for image in filled.images:
        why = image.error or (f"left to you: {image.withheld}" if image.withheld else "")
        if why and page is not None:
            place = f"{filled.name}:{page.line(image.missing.offset)}: {image.address}"
            print(f"{printable(place)}: {printable(why)}", file=sys.stderr)
    if error is not None:
        print(printable(str(error)), file=sys.stderr)
    elif page is not None and filled.alts:
        before, after = page.content, page.filled(filled.alts)
        if sys.stdout.isatty():
            before, after = (content.decode(page.encoding).encode() for content in (before, after))
            for line in unified_diff(filled.name, before, after):
                print(printable(line.decode().rstrip().expandtabs()))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.writelines(unified_diff(filled.name, before, after))
        sys.stdout.flush()


def count_page(filled: Filled, error: SeetellError | None, counts: Counter[str]) -> None:
    """Count a page and its images for :func:`summary`."""
    counts["pages"] += 1
    if error is not None:
        counts["failed pages"] += 1
    else:
        counts["alts"] += len(filled.alts)
    if not isinstance(filled.page, SeetellError):
        counts["described"] += len(filled.page.findings.described)
    counts["failed"] += sum(bool(image.error) for image in filled.images)
    counts["withheld"] += sum(bool(image.withheld) for image in filled.images)
    counts["skipped"] += sum(bool(image.skip_reason) and not image.withheld for image in filled.images)


def summary(counts: Counter[str], *, written: bool) -> str:
    """Return what was done, in a line."""
    parts = [
        _number(counts["pages"], "page"),
        f"{_number(counts['alts'], 'alt text')} {'written' if written else 'to write'}",
        f"{_number(counts['described'], 'image')} with alt text before",
        f"{_number(counts['withheld'], 'image')} left to you" if counts["withheld"] else "",
        f"{_number(counts['skipped'], 'image')} skipped" if counts["skipped"] else "",
        f"{_number(counts['failed'], 'image')} failed" if counts["failed"] else "",
        f"{_number(counts['failed pages'], 'page')} failed" if counts["failed pages"] else "",
    ]
    hint = "; --write writes them" if counts["alts"] and not written else ""
    return ", ".join(filter(None, parts)) + hint


def unused_captions(photos: Sequence[str], known: int) -> str:
    """Return a line that names images of ``--captions`` that no page shows.

    Args:
        photos: their real paths, at least one.
        known: number of all images that have a caption there.
    """
    names = ", ".join(printable(os.path.relpath(photo)) for photo in photos[:3])
    hint = "; run in the folder that their paths are relative to" if len(photos) == known else ""
    more = "" if len(photos) <= 3 else f" and {len(photos) - 3:,} more"
    return f"--captions: {_number(len(photos), 'caption')} of images that no page shows: {names}{more}{hint}"


def _row(image: Image, filled: Filled, written: bool) -> dict[str, Any]:
    assert not isinstance(filled.page, SeetellError)
    row: dict[str, Any] = {"page": filled.name, "line": filled.page.line(image.missing.offset), "image": image.address}
    if image.skip_reason:
        row["skip_reason"] = image.skip_reason
        return {**row, "photo": str(image.photo), "reason": image.withheld} if image.withheld else row
    if image.error:
        return {**row, "error": image.error}
    if image.photo is not None:
        row["photo"] = str(image.photo)
    row["alt"] = image.alt
    if image.caption is not None:
        content = image.caption.to_dict()
        row |= {name: content[name] for name in ("caption", "confidence", "kind", "logprob", "model")}
        if image.caption.written is not None:
            row |= {"read": content["written"], "read_confidence": content["written_confidence"]}
    return {**row, "written": written}


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
