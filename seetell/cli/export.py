"""``seetell export``: make a bundle of a finished training run."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import FOLDER_OR_FILE, argument, command, parse_settings, set_option


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
@click.option(
    "--encoder-of", metavar="MODEL", help="Of an aligner: use the encoder of this captioner instead of writing one."
)
@click.option(
    "--grounding", metavar="RUN", type=FOLDER_OR_FILE, help="Of an aligner: the run of a grounder trained for it."
)
@click.option("--force", is_flag=True, help="Replace the folder if it is there.")
def export(
    run: Path,
    bundle: Path,
    name: str | None,
    precision: tuple[str, ...],
    settings: tuple[str, ...],
    encoder_of: str | None,
    grounding: Path | None,
    force: bool,
) -> None:
    """Make a bundle that runs without torch, and verify that its outputs match the trained model's.

    Example: seetell export runs/my-captioner my-captioner
    """
    from seetell.errors import UsageError, unknown
    from seetell.tasks.captioning.export import ENCODERS, export_run
    from seetell.tasks.dense_captioning.config import DenseRecipe
    from seetell.tasks.dense_captioning.export import export_densecap
    from seetell.tasks.grounding.config import GroundingRecipe
    from seetell.tasks.retrieval.config import AlignmentRecipe
    from seetell.tasks.retrieval.export import export_aligner
    from seetell.training.recipe_kinds import load_any_recipe
    from seetell.training.run_folder import RunFolder

    precisions = list(precision) or list(ENCODERS)
    for chosen in precisions:
        if chosen not in ENCODERS:
            raise UsageError(f"--precision: {unknown('precision', chosen, ENCODERS)}")
    decoding = parse_settings(settings)
    of_run = RunFolder(run).recipe
    recipe = load_any_recipe(of_run) if of_run.is_file() else None
    if isinstance(recipe, GroundingRecipe):
        raise UsageError(f"{run}: a grounder is exported with its aligner: {recipe.start_from} --grounding {run}")
    aligns = isinstance(recipe, AlignmentRecipe)
    if aligns and decoding:
        raise UsageError("--set: an aligner says nothing, so it has no decoding defaults")
    if encoder_of and not aligns:
        raise UsageError("--encoder-of: only an aligner can use another model's encoder")
    if grounding and not aligns:
        raise UsageError("--grounding: only an aligner locates phrases")
    if aligns:
        description = export_aligner(
            run,
            bundle,
            name=name,
            precisions=precisions,
            encoder_of=encoder_of,
            grounding=grounding,
            replace=force,
        )
    else:
        write = export_densecap if isinstance(recipe, DenseRecipe) else export_run
        description = write(run, bundle, name=name, precisions=precisions, decoding=decoding, replace=force)
    for measured, value in description["parity"].items():
        click.echo(f"{measured}: {value:.2g}", err=True)
    size = sum(path.stat().st_size for path in bundle.iterdir())
    command = {"captioning": "caption", "dense_captioning": "regions"}.get(description["task"])
    hint = f" Try it: seetell {command} photo.jpg --model {bundle}" if command else ""
    click.echo(f"{bundle}: {size / 1e6:.1f} MB.{hint}")
