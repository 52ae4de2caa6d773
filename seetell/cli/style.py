"""``seetell style``: draw a photo in the style of other pictures."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import FILES, POSITIVE, Number, argument, command, threads_option
from seetell.cli.picture_options import (
    ENCODER,
    announced,
    check_output,
    encoder_option,
    load_encoder,
    open_or_draw,
    picture_output,
    side_option,
    write_picture,
)

BUNDLED = "drawn-styles"
"""The model of ``--fast`` where none is named."""


@command("style")
@argument("content", metavar="CONTENT", type=FILES, help="The photo to draw.")
@argument(
    "styles",
    metavar="STYLE...",
    nargs=-1,
    required=True,
    type=FILES,
    help="Pictures in whose style, mixed; or mosaic, waves, dots, hatching, strokes or glass, drawn by rules.",
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
@click.option("--fast", is_flag=True, help="Draw in one pass, by a network that was trained on the styles.")
@click.option(
    "--model",
    "-m",
    metavar="MODEL",
    default=BUNDLED,
    help="With --fast: the network, a folder; the bundled one, of the styles drawn by rules, if absent.",
)
@click.option("--strength", type=Number(min=0, max=1), default=1.0, help="With --fast: of the style, from 0 to 1.")
@encoder_option()
@threads_option()
def style(
    content: str,
    styles: tuple[str, ...],
    output: Path,
    side: int,
    style_weight: float,
    weights: tuple[float, ...],
    keep_colour: bool,
    smoothness: float,
    steps: int,
    optimiser: str,
    fast: bool,
    model: str,
    strength: float,
    encoder: str,
    threads: int | None,
) -> None:
    """Draw a photo in the style of other pictures, by optimisation (Gatys et al. 2016) or by a trained network.

    Example: seetell style photo.jpg painting.jpg --output drawn.jpg

    Example: seetell style photo.jpg waves strokes --mix 2 --mix 1 --keep-colour --output drawn.jpg

    Example: seetell style photo.jpg glass --fast --strength 0.8 --output drawn.jpg
    """
    from seetell.errors import UsageError

    check_output(output, [content, *styles], torch=not fast)
    if weights and (len(weights) != len(styles) or not sum(weights)):
        raise UsageError(f"--mix: expected a weight for each of {len(styles)} styles, not all 0, got {list(weights)}")
    if not fast and (model, strength) != (BUNDLED, 1.0):
        raise UsageError("--model and --strength go with --fast; without it the picture is optimised: --style-weight")
    if fast and (style_weight, smoothness, steps, optimiser, encoder) != (100.0, 0.05, 80, "adam", ENCODER):
        raise UsageError(
            "--style-weight, --smoothness, --steps, --optimiser and --encoder are for optimisation; with --fast say "
            "--strength"
        )
    from seetell.photos.opening import open_photo

    opened = open_photo(content, at_least=(side, side))
    if fast:
        from seetell.explain.style_model import load_style_model, with_colours_of

        mix: dict[str, float] = {}
        for name, weight in zip(styles, weights or [1.0] * len(styles), strict=True):
            mix[name] = mix.get(name, 0.0) + weight
        network = load_style_model(model, threads=threads)
        for name in styles:
            if Path(name).exists() and name not in network.styles:
                known = ", ".join(network.styles)
                raise UsageError(f"{name}: --fast draws {known}; without it, the style of any picture is drawn")
        drawn = network.draw(opened, mix, side=side, strength=strength)
        write_picture(output, with_colours_of(drawn, opened) if keep_colour else drawn)
        return
    from seetell.cli.progress import Progress
    from seetell.explain.style import StyleOptions, style_transfer

    examples = [open_or_draw(name, side) for name in styles]
    options = StyleOptions(
        side=side,
        style_weight=style_weight,
        smoothness=smoothness,
        steps=steps,
        keep_colour=keep_colour,
        lbfgs=optimiser == "lbfgs",
    )
    seeing = load_encoder(encoder)
    with Progress() as progress:
        tell = announced(progress, "drawing", [1.0] * steps + [4.0] * steps)
        picture = style_transfer(seeing, opened, examples, weights=weights, options=options, progress=tell)
    write_picture(output, picture)
