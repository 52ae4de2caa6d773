"""``seetell models``: what is on this disk, and the cards; its subcommands download models and remove them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import MODEL, Command, Format, argument, format_option
from seetell.tasks.registry import tasks

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from seetell.cli.completion import Named
    from seetell.runtime.backends.hub_cache import CachedModel


PER_CENT = frozenset({"phrases_R@1", "search_R@1"})
"""Scores that are recorded in per cent."""

OWN_UNITS = frozenset({"bits_per_character", "psnr"})
"""Scores in bits or decibels; others are listed as shares, and shown in per cent."""


class ModelsCommand(Command):
    """A command with a NAME, in whose place a subcommand may stand."""

    @property
    def subcommands(self) -> Mapping[str, click.Command]:
        """By name."""
        from seetell.cli.backbones import backbones
        from seetell.cli.pull import pull, remove

        return {"pull": pull, "remove": remove, "backbones": backbones}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the subcommand, where one is named first; it is then invoked instead."""
        if args and args[0] in self.subcommands:
            return self.subcommands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write arguments, options and the subcommands."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.get_short_help_str()) for name, found in self.subcommands.items()])


class NameOrSubcommand(click.ParamType[str]):
    """The name of a model, which completes to the subcommands, too."""

    name = "model"

    def __init__(self, model: Named) -> None:
        self._model = model

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Return subcommands and models that begin so."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name) for name in ("pull", "remove", "backbones") if name.startswith(incomplete)]
        found = self._model.shell_complete(ctx, param, incomplete)
        return names + [item for item in found if not names or item.type == "plain"]


@click.command("models", cls=ModelsCommand)
@argument(
    "name",
    metavar="[NAME]",
    required=False,
    type=NameOrSubcommand(MODEL),
    help="Print the card of this model: a bundled or downloaded one, a model folder, or hf:OWNER/NAME.",
)
@format_option(Format.text, Format.json, help="For people or programs.")
@click.option("--verify", is_flag=True, help="Compare the files of NAME with their hashes.")
def models(name: str | None, output_format: Format, verify: bool) -> None:
    """List the models on this disk, or print the card of one.

    They are those that came with seetell, bundles that were downloaded, and models of the Hugging Face Hub in its
    cache.

    Example: seetell models caption
    """
    from seetell.errors import UsageError
    from seetell.tasks.backends import hub_name

    if name is None:
        if verify:
            raise UsageError("--verify takes the NAME of a model")
        rows = _rows()
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False) if output_format is Format.json else _table(rows))
    elif (hub := hub_name(name)) is not None:
        _show_hub_model(hub, output_format, verify=verify)
    else:
        _show_bundle(name, output_format, verify=verify)


def _show_bundle(name: str, output_format: Format, *, verify: bool) -> None:
    from seetell.runtime.bundle import Bundle
    from seetell.tasks.loading import find_model

    folder = find_model(name)
    row: dict[str, Any] = {"name": folder.name, "path": str(folder)}
    with _damage_told(row, told=verify and output_format is Format.json):
        bundle = Bundle.load(folder)
        row |= {**bundle.description, "path": str(folder)}
        if verify:
            bundle.verify()
            row["verified"] = True
    if output_format is Format.json:
        _print_json(row)
    elif verify:
        click.echo(f"{bundle.name}: all files are as recorded")
    else:
        click.echo(bundle.card())


def _show_hub_model(name: str, output_format: Format, *, verify: bool) -> None:
    from seetell.runtime.backends.hub_cache import find_cached

    model = find_cached(name)
    snapshot = None if model.snapshot is None else str(model.snapshot)
    row = {**_hub_row(model), "snapshot": snapshot, "config": dict(model.config)}
    if verify:
        with _damage_told(row, told=output_format is Format.json):
            model.verify()
            row["verified"] = True
    if output_format is Format.json:
        _print_json(row)
    elif verify:
        click.echo(f"hf:{name}: all files are as recorded")
    else:
        facts = {
            "architecture": model.architecture,
            "tasks here": ", ".join(row["tasks"]),
            "licence": model.licence,
            "size": f"{model.megabytes:,.1f} MB",
            "files": model.snapshot or f"not complete; run: seetell models pull hf:{name}",
        }
        click.echo("\n".join([f"# hf:{name}", "", *(f"- {fact}: {value or '-'}" for fact, value in facts.items())]))
        if card := model.card():
            click.echo(f"\n{card}")


@contextmanager
def _damage_told(row: Mapping[str, Any], *, told: bool) -> Iterator[None]:
    """Print a model's row with what is damaged, if that is to be told, before the error goes on."""
    from seetell.errors import BundleError

    try:
        yield
    except BundleError as error:
        if told:
            _print_json({**row, "verified": False, "error": str(error)})
        raise


def _print_json(row: Mapping[str, Any]) -> None:
    click.echo(json.dumps(row, indent=1, ensure_ascii=False))


def _rows() -> list[dict[str, Any]]:
    from seetell.runtime.backends.hub_cache import cached_models
    from seetell.runtime.bundle import bundled_models, read_description
    from seetell.runtime.user_models import user_models

    folders = [*bundled_models().values(), *user_models().values()]
    bundles = [_bundle_row(folder, read_description(folder)) for folder in folders]
    return [*bundles, *map(_hub_row, cached_models())]


def _bundle_row(folder: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": folder.name,
        "tasks": [description.get("task")],
        "megabytes": round(sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6, 1),
        "score": _main_score(description),
        "licence": description.get("licence"),
        "complete": True,
        "path": str(folder),
    }


def _main_score(description: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the score of a bundle that its task puts first: name, value and split, that of test before others.

    The value is a share, but for :data:`OWN_UNITS`.
    """
    task, splits = tasks().get(str(description.get("task"))), description.get("scores") or {}
    for name in task.main_scores if task else ():
        for split in sorted(splits, key=lambda split: split != "test"):
            if isinstance(value := splits[split].get(name), (int, float)):
                return {"name": name, "value": value / 100 if name in PER_CENT else value, "split": split}
    return None


def _hub_row(model: CachedModel) -> dict[str, Any]:
    from seetell.tasks.backends import transformers_tasks

    return {
        "name": f"hf:{model.name}",
        "tasks": [task.name for task in transformers_tasks(model.config)],
        "megabytes": round(model.megabytes, 1),
        "score": None,
        "licence": model.licence,
        "complete": model.snapshot is not None,
        "path": str(model.folder),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    """Return a table; of what did not come with seetell, it says where that lies."""
    if not rows:
        return "no models are bundled; make one with: seetell export"
    from seetell.runtime.bundle import BUNDLES

    lines = [("NAME", "TASK", "SIZE MB", "SCORE", "LICENCE", "WHERE")]
    for row in rows:
        path = Path(row["path"])
        score = row["score"]
        where = "came with seetell" if path.parent == BUNDLES else _short(path)
        lines.append(
            (
                row["name"],
                ", ".join(map(str, row["tasks"])) or "-",
                f"{row['megabytes']:.1f}",
                "-" if score is None else _shown(**score),
                str(row["licence"] or "-"),
                where if row["complete"] else f"not complete; run: seetell models pull {row['name']}",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _shown(name: str, value: float, split: str) -> str:
    """Return a score as papers and the documentation print it."""
    return f"{name} {value if name in OWN_UNITS else 100 * value:.1f} ({split})"


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)
