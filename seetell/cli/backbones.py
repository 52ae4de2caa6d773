"""``seetell models backbones``: the image encoders, how large they are, and how long they take here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from seetell.cli.command import FOLDER_OR_FILE, Format, command, format_option
from seetell.cli.side_outputs import PICTURES
from seetell.extras import require


@command("backbones")
@format_option(Format.text, Format.json, Format.table, help="For people or programs; table: in Markdown.")
@click.option("--no-timing", is_flag=True, help="Do not measure how long they take.")
@click.option(
    "--picture",
    type=FOLDER_OR_FILE,
    help="Draw them there, a dot each: parameters over milliseconds, or over GFLOPs.",
)
def backbones(output_format: Format, no_timing: bool, picture: Path | None) -> None:
    """List the image encoders of the literature that recipes can name.

    Parameters are those of the network with its published head, in millions, as printed and as counted here. GFLOPs are
    multiplications and additions of one image; milliseconds are those of one processor core in torch, for one image,
    without the head.

    Any other model of timm or torchvision can be named, too.

    Example: seetell models backbones --no-timing
    """
    require("train", "seetell models backbones")
    if picture is not None:
        from seetell.cli.picture_options import check_output

        check_output(picture, endings=(*PICTURES, ".svg"), option="--picture")
    from seetell.nn.backbones.catalogue import CATALOGUE
    from seetell.nn.backbones.measures import milliseconds, size_of

    rows = []
    for entry in CATALOGUE:
        size = size_of(entry)
        row = {**asdict(entry), "parameters": size.parameters, "gflops": size.gflops, "image_size": size.image_size}
        rows.append(row if no_timing else {**row, "milliseconds": milliseconds(entry.name)})
        if output_format is Format.text:
            if len(rows) == 1:
                click.echo(_line("NAME", "PIXELS", "PRINTED", "HERE", "GFLOPS", "" if no_timing else "MS", "PAPER"))
            click.echo(_line(*_cells(rows[-1])))
    if picture is not None:
        from seetell.nn.backbones.picture import draw_encoders

        draw_encoders(rows, picture)
    if output_format is Format.table:
        click.echo("\n".join(_markdown(rows)))
    elif output_format is Format.json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        str(row["image_size"]),
        row["published"] or "-",
        f"{row['parameters'] / 1e6:.3f}" if row["parameters"] < 1e6 else f"{row['parameters'] / 1e6:.2f}",
        f"{row['gflops']:.3f}" if row["gflops"] < 1 else f"{row['gflops']:.1f}",
        f"{row['milliseconds']:.1f}" if "milliseconds" in row else "",
        row["paper"] + (f" ({row['difference']})" if row["difference"] else ""),
    )


def _markdown(rows: list[dict[str, Any]]) -> list[str]:
    timed = "milliseconds" in rows[0]
    lines = [
        f"| encoder | paper | pixels | printed, M | here, M | GFLOPs |{' ms |' if timed else ''}",
        f"|---|---|---|---|---|---|{'---|' if timed else ''}",
    ]
    for row in rows:
        name, side, printed, here, gflops, milliseconds, paper = _cells(row)
        cells = f"| `{name}` | {paper} | {side} | {printed} | {here} | {gflops} |"
        lines.append(cells + (f" {milliseconds} |" if timed else ""))
    return lines


def _line(name: str, side: str, printed: str, here: str, gflops: str, milliseconds: str, paper: str) -> str:
    timing = f"{milliseconds:>8}" if milliseconds else ""
    return f"{name:<28}{side:>7}{printed:>9}{here:>9}{gflops:>9}{timing}  {paper}"
