"""The commands that make something of a model alone: one for each task of the registry that is shown nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import (
    FOLDER_OR_FILE,
    MODEL,
    Argument,
    Command,
    Format,
    Number,
    format_option,
    model_help,
    task_option,
    threads_option,
)
from seetell.tasks.registry import Task

LINES = {
    "passage": "The text stands on standard output, an empty line between several.",
    "view": "The views are written to a film, a picture of all of them, or a folder.",
}
"""What a user gets, by the shape of results."""

MADE = {"passage": "characters", "view": "views"}
"""What the progress counts, by the shape of results."""

FPS = 25.0
"""Views a second of a film."""


def command_for(task: Task) -> Command:
    """Make the command of a task that needs nothing but a model.

    Args:
        task: with a ``command``.
    """

    def generate(model: str, threads: int | None, **values: Any) -> None:
        write = _writers[task.result](task, model, values)
        _generate(task, model, threads, write, {name: value for name, value in values.items() if value is not None})

    help = f"{task.summary} {LINES[task.result]}\n\nExample: {task.example}"
    command = Command(task.command, callback=generate, help=help, short_help=task.summary)
    named = Argument(["model"], type=MODEL, metavar="MODEL", help=model_help(task.backends))
    command.params = [named, *(task_option(option) for option in task.options), *_output_params(task)]
    if task.result == "passage":
        format_option(Format.text, Format.jsonl, help="How texts are written to standard output.")(command)
    threads_option()(command)
    return command


def _output_params(task: Task) -> list[click.Option]:
    """Return the options of the files that results are written to."""
    if task.result != "view":
        return []
    from seetell.cli.side_outputs import PICTURES
    from seetell.cli.view_outputs import ANIMATION
    from seetell.video.endings import WRITTEN

    help = f"Write the views there: a film ({', '.join((*WRITTEN, ANIMATION))}), a picture of all "
    help += f"({', '.join(PICTURES)}), or a folder of pictures."
    return [
        click.Option(["--output", "-o"], metavar="FILE", type=FOLDER_OR_FILE, required=True, help=help),
        click.Option(["--fps"], type=Number(min=1, max=120), default=FPS, help="Views a second of a film."),
    ]


Write = Callable[[Iterator[Any]], None]


def _generate(task: Task, model: str, threads: int | None, write: Write, options: dict[str, Any]) -> None:
    from seetell.cli.progress import Progress
    from seetell.tasks.loading import load_for

    generator = load_for(task, model, threads=threads)
    generator.check(**options)
    # what stands on a terminal needs no bar beside it
    shown = task.result != "passage" or not sys.stdout.isatty()
    with Progress(shown=shown, lines=shown, rates=True) as progress:
        made = MADE[task.result]
        write(generator.generate(progress=lambda done, total: progress(made, done, total), **options))


def _passages(task: Task, model: str, values: dict[str, Any]) -> Write:
    """Return what writes texts to standard output, each as soon as it is there."""
    from seetell.cli.rows import allow_undecodable_names, printable

    as_text = values.pop("output_format") is Format.text
    allow_undecodable_names(utf8=not as_text)

    def write(passages: Iterator[Any]) -> None:
        for number, passage in enumerate(passages):
            if as_text:
                lines = ("\t".join(map(printable, line.split("\t"))) for line in passage.text.split("\n"))
                sys.stdout.write("\n" * (number > 0) + "\n".join(lines) + "\n")
            else:
                sys.stdout.write(json.dumps(passage.to_dict(), ensure_ascii=False) + "\n")
            sys.stdout.flush()

    return write


def _views(task: Task, model: str, values: dict[str, Any]) -> Write:
    """Return what writes views to a file, after checking that it can."""
    from seetell.cli.view_outputs import check_views_output, write_views

    output: Path = values.pop("output")
    fps: float = values.pop("fps")
    check_views_output(output, inputs=[model])
    return lambda views: write_views(output, (view.pixels for view in views), fps=fps)


_writers: dict[str, Callable[[Task, str, dict[str, Any]], Write]] = {"passage": _passages, "view": _views}
"""By the shape of results, what takes the options of the output out of a command's values, and returns what writes."""
