"""A voxel grid: the scene written down, density and colour at each corner, instead of a network that was taught it.

Colours are spherical harmonics of the direction, and neighbours are made alike by total variation, as in
Fridovich-Keil, Yu et al., "Plenoxels: Radiance Fields without Neural Networks", CVPR 2022. Densities become positive
after interpolation, which makes sharp surfaces possible within a cell, and are measured per cell, as in Sun, Sun, Chen,
"Direct Voxel Grid Optimization", CVPR 2022, equations 4 to 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_positive
from seetell.errors import RecipeError
from seetell.tasks.view_synthesis.models.radiance_field import RadianceField

HARMONICS = {0: 1, 1: 4, 2: 9}
"""Functions of the direction, by the highest degree."""

REGULARISED = 2**14
"""Corners whose differences are measured in a step."""


@dataclass(frozen=True)
class VoxelGridConfig:
    """Sizes of a voxel grid.

    Attributes:
        resolution: corners along each side.
        degree: of the spherical harmonics, 0 to 2; 0 for colours that do not depend on the direction.
        opacity: of a cell before training.
        density_variation: weight of the total variation of densities.
        colour_variation: weight of that of colours.
    """

    resolution: int = 96
    degree: int = 1
    opacity: float = 1e-4
    density_variation: float = 1e-4
    colour_variation: float = 1e-4

    def __post_init__(self) -> None:
        if not 2 <= self.resolution <= 512:
            raise RecipeError(f"resolution: expected 2 to 512, got {self.resolution}")
        if self.degree not in HARMONICS:
            raise RecipeError(f"degree: expected 0, 1 or 2, got {self.degree}")
        check_positive(self, "opacity")
        if self.opacity >= 1:
            raise RecipeError(f"opacity: expected a number below 1, got {self.opacity}")
        check_not_negative(self, "density_variation", "colour_variation")


def spherical_harmonics(directions: Tensor, degree: int) -> Tensor:
    """Return the real spherical harmonics ``(M, K)`` of directions ``(M, 3)`` of length 1, up to a degree of 2."""
    x, y, z = directions.unbind(dim=1)
    functions = [torch.full_like(x, 0.5 / math.sqrt(math.pi))]
    if degree >= 1:
        first = math.sqrt(3 / (4 * math.pi))
        functions += [-first * y, first * z, -first * x]
    if degree >= 2:
        second = math.sqrt(15 / (4 * math.pi))
        functions += [
            *(second * x * y, -second * y * z),
            math.sqrt(5 / (16 * math.pi)) * (2 * z * z - x * x - y * y),
            *(-second * x * z, second / 2 * (x * x - y * y)),
        ]
    return torch.stack(functions, dim=1)


class VoxelGridField(nn.Module):
    """Values at the corners of a grid, interpolated in between.

    Args:
        config: sizes.
        half_side: of the cube that the grid fills; nothing is outside.
    """

    def __init__(self, config: VoxelGridConfig, *, half_side: float) -> None:
        super().__init__()
        self.config, self.half_side = config, half_side
        self.functions = HARMONICS[config.degree]
        # one row a corner, so that what a point needs lies together in memory
        self.values = nn.Parameter(torch.zeros(config.resolution**3, 1 + 3 * self.functions))
        self.cell = 2 * half_side / (config.resolution - 1)
        self.shift = math.log(math.expm1(-math.log1p(-config.opacity)))  # softplus of it is the density of `opacity`

    def interpolated(self, points: Tensor) -> Tensor:
        """Return the values ``(M, 1 + 3 K)`` at points ``(M, 3)``, linear in x, y and z within each cell."""
        side = self.config.resolution
        places = ((points + self.half_side) / self.cell).clamp(0, side - 1)
        low = places.floor().clamp(max=side - 2)
        share = places - low
        corner = low.long()
        first = (corner[:, 0] * side + corner[:, 1]) * side + corner[:, 2]
        x, y, z = (torch.stack([1 - part, part], dim=1) for part in share.unbind(dim=1))
        weights = x[:, :, None, None] * y[:, None, :, None] * z[:, None, None, :]
        steps = torch.tensor([0, 1, side, side + 1], device=points.device)
        steps = torch.cat([steps, steps + side * side])
        values = F.embedding(first[:, None] + steps, self.values)
        return (values * weights.flatten(1)[..., None]).sum(dim=1)

    def forward(self, points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return densities ``(M,)`` and colours ``(M, 3)`` of points and directions, both ``(M, 3)``."""
        values = self.interpolated(points)
        density = F.softplus(values[:, 0] + self.shift) / self.cell
        harmonics = spherical_harmonics(directions, self.config.degree)
        coefficients = values[:, 1:].reshape(-1, 3, self.functions)
        return density, torch.sigmoid((coefficients * harmonics[:, None]).sum(dim=2))


class VoxelGrid(RadianceField):
    """A grid of values alone.

    Args:
        config: sizes.
        half_side: see :class:`RadianceField`.
        cells: see there.
    """

    def __init__(self, config: VoxelGridConfig, *, half_side: float, cells: int) -> None:
        super().__init__(half_side=half_side, cells=cells)
        self.field = VoxelGridField(config, half_side=half_side)

    @property
    def fields(self) -> Sequence[nn.Module]:
        """The grid."""
        return (self.field,)

    def regularisation(self, generator: torch.Generator) -> Tensor | None:
        """Return the total variation at random corners, ``√(Δx² + Δy² + Δz²)`` of each value, weighted."""
        config, side = self.field.config, self.field.config.resolution
        if not config.density_variation and not config.colour_variation:
            return None
        corners = torch.randint(side - 1, (REGULARISED, 3), generator=generator).to(self.field.values.device)
        first = (corners[:, 0] * side + corners[:, 1]) * side + corners[:, 2]
        steps = torch.tensor([0, 1, side, side * side], device=first.device)
        values = F.embedding(first[:, None] + steps, self.field.values)
        variation = ((values[:, 1:] - values[:, :1]).square().sum(dim=1) + 1e-9).sqrt().mean(dim=0)
        return config.density_variation * variation[0] + config.colour_variation * variation[1:].mean()
