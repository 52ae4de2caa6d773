"""Neural style: the content of one picture in the style of others.

Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016: a picture is optimised so
that activations of a deep layer are the content's (equation 1) and Gram matrices of several layers the style's
(equations 3 to 5). Departures: the picture is optimised at half its size first (Gatys et al., "Controlling Perceptual
Factors in Neural Style Transfer", CVPR 2017, section 6); Gram matrices of several styles are averaged; where the
colours are kept, the style acts on brightness only (section 5.3 there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from seetell.explain.gram import targets, texture_error
from seetell.explain.optimisation import Progress, minimise
from seetell.explain.pictures import Activations, fitted, limits, resized, to_input, to_picture
from seetell.explain.style_model import with_colours_of
from seetell.explain.total_variation import total_variation
from seetell.nn.backbones import Encoder

CONTENT_LAYERS = ("stages.2",)
STYLE_LAYERS = ("stem", "stages.1.0.layers.1", "stages.2.0.layers.1", "stages.3.0.layers.1", "stages.4.0.layers.1")
"""Of EfficientNet-Lite; those of the style are rectified expansions."""


@dataclass(frozen=True)
class StyleOptions:
    """How a picture is made.

    Attributes:
        side: pixels of its longer side.
        style_weight: of the style beside the content.
        smoothness: weight of total variation, per pixel.
        steps: of the optimisation: as many at half the size as at the full one.
        keep_colour: keep the content's colours.
        lbfgs: optimise by L-BFGS rather than by Adam.
    """

    side: int = 512
    style_weight: float = 100.0
    smoothness: float = 0.05
    steps: int = 80
    keep_colour: bool = False
    lbfgs: bool = False


def style_transfer(
    encoder: Encoder,
    content: Image.Image,
    styles: Sequence[Image.Image],
    *,
    weights: Sequence[float] = (),
    options: StyleOptions | None = None,
    progress: Progress | None = None,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
) -> Image.Image:
    """Return the content in the style of other pictures.

    Args:
        encoder: whose layers are compared, in evaluation mode.
        content: the picture to draw.
        styles: how to draw it; several are mixed.
        weights: of the styles; equal when there are none.
        options: see :class:`StyleOptions`.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
        content_layers: names of modules of the encoder.
        style_layers: the same.
    """
    options = options or StyleOptions()
    shares = list(weights) or [1.0] * len(styles)
    shares = [share / sum(shares) for share in shares]
    grey = [_brightness(style) if options.keep_colour else style for style in styles]
    drawn = _brightness(content) if options.keep_colour else content
    scales, image = (options.side // 2, options.side), None
    for number, side in enumerate(scales):
        picture = to_input(fitted(drawn, side), encoder.preprocessing)
        start = picture if image is None else resized(image, (picture.shape[2], picture.shape[3]))
        wanted = targets(
            [
                Activations(encoder, style_layers)(to_input(fitted(style, side), encoder.preprocessing))
                for style in grey
            ],
            shares,
        )
        begun = number * options.steps

        def tell(done: int, total: int, begun: int = begun) -> None:
            if progress is not None:
                progress(begun + done, len(scales) * total)

        loss = _Loss(encoder, picture, wanted, content_layers, options)
        image = minimise(
            start,
            loss,
            steps=options.steps,
            bounds=limits(encoder.preprocessing),
            lbfgs=options.lbfgs,
            progress=tell,
        )
    assert image is not None
    made = to_picture(image, encoder.preprocessing)
    return with_colours_of(made, content) if options.keep_colour else made


class _Loss:
    """Content, style and total variation of an image."""

    def __init__(
        self,
        encoder: Encoder,
        content: Tensor,
        wanted: dict[str, Tensor],
        content_layers: Sequence[str],
        options: StyleOptions,
    ) -> None:
        self._activations = Activations(encoder, [*wanted, *content_layers])
        self._wanted, self._options = wanted, options
        self._content = {
            layer: value.detach() for layer, value in Activations(encoder, content_layers)(content).items()
        }

    def __call__(self, image: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        found = self._activations(image)
        content = sum(
            (found[layer] - target).square().mean() / target.square().mean() for layer, target in self._content.items()
        ) / len(self._content)
        style = texture_error(found, self._wanted).mean()
        smooth = total_variation(image) / image.numel()
        loss: Tensor = content + self._options.style_weight * style + self._options.smoothness * smooth
        return loss


def _brightness(picture: Image.Image) -> Image.Image:
    return picture.convert("L").convert("RGB")
