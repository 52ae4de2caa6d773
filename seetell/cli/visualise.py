"""``seetell visualise``: what a network has learnt, as pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import FILES, POSITIVE, Command, Number, Whole, argument
from seetell.cli.neurons import neurons
from seetell.cli.picture_options import (
    announced,
    check_output,
    encoder_option,
    layer_option,
    load_encoder,
    open_or_draw,
    picture_output,
    seed_option,
    write_picture,
)
from seetell.cli.side_outputs import PICTURES
from seetell.cli.visualise_photos import neighbours, patches, photo_map

if TYPE_CHECKING:
    from torch import nn

    from seetell.photos.preprocessing import Preprocessing

INVERTED_LAYER = "stages.3"


@click.group("visualise")
def visualise() -> None:
    """Show what a network has learnt: filters, patches, classes, features, textures, maps of photos, cells of text.

    Example: seetell visualise class "tiger cat" --output cat.png
    """


for command in (neurons, patches, photo_map, neighbours):
    visualise.add_command(command)


def _model(function: Callable[..., Any]) -> Any:
    return click.option("--model", "-m", metavar="MODEL", default="classify", help="A classifier, a bundle.")(function)


@visualise.command("filters", cls=Command)
@picture_output()
@encoder_option()
def filters(output: Path, encoder: str) -> None:
    """Draw the filters of the first layer, each scaled to its own largest weight.

    Example: seetell visualise filters --output filters.png
    """
    check_output(output)
    from seetell.explain.filters import draw_filters, first_filters

    write_picture(output, draw_filters(first_filters(load_encoder(encoder))))


@visualise.command("class", cls=Command)
@argument("name", metavar="CLASS", help="One of the model's classes, such as tabby.")
@picture_output()
@_model
@click.option("--steps", type=POSITIVE, default=120, help="Of the ascent.")
@click.option(
    "--decay", type=Number(min=0, max=1), default=0.004, help="Share of the picture taken away in each step (L2)."
)
@click.option("--blur", type=Number(min=0), default=0.8, help="Standard deviation of the blur in pixels; 0 for none.")
@click.option(
    "--least-norm", type=Number(min=0, max=100), default=0.0, help="Percentile of small pixels that become grey."
)
@click.option(
    "--least-contribution",
    type=Number(min=0, max=100),
    default=0.0,
    help="Percentile of pixels that contribute little and become grey.",
)
@click.option("--jitter", type=Whole(min=0), default=12, help="Largest random shift, in pixels.")
@seed_option()
def of_class(name: str, output: Path, model: str, **options: Any) -> None:
    """Make a picture that a classifier is sure shows a class.

    Example: seetell visualise class "tiger cat" --output cat.png
    """
    check_output(output)
    from seetell.cli.progress import Progress
    from seetell.explain.class_visualisation import ClassOptions, visualise_class

    scores, target, preprocessing = _classifier(model, name)
    with Progress() as progress:
        tell = announced(progress, "ascending", [1.0] * options["steps"])
        picture = visualise_class(scores, target, preprocessing, options=ClassOptions(**options), progress=tell)
    write_picture(output, picture)


@visualise.command("fool", cls=Command)
@argument("photo", metavar="PHOTO", type=FILES, help="The photo to change.")
@argument("name", metavar="CLASS", help="What it is to be taken for.")
@picture_output()
@_model
@click.option("--steps", type=POSITIVE, default=100, help="After which it gives up.")
@click.option("--step-size", type=Number(min=0), default=0.5, help="Length of a step in the network's input.")
def fool(photo: str, name: str, output: Path, model: str, steps: int, step_size: float) -> int:
    """Change a photo hardly visibly until a classifier takes it for another class; prints by how much.

    Exit status: 0 the classifier is fooled, 1 it is not, 2 wrong use.

    Example: seetell visualise fool dog.jpg "espresso" --output espresso.png
    """
    check_output(output, [photo])
    from seetell.errors import UsageError

    if PICTURES[output.suffix.lower()] == "JPEG":
        raise UsageError(f"--output {output}: a JPEG would lose so small a change; expected a name that ends in .png")
    from seetell.explain.fooling import fool as fooled
    from seetell.photos.opening import open_photo

    scores, target, preprocessing = _classifier(model, name)
    opened = open_photo(photo, at_least=(preprocessing.width, preprocessing.height))
    found = fooled(scores, opened, target, preprocessing, most_steps=steps, step_size=step_size)
    write_picture(output, found.picture)
    click.echo(
        f"{name}: probability {found.probability:.2f} after {found.steps} steps; no pixel changed by more than "
        f"{found.change:.1%} of the range from black to white"
    )
    return 0 if found.success else 1


@visualise.command("invert", cls=Command)
@argument("photo", metavar="PHOTO", type=FILES, help="The photo that a layer sees.")
@picture_output()
@encoder_option()
@layer_option(f"The layer; {INVERTED_LAYER} if absent.")
@click.option("--steps", type=POSITIVE, default=200, help="Of the optimisation.")
@click.option("--smoothness", type=Number(min=0), default=0.1, help="Weight of total variation.")
@seed_option()
def invert(
    photo: str, output: Path, encoder: str, layers: tuple[str, ...], steps: int, smoothness: float, seed: int
) -> None:
    """Make a picture that a layer sees as it sees the photo: what it keeps of it.

    Example: seetell visualise invert photo.jpg --layer stages.3 --output kept.png
    """
    check_output(output, [photo])
    from seetell.cli.progress import Progress
    from seetell.explain.feature_inversion import invert_features
    from seetell.photos.opening import open_photo

    opened, network = open_photo(photo), load_encoder(encoder)
    layer = layers[-1] if layers else INVERTED_LAYER
    with Progress() as progress:
        tell = announced(progress, "inverting", [1.0] * steps)
        picture = invert_features(network, opened, layer, steps=steps, smoothness=smoothness, seed=seed, progress=tell)
    write_picture(output, picture)


@visualise.command("texture", cls=Command)
@argument("example", metavar="EXAMPLE", type=FILES, help="A picture, or a style drawn by rules; see seetell style.")
@picture_output()
@encoder_option()
@click.option("--side", type=Whole(min=64, max=2048), default=256, help="Pixels of each side.")
@click.option("--steps", type=POSITIVE, default=200, help="Of the optimisation.")
@seed_option()
def texture(example: str, output: Path, encoder: str, side: int, steps: int, seed: int) -> None:
    """Make a new picture with the texture of another.

    Example: seetell visualise texture pebbles.jpg --output more-pebbles.png
    """
    check_output(output, [example])
    from seetell.cli.progress import Progress
    from seetell.explain.texture import synthesise_texture

    network, opened = load_encoder(encoder), open_or_draw(example, side)
    with Progress() as progress:
        tell = announced(progress, "weaving", [1.0] * steps)
        picture = synthesise_texture(network, opened, side=side, steps=steps, seed=seed, progress=tell)
    write_picture(output, picture)


def _classifier(model: str, name: str) -> tuple[nn.Module, int, Preprocessing]:
    """Return the network of a classifier in torch, the number of a class, and its preprocessing."""
    from seetell.errors import UsageError, unknown
    from seetell.tasks.classification.network import ClassScores, load_network
    from seetell.tasks.loading import load_for
    from seetell.tasks.registry import find_task

    predictor = load_for(find_task("classify"), model)
    if name not in predictor.labels:
        raise UsageError(f"{predictor.name}: {unknown('class', name, predictor.labels)}")
    scores = ClassScores(*load_network(predictor.bundle)).eval().requires_grad_(False)
    return scores, predictor.labels.index(name), predictor.bundle.preprocessing
