"""``seetell export``: make a bundle of a finished training run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seetell.cli.command import FOLDER_OR_FILE, MODEL, argument, command, set_option
from seetell.extras import require

if TYPE_CHECKING:
    from seetell.tasks.registry import Task


@command("export")
@argument("run", metavar="RUN", type=FOLDER_OR_FILE, help="Folder of a training run, such as runs/my-captioner.")
@argument("bundle", metavar="BUNDLE", type=FOLDER_OR_FILE, help="Folder to write the bundle to.")
@click.option("--name", help="Name of the bundle; the recipe's when absent.")
@click.option(
    "--precision",
    multiple=True,
    help="Encoders to write: int8, fp32; the first is the default; both when absent; repeatable.",
)
@set_option("Replace a decoding default: key=value, such as beam_size=3; repeatable.")
@click.option("--encoder-of", metavar="MODEL", type=MODEL, help="Use the encoder of this model instead of writing one.")
@click.option("--force", is_flag=True, help="Replace the folder if it exists.")
def export(
    run: Path,
    bundle: Path,
    name: str | None,
    precision: tuple[str, ...],
    settings: tuple[str, ...],
    encoder_of: str | None,
    force: bool,
) -> None:
    """Make a bundle that runs without torch, and verify that its outputs match the trained model's.

    Example: seetell export runs/my-captioner my-captioner
    """
    require("train", "seetell export")
    from seetell.config import parse_settings
    from seetell.export.exporter import PRECISIONS, export_run
    from seetell.tasks.registry import find_task

    description = export_run(
        run,
        bundle,
        find_task=find_task,
        name=name,
        precisions=precision or PRECISIONS,
        decoding=parse_settings(settings),
        encoder_of=encoder_of,
        replace=force,
    )
    for measured, value in description["parity"].items():
        click.echo(f"{measured}: {value:.2g}", err=True)
    size = sum(path.stat().st_size for path in bundle.iterdir())
    task = find_task(description["task"])
    hint = f" Try it: {_example(task, run)} --model {shlex.quote(str(bundle))}" if task.command else ""
    click.echo(f"{bundle}: {size / 1e6:.1f} MB.{hint}")


def _example(task: Task, run: Path) -> str:
    """Return a command for the photos that the run was trained on, or the task's example."""
    from seetell.config import read_yaml

    if task.text_input:
        return task.example
    data = (read_yaml(run / "recipe.yaml").get("data") or {}).get("path") or ""
    return f"seetell {task.command} {shlex.quote(data)}" if Path(data).is_dir() else task.example
