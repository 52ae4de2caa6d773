"""NeRF: a scene as a multilayer perceptron from places and directions to densities and colours.

Mildenhall, Srinivasan, Tancik, Barron, Ramamoorthi, Ng, "NeRF: Representing Scenes as Neural Radiance Fields for View
Synthesis", ECCV 2020: the network of section A and figure 7, positional encoding (equation 4) and two networks, a
coarse and a fine one (section 5.2). Encodings contain their input, as in the authors' code and unlike equation 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_sizes
from seetell.errors import RecipeError
from seetell.tasks.view_synthesis.models.radiance_field import RadianceField


@dataclass(frozen=True)
class NerfConfig:
    """Sizes of a NeRF; the defaults are the paper's.

    Attributes:
        layers: hidden layers before the density.
        width: units of each.
        skip: the layer after which the encoded place is appended again; 0 for none.
        frequencies: of the encoding of places, ``L`` of equation 4.
        direction_frequencies: of the encoding of directions; -1 for colours that do not depend on them.
        density: what makes densities not negative: ``relu`` as in the paper, or ``softplus``, which always has a
            gradient (Barron et al., "Mip-NeRF", ICCV 2021).
    """

    layers: int = 8
    width: int = 256
    skip: int = 5
    frequencies: int = 10
    direction_frequencies: int = 4
    density: Literal["relu", "softplus"] = "relu"

    def __post_init__(self) -> None:
        check_sizes(self, "layers")
        check_not_negative(self, "frequencies", "skip")
        if self.width < 2:
            raise RecipeError(f"width: expected at least 2, got {self.width}")
        if self.direction_frequencies < -1:
            raise RecipeError(f"direction_frequencies: expected -1 or more, got {self.direction_frequencies}")
        if self.skip >= self.layers:
            raise RecipeError(f"skip: expected a layer before the last of {self.layers}, got {self.skip}")


def encoded(values: Tensor, frequencies: int) -> Tensor:
    """Return ``γ(p) = (p, sin(2⁰ p), cos(2⁰ p), …, sin(2^{L−1} p), cos(2^{L−1} p))``, equation 4 without its π.

    Args:
        values: ``(M, 3)``.
        frequencies: ``L``.

    Returns:
        ``(M, 3 + 6 L)``.
    """
    scales = 2.0 ** torch.arange(frequencies, dtype=values.dtype, device=values.device)
    angles = values[:, None, :] * scales[:, None]
    waves = torch.stack([torch.sin(angles), torch.cos(angles)], dim=2)
    return torch.cat([values, waves.flatten(1)], dim=1)


class NerfNetwork(nn.Module):
    """One network, 595,844 parameters in the paper's sizes.

    Args:
        config: sizes.
    """

    def __init__(self, config: NerfConfig) -> None:
        super().__init__()
        self.config = config
        place = 3 + 6 * config.frequencies
        inputs = [place, *[config.width] * (config.layers - 1)]
        if config.skip:
            inputs[config.skip] += place
        self.layers = nn.ModuleList(nn.Linear(count, config.width) for count in inputs)
        self.density = nn.Linear(config.width, 1)
        direction = 3 + 6 * config.direction_frequencies if config.direction_frequencies >= 0 else 0
        self.feature = nn.Linear(config.width, config.width)
        self.view = nn.Linear(config.width + direction, config.width // 2)
        self.colour = nn.Linear(config.width // 2, 3)

    def forward(self, points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return densities ``(M,)`` and colours ``(M, 3)`` of points and directions, both ``(M, 3)``."""
        config = self.config
        place = encoded(points, config.frequencies)
        hidden = place
        for number, layer in enumerate(self.layers):
            if number == config.skip and number:
                hidden = torch.cat([place, hidden], dim=1)
            hidden = F.relu(layer(hidden))
        raw = self.density(hidden)[:, 0].float()
        density = F.relu(raw) if config.density == "relu" else F.softplus(raw)
        feature = self.feature(hidden)
        if config.direction_frequencies >= 0:
            feature = torch.cat([feature, encoded(directions, config.direction_frequencies)], dim=1)
        colour = torch.sigmoid(self.colour(F.relu(self.view(feature))).float())
        return density, colour


class Nerf(RadianceField):
    """A coarse network, and a fine one that is asked where the coarse one found something.

    Args:
        config: sizes of both.
        half_side: see :class:`RadianceField`.
        cells: see there.
    """

    def __init__(self, config: NerfConfig, *, half_side: float, cells: int) -> None:
        super().__init__(half_side=half_side, cells=cells)
        self.coarse, self.fine = NerfNetwork(config), NerfNetwork(config)

    @property
    def fields(self) -> Sequence[nn.Module]:
        """The coarse network, then the fine one."""
        return self.coarse, self.fine
