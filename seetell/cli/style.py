"""``seetell style``: draw a photo in the style of other pictures."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import EXISTING, FILES, POSITIVE, Number, argument, command
from seetell.cli.picture_options import (
    announced,
    check_output,
    encoder_option,
    load_encoder,
    open_or_draw,
    picture_output,
    side_option,
    write_picture,
)


@command("style")
@argument("content", metavar="CONTENT", type=EXISTING, help="The photo to draw.")
@argument(
    "styles",
    metavar="STYLE...",
    nargs=-1,
    required=True,
    type=FILES,
    help="Pictures in whose style, which are mixed; or mosaic, waves, dots, hatching or strokes, drawn by rules.",
)
@picture_output()
@side_option(512)
@click.option("--style-weight", type=Number(min=0), default=100.0, help="Of the style beside the content.")
@click.option(
    "--mix", "weights", type=Number(min=0), multiple=True, help="Of each style beside the others; repeatable."
)
@click.option("--keep-colour", is_flag=True, help="Keep the colours of the photo.")
@click.option("--smoothness", type=Number(min=0), default=0.05, help="Weight of total variation.")
@click.option("--steps", type=POSITIVE, default=80, help="Steps at half the size, and again at the full one.")
@click.option("--optimiser", type=click.Choice(["adam", "lbfgs"]), default="adam", help="What makes the steps.")
@click.option(
    "--fast",
    metavar="FILE",
    type=EXISTING,
    help="Draw in one pass by this network, which was trained on the styles; without it the picture is optimised.",
)
@encoder_option()
def style(
    content: Path,
    styles: tuple[str, ...],
    output: Path,
    side: int,
    style_weight: float,
    weights: tuple[float, ...],
    keep_colour: bool,
    smoothness: float,
    steps: int,
    optimiser: str,
    fast: Path | None,
    encoder: str,
) -> None:
    """Draw a photo in the style of other pictures, by optimisation (Gatys et al. 2016) or by a trained network.

    Example: seetell style photo.jpg painting.jpg --output drawn.jpg

    Example: seetell style photo.jpg waves strokes --mix 2 --mix 1 --keep-colour --output drawn.jpg

    Example: seetell style photo.jpg waves --fast styles.safetensors --output drawn.jpg
    """
    from seetell.errors import UsageError

    check_output(output, [content, *styles])
    if weights and (len(weights) != len(styles) or not sum(weights)):
        raise UsageError(f"--mix: expected a weight for each of {len(styles)} styles, not all 0, got {list(weights)}")
    from seetell.cli.progress import Progress
    from seetell.explain.style import StyleOptions, style_transfer, with_colours_of
    from seetell.photos.opening import open_photo

    opened = open_photo(content, at_least=(side, side))
    if fast is not None:
        from seetell.explain.fast_style import StyleNetwork

        drawn = StyleNetwork.load(fast).draw(opened, styles, weights, side=side)
        write_picture(output, with_colours_of(drawn, opened) if keep_colour else drawn)
        return
    examples = [open_or_draw(name, side) for name in styles]
    options = StyleOptions(
        side=side,
        style_weight=style_weight,
        smoothness=smoothness,
        steps=steps,
        keep_colour=keep_colour,
        lbfgs=optimiser == "lbfgs",
    )
    network = load_encoder(encoder)
    with Progress() as progress:
        tell = announced(progress, "drawing", [1.0] * steps + [4.0] * steps)
        picture = style_transfer(network, opened, examples, weights=weights, options=options, progress=tell)
    write_picture(output, picture)
