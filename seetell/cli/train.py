"""``seetell train``: train a captioner, an aligner, a grounder or a dense captioner from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe: a YAML file, or the name of one that ships with seetell.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe: key=value, as often as needed.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME when absent.")] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start over instead of going on with a stopped run.")
    ] = False,
) -> None:
    """Train a captioner, an aligner, a grounder or a dense captioner.

    The same command again goes on with a run that was stopped.

    Example: seetell train photo-folder --set data.path=my_photos
    """
    import dataclasses

    from seetell.cli.training_progress import TrainingProgress
    from seetell.tasks.grounding.config import GroundingRecipe
    from seetell.training.config import Recipe, find_recipe
    from seetell.training.recipe_kinds import load_any_recipe
    from seetell.training.run_folder import RunFolder

    chosen = load_any_recipe(find_recipe(recipe), settings or [])
    if chosen.start_from:
        chosen = dataclasses.replace(chosen, start_from=_model_folder("start_from", chosen.start_from))
    if isinstance(chosen, Recipe):
        teachers = tuple(_model_folder("distillation.teachers", name) for name in chosen.distillation.teachers)
        chosen = dataclasses.replace(chosen, distillation=dataclasses.replace(chosen.distillation, teachers=teachers))
    folder = output or Path("runs") / chosen.name
    dataset, make = _dataset_and_trainer(chosen)
    if restart:
        RunFolder(folder).clear()
    with TrainingProgress(chosen.steps) as progress:
        for note in dataset.notes:
            progress.say(note)
        for problem in dataset.problems[:5]:
            progress.say(f"{problem.where}: {problem.message}")
        if len(dataset.problems) > 5:
            progress.say(f"… {len(dataset.problems) - 5} more; see: seetell data check {dataset.source}")
        trainer = make(
            folder,
            on_step=progress.step,
            on_validation=progress.validation,
            on_encoding=progress.encoding,
        )
        for path, reason in trainer.failures.items():
            progress.say(f"left out {path}: {reason}")
        if trainer.step:
            progress.say(f"going on at step {trainer.step} of {folder}")
        trainer.run()
    export = f"{folder} {chosen.name}"
    if isinstance(chosen, GroundingRecipe):
        export = f"{chosen.start_from} {Path(chosen.start_from).name} --grounding {folder}"
    typer.echo(f"Trained: {folder}. Make a bundle of it: seetell export {export}")


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
    from seetell.runtime.bundle import find

    try:
        return str(find(name))
    except UsageError as error:
        raise UsageError(
            f"{field}: {name} is neither the folder of a run or model nor the name of a bundled model; "
            f"make that run first, or name another in {field}"
        ) from error
