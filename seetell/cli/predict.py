"""The commands that predict: one for each task of the registry that has one, made from its declaration."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FILES,
    POSITIVE,
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
from seetell.cli.side_outputs import SideOutput, side_outputs
from seetell.errors import PhotoError, UsageError
from seetell.tasks.registry import Task

if TYPE_CHECKING:
    from seetell.cli.inputs import Besides

LINES = {
    "text": "A line is a photo and its caption.",
    "regions": "A line is a photo, a phrase, its score, and the box's left, top, right and bottom in pixels.",
    "labels": "A line is a photo, a label and its probability.",
}


WRITTEN = {"text": "captions", "regions": "regions", "labels": "labels"}
"""How the documentation names files of results, by their shape."""


def command_for(task: Task) -> Command:
    """Make the command of a task.

    Args:
        task: with a ``command``.
    """
    outputs = side_outputs(task)
    taken = {option.name for option, _ in outputs}  # --attention DIR stands for the option attention, too

    def predict(**values: Any) -> int:
        asked = [make(option.opts[0], values.pop(str(option.name))) for option, make in outputs]
        return _predict(task, [output for output in asked if output.value], **values)

    declared = [task_option(option) for option in task.options if option.name not in taken]
    command = Command(task.command, callback=predict, help=_help(task), short_help=task.summary)
    command.params = [_argument(task), *([_captions(task)] if task.text_input else [])]
    for decorate in (
        model_option(task.command, task.backends),
        format_option(Format.text, Format.jsonl, Format.csv, help="How results are written."),
    ):
        decorate(command)
    command.params += declared
    command.params += [
        click.Option(["--precision"], help=PRECISION_HELP),
        click.Option(["--batch-size"], type=POSITIVE, help="Photos per batch; the model's own choice when absent."),
    ]
    threads_option()(command)
    command.params += [*backend_params(task.backends), *(option for option, _ in outputs)]
    return command


def _help(task: Task) -> str:
    another = f"seetell {task.command} photos/ --format jsonl > {WRITTEN[task.result]}.jsonl"
    if task.text_input:
        another = f"seetell caption photos/ --format jsonl | seetell {task.command} --captions -"
    return (
        f"{task.summary}\n\n{LINES[task.result]}\n\nExit status: 0 all done, 1 some photos failed, 2 wrong use.\n\n"
        f"Example: {task.example}\n\nExample: {another}"
    )


def _argument(task: Task) -> Argument:
    help = "Files, folders, patterns, or - for a list on standard input."
    if not task.text_input:
        return Argument(["words"], nargs=-1, required=True, type=FILES, metavar="PHOTO...", help=help)
    metavar = f"PHOTO... {task.text_input.upper()}"
    return Argument(
        ["words"], nargs=-1, type=FILES, metavar=metavar, help=f"{help[:-1]}; and last, the {task.text_input}."
    )


def _captions(task: Task) -> click.Option:
    return click.Option(
        ["--captions"],
        metavar="FILE",
        type=FILES,
        help=f"Instead of photos and a {task.text_input}: JSON lines with image and caption, as seetell caption writes "
        "them; - for standard input.",
    )


def _predict(
    task: Task,
    outputs: Sequence[SideOutput],
    *,
    words: tuple[str, ...],
    model: str,
    output_format: Format,
    precision: str | None,
    batch_size: int | None,
    threads: int | None,
    captions: str | None = None,
    **options: Any,
) -> int:
    """Predict for every image that was named; return the exit status."""
    loading = backend_values(options)
    for output in outputs:
        output.check(outputs)
        options |= output.options
    options = {name: value for name, value in options.items() if value is not None}
    from seetell.cli.inputs import Besides

    besides = Besides()
    items, total = _items(task, words, captions, outputs, besides)
    if total == 0:
        return 0

    from seetell.cli.progress import Progress
    from seetell.cli.rows import Rows
    from seetell.results import row
    from seetell.tasks.loading import load_for

    predictor = load_for(task, model, precision=precision, threads=threads, **loading)
    predictor.check(**options)
    if task.text_input and captions is None:
        _tell(predictor.check_text(words[-1]))
    read: deque[tuple[str, str]] = deque()

    def inputs() -> Iterator[Any]:
        for image, text in items:
            read.append((image, text))
            source = besides.source(image)
            if source is besides.photo and outputs:
                raise UsageError(f"{outputs[0].option} is for photos in files; name the file instead of -")
            yield (source, text) if task.text_input else source

    results = predictor.predict_many(inputs(), batch_size=batch_size, **options)
    failed = False
    with ExitStack() as opened, Progress(shown=not sys.stdout.isatty()) as progress:
        for output in outputs:
            output.open(predictor, opened)
        rows = Rows(output_format, task.result)
        for done, result in enumerate(results, 1):
            image, text = read.popleft()
            if captions is not None and not isinstance(result, PhotoError):
                try:
                    _tell(predictor.check_text(text), image)
                except UsageError as error:
                    result = PhotoError(str(error))
            files: dict[str, str] = {}
            for output in outputs:
                try:
                    output.add(image, result, files)
                except PhotoError as error:
                    result, files = error, {}
            rows.write({"image": image, **({task.text_input: text} if text else {}), **row(image, result), **files})
            failed = failed or isinstance(result, PhotoError)
            progress("photos", done, total)
    if besides.skipped_files:
        click.echo(f"skipped: {besides.skipped_files}", err=True)
    return 1 if failed else 0


def _tell(note: str, image: str = "") -> None:
    """Write what a user should know of how a text is read to standard error."""
    from seetell.cli.rows import printable

    if note:
        click.echo(printable(f"{image}: {note}" if image else note), err=True)


def _items(
    task: Task, words: tuple[str, ...], captions: str | None, outputs: Sequence[SideOutput], besides: Besides
) -> tuple[Iterator[tuple[str, str]], int | None]:
    """Return the images, each with its text or an empty one, and how many there are, if that can be known.

    Raises:
        UsageError: there are none, or a text that is needed is missing.
    """
    from seetell.cli.inputs import STANDARD_INPUT, at_least_one, expand, standard_input

    total = None
    if captions is not None:
        if words:
            raise UsageError(f"name photos and a {task.text_input}, or --captions, but not both")
        pairs: Iterator[tuple[str, str]] = _captions_of(captions)
        if captions != STANDARD_INPUT:  # so that a line that is wrong is told before the work
            known = list(pairs)
            pairs, total = iter(known), len(known)
    else:
        text = ""
        if task.text_input:
            if len(words) < 2 or not words[-1].strip():
                raise UsageError(f"name a photo and a {task.text_input}, or --captions; for example: {task.example}")
            *paths, text = words
        else:
            paths = list(words)
        images = expand(paths, standard_input(), besides)
        if STANDARD_INPUT not in paths:
            found = list(images)
            images, total = iter(found), len(found)
        pairs = ((image, text) for image in at_least_one(images, paths, besides))
    for output in outputs:
        pairs = output.select(pairs)
    if total is not None:
        selected = list(pairs)
        pairs, total = iter(selected), len(selected)
    return pairs, total


def _captions_of(file: str) -> Iterator[tuple[str, str]]:
    """Yield images and their captions; rows with an error, or whose caption is withheld, are skipped.

    Raises:
        UsageError: the file cannot be read, or a line is not such an object.
    """
    from seetell.cli.inputs import STANDARD_INPUT, standard_input

    try:
        with nullcontext(standard_input()) if file == STANDARD_INPUT else open(file, "rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    content = json.loads(line)
                    if "error" not in content and "reason" not in content:
                        yield str(content["image"]), str(content["caption"])
                except (ValueError, TypeError, KeyError) as error:
                    raise UsageError(
                        f"--captions {file}, line {number}: expected a JSON object with image and caption"
                    ) from error
    except OSError as error:
        raise UsageError(f"--captions {file}: cannot be read ({error.strerror})") from error
