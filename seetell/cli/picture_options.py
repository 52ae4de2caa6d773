"""What the commands that make pictures with a network share: the encoder, the output, and the time it will take."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import FOLDER_OR_FILE, Decorator, Whole
from seetell.cli.side_outputs import PICTURES

if TYPE_CHECKING:
    from PIL import Image

    from seetell.cli.progress import Progress
    from seetell.nn.backbones import Encoder

ENCODER = "efficientnet_lite0"
LONG_SECONDS = 3.0
"""Work that takes longer is announced."""


def picture_output() -> Decorator[Any]:
    """Add ``--output``."""
    help = "Write the picture there: .png or .jpg."
    return click.option("--output", "-o", metavar="FILE", type=FOLDER_OR_FILE, required=True, help=help)


def encoder_option() -> Decorator[Any]:
    """Add ``--encoder``."""
    help = "The network: any encoder of recipes that has ImageNet weights."
    return click.option("--encoder", metavar="NAME", default=ENCODER, help=help)


def layer_option(help: str) -> Decorator[Any]:
    """Add ``--layer``, which may be repeated, passed as ``layers``."""
    return click.option("--layer", "layers", metavar="NAME", multiple=True, help=help)


def side_option(default: int) -> Decorator[Any]:
    """Add ``--side``."""
    help = "Pixels of the longer side of the picture."
    return click.option("--side", type=Whole(min=64, max=4096), default=default, help=help)


def seed_option() -> Decorator[Any]:
    """Add ``--seed``."""
    return click.option("--seed", type=Whole(min=0), default=0, help="The same seed makes the same picture.")


def check_output(
    path: Path,
    inputs: Iterable[str | Path] = (),
    *,
    torch: bool = True,
    endings: Sequence[str] = tuple(PICTURES),
    option: str = "--output",
) -> None:
    """Check before any work that a picture can be written, and that torch is installed, if it is needed.

    Args:
        path: the picture.
        inputs: what the command reads.
        torch: whether it is needed.
        endings: of the formats that the command writes.
        option: that names the picture, for the message.

    Raises:
        UsageError: it cannot, or it is not.
    """
    from seetell.cli.output_file import check_writable
    from seetell.errors import UsageError
    from seetell.extras import require

    if torch:
        require("train", "making pictures with a network")
    if path.suffix.lower() not in endings:
        raise UsageError(f"{option} {path}: expected a name that ends in {', '.join(endings)}")
    check_writable(path, option, inputs=inputs, picture=True)


def write_picture(path: Path, picture: Image.Image) -> None:
    """Write a picture in the format of its name."""
    from seetell.cli.output_file import write_file

    file = io.BytesIO()
    picture.save(file, PICTURES[path.suffix.lower()], quality=92, subsampling=0)
    write_file(path, file.getvalue())


def open_or_draw(name: str, side: int) -> Image.Image:
    """Return a picture: a file, or a style that is drawn by rules, of so many pixels a side.

    Raises:
        PhotoError: there is no such file, nor such a style.
    """
    from seetell.errors import PhotoError, unknown
    from seetell.explain.drawn_styles import STYLES, draw_style
    from seetell.photos.opening import open_photo

    if name not in STYLES and not Path(name).suffix and not os.path.lexists(name):
        raise PhotoError(f"{name}: no such file, and {unknown('style', name, STYLES)}")
    if name in STYLES and not Path(name).exists():
        return draw_style(name, side)
    return open_photo(name, at_least=(side, side))


def load_encoder(name: str) -> Encoder:
    """Return an encoder with ImageNet weights, in evaluation mode, whose weights need no gradient."""
    from seetell.nn.backbones import create_encoder

    return create_encoder(name, weights="imagenet").eval().requires_grad_(False)


def announced(progress: Progress, what: str, cost: Sequence[float]) -> Callable[[int, int], None]:
    """Return what takes the progress of steps, shows it, and after the third says how long all will take.

    Steps may be reported several at once.

    Args:
        progress: open.
        what: is being done.
        cost: of each step, in any unit.
    """
    first: tuple[int, float] | None = None  # which also prepares
    announced = False

    def tell(done: int, total: int) -> None:
        nonlocal first, announced
        if first is None:
            first = done, time.monotonic()
        elif not announced and done >= min(first[0] + 2, total):
            announced = True
            seconds = (time.monotonic() - first[1]) / sum(cost[first[0] : done]) * sum(cost)
            if seconds >= LONG_SECONDS:
                progress.say(f"{what}: about {seconds:.0f} s")
        progress(what, done, total)

    return tell
