"""``seetell visualise`` for many photos: patches that activate a layer, a map of photos, and their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import FILES, POSITIVE, Command, Whole, argument
from seetell.cli.picture_options import (
    check_output,
    encoder_option,
    layer_option,
    load_encoder,
    picture_output,
    seed_option,
    write_picture,
)

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL = 72
FAILED = "seetell.photos_failed"
"""Of the context of a command: whether a photo could not be opened."""
PATCHES_LAYER = "stages.4"


def _photos(function: Callable[..., Any]) -> Any:
    return argument("photos", nargs=-1, required=True, type=FILES, metavar="PHOTO...", help="Files and folders.")(
        function
    )


@click.command("patches", cls=Command)
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


@click.command("map", cls=Command)
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


@click.command("neighbours", cls=Command)
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
