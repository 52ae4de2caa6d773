"""``seetell dream``: show a network more of what it sees in a photo."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import FILES, POSITIVE, Number, Whole, argument, command
from seetell.cli.picture_options import (
    announced,
    check_output,
    encoder_option,
    layer_option,
    load_encoder,
    picture_output,
    seed_option,
    side_option,
    write_picture,
)


@command("dream")
@argument("photo", metavar="PHOTO", type=FILES, help="What the dream begins with.")
@picture_output()
@side_option(512)
@encoder_option()
@layer_option("Layers that see more of what they see; repeatable; those that make the best dreams if absent.")
@click.option("--octaves", type=Whole(min=1, max=10), default=4, help="Sizes at which the photo is changed.")
@click.option("--steps", type=POSITIVE, default=10, help="Steps at each size.")
@click.option("--strength", type=Number(min=0, max=1), default=0.03, help="Mean change of a pixel in a step.")
@click.option("--jitter", type=Whole(min=0), default=32, help="Largest random shift of the photo, in pixels.")
@seed_option()
def dream(
    photo: str,
    output: Path,
    side: int,
    encoder: str,
    layers: tuple[str, ...],
    octaves: int,
    steps: int,
    strength: float,
    jitter: int,
    seed: int,
) -> None:
    """Change a photo so that a layer of a network sees more of what it sees already (DeepDream).

    Example: seetell dream photo.jpg --output dream.jpg

    Example: seetell dream photo.jpg --layer stages.2 --octaves 6 --output lines.jpg
    """
    check_output(output, [photo])
    from seetell.cli.progress import Progress
    from seetell.explain.deep_dream import LAYERS, DreamOptions, deep_dream
    from seetell.photos.opening import open_photo

    opened = open_photo(photo, at_least=(side, side))
    options = DreamOptions(side=side, octaves=octaves, steps=steps, step_size=strength, jitter=jitter, seed=seed)
    cost = [options.octave_scale ** (2 * octave) for octave in range(octaves) for _ in range(steps)]
    network = load_encoder(encoder)
    with Progress() as progress:
        tell = announced(progress, "dreaming", cost)
        picture = deep_dream(network, opened, layers=layers or LAYERS, options=options, progress=tell)
    write_picture(output, picture)
