"""``seetell train``: train a captioner, an aligner, a grounder or a dense captioner from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import FOLDER_OR_FILE, argument, command, set_option


@command("train")
@argument(
    "recipe",
    metavar="RECIPE",
    type=FOLDER_OR_FILE,
    help="A YAML file, or the name of a bundled recipe.",
)
@set_option("Replace a field of the recipe: key=value; repeatable.")
@click.option("--output", metavar="DIR", type=FOLDER_OR_FILE, help="Folder of the run; runs/NAME when absent.")
@click.option("--restart", is_flag=True, help="Start over instead of resuming a stopped run.")
def train(recipe: Path, settings: tuple[str, ...], output: Path | None, restart: bool) -> None:
    """Train a captioner, an aligner, a grounder or a dense captioner.

    The same command again resumes a run that was stopped.

    Example: seetell train photo-folder --set data.path=my_photos
    """
    import dataclasses

    from seetell.cli.progress import Progress
    from seetell.tasks.grounding.config import GroundingRecipe
    from seetell.training.config import Recipe, find_recipe
    from seetell.training.recipe_kinds import load_any_recipe
    from seetell.training.run_folder import RunFolder

    chosen = load_any_recipe(find_recipe(recipe), settings)
    if chosen.start_from:
        chosen = dataclasses.replace(chosen, start_from=_model_folder("start_from", chosen.start_from))
    if isinstance(chosen, Recipe):
        teachers = tuple(_model_folder("distillation.teachers", name) for name in chosen.distillation.teachers)
        chosen = dataclasses.replace(chosen, distillation=dataclasses.replace(chosen.distillation, teachers=teachers))
    folder = output or Path("runs") / chosen.name
    total = None if chosen.steps == -1 else chosen.steps
    dataset, make = _dataset_and_trainer(chosen)
    if restart:
        RunFolder(folder).clear()
    with Progress() as progress:
        for note in dataset.notes:
            progress.say(note)
        for problem in dataset.problems[:5]:
            progress.say(f"{problem.where}: {problem.message}")
        if len(dataset.problems) > 5:
            progress.say(f"… {len(dataset.problems) - 5} more; see: seetell data check {dataset.source}")
        trainer = make(
            folder,
            on_step=lambda done, loss: progress("training", done, total, note=f", loss {loss:.3f}"),
            on_validation=lambda values: progress.say(_validation(values)),
            on_encoding=lambda done, total: progress("encoding", done, total),
        )
        for path, reason in trainer.failures.items():
            progress.say(f"skipped {path}: {reason}")
        if trainer.step:
            progress.say(f"resuming {folder} at step {trainer.step}")
        trainer.run()
    export = f"{folder} {chosen.name}"
    if isinstance(chosen, GroundingRecipe):
        export = f"{chosen.start_from} {Path(chosen.start_from).name} --grounding {folder}"
    click.echo(f"Trained: {folder}. Make a bundle of it: seetell export {export}")


def _validation(values: dict[str, Any]) -> str:
    shown = "  ".join(f"{name} {value:.3f}" for name, value in values.items() if name != "step")
    return f"step {values['step']}: {shown}"


def _dataset_and_trainer(recipe: Any) -> tuple[Any, Callable[..., Any]]:
    """Read what a recipe names; return it and what makes the trainer of its kind."""
    from functools import partial

    from seetell.data import read
    from seetell.data.entities import read_entities
    from seetell.data.regions import read_regions
    from seetell.tasks.captioning.train import Trainer
    from seetell.tasks.dense_captioning.config import DenseRecipe
    from seetell.tasks.dense_captioning.train import DenseTrainer
    from seetell.tasks.grounding.config import GroundingRecipe
    from seetell.tasks.grounding.train import GroundingTrainer
    from seetell.tasks.retrieval.config import AlignmentRecipe
    from seetell.tasks.retrieval.train import AlignmentTrainer
    from seetell.tasks.retrieval.trained import load_trained_aligner
    from seetell.training.run_folder import RunFolder

    aligner = load_trained_aligner(RunFolder(Path(recipe.start_from))) if isinstance(recipe, GroundingRecipe) else None
    data: Any = recipe.data if aligner is None else aligner.recipe.data
    options: dict[str, Any] = {"format": data.format, "photos": data.photos, "split_seed": data.split_seed}
    if isinstance(recipe, DenseRecipe):
        regions = read_regions(data.path, captions=data.captions, **options)
        return regions, partial(DenseTrainer, recipe, regions)
    dataset = read(data.path, **options)
    if aligner is not None:
        return dataset, partial(GroundingTrainer, recipe, aligner, read_entities(recipe.boxes, dataset))
    return dataset, partial(AlignmentTrainer if isinstance(recipe, AlignmentRecipe) else Trainer, recipe, dataset)


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
