"""``seetell index``: keep an index of photos, to be searched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FILES,
    argument,
    command,
    index_option,
    model_option,
    threads_option,
    with_backend_params,
)
from seetell.tasks.registry import find_task

if TYPE_CHECKING:
    from seetell.search.update import Update


@with_backend_params(find_task("retrieval").backends)
@command("index")
@argument(
    "paths",
    nargs=-1,
    required=True,
    type=FILES,
    metavar="FOLDER...",
    help="Folders, files, patterns, or - for a list on stdin.",
)
@index_option()
@model_option("align", find_task("retrieval").backends)
@click.option("--read", is_flag=True, help="Read the words in photos, too, so that seetell search finds them by these.")
@click.option("--retry", is_flag=True, help="Retry photos that failed before and have not changed.")
@threads_option()
def index(
    paths: tuple[str, ...],
    location: Path | None,
    model: str,
    read: bool,
    retry: bool,
    threads: int | None,
    **backend: Any,
) -> int:
    """Index photos and films, so that seetell search finds them by what they show.

    Of a film, a frame of each shot is indexed, so that a search names the second; that needs PyAV. Run again, it
    encodes only files that are new or changed, and notices those that were moved or deleted. It may be stopped at any
    moment: the next run resumes there.

    Exit status: 0 all done, 1 some photos or films failed, 2 wrong use.

    Example: seetell index ~/Pictures

    Example: seetell index ~/Documents/scans --read
    """
    from seetell.cli.inputs import Besides, expand, standard_input
    from seetell.cli.progress import Progress
    from seetell.cli.rows import allow_undecodable_names, printable
    from seetell.extras import install_command, is_installed
    from seetell.photos.formats import SkippedFiles
    from seetell.search.location import default_location
    from seetell.search.moments import is_indexed_name
    from seetell.search.photo_index import PhotoIndex
    from seetell.tasks.loading import load_for
    from seetell.video.endings import is_only_video_name

    allow_undecodable_names()
    besides = Besides()
    named = (
        path
        for name in paths
        for path in (
            [name] if os.path.isdir(name) else expand([name], standard_input(), besides, wanted=is_indexed_name)
        )
    )
    named = (besides.file(path) for path in named)
    embedder = load_for(find_task("retrieval"), model, threads=threads, **backend)
    reader = load_for(find_task("read"), threads=threads) if read else None
    with PhotoIndex(location or default_location(), embedder) as photos:
        with Progress(rates=True) as progress:
            done = photos.update(
                named,
                retry=retry,
                progress=lambda done, total: progress("indexing", done, total),
                reader=reader,
                on_reading=lambda done, total: progress("reading", done, total),
            )
        for path, reason in {**done.damaged, **done.failures}.items():
            click.echo(f"{printable(path)}: {printable(reason)}", err=True)
        if read:
            noun = "photo" if done.with_words == 1 else "photos"
            click.echo(f"words were found in {done.with_words:,} more {noun}")
        click.echo(f"{_summary(done)}. The index at {printable(str(photos.location))} has {photos.holdings}.")
        skipped_files = SkippedFiles(besides.skipped_files + done.skipped_files)
        if skipped_files:
            click.echo(f"skipped: {skipped_files}", err=True)
        if any(is_only_video_name(f"film{ending}") for ending in skipped_files) and not is_installed("video"):
            click.echo(f"Films are indexed with PyAV: {install_command('video')}, and run again.", err=True)
        if photos.is_slow:
            click.echo(f"So many are searched faster with faiss: {install_command('search')}, and run again.", err=True)
    return 1 if done.failures or done.damaged else 0


def _summary(done: Update) -> str:
    counts = {
        "added": done.added,
        "changed": done.changed,
        "moved": done.moved,
        "gone": done.missing,
        "failed": len(done.failures),
        "unchanged": done.unchanged,
    }
    summary = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no photos or films found"
    return f"{summary} ({done.failed_before:,} of them failed before)" if done.failed_before else summary
