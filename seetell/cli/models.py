"""``seetell models``: the models that came with seetell, and their cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import MODEL, Format, argument, command, format_option


@command("models")
@argument(
    "name", metavar="[NAME]", required=False, type=MODEL, help="Print the card of this bundled model or model folder."
)
@format_option(Format.text, Format.json, help="For people or programs.")
@click.option("--verify", is_flag=True, help="Compare the files of NAME with their hashes.")
def models(name: str | None, output_format: Format, verify: bool) -> None:
    """List the models that came with seetell, or print the card of one.

    Example: seetell models caption
    """
    from seetell.errors import UsageError
    from seetell.runtime.bundle import Bundle, bundled_models, read_description
    from seetell.tasks.loading import find_model

    if name is None:
        if verify:
            raise UsageError("--verify takes the NAME of a model")
        rows = [_row(folder, read_description(folder)) for folder in bundled_models().values()]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False) if output_format is Format.json else _table(rows))
        return
    bundle = Bundle.load(find_model(name))
    if verify:
        bundle.verify()
        click.echo(f"{bundle.name}: all files are as recorded")
    elif output_format is Format.json:
        click.echo(json.dumps({**bundle.description, "path": str(bundle.folder)}, indent=1, ensure_ascii=False))
    else:
        click.echo(bundle.card())


def _row(folder: Path, description: dict[str, Any]) -> dict[str, Any]:
    scores = description.get("scores") or {}
    return {
        "name": folder.name,
        "task": description.get("task"),
        "megabytes": round(sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6, 1),
        "dev_cider": scores.get("dev", scores.get("val", {})).get("CIDEr"),
        "licence": description.get("licence"),
        "path": str(folder),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no models are bundled; make one with: seetell export"
    lines = [("NAME", "TASK", "SIZE MB", "DEV CIDER", "LICENCE")]
    for row in rows:
        cider = "-" if row["dev_cider"] is None else f"{row['dev_cider']:.3f}"
        lines.append((row["name"], str(row["task"]), f"{row['megabytes']:.1f}", cider, str(row["licence"])))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
