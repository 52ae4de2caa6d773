"""``seetell export``: make a bundle of a finished training run, or of a model of transformers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import FILES, FOLDER_OR_FILE, MODEL, argument, command, set_option
from seetell.errors import UsageError
from seetell.extras import require

if TYPE_CHECKING:
    from seetell.tasks.registry import Task


@command("export")
@argument(
    "source",
    metavar="RUN",
    type=FILES,
    help="Folder of a training run, or a captioner of transformers: hf:OWNER/NAME or a folder.",
)
@argument("bundle", metavar="BUNDLE", type=FOLDER_OR_FILE, help="Folder to write the bundle to.")
@click.option("--name", help="Name of the bundle; the recipe's, or the folder's, when absent.")
@click.option(
    "--precision",
    multiple=True,
    help="Encoders to write: int8, fp32; the first is the default; both when absent; repeatable.",
)
@set_option("Replace a decoding default: key=value, such as beam_size=3; repeatable.")
@click.option("--encoder-of", metavar="MODEL", type=MODEL, help="Use the encoder of this model instead of writing one.")
@click.option("--prompt", help="Of a model of transformers: what its sentences begin with, such as 'a picture of'.")
@click.option("--revision", help="Of a model of the Hub: branch, tag or commit.")
@click.option("--no-weights", is_flag=True, help="Leave out the weights for further training.")
@click.option("--force", is_flag=True, help="Replace the folder if it exists.")
def export(
    source: str,
    bundle: Path,
    name: str | None,
    precision: tuple[str, ...],
    settings: tuple[str, ...],
    encoder_of: str | None,
    prompt: str | None,
    revision: str | None,
    no_weights: bool,
    force: bool,
) -> None:
    """Make a bundle that runs without torch, and verify that its outputs match the trained model's.

    Example: seetell export runs/my-captioner my-captioner
    """
    require("train", "seetell export")
    from seetell.config import parse_settings
    from seetell.export.exporter import PRECISIONS, check_target, export_run
    from seetell.tasks.backends import parse_reference
    from seetell.tasks.registry import find_task

    precisions, decoding = precision or PRECISIONS, parse_settings(settings)
    reference = parse_reference(source)
    read = Path((reference and reference[1]) or source)
    check_target(bundle, precisions, source=read, replace=force)
    if reference is not None:
        if encoder_of is not None:
            raise UsageError(f"--encoder-of: {source} is no training run, and has an encoder of its own")
        if no_weights:
            raise UsageError(f"--no-weights: {source} is no training run, and its graphs read the weights")
        description = _export_model(
            source, bundle, name=name, precisions=precisions, decoding=decoding, prompt=prompt, revision=revision
        )
    else:
        for option, value in (("--prompt", prompt), ("--revision", revision)):
            if value is not None:
                raise UsageError(
                    f"{option}: {source} is no model of transformers; it is for hf:OWNER/NAME or hf:FOLDER"
                )
        description = export_run(
            Path(source),
            bundle,
            find_task=find_task,
            name=name,
            precisions=precisions,
            decoding=decoding,
            encoder_of=encoder_of,
            with_weights=not no_weights,
            replace=force,
        )
    for measured, value in description["parity"].items():
        click.echo(f"{measured}: {value:.2g}", err=True)
    size = sum(path.stat().st_size for path in bundle.iterdir())
    task = find_task(description["task"])
    on_photos = reference is None and task.command and task.input == "image"
    example = _example(task, Path(source)) if on_photos else task.example
    tried = f"{example} --model {shlex.quote(str(bundle))}"
    if task.input == "none":
        tried = f"seetell {task.command} {shlex.quote(str(bundle))}"
    hint = f" Try it: {tried}" if task.command else ""
    click.echo(f"{bundle}: {size / 1e6:.1f} MB.{hint}")


def _export_model(
    model: str,
    bundle: Path,
    *,
    name: str | None,
    precisions: Sequence[str],
    decoding: Mapping[str, Any],
    prompt: str | None,
    revision: str | None,
) -> dict[str, Any]:
    """Make a bundle of a model of transformers; return its ``model.json``."""
    from dataclasses import replace

    from seetell.export.exporter import export_declared
    from seetell.runtime.backends.hub_cache import licence_of
    from seetell.runtime.backends.transformers.source import find_source
    from seetell.tasks.backends import hub_name, parse_reference, transformers_tasks
    from seetell.training.config import CardConfig

    reference = parse_reference(model)
    assert reference is not None
    if reference[0].scheme != "hf":
        raise UsageError(f"{model}: its weights are on a server; expected a training run, or hf:OWNER/NAME")
    source = find_source(reference[1], revision=revision)
    task = next((task for task in transformers_tasks(source.config) if task.export_hub), None)
    if task is None:
        raise UsageError(f"{model}: is a {source.model_type or 'model of no type'}; those that can be exported: blip")
    declared, origin = task.load("export_hub")(source, prompt=prompt)
    shown = model if hub_name(model) else source.folder.name  # a path holds on one machine only
    origin = replace(
        origin,
        name=name or bundle.resolve().name,
        command=shlex.join(["seetell", "export", shown, bundle.name, *(["--prompt", prompt] if prompt else [])]),
        started_from=shown,
        card=CardConfig(licence_of(source.folder) or f"see the card of {shown}", f"see {shown}", f"see {shown}"),
    )
    return export_declared(
        declared,
        origin,
        bundle,
        precisions=precisions,
        decoding=decoding,
        about_settings=task.about_settings,
    )


def _example(task: Task, run: Path) -> str:
    """Return a command for the photos that the run was trained on, or the task's example."""
    from seetell.config import read_yaml

    if task.text_input:
        return task.example
    data = (read_yaml(run / "recipe.yaml").get("data") or {}).get("path")
    return f"seetell {task.command} {shlex.quote(data)}" if data and Path(data).is_dir() else task.example
