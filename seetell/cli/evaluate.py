"""``seetell evaluate``: score a model on a data set."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    EXISTING,
    FOLDER_OR_FILE,
    MODEL,
    PRECISION_HELP,
    SPLIT,
    argument,
    backend_values,
    command,
    model_help,
    set_option,
    task_option,
    with_backend_params,
)
from seetell.config import parse_settings
from seetell.errors import UsageError
from seetell.tasks.backends import BACKENDS
from seetell.tasks.registry import Task, find_task, tasks

if TYPE_CHECKING:
    from seetell.tasks.evaluation import Evaluation


@with_backend_params(BACKENDS)
@command("evaluate")
@argument("model", metavar="MODEL", type=MODEL, help=model_help(BACKENDS))
@click.option("--task", "task_name", metavar="TASK", help="Evaluate as this task; the model's own if absent.")
@click.option("--data", type=EXISTING, required=True, help="The data set: a folder or file as for training.")
@click.option("--split", type=SPLIT, default="val", help="The part to score on.")
@click.option("--photos", metavar="DIR", type=EXISTING, help="Folder of the photos, if the data set does not say.")
@click.option("--format", metavar="NAME", help="Format of the data set; detected when absent.")
@click.option("--precision", help=PRECISION_HELP)
@set_option("Replace a setting of the predictor: key=value, such as beam_size=3; repeatable.")
@click.option("--output", "-o", metavar="FILE", type=FOLDER_OR_FILE, help="Write the predictions there as JSON.")
@click.option("--record", is_flag=True, help="Note the scores in the bundle and on its card.")
def evaluate(
    model: str,
    task_name: str | None,
    data: Path,
    split: str,
    photos: Path | None,
    format: str | None,
    precision: str | None,
    settings: tuple[str, ...],
    output: Path | None,
    record: bool,
    **options: Any,
) -> int:
    """Score a model on a data set, and print the scores as JSON.

    A captioner gets coco-caption's metrics; a dense captioner DenseCap's mean average precision, that of the boxes
    alone, and the recall of 50, 100 and 300 proposals; a model of images and sentences R@1, R@5 and R@10 of finding
    sentences by images (annotation) and images by sentences (search). With --boxes, phrases are located too: how often
    a box overlaps the true one by half (R@1) and a point lies within it, beside three baselines.

    Photos that do not open are named and skipped; the exit status is then 1.

    Example: seetell evaluate my-captioner --data my_photos --split val

    Example: seetell evaluate regions --data flickr30k_entities --captions flickr8k
    """
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.picture_options import check_output
    from seetell.cli.progress import Progress
    from seetell.tasks.evaluation import DataOptions
    from seetell.tasks.loading import load_for, task_of

    backend = backend_values(options)
    given = {name: value for name, value in options.items() if value is not None}
    chosen = parse_settings(settings)
    if record and (chosen or precision):
        raise UsageError("--record notes the scores of the bundle as it is; leave out --set and --precision")
    if output is not None:
        check_writable(output, "--output", inputs=[data])
    for option in (option for task in tasks().values() for option in task.evaluate_options):
        if option.writes and option.name in given:
            check_output(given[option.name], [data], torch=False, endings=option.writes, option=_flag(option.name))
    task = _task_for(model, task_of(model) if task_name is None else find_task(task_name), given)
    predictor = load_for(task, model, precision=precision, **backend)
    bundle = getattr(predictor, "bundle", None)
    if record:
        if bundle is None:
            raise UsageError(f"--record notes the scores in a bundle; {model} is none")
        check_writable(bundle.folder / "model.json", "--record")
    with Progress() as progress:
        evaluation: Evaluation = task.load("evaluate")(
            predictor, DataOptions(data, format, photos), split=split, progress=progress, **chosen, **given
        )
    for note in evaluation.notes:
        click.echo(note, err=True)
    for failure in evaluation.failures:
        click.echo(f"skipped {failure}", err=True)
    if output is not None:
        write_file(output, _document(evaluation))
    if record and bundle is not None and not evaluation.failures:
        from seetell.tasks.card import record_scores

        line = f"seetell evaluate {shlex.quote(predictor.name)} --data {data.name} --split {split}"
        line += "".join(f" {_flag(name)} {getattr(value, 'name', value)}" for name, value in given.items())
        record_scores(bundle.folder, split, {**evaluation.scores, "command": line})
    click.echo(json.dumps(evaluation.to_dict()))
    if evaluation.failures:
        reason = "; nothing was recorded" if record else ""
        count = len(evaluation.failures)
        click.echo(
            f"{count} of {count + evaluation.scores['photos']} photos do not open and were skipped{reason}", err=True
        )
        return 1
    return 0


def _task_for(model: str, own: Task, given: Mapping[str, Any]) -> Task:
    """Return the task to evaluate as: the bundle's own, or the one that reads its bundles and has the options given.

    Raises:
        UsageError: there is none.
    """
    takers = [task for task in tasks().values() if {*given} <= {option.name for option in task.evaluate_options}]
    fitting = [task for task in takers if task.name == own.name or own.name in task.reads]
    if own in fitting or not given:
        return own
    if not fitting:
        names = " and ".join(_flag(name) for name in given)
        expected = " or ".join(task.name for task in takers) or "another task"
        raise UsageError(f"{names}: {model} is a model for {own.name}; expected one for {expected}")
    return fitting[0]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _document(evaluation: Evaluation) -> str:
    if evaluation.rows_format == "json":
        return json.dumps(evaluation.rows, ensure_ascii=False, indent=0)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in evaluation.rows)


evaluate.params += {
    option.name: task_option(option) for task in tasks().values() for option in task.evaluate_options
}.values()
