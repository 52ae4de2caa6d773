"""The commands that predict for videos: one for each task of the registry that takes them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import (
    FILES,
    PRECISION_HELP,
    Argument,
    Command,
    Format,
    backend_params,
    backend_values,
    format_option,
    model_option,
    task_option,
    threads_option,
)
from seetell.cli.video_names import named_videos
from seetell.cli.video_outputs import check_output, output_option
from seetell.cli.video_rows import FORMATS, OF_ONE_VIDEO, VideoRows
from seetell.errors import UsageError, VideoError
from seetell.tasks.registry import Task
from seetell.video.frames import CAMERA, Video

LINES = {
    "tracks": "A line is a video, an object with its number and the time from which to which it is seen, and its "
    "score.",
    "shots": "A line is a video, the time from which to which a shot lasts, and what it shows.",
}
"""What a line of text says, by the shape of results."""

VIDEOS = "Video files, folders of them, folders or patterns of pictures (each one video), or camera:0."


def command_for(task: Task) -> Command:
    """Make the command of a task that takes videos.

    Args:
        task: with a ``command``.
    """

    def predict(**values: Any) -> int:
        return _predict(task, **values)

    help = f"{task.summary}\n\n{LINES[task.result]}\n\nExit status: 0 all done, 1 some videos failed or are damaged, "
    help += f"2 wrong use.\n\nExample: {task.example}"
    command = Command(task.command, callback=predict, help=help, short_help=task.summary)
    command.params = [Argument(["words"], nargs=-1, required=True, type=FILES, metavar="VIDEO...", help=VIDEOS)]
    names = ", ".join(task.without_model)
    for decorate in (
        model_option(task.command, task.backends, about=f"{names}, which need no model; or:" if names else ""),
        format_option(*FORMATS[task.result], help="How results are written to standard output."),
    ):
        decorate(command)
    command.params += [task_option(option) for option in task.options]
    command.params += [
        click.Option(["--fps"], type=float, help="Frames a second of pictures; 25 when absent."),
        click.Option(["--precision"], help=PRECISION_HELP),
    ]
    threads_option()(command)
    command.params += [*output_option(task), *backend_params(task.backends)]
    return command


def _predict(
    task: Task,
    *,
    words: tuple[str, ...],
    model: str,
    output_format: Format,
    fps: float | None,
    precision: str | None,
    threads: int | None,
    output: Path | None = None,
    **options: Any,
) -> int:
    """Predict for every video that was named; return the exit status."""
    from seetell.cli.progress import Progress
    from seetell.tasks.loading import load_for
    from seetell.video.frames import open_video

    backend = backend_values(options)
    options = {name: value for name, value in options.items() if value is not None}
    videos = named_videos(words)
    if output_format in OF_ONE_VIDEO and len(videos) > 1:
        raise UsageError(f"--format {output_format.value} is for one video; name one, or choose another format")
    files = [value for value in options.values() if isinstance(value, Path)]
    write = None if output is None else check_output(output, task, videos, also_read=files)
    predictor = load_for(task, model, precision=precision, threads=threads, **backend)
    predictor.check(**options)
    rows = VideoRows(output_format, task.result)
    failed = False
    with Progress(shown=not sys.stdout.isatty(), lines=True, rates=True) as progress:
        for name in videos:
            shown = partial(progress, f"frames of {name}")
            try:
                with open_video(name, fps=fps, threads=predictor.threads) as video, _stopped_by_interrupt(video):
                    result = predictor.predict(video, progress=shown, **options)
                    if output is not None and write is not None:
                        write(output, video, result)
            except VideoError as error:
                failed = True
                rows.write(name, error)
                continue
            rows.write(name, result)
            if result.problem:
                failed = True
                progress.say(f"{name}: {result.problem}")
    return 1 if failed else 0


@contextmanager
def _stopped_by_interrupt(video: Video) -> Iterator[None]:
    """Let Ctrl+C end the reading of a camera, so that the result is written; again it ends the command."""
    if not video.name.startswith(CAMERA):
        yield
        return

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        video.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
