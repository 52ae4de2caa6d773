"""``--output`` of commands that predict: files and folders of rows, which a later run resumes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.bulk.formats import ENDINGS
from seetell.bulk.items import Shard
from seetell.bulk.part_folder import ROWS_PER_FILE
from seetell.cli.command import FILES, POSITIVE, Format
from seetell.cli.output_file import check_writable
from seetell.cli.rows import printable
from seetell.cli.side_output import SideOutput
from seetell.cli.side_outputs import Drawing, side_outputs
from seetell.errors import UsageError
from seetell.extras import require
from seetell.tasks.registry import Task

if TYPE_CHECKING:
    from seetell.bulk.executors import Executor, PredictorSpec
    from seetell.bulk.outputs import Output, Summary


def _shard(context: click.Context, parameter: click.Parameter, value: str | None) -> Shard:
    try:
        return Shard() if value is None else Shard.parse(value)
    except UsageError as error:
        raise UsageError(f"--shard: {error}") from error


def output_options(task: Task) -> list[click.Option]:
    """Return the options by which rows are written to files rather than to standard output."""
    one = "" if task.result == "text" else " A name in .png, .jpg or .html instead shows the result of one photo."
    return [
        click.Option(
            ["--output", "-o"],
            metavar="FILE",
            type=FILES,
            help="Write the rows there: a name in .jsonl, .csv or .parquet, or a folder/ of several files. Run again, "
            f"it does only what is missing.{one}",
        ),
        click.Option(["--retry"], is_flag=True, help="With --output: do the photos that failed again."),
        click.Option(["--skip-existing"], is_flag=True, help=_skip_help(task)),
        click.Option(
            ["--rows-per-file"],
            type=POSITIVE,
            help=f"With --output: make it a folder of numbered files of so many rows; {ROWS_PER_FILE:,} in a folder/.",
        ),
        click.Option(
            ["--shard"],
            metavar="I/N",
            callback=_shard,
            help="Do only the I-th of N parts of the photos, as one of N machines.",
        ),
        click.Option(
            ["--on"],
            type=click.Choice(["local", "ray"]),
            default="local",
            help="With --output: where the model runs, in this process or on a cluster of Ray.",
        ),
        click.Option(
            ["--workers"],
            type=POSITIVE,
            help="With --on ray: copies of the model at most; as many as the cluster has room for when absent.",
        ),
    ]


def _skip_help(task: Task) -> str:
    text = "Skip photos that have a row in the output, as is done anyway"
    return f"{text}." if task.result != "text" else f"{text}, and those that have all metadata that is asked for."


@dataclass(frozen=True)
class RowsOption:
    """What was asked for by :func:`output_options`.

    Attributes:
        path: the file or folder.
        rows_per_file: of a folder's files.
        shard: the part of the photos.
        retry: do again what failed.
        skip_existing: skip photos that have all metadata that is asked for, though they have no row.
        on: where the model runs, ``local`` or ``ray``.
        workers: copies of the model at most, if that is said.
    """

    path: str
    rows_per_file: int | None
    shard: Shard
    retry: bool
    skip_existing: bool
    on: str
    workers: int | None

    def check(self, task: Task, outputs: Sequence[SideOutput], output_format: Format) -> None:
        """Check before any work that rows can be written there, and nothing contradicts that.

        Raises:
            UsageError: they cannot, or something does.
        """
        from seetell.bulk.opening import is_folder

        if self.on == "ray":
            require("ray", "--on ray")
        elif self.workers is not None:
            raise UsageError("--workers is for --on ray; --threads says how many processors are used here")
        path, ending = Path(self.path), Path(self.path).suffix
        folder = is_folder(self.path, self.rows_per_file)
        if ending not in (*ENDINGS, *([""] if folder else [])):
            drawn = "" if task.result == "text" else ", or .png, .jpg or .html to show the result of one photo"
            expected = f"a name that ends in {', '.join(ENDINGS)}, or a folder/{drawn}"
            raise UsageError(f"--output {self.path}: expected {expected}")
        for output in outputs:
            if output.whole_run:
                raise UsageError(
                    f"{output.option} shows all photos of a run, and --output {self.path} is resumed by a later one; "
                    "leave one of them out"
                )
        if output_format is not Format.text and ending != f".{output_format.value}":
            raise UsageError(f"--format says how standard output is written; --output {self.path} has its own format")
        if not folder:
            if path.exists() and not path.is_file():
                raise UsageError(f"--output {self.path}: is no file; rows go to files, in which later runs go on")
            check_writable(path, "--output")
        elif not path.parent.is_dir():
            raise UsageError(f"--output {self.path}: there is no folder {path.parent}; make it first")
        elif path.exists() and not path.is_dir():
            raise UsageError(f"--output {self.path}: is a file; expected the name of a folder, for --rows-per-file")
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"--output {self.path}: nothing can be written there; name another place")

    def open(self, task: Task, spec: PredictorSpec, outputs: Sequence[SideOutput]) -> Output:
        """Open the output; see :func:`seetell.bulk.opening.open_output`.

        Args:
            task: whose results the rows are.
            spec: loads the model.
            outputs: what is made besides rows.
        """
        from seetell.bulk.opening import open_output

        settings = spec.settings()
        changed_by = {output.option.removeprefix("--"): output.value for output in outputs if output.changes_results}
        settings = replace(settings, options={**settings.options, **changed_by})
        return open_output(
            self.path, settings, task, rows_per_file=self.rows_per_file, shard=self.shard, retry=self.retry
        )

    def executor(self, spec: PredictorSpec, *, check_texts: bool) -> Executor | None:
        """Return what predicts; ``None`` where this process does.

        Args:
            spec: loads the model.
            check_texts: check the text of each item.
        """
        if self.on == "local":
            return None
        from seetell.bulk.on_ray import OnRay

        return OnRay(spec, workers=self.workers, check_texts=check_texts)

    def tell(self, summary: Summary, task: Task) -> None:
        """Say on standard error what there is now."""
        failed = ""
        if summary.failed:
            failed = f", {summary.failed:,} of them failed: {summary.failures}; --retry does them again"
        rows = f"{summary.rows:,} {items_named(task, summary.rows)}"
        print(printable(f"{self.path}: {rows}{failed}"), file=sys.stderr)


def items_named(task: Task, count: int = 0) -> str:
    """Return what a task predicts for, as people call it where there are so many."""
    noun = ("pair" if task.text_input else "photo") + ("" if count == 1 else "s")
    return f"{noun} of photo and {task.text_input}" if task.text_input else noun


def take_output(
    task: Task, values: dict[str, Any], asked: Sequence[SideOutput]
) -> tuple[RowsOption | None, Drawing | None]:
    """Take the options of :func:`output_options`, but for the shard, out of a command's values.

    Args:
        task: whose command it is.
        values: of its options.
        asked: the side outputs that were asked for.

    Returns:
        What ``--output`` stands for: rows, or a drawing of one result.

    Raises:
        UsageError: an option of rows is given without them, or there is nothing by which photos could be skipped.
    """
    path, skip_existing = values.pop("output"), values.pop("skip_existing")
    of_rows = {name: values.pop(name) for name in ("rows_per_file", "retry", "on", "workers")}
    if path is not None and (task.result == "text" or os.path.isdir(path) or not Drawing.makes(Path(path))):
        return RowsOption(path, shard=values["shard"], skip_existing=skip_existing, **of_rows), None
    for name, value in of_rows.items():
        if value and value != "local":
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for rows in files; give --output, such as --output rows.jsonl")
    if skip_existing and not any(output.skips for output in asked):
        able = [option.opts[0] for option, make in side_outputs(task) if make.skips]
        raise UsageError(
            f"--skip-existing: nothing tells which photos are done; give {' or '.join(['--output ROWS', *able])}, too"
        )
    return None, None if path is None else Drawing("--output", Path(path))
