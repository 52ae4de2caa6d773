"""``--output`` of commands that predict for videos: a file for one video, what it holds by its ending."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import FOLDER_OR_FILE
from seetell.cli.output_file import check_writable, write_file
from seetell.errors import UsageError
from seetell.results import Shots, Tracks, row
from seetell.tasks.registry import Task
from seetell.video.endings import WRITTEN
from seetell.video.frames import CAMERA, Video
from seetell.video.subtitles import WRITERS

Writer = Callable[[Path, Video, Any], None]
"""Writes the result of a video, which can be read again."""


def _json_line(path: Path, video: Video, result: Any) -> None:
    write_file(path, json.dumps(row(video.name, result, input="video"), ensure_ascii=False) + "\n")


def _csv(path: Path, video: Video, result: Any) -> None:
    from seetell.cli.video_rows import write_table

    table = io.StringIO(newline="")
    write_table(table, video.name, result)
    write_file(path, table.getvalue())


def _mot(path: Path, video: Video, tracks: Tracks) -> None:
    from seetell.data.mot_challenge import mot_lines

    write_file(path, mot_lines(tracks))


def _tracked(path: Path, video: Video, tracks: Tracks) -> None:
    from seetell.drawing.tracks import write_tracked

    write_tracked(path, video, tracks)


def _tracks_page(path: Path, video: Video, tracks: Tracks) -> None:
    from seetell.drawing.tracks_page import tracks_page

    write_file(path, tracks_page(video, tracks, name=_shown(video)))


def _subtitles(path: Path, video: Video, shots: Shots) -> None:
    write_file(path, WRITERS[path.suffix.lower()](shots))


def _shots_page(path: Path, video: Video, shots: Shots) -> None:
    from seetell.drawing.shots_page import shots_page

    write_file(path, shots_page(video, shots, name=_shown(video), beside=path))


def _shown(video: Video) -> str:
    """Return the name of a video without its folder."""
    return os.path.basename(video.name.rstrip("/")) or video.name


OUTPUTS: dict[str, Mapping[str, Writer]] = {
    "tracks": {
        **dict.fromkeys(WRITTEN, _tracked),
        ".html": _tracks_page,
        ".jsonl": _json_line,
        ".csv": _csv,
        ".txt": _mot,
    },
    "shots": {**dict.fromkeys(WRITERS, _subtitles), ".html": _shots_page, ".jsonl": _json_line, ".csv": _csv},
}
"""By the shape of results, what is written for each ending."""

FRAMES_READ_AGAIN = frozenset({*WRITTEN, ".html"})
"""Endings of files that show the video too, not its result alone."""

TOLD = {
    "tracks": "the video with its objects (.mp4, .mkv, .webm), a page with a line of time (.html), JSON (.jsonl), "
    "CSV, or MOT challenge's results (.txt)",
    "shots": "descriptions for players (.vtt, .srt), a page that plays the video with them (.html), JSON (.jsonl) or "
    "CSV",
}
"""By the shape of results, what the help says of it."""


def output_option(task: Task) -> list[click.Option]:
    """Return ``--output`` for a task whose results can be written to a file."""
    if task.result not in OUTPUTS:
        return []
    help = f"Write the result of one video there: {TOLD[task.result]}."
    return [click.Option(["--output", "-o"], metavar="FILE", type=FOLDER_OR_FILE, help=help)]


def check_output(path: Path, task: Task, videos: list[str], *, also_read: Sequence[Path] = ()) -> Writer:
    """Check before any work that a result can be written; return what writes it.

    Args:
        path: the file.
        task: whose result it is.
        videos: that the command reads, or the folders of their pictures.
        also_read: other files that the command reads.

    Raises:
        UsageError: the ending is none of the task's, or not for a camera; there are several videos; or nothing can be
            written there.
    """
    writers = OUTPUTS[task.result]
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"--output {path}: expected a name in {', '.join(writers)}")
    if len(videos) > 1:
        raise UsageError("--output is for one video; name one, or leave it out")
    ending = path.suffix.lower()
    if ending in FRAMES_READ_AGAIN and videos[0].startswith(CAMERA):
        others = ", ".join(each for each in writers if each not in FRAMES_READ_AGAIN)
        raise UsageError(f"--output {path}: what a camera showed cannot be read again; expected a name in {others}")
    if ending in WRITTEN:
        from seetell.extras import require

        require("video", f"--output {path}")
    check_writable(path, "--output", inputs=[*videos, *also_read], video=ending in WRITTEN)
    return writer
