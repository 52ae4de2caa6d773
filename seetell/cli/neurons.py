"""``seetell visualise neurons``: cells of a model of characters that follow what a text is doing."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import EXISTING, FOLDER_OR_FILE, MODEL, Command, Whole, argument
from seetell.cli.picture_options import check_output, write_picture

SOUGHT = {"quotes": "inside quotes", "brackets": "inside brackets", "line": "place in the line"}
"""What cells of a model of characters are looked for that follow it; see :data:`seetell.explain.neurons.FEATURES`."""


@click.command("neurons", cls=Command)
@argument("model", metavar="MODEL", type=MODEL, help="A model of characters, a bundle.")
@click.option("--text", "file", metavar="FILE", type=EXISTING, required=True, help="The text to read.")
@click.option(
    "--find", "sought", multiple=True, type=click.Choice(list(SOUGHT)), help="Repeatable; all of them if absent."
)
@click.option("--cell", "cells", multiple=True, metavar="LAYER.NUMBER", help="Draw this one; repeatable.")
@click.option("--characters", type=Whole(min=2, max=200_000), default=20_000, help="Of the text, to search with.")
@click.option("--from", "start", type=Whole(min=0), default=0, help="The first character that is drawn.")
@click.option("--show", type=Whole(min=1, max=20_000), default=1200, help="Characters that are drawn.")
@click.option("--output", "-o", metavar="FILE", type=FOLDER_OR_FILE, help="Draw the text there: .png, .jpg or .svg.")
def neurons(
    model: str,
    file: Path,
    sought: tuple[str, ...],
    cells: tuple[str, ...],
    characters: int,
    start: int,
    show: int,
    output: Path | None,
) -> None:
    """Find the cells of a model of characters that follow quotes, brackets or lines, and colour a text by them.

    A line is what was looked for, a cell, its layer before the point, and the correlation of the two.

    Example: seetell visualise neurons my-char-rnn --text code.py --find quotes --output quotes.png
    """
    from seetell.cli.output_file import write_file
    from seetell.cli.progress import Progress
    from seetell.cli.side_outputs import PICTURES
    from seetell.errors import UsageError
    from seetell.tasks.loading import load_for
    from seetell.tasks.registry import find_task

    if output is not None:
        check_output(output, [file], torch=False, endings=(*PICTURES, ".svg"))
    sampler = load_for(find_task("character_modelling"), model)
    chosen = [_cell(name, sampler.layers, sampler.hidden) for name in cells]
    from seetell.drawing.coloured_text import Panel, coloured_svg, draw_coloured
    from seetell.explain.neurons import feature_of, find_neurons
    from seetell.tasks.character_modelling.text import read_beginning

    text = read_beginning(file, characters)
    if start >= len(text):
        raise UsageError(f"--from {start}: the text that is read ends before, after {len(text):,} characters")
    asked = sought or (() if chosen else tuple(SOUGHT))
    features = {feature: feature_of(text, feature) for feature in asked}
    followed = {feature: values for feature, values in features.items() if values is not None}
    if lacking := ", ".join(feature for feature in features if feature not in followed):
        if not followed and not chosen:
            raise UsageError(f"{file}: the text has no {lacking}, or nothing else; name another, or look for others")
        click.echo(f"{file}: the text has no {lacking}, or nothing else; left out", err=True)
    with Progress() as progress:
        said = sampler.activations(text, progress=lambda done, total: progress("reading", done, total))
    titled = [(f"layer {layer}, cell {number}", layer, number) for layer, number in chosen]
    for feature, values in followed.items():
        found = find_neurons(said, values)
        for neuron in found:
            click.echo(f"{feature}\t{neuron.layer}.{neuron.number}\t{neuron.correlation:.3f}")
        best = found[0]
        title = f"layer {best.layer}, cell {best.number}: {SOUGHT[feature]}, correlation {best.correlation:.2f}"
        titled.append((title, best.layer, best.number))
    if output is None:
        return
    here = slice(start, start + show)
    panels = [Panel(title, text[here], said[here, layer - 1, number - 1]) for title, layer, number in titled]
    if output.suffix.lower() == ".svg":
        write_file(output, coloured_svg(panels))
    else:
        write_picture(output, draw_coloured(panels))


def _cell(name: str, layers: int, hidden: int) -> tuple[int, int]:
    """Return the layer and the number of a cell, both from 1 on."""
    from seetell.errors import UsageError

    layer, point, number = name.partition(".")
    if point and layer.isdecimal() and number.isdecimal():
        found = int(layer), int(number)
        if 1 <= found[0] <= layers and 1 <= found[1] <= hidden:
            return found
    raise UsageError(f"--cell {name}: expected one from 1.1 to {layers}.{hidden}, such as 1.12")
