"""``seetell train``: train a model of any task from a recipe."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import FOLDER_OR_FILE, argument, command, set_option
from seetell.cli.completion import Named
from seetell.extras import require

if TYPE_CHECKING:
    from seetell.cli.progress import Progress
    from seetell.training.config import RunConfig
    from seetell.training.loop import TrainingLoop
    from seetell.training.processes import Processes


def _recipe_names() -> list[str]:
    from seetell.training.recipes import shipped_recipes

    return sorted(shipped_recipes())


def _list(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """Print the names of the bundled recipes and what each is, and end."""
    if not wanted or context.resilient_parsing:
        return
    from seetell.training.recipes import described, shipped_recipes

    for name, path in sorted(shipped_recipes().items()):
        click.echo(f"{name}: {described(path)}")
    context.exit()


@command("train")
@argument(
    "recipe",
    metavar="RECIPE",
    type=Named(_recipe_names, path_type=Path),
    help="A YAML file, or the name of a bundled recipe.",
)
@set_option("Replace a field of the recipe: key=value; repeatable.")
@click.option("--output", metavar="DIR", type=FOLDER_OR_FILE, help="Folder of the run; runs/NAME when absent.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List the bundled recipes."
)
@click.option("--restart", is_flag=True, help="Start over instead of resuming a stopped run.")
def train(recipe: Path, settings: tuple[str, ...], output: Path | None, restart: bool) -> None:
    """Train a captioner, a detector, a classifier or a model of any other task.

    The same command again resumes a run that was stopped. Several processes train together as
    torchrun --nproc-per-node 2 -m seetell train RECIPE.

    Example: seetell train photo-folder --set data.path=my_photos
    """
    require("train", "seetell train")
    from seetell.cli.progress import Progress
    from seetell.training.processes import joined_processes

    with joined_processes() as processes:
        first = processes.is_first
        with Progress(shown=first, lines=first) as progress:
            with processes.first_then_others():
                loop = _loop(recipe, settings, output, restart, processes, progress)
            try:
                loop.run()
            except KeyboardInterrupt:
                if first and loop.folder.checkpoint.exists():
                    progress.say(f"stopped at step {loop.step}; the same command resumes from the last checkpoint")
                raise
        if first:
            folder = loop.folder.path
            bundle = folder.resolve().name
            if Path(bundle).exists():
                bundle += "-bundle"
            command = shlex.join(["seetell", "export", str(folder), bundle])
            click.echo(f"Trained: {folder}. Make a bundle of it: {command}")


def _loop(
    recipe: Path,
    settings: tuple[str, ...],
    output: Path | None,
    restart: bool,
    processes: Processes,
    progress: Progress,
) -> TrainingLoop:
    """Read the recipe and the data, and prepare the run; the first process says what it finds."""
    from seetell.tasks.registry import find_task
    from seetell.training.config import load_config
    from seetell.training.loop import TrainingLoop
    from seetell.training.recipes import find_recipe
    from seetell.training.run_folder import RunFolder

    config = load_config(find_recipe(recipe), lambda task: find_task(task).load("config"), settings)
    kind = find_task(config.task).load("train")
    config = kind.complete(config.with_models(_model_folder))
    _check_paths(config)
    folder = output or Path("runs") / config.name
    total = None if config.steps == -1 else config.steps
    dataset = kind.read(config)
    if not processes.is_first:
        return TrainingLoop(kind, config, dataset, folder, processes=processes)
    if restart:
        RunFolder(folder).clear()
    for remark in dataset.remarks:
        progress.say(remark)
    loop = TrainingLoop(
        kind,
        config,
        dataset,
        folder,
        processes=processes,
        on_step=lambda done, loss: progress("training", done, total, note=f", loss {loss:.3f}"),
        on_validation=lambda values: progress.say(_validation(values)),
        on_encoding=lambda done, total: progress("encoding", done, total),
    )
    for path, reason in loop.training.failures.items():
        progress.say(f"skipped {path}: {reason}")
    if loop.step:
        progress.say(f"resuming {folder} at step {loop.step}")
    return loop


def _check_paths(config: RunConfig) -> None:
    from seetell.errors import UsageError

    usual = config.section.DEFAULTS.get("data", {})  # what a task makes itself needs no files
    for name in ("path", "captions", "photos"):
        path = getattr(config.data, name)
        if path is not None and path != usual.get(name) and not os.path.exists(path):
            raise UsageError(f"data.{name}: {path}: no such file or folder; name yours: --set data.{name}=...")


def _validation(values: dict[str, Any]) -> str:
    shown = "  ".join(f"{name} {value:.3f}" for name, value in values.items() if name != "step")
    return f"step {values['step']}: {shown}"


def _model_folder(field: str, name: str) -> str:
    from seetell.errors import UsageError
    from seetell.tasks.loading import find_model

    try:
        return str(find_model(name))
    except UsageError as error:
        raise UsageError(
            f"{field}: {name} is neither the folder of a run or model nor the name of a bundled model; "
            f"make that run first, or name another in {field}"
        ) from error
