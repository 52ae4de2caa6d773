"""The commands that predict: one for each task of the registry that has one, made from its declaration."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

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
from seetell.cli.output_rows import RowsOption, items_named, output_options, take_output
from seetell.cli.side_output import SideOutput
from seetell.cli.side_outputs import side_outputs
from seetell.errors import PhotoError, UsageError
from seetell.tasks.registry import Task, find_task

if TYPE_CHECKING:
    from seetell.bulk.executors import Done, Executor, PredictorSpec
    from seetell.bulk.items import Item, Shard
    from seetell.bulk.run import Fields
    from seetell.cli.named_items import NamedItems
    from seetell.cli.progress import Progress
    from seetell.photos.opening import PhotoSource

LINES = {
    "text": "A line is a photo and its caption.",
    "regions": "A line is a photo, a phrase, its score, and the box's left, top, right and bottom in pixels.",
    "labels": "A line is a photo, a label and its probability.",
    "masks": "A line is a photo, what is there, its share of the photo, its score, and the left, top, right and bottom "
    "of the box around it in pixels.",
}


WRITTEN = {"text": "captions", "regions": "regions", "labels": "labels", "masks": "masks"}
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
        asked = [output for output in asked if output.value]
        source = click.get_current_context().get_parameter_source
        for name, value in [default for output in asked for default in output.defaults(values["model"]).items()]:
            if source(name) is ParameterSource.DEFAULT:
                values[name] = value
        rows, drawing = take_output(task, values, asked)
        return _predict(task, [*asked, *([drawing] if drawing else [])], rows, **values)

    declared = [task_option(option) for option in task.options if option.name not in taken]
    command = Command(task.command, callback=predict, help=_help(task), short_help=task.summary)
    command.params = [_argument(task), *([_captions(task)] if task.text_input else [])]
    for decorate in (
        model_option(task.command, task.backends),
        format_option(*_formats(task), help="How results are written to standard output."),
    ):
        decorate(command)
    command.params += declared
    command.params += [
        click.Option(["--precision"], help=PRECISION_HELP),
        click.Option(["--batch-size"], type=POSITIVE, help="Photos per batch; the model's own choice when absent."),
    ]
    threads_option()(command)
    command.params += [*output_options(task), *backend_params(task.backends), *(option for option, _ in outputs)]
    return command


def _formats(task: Task) -> tuple[Format, ...]:
    """Return the formats of standard output; what is in a photo can be counted where no sentence names it."""
    counts = [Format.counts] if task.result == "regions" and not task.text_input else []
    return (Format.text, *counts, Format.jsonl, Format.csv)


def _help(task: Task) -> str:
    another = f"seetell {task.command} photos/ --output {WRITTEN[task.result]}.jsonl"
    if task.text_input:
        another = f"seetell caption photos/ --format jsonl | seetell {task.command} --captions -"
    videos = f" Videos are taken too: see seetell {find_task(task.videos).command}." if task.videos else ""
    return (
        f"{task.summary}{videos}\n\n{LINES[task.result]}\n\n"
        f"Exit status: 0 all done, 1 some photos failed, 2 wrong use.\n\nExample: {task.example}\n\nExample: {another}"
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
    to_files: RowsOption | None,
    *,
    words: tuple[str, ...],
    model: str,
    output_format: Format,
    precision: str | None,
    batch_size: int | None,
    threads: int | None,
    shard: Shard,
    captions: str | None = None,
    **options: Any,
) -> int:
    """Predict for every image that was named; return the exit status."""
    loading = {"precision": precision, "threads": threads, **backend_values(options)}
    for output in outputs:
        output.check(outputs, options)
        options |= output.options
    if to_files is not None:
        to_files.check(task, outputs, output_format)
    from seetell.bulk.executors import PredictorSpec
    from seetell.cli.named_items import NamedItems

    options = {name: value for name, value in options.items() if value is not None}
    spec = PredictorSpec(task.name, model, loading, options, batch_size)
    named = NamedItems(task, words, captions, shard)
    text = words[-1] if task.text_input and captions is None else ""
    files_only = next((output.option for output in outputs), "" if to_files is None else "--output")
    work = _Work(task, outputs, spec, named, text, files_only)
    failed = work.to_standard_output(output_format) if to_files is None else work.to_files(to_files)
    if named.besides.skipped_files:
        click.echo(f"skipped: {named.besides.skipped_files}", err=True)
    if count := named.without_caption:
        click.echo(f"--captions: {count:,} row{'s' * (count > 1)} without a caption, failed or withheld", err=True)
    return 1 if failed else 0


@dataclass(frozen=True)
class _Work:
    """What a command has to do.

    Attributes:
        task: whose command it is.
        outputs: what is made besides rows.
        spec: loads the model.
        named: the images.
        text: that goes with all of them; empty where they have texts of their own, or none.
        files_only: an option that takes no photo on standard input, or empty.
    """

    task: Task
    outputs: Sequence[SideOutput]
    spec: PredictorSpec
    named: NamedItems
    text: str
    files_only: str

    def to_standard_output(self, output_format: Format) -> int:
        """Write rows to standard output as they come; return how many failed."""
        from seetell.cli.progress import Progress
        from seetell.cli.rows import Rows

        selected: Iterator[Item] = iter(self.named)
        for output in self.outputs:
            selected = output.select(selected)
        total = None
        if not self.named.once:
            known = list(selected)
            selected, total = iter(known), len(known)
        if total == 0:
            return 0
        rows = Rows(output_format, self.task.result)
        with Progress(shown=not sys.stdout.isatty()) as progress:
            return self._run(enumerate(selected), lambda position, row: rows.write(row), progress, total)

    def to_files(self, option: RowsOption) -> int:
        """Write rows to files, which have those of earlier runs; return how many failed."""
        from seetell.cli.progress import Progress

        named: Iterable[Item] = _Lacking(self.named, self.outputs) if option.skip_existing else self.named
        with option.open(self.task, self.spec, self.outputs) as rows:
            total, pending = (None, None) if self.named.once else rows.count(named)
            with Progress(lines=True, rates=True) as progress:
                if pending != 0:
                    before = 0 if total is None or pending is None else total - pending
                    executor = option.executor(self.spec, check_texts=bool(self.task.text_input))
                    pending_items = rows.pending(named)
                    self._run(pending_items, rows.write, progress, total, before=before, executor=executor)
                summary = rows.finish()
        option.tell(summary, self.task)
        return summary.failed

    def _run(
        self,
        pending: Iterator[tuple[int, Item]],
        write: Callable[[int, Mapping[str, Any]], None],
        progress: Progress,
        total: int | None,
        *,
        before: int = 0,
        executor: Executor | None = None,
    ) -> int:
        from seetell.bulk.run import run

        kind, predictor = items_named(self.task), None
        if executor is None:
            predictor = self.spec.load()
            executor = self._local(predictor)
        with ExitStack() as opened:
            for output in self.outputs:
                output.open(predictor, opened)
            return run(
                pending,
                executor,
                write,
                text_input=self.task.text_input,
                add=self._add,
                progress=lambda done, total: progress(kind, done, total),
                total=total,
                before=before,
            )

    def _local(self, predictor: Any) -> Executor:
        """Return what predicts in this process, after checking the text that goes with all images."""
        from seetell.bulk.executors import Local

        if self.text:
            _tell(predictor.check_text(self.text))
        check_texts = bool(self.task.text_input and not self.text)
        return Local(predictor, self.spec, source=self._source, check_texts=check_texts)

    def _source(self, image: str) -> PhotoSource:
        """Return what to open for an image: the file, what is at the address, or what standard input is."""
        from seetell.photos.remote import source

        opened = self.named.besides.source(image)
        if opened is self.named.besides.photo and self.files_only:
            raise UsageError(f"{self.files_only} is for photos in files; name the file instead of -")
        return source(opened) if isinstance(opened, str) else opened

    def _add(self, done: Done, fields: Fields) -> Done:
        """Make the side outputs of a result; return it, or an error where one cannot be made."""
        _tell(done.note, done.item.image)
        _tell(getattr(done.result, "problem", ""), done.item.image)
        for output in self.outputs:
            try:
                done = done._replace(result=output.change(done.item.image, done.result))
            except PhotoError as error:
                done = done._replace(result=error)
        for output in self.outputs:
            try:
                output.add(done.item.image, done.result, fields)
            except PhotoError as error:
                done = done._replace(result=error)
                fields.clear()
        return done


@dataclass(frozen=True)
class _Lacking:
    """The items whose images lack a side output, looked for each time they are gone through."""

    items: Iterable[Item]
    outputs: Sequence[SideOutput]

    def __iter__(self) -> Iterator[Item]:
        for item in self.items:
            if not self.outputs or not all(output.is_there(item.image) for output in self.outputs):
                yield item


def _tell(note: str, image: str = "") -> None:
    """Write what a user should know of a result to standard error, such as how a text is read."""
    from seetell.cli.rows import printable

    if note:
        click.echo(printable(f"{image}: {note}" if image else note), err=True)
