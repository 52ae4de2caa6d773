"""Fast style: one small network that draws photos in any of several styles, in one pass.

    python -m seetell.explain.fast_style PHOTOS --styles mosaic waves strokes --output styles.safetensors
    seetell style photo.jpg waves mosaic --fast styles.safetensors --output drawn.jpg

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016: the network
is trained on photos with the loss by which a picture is otherwise optimised, see :mod:`seetell.explain.style`.
Dumoulin, Shlens & Kudlur, "A Learned Representation for Artistic Style", ICLR 2017: styles share all weights but scale
and shift of the normalisation, which are mixed to mix styles; nearest-neighbour upsampling in place of transposed
convolutions.
Departure: fewer channels than published (32, 64, 128), for processors without a graphics card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import CheckpointError, UsageError, unknown
from seetell.explain.drawn_styles import STYLES, draw_style
from seetell.explain.gram import targets, texture_error
from seetell.explain.optimisation import Progress
from seetell.explain.pictures import Activations, fitted, to_input, to_picture
from seetell.explain.style import CONTENT_LAYERS, STYLE_LAYERS
from seetell.explain.total_variation import total_variation
from seetell.nn.backbones import Encoder, create_encoder
from seetell.nn.backbones.efficientnet_lite import VARIANTS
from seetell.photos.folders import photo_folders
from seetell.photos.opening import open_photo
from seetell.photos.preprocessing import Preprocessing
from seetell.program import run_program

CHANNELS, BLOCKS = (12, 24, 48), 4


class ConditionalInstanceNorm(nn.Module):
    """Instance normalisation whose scale and shift are a style's (Dumoulin et al. 2017, equation 5).

    Args:
        channels: ``C``.
        styles: ``S``.
    """

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(styles, channels))
        self.shift = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)`` by the styles' shares ``(B, S)``."""
        scale, shift = (mix @ each for each in (self.scale, self.shift))
        return F.instance_norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


class _Layer(nn.Module):
    """Upsampling, a convolution with reflected edges, normalisation and a rectifier, each where it is wanted."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, *, stride: int = 1, scale: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.scale, self.relu = scale, relu
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect")
        self.norm = ConditionalInstanceNorm(outputs, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        x = self.norm(self.convolution(x), mix)
        return F.relu(x) if self.relu else x


class StyleNetwork(nn.Module):
    """Photos to pictures in the styles that it was trained on.

    Args:
        styles: their names, ``S``.
        channels: at strides 1, 2 and 4.
        blocks: residual ones.

    Attributes:
        preprocessing: of its input and output; a size is not asked for.
    """

    def __init__(self, styles: Sequence[str], *, channels: Sequence[int] = CHANNELS, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.styles, self.channels, count = tuple(styles), tuple(channels), len(styles)
        self.preprocessing = Preprocessing(height=256, width=256)
        first, second, third = channels
        self.down = nn.ModuleList(
            [
                _Layer(3, first, 9, count),
                _Layer(first, second, 3, count, stride=2),
                _Layer(second, third, 3, count, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList([_Layer(third, third, 3, count), _Layer(third, third, 3, count, relu=False)])
            for _ in range(blocks)
        )
        self.up = nn.ModuleList([_Layer(third, second, 3, count, scale=2), _Layer(second, first, 3, count, scale=2)])
        self.last = _Layer(first, 3, 9, count, relu=False)

    def forward(self, images: Tensor, mix: Tensor) -> Tensor:
        """Draw images.

        Args:
            images: ``(B, 3, H, W)``, at least 8 pixels a side.
            mix: the share of each style, ``(B, S)``, rows summing to 1.

        Returns:
            ``(B, 3, H, W)`` within -1 and 1.
        """
        height, width = images.shape[2:]
        x = F.pad(images, (0, -width % 4, 0, -height % 4), mode="replicate")
        for layer in self.down:
            x = layer(x, mix)
        for block in self.blocks:
            inner = x
            for layer in block:  # type: ignore[attr-defined]
                inner = layer(inner, mix)
            x = x + inner
        for layer in self.up:
            x = layer(x, mix)
        return torch.tanh(self.last(x, mix))[:, :, :height, :width]

    def draw(
        self, picture: Image.Image, styles: Sequence[str], weights: Sequence[float] = (), *, side: int
    ) -> Image.Image:
        """Draw a picture in the mixture of some styles.

        Args:
            picture: of any size.
            styles: names.
            weights: of the styles; equal when there are none.
            side: pixels of the longer side of the result.

        Raises:
            UsageError: the network does not know a style.
        """
        shares = list(weights) or [1.0] * len(styles)
        mix = torch.zeros(1, len(self.styles))
        for style, share in zip(styles, shares, strict=True):
            if style not in self.styles:
                raise UsageError(unknown("style", style, self.styles))
            mix[0, self.styles.index(style)] += share / sum(shares)
        with torch.no_grad():
            made = self(to_input(fitted(picture, side), self.preprocessing), mix)
        return to_picture(made, self.preprocessing)

    def save(self, path: Path) -> None:
        """Write weights, and in their metadata the styles and sizes, as safetensors."""
        sizes = {"styles": self.styles, "channels": self.channels, "blocks": len(self.blocks)}
        save_file(self.state_dict(), path, {"style_network": json.dumps(sizes)})

    @classmethod
    def load(cls, path: Path) -> StyleNetwork:
        """Read what :meth:`save` wrote, in evaluation mode.

        Raises:
            CheckpointError: the file is missing or holds no such network.
        """
        try:
            with safe_open(path, "pt") as file:
                sizes = json.loads((file.metadata() or {})["style_network"])
                network = cls(sizes["styles"], channels=sizes["channels"], blocks=int(sizes["blocks"]))
                network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{path}: holds no network of styles ({reason})") from error
        return network.eval().requires_grad_(False)


def train_fast_style(
    network: StyleNetwork,
    encoder: Encoder,
    photos: Sequence[Path],
    styles: Sequence[Image.Image],
    *,
    steps: int,
    batch: int = 4,
    side: int = 128,
    style_weight: float = 10.0,
    smoothness: float = 0.05,
    learning_rate: float = 3e-3,
    seed: int = 0,
    progress: Progress | None = None,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
) -> Iterator[float]:
    """Train a network on photos, each step in random styles.

    Args:
        network: trained in place.
        encoder: whose layers are compared, in evaluation mode, with the network's preprocessing.
        photos: squares of them are cut out.
        styles: pictures of the network's styles, in its order.
        steps: of Adam, whose learning rate falls to 0 in the shape of a cosine.
        batch: photos of a step.
        side: pixels of the squares.
        style_weight: of the style beside the content; with ten times as much, little of the photos is left.
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
    wanted = [targets([of_style(to_input(fitted(each, 2 * side), network.preprocessing))], [1.0]) for each in styles]
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        chosen = torch.randint(len(photos), (batch,), generator=generator).tolist()
        images = torch.cat([_square(photos[number], side, generator, network.preprocessing) for number in chosen])
        drawn = torch.randint(len(styles), (batch,), generator=generator)
        made = network(images, F.one_hot(drawn, len(styles)).float())
        found, content = of_all(made), of_content(images)
        error = texture_error(
            found, {layer: torch.stack([wanted[number][layer] for number in drawn.tolist()]) for layer in wanted[0]}
        )
        kept = torch.stack(
            [(found[name] - each).square().mean() / each.square().mean() for name, each in content.items()]
        ).mean()
        loss = kept + style_weight * error + smoothness * total_variation(made) / made.numel()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, steps)
        yield float(loss.detach())


def _square(path: Path, side: int, generator: torch.Generator, preprocessing: Preprocessing) -> Tensor:
    """Return a random square of a photo whose shorter side is reduced to a little more than the square's."""
    photo = open_photo(path, at_least=(side, side))
    scale = 1.15 * side / min(photo.size)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BILINEAR)
    left, top = (
        int(torch.randint(length - side + 1, (1,), generator=generator)) for length in (photo.width, photo.height)
    )
    return to_input(photo.crop((left, top, left + side, top + side)), preprocessing)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a network of styles and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--styles", nargs="+", default=list(STYLES), help="pictures, or styles drawn by rules")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--encoder", choices=sorted(VARIANTS), default="efficientnet_lite0")
    parser.add_argument("--log-every", type=int, default=50)
    options = parser.parse_args(arguments)
    paths = [
        Path(folder, name) for folder, names in photo_folders(str(options.photos), lambda _: None) for name in names
    ]
    if not paths:
        found = "no photos in it" if options.photos.is_dir() else "no such folder"
        raise UsageError(f"{options.photos}: {found}; expected a folder of photos to train on")
    if not options.output.absolute().parent.is_dir():
        raise UsageError(f"--output {options.output}: there is no folder {options.output.parent}; make it first")
    for option in ("steps", "batch", "side", "log_every"):
        if getattr(options, option) < 1:
            raise UsageError(f"--{option.replace('_', '-')}: expected at least 1, got {getattr(options, option)}")
    names = [Path(style).stem for style in options.styles]
    pictures = [draw_style(each) if each in STYLES else open_photo(each) for each in options.styles]
    encoder = create_encoder(options.encoder, weights="imagenet").eval().requires_grad_(False)
    network = StyleNetwork(names)
    losses: list[float] = []
    for loss in train_fast_style(
        network, encoder, paths, pictures, steps=options.steps, batch=options.batch, side=options.side
    ):
        losses.append(loss)
        if len(losses) % options.log_every == 0:
            recent = losses[-options.log_every :]
            print(f"step {len(losses):,} of {options.steps:,}, loss {sum(recent) / len(recent):.2f}", flush=True)
            network.save(options.output)
    network.save(options.output)


if __name__ == "__main__":
    run_program(main)
