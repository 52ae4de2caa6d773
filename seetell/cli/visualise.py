"""``seetell visualise``: what a network has learnt, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

    from seetell.photos.preprocessing import Preprocessing

THUMBNAIL = 72
FAILED = "seetell.photos_failed"
"""Of the context of a command: whether a photo could not be opened."""
PATCHES_LAYER = "stages.4"
INVERTED_LAYER = "stages.3"


@click.group("visualise")
def visualise() -> None:
    """Show what a network has learnt: filters, patches, classes, features, textures, maps of photos, cells of text.

    Example: seetell visualise class "tiger cat" --output cat.png
    """


visualise.add_command(neurons)


def _photos(function: Callable[..., Any]) -> Any:
    return argument("photos", nargs=-1, required=True, type=FILES, metavar="PHOTO...", help="Files and folders.")(
        function
    )


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


@visualise.command("patches", cls=Command)
@_photos
@picture_output()
@encoder_option()
@layer_option(f"The layer; {PATCHES_LAYER} if absent.")
@click.option(
    "--channel", "channels", type=Whole(min=0), multiple=True, help="Of the layer; repeatable; 0 to 7 if absent."
)
@click.option("--top", type=POSITIVE, default=8, help="Patches of each channel.")
def patches(
    photos: tuple[str, ...], output: Path, encoder: str, layers: tuple[str, ...], channels: tuple[int, ...], top: int
) -> int:
    """Draw the patches of photos that activate some channels of a layer most, a row for each channel.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell visualise patches photos/ --layer stages.4 --channel 3 --output patches.png
    """
    check_output(output)
    from seetell.cli.progress import Progress
    from seetell.explain.activating_patches import activating_patches, draw_patches

    network, files = load_encoder(encoder), _files(photos)
    size = network.preprocessing.width, network.preprocessing.height
    with Progress() as progress:
        opened = _opened(files, size, progress)
        layer = layers[-1] if layers else PATCHES_LAYER
        found = activating_patches(network, opened, layer, channels or range(8), count=top)
    write_picture(output, draw_patches(found))
    return _status()


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


@visualise.command("map", cls=Command)
@_photos
@picture_output()
@encoder_option()
@click.option("--method", type=click.Choice(["tsne", "pca"]), default="tsne", help="How the map is made.")
@click.option("--side", type=Whole(min=200, max=8000), default=1200, help="Pixels of each side of the map.")
@seed_option()
def photo_map(photos: tuple[str, ...], output: Path, encoder: str, method: str, side: int, seed: int) -> int:
    """Draw photos near one another where the last layer of a network sees them alike.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell visualise map photos/ --output map.jpg
    """
    check_output(output)
    from seetell.explain.photo_map import draw_map, principal_components, tsne

    thumbnails, vectors = _seen(photos, encoder)
    places = tsne(vectors, seed=seed) if method == "tsne" else principal_components(vectors)
    write_picture(output, draw_map(thumbnails, places, side=side))
    return _status()


@visualise.command("neighbours", cls=Command)
@_photos
@picture_output()
@encoder_option()
@click.option("--top", type=POSITIVE, default=5, help="Neighbours of each photo.")
def neighbours(photos: tuple[str, ...], output: Path, encoder: str, top: int) -> int:
    """Draw each photo and, to its right, those that the last layer of a network sees most alike.

    Exit status: 0 all done, 1 some photos failed, 2 wrong use.

    Example: seetell visualise neighbours photos/ --output alike.jpg
    """
    check_output(output)
    from seetell.explain.photo_map import draw_neighbours, nearest_neighbours

    thumbnails, vectors = _seen(photos, encoder)
    found = nearest_neighbours(vectors, min(top, len(vectors) - 1))
    write_picture(output, draw_neighbours(thumbnails, found))
    return _status()


def _status() -> int:
    """Return the exit status: 1 where a photo could not be opened."""
    return int(click.get_current_context().meta.get(FAILED, 0))


def _files(arguments: Sequence[str]) -> list[str]:
    from seetell.cli.inputs import Besides, at_least_one, expand

    besides = Besides()
    return list(at_least_one(expand(arguments, [], besides), arguments, besides))


def _opened(files: Sequence[str], size: tuple[int, int], progress: Any) -> Any:
    """Yield the photos that can be opened; of the others, say why not, and that the exit status is 1."""
    from seetell.errors import PhotoError
    from seetell.photos.opening import open_photo

    for done, file in enumerate(files, 1):
        try:
            yield open_photo(file, at_least=size)
        except PhotoError as error:
            click.echo(str(error), err=True)
            click.get_current_context().meta[FAILED] = 1
        progress("photos", done, len(files))


def _seen(photos: Sequence[str], encoder: str) -> tuple[list[Image.Image], Any]:
    """Return thumbnails of photos and what an encoder's last layer makes of them, ``(N, D)``."""
    import numpy as np
    import torch

    from seetell.cli.progress import Progress
    from seetell.errors import UsageError

    network, thumbnails, vectors = load_encoder(encoder), [], []
    with Progress() as progress, torch.no_grad():
        for opened in _opened(_files(photos), (network.preprocessing.width, network.preprocessing.height), progress):
            image = torch.from_numpy(network.preprocessing(opened))[None]
            vectors.append(network(image).pooled[0].double().numpy())
            opened.thumbnail((THUMBNAIL, THUMBNAIL))
            thumbnails.append(opened)
    if len(vectors) < 2:
        raise UsageError(f"a comparison takes two photos or more, got {len(vectors)} that can be opened")
    return thumbnails, np.stack(vectors)


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
