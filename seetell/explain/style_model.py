"""Fast style, without torch: a bundle that draws photos in the styles that it was trained on, in one pass.

>>> from seetell.explain.style_model import load_style_model
>>> load_style_model().draw(photo, {"waves": 2, "mosaic": 1}, side=512)

See :mod:`seetell.explain.style_network` for the network, and :mod:`seetell.explain.fast_style` for its training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.errors import UsageError, unknown
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.runtime.sessions import Graph
from seetell.runtime.threads import resolve_num_threads

TASK = "style"
"""In ``model.json``; such bundles are no models of a registered task."""

BUNDLED = "drawn-styles"

MULTIPLE, LEAST = 4, 16
"""Pixels that height and width of the network's input are a multiple of, and at least."""


def load_style_model(model: str | Path = BUNDLED, *, threads: int | None = None) -> StyleModel:
    """Load a bundle of styles.

    Args:
        model: name of a bundled model, or a folder.
        threads: processor threads; the physical cores when absent.

    Raises:
        UsageError: there is no such model, or it draws no styles.
        BundleError: it is damaged.
    """
    bundled = {name: folder for name, folder in bundled_models().items() if name == BUNDLED}
    if str(model) not in bundled and not Path(model).is_dir():
        raise UsageError(f"{unknown('model of styles', model, bundled)} Or name a folder.")
    return StyleModel(Bundle.load(bundled.get(str(model), Path(model))), threads=threads)


class StyleModel:
    """A loaded bundle of styles.

    Args:
        bundle: with a graph ``styles``, and the styles' names as its labels.
        threads: processor threads; the physical cores when absent.

    Attributes:
        styles: their names.
        name: of the bundle.

    Raises:
        UsageError: the bundle is for another task.
        BundleError: it is damaged.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        if bundle.task != TASK:
            raise UsageError(f"{bundle.name} is a model for {bundle.task.replace('_', ' ')}, and draws no styles")
        self.name, self.styles, self._preprocessing = bundle.name, bundle.require_labels(), bundle.preprocessing
        self._graph = Graph.open(bundle, "styles", threads=resolve_num_threads(threads))

    def draw(
        self, picture: Image.Image, styles: Mapping[str, float], *, side: int, strength: float = 1.0
    ) -> Image.Image:
        """Draw a picture in a mixture of styles.

        Args:
            picture: of any size.
            styles: the weight of each style in the mixture, by name; at least one is above 0.
            side: pixels of the longer side of the result.
            strength: from 0, which leaves the picture as it is, to 1.

        Raises:
            UsageError: the model does not know a style, or a weight or the strength is not allowed.
        """
        mix = self._mixture(styles, strength)
        scale = side / max(picture.size)
        width, height = (max(1, round(length * scale)) for length in picture.size)
        fitted = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3)
        pixels = self._preprocessing.normalise(np.asarray(fitted))  # (3, H, W)
        beyond = [(0, max(-length % MULTIPLE, LEAST - length)) for length in (height, width)]
        padded = np.pad(pixels, [(0, 0), *beyond], mode="edge")
        (drawn,) = self._graph.run({"images": padded[None], "mix": mix}, ["pictures"])
        made = self._preprocessing.restore(drawn[0, :, :height, :width])  # (3, H, W)
        return Image.fromarray(np.moveaxis(made, 0, -1))

    def _mixture(self, styles: Mapping[str, float], strength: float) -> np.ndarray:
        """Return the shares of the photo and of each style, ``(1, 1 + S)``."""
        if not 0 <= strength <= 1:
            raise UsageError(f"strength: expected a number from 0 to 1, got {strength:g}")
        mix = np.zeros((1, 1 + len(self.styles)), np.float32)
        total = sum(styles.values())
        if not total > 0 or not np.isfinite(total) or min(styles.values()) < 0:
            raise UsageError(f"expected weights of styles of 0 or more, and one above 0, got {dict(styles)}")
        for style, weight in styles.items():
            if style not in self.styles:
                raise UsageError(f"{self.name}: {unknown('style', style, self.styles)}")
            mix[0, 1 + self.styles.index(style)] = strength * weight / total
        mix[0, 0] = 1 - strength
        return mix


def with_colours_of(made: Image.Image, content: Image.Image) -> Image.Image:
    """Return a picture with the colours of another, of which it keeps the brightness."""
    _, blue, red = content.convert("RGB").resize(made.size, Image.Resampling.BICUBIC).convert("YCbCr").split()
    brightness = made.convert("YCbCr").split()[0]
    return Image.merge("YCbCr", (brightness, blue, red)).convert("RGB")
