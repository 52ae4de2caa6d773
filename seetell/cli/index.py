"""``seetell index``: keep an index of photos, to be searched."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seetell.search.update import Progress, Update


def index(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FOLDER", help="Folders, files, patterns, or - for a list on standard input."),
    ],
    location: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="DIR", help="Where the index lies; $SEETELL_INDEX or your data folder if absent."
        ),
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a model folder.")] = "align",
    retry: Annotated[
        bool, typer.Option("--retry", help="Try photos again that could not be used before and have not changed.")
    ] = False,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
) -> None:
    """Index photos, so that seetell search finds them by what they show.

    Run again, it encodes only photos that are new or changed, and notices those that were moved or deleted. It may be
    stopped at any moment: the next run goes on from there.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell index ~/Pictures
    """
    from seetell.cli.embedder import load_embedder
    from seetell.cli.inputs import expand
    from seetell.cli.rows import printable, take_any_name
    from seetell.search.location import default_location
    from seetell.search.photo_index import PhotoIndex

    take_any_name()
    named = (path for name in paths for path in ([name] if os.path.isdir(name) else expand([name], sys.stdin.buffer)))
    with PhotoIndex(location or default_location(), load_embedder(model, threads=threads)) as photos:
        with _progress() as progress:
            done = photos.update(named, retry=retry, progress=progress)
        for path, reason in done.failures.items():
            typer.echo(f"{printable(path)}: {printable(reason)}", err=True)
        typer.echo(f"{_told(done)}. The index at {printable(str(photos.location))} has {len(photos):,} photos.")
        if photos.is_slow:
            typer.echo("So many are searched faster with faiss: pip install 'seetell[search]' and run again.", err=True)
    raise typer.Exit(1 if done.failures else 0)


def _told(done: Update) -> str:
    counts = {
        "added": done.added,
        "changed": done.changed,
        "moved": done.moved,
        "gone": done.missing,
        "failed": len(done.failures),
        "unchanged": done.unchanged,
    }
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no photos found"
    return f"{told} ({done.failed_before:,} of them failed before)" if done.failed_before else told


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show a bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task("photos", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
