"""Training a network that draws photos in any of several styles in one pass.

    python -m seetell.explain.fast_style PHOTOS --styles mosaic waves strokes --output my-styles

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016: the network
is trained on photos with the loss by which a picture is otherwise optimised, see :mod:`seetell.explain.style`. Its
styles are mixed at random, as they are later (see :mod:`seetell.explain.style_network`).
Departures: Gram matrices are those of quarters of the picture, so that no part of it stays without texture; and what is
lighter than the rest of the photo is to be lighter in the picture, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from seetell.errors import UsageError
from seetell.explain.drawn_styles import STYLES, draw_style
from seetell.explain.gram import targets, texture_error
from seetell.explain.optimisation import Progress
from seetell.explain.pictures import Activations, fitted, to_input
from seetell.explain.style import CONTENT_LAYERS, STYLE_LAYERS
from seetell.explain.style_export import export_styles
from seetell.explain.style_network import StyleNetwork
from seetell.explain.total_variation import total_variation
from seetell.nn.backbones import Encoder, create_encoder
from seetell.nn.backbones.efficientnet_lite import VARIANTS
from seetell.photos.folders import photo_folders
from seetell.photos.opening import open_photo
from seetell.photos.preprocessing import Preprocessing
from seetell.program import run_program
from seetell.training.config import CardConfig

STYLE_WEIGHT = 25.0
"""Of the style beside the content; with ten times as much, little of the photos is left."""

PURE, WEAKER = 0.6, 0.2
"""Shares of the photos that are drawn in one style at full strength, and in one style less strongly; the others are
drawn in two styles."""


def train_fast_style(
    network: StyleNetwork,
    encoder: Encoder,
    photos: Sequence[Path],
    styles: Sequence[Image.Image],
    *,
    steps: int,
    batch: int = 4,
    side: int = 128,
    style_weight: float = STYLE_WEIGHT,
    brightness_weight: float = 1.5,
    smoothness: float = 0.05,
    learning_rate: float = 3e-3,
    seed: int = 0,
    progress: Progress | None = None,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
) -> Iterator[float]:
    """Train a network on photos, each drawn in a random mixture of styles.

    Args:
        network: trained in place.
        encoder: whose layers are compared, in evaluation mode, with the network's preprocessing.
        photos: squares of them are cut out.
        styles: pictures of the network's styles, in its order.
        steps: of Adam, whose learning rate falls to 0 in the shape of a cosine.
        batch: photos of a step.
        side: pixels of the squares; styles are compared at three times that side.
        style_weight: of the style beside the content.
        brightness_weight: of how unlike the brightness of picture and photo are, see :func:`unlike_in_brightness`.
        smoothness: weight of total variation, per pixel.
        learning_rate: at the beginning.
        seed: of the choice of photos, squares and styles.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
        content_layers: names of the encoder's modules.
        style_layers: the same.

    Yields:
        The loss of each step.
    """
    generator = torch.Generator().manual_seed(seed)
    of_style, of_all = Activations(encoder, style_layers), Activations(encoder, [*style_layers, *content_layers])
    of_content = Activations(encoder, content_layers)
    own = [targets([of_style(to_input(fitted(each, 3 * side), network.preprocessing))], [1.0]) for each in styles]
    wanted = {layer: torch.stack([each[layer] for each in own]) for layer in own[0]}  # (S, N, N)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        chosen = torch.randint(len(photos), (batch,), generator=generator).tolist()
        images = torch.cat([_square(photos[number], side, generator, network.preprocessing) for number in chosen])
        mix = _mixtures(batch, len(styles), generator)
        made = network(images, mix)
        found, content = of_all(made), of_content(images)
        strength = 1 - mix[:, 0]
        mixed = {
            layer: torch.einsum("bs,snm->bnm", mix[:, 1:] / strength[:, None], each) for layer, each in wanted.items()
        }
        kept = sum(
            ((found[name] - each).square().mean(dim=(1, 2, 3)) / each.square().mean(dim=(1, 2, 3)))
            for name, each in content.items()
        ) / len(content)
        texture = texture_error(
            {layer: _quarters(found[layer]) for layer in wanted},
            {layer: each.repeat_interleave(4, dim=0) for layer, each in mixed.items()},
        )
        textured = texture.reshape(batch, 4).mean(dim=1)
        kept = kept + brightness_weight * unlike_in_brightness(made, images)
        loss = (kept + style_weight * strength.square() * textured).mean()
        loss = loss + smoothness * total_variation(made) / made.numel()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, steps)
        yield float(loss.detach())


def _mixtures(batch: int, styles: int, generator: torch.Generator) -> Tensor:
    """Return random shares of the photo, below 1, and of the styles, ``(B, 1 + S)``; see :data:`PURE`."""
    mix = torch.zeros(batch, 1 + styles)
    for row in mix:
        kind, share = torch.rand(2, generator=generator).tolist()
        one, other = torch.randint(styles, (2,), generator=generator).tolist()
        share = 0.0 if kind < PURE else 0.95 * share
        row[1 + one] = 1 - share
        row[0 if kind < PURE + WEAKER else 1 + other] += share
    return mix


def unlike_in_brightness(made: Tensor, photos: Tensor) -> Tensor:
    """Return ``1 − r`` with the correlation ``r`` of the brightness of cells of 8 pixels a side, ``(B,)``.

    Args:
        made: ``(B, 3, H, W)``.
        photos: the same.
    """
    cells = (F.avg_pool2d(each.mean(dim=1), 8).flatten(1) for each in (made, photos))
    one, other = (each - each.mean(dim=1, keepdim=True) for each in cells)
    return 1 - F.cosine_similarity(one, other, dim=1, eps=1e-3)


def _quarters(activation: Tensor) -> Tensor:
    """Cut ``(B, N, h, w)`` into ``(4 B, N, h / 2, w / 2)``, those of an image together; odd edges are left out."""
    count, channels, height, width = activation.shape
    even = activation[:, :, : height // 2 * 2, : width // 2 * 2]
    parts = even.reshape(count, channels, 2, height // 2, 2, width // 2).permute(0, 2, 4, 1, 3, 5)
    return parts.reshape(4 * count, channels, height // 2, width // 2)


def _square(path: Path, side: int, generator: torch.Generator, preprocessing: Preprocessing) -> Tensor:
    """Return a random square of a photo, reduced by a random factor at most to a little more than the square."""
    photo = open_photo(path)
    least = 1.1 * side / min(photo.size)
    scale = least * max(1.0, 1 / least) ** float(torch.rand((), generator=generator))
    size = max(side, round(photo.width * scale)), max(side, round(photo.height * scale))
    photo = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
    left, top = (int(torch.randint(length - side + 1, (1,), generator=generator)) for length in size)
    return to_input(photo.crop((left, top, left + side, top + side)), preprocessing)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a network of styles and write its bundle."""
    options = _parser().parse_args(arguments)
    paths = [
        Path(folder, name) for folder, names in photo_folders(str(options.photos), lambda _: None) for name in names
    ]
    _check(options, paths)
    names = [Path(style).stem for style in options.styles]
    pictures = [draw_style(each) if each in STYLES else open_photo(each) for each in options.styles]
    encoder = create_encoder(options.encoder, weights="imagenet").eval().requires_grad_(False)
    weights = options.output.with_name(f"{options.output.name}.safetensors")
    network = StyleNetwork(names)
    if options.init_from:
        earlier = StyleNetwork.load(options.init_from)
        if earlier.styles != network.styles:
            raise UsageError(f"--init-from {options.init_from}: expected its styles, {' '.join(earlier.styles)}")
        network = earlier.train().requires_grad_(True)
    losses: list[float] = []
    for loss in train_fast_style(
        network,
        encoder,
        paths,
        pictures,
        steps=options.steps,
        batch=options.batch,
        side=options.side,
        style_weight=options.style_weight,
    ):
        losses.append(loss)
        if len(losses) % options.log_every == 0:
            recent = losses[-options.log_every :]
            print(f"step {len(losses):,} of {options.steps:,}, loss {sum(recent) / len(recent):.2f}", flush=True)
            network.save(weights)
    network.save(weights)
    card = {name: getattr(options, name) for name in ("licence", "training_data", "terms")}
    given = ("styles", "encoder", "batch", "side", "style_weight")
    export_styles(
        network.eval(),
        options.output,
        encoder=options.encoder,
        card=CardConfig(**{name: text for name, text in card.items() if text}),
        command=f"python -m seetell.explain.fast_style {options.photos.name} --styles {' '.join(options.styles)} "
        f"--steps {options.steps}",
        started_from=options.init_from.name if options.init_from else "",
        steps=options.steps,
        config={"photos": len(paths), **{name: getattr(options, name) for name in given}},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--styles", nargs="+", default=list(STYLES), help="pictures, or styles drawn by rules")
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle; its weights go beside it")
    parser.add_argument("--init-from", type=Path, help="weights to begin with, of the same styles")
    parser.add_argument("--steps", type=int, default=4000, help="0 to write the bundle of --init-from only")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--style-weight", type=float, default=STYLE_WEIGHT)
    parser.add_argument("--encoder", choices=sorted(VARIANTS), default="efficientnet_lite0")
    parser.add_argument("--log-every", type=int, default=50)
    for name in ("licence", "training-data", "terms"):
        parser.add_argument(f"--{name}", default="", help="for the card")
    return parser


def _check(options: argparse.Namespace, paths: Sequence[Path]) -> None:
    """Raise a ``UsageError`` if the program cannot do what is asked."""
    if not paths:
        found = "no photos in it" if options.photos.is_dir() else "no such folder"
        raise UsageError(f"{options.photos}: {found}; expected a folder of photos to train on")
    if not options.output.absolute().parent.is_dir():
        raise UsageError(f"--output {options.output}: there is no folder {options.output.parent}; make it first")
    if options.output.exists():
        raise UsageError(f"--output {options.output}: is there already; name another folder")
    for option, least in (("steps", 0 if options.init_from else 1), ("batch", 1), ("side", 16), ("log_every", 1)):
        if getattr(options, option) < least:
            raise UsageError(f"--{option.replace('_', '-')}: expected at least {least}, got {getattr(options, option)}")


if __name__ == "__main__":
    run_program(main)
