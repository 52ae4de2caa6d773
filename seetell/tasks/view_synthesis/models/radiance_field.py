"""What the models of view synthesis have in common, and the volume rendering that gradients go through."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seetell.tasks.view_synthesis.occupancy import Occupancy
from seetell.tasks.view_synthesis.rendering import Samples


class RadianceField(nn.Module):
    """A scene: what is where, and which colour it has from where.

    Args:
        half_side: of the cube around the origin that holds the scene.
        cells: along each side of the grid that remembers what is empty.
    """

    occupied: Tensor

    def __init__(self, *, half_side: float, cells: int) -> None:
        super().__init__()
        self.half_side = half_side
        self.register_buffer("occupied", torch.ones(cells, cells, cells, dtype=torch.bool))

    @property
    def fields(self) -> Sequence[nn.Module]:
        """The networks that are asked in turn: one, or a coarse and a fine one.

        Each takes points and directions ``(M, 3)``, and returns densities ``(M,)`` and colours ``(M, 3)``.
        """
        raise NotImplementedError

    @property
    def field_names(self) -> Sequence[str]:
        """Names of :attr:`fields`, for the graphs of a bundle."""
        return ("coarse", "fine") if len(self.fields) == 2 else ("field",)

    @property
    def occupancy(self) -> Occupancy:
        """What is known to be empty."""
        return Occupancy(self.occupied.cpu().numpy(), self.half_side)

    def regularisation(self, generator: torch.Generator) -> Tensor | None:
        """Return what is added to the loss beside the error of colours; ``None`` for nothing.

        Args:
            generator: of random numbers.
        """
        return None


def composite(
    samples: Samples, densities: Tensor, colours: Tensor, *, background: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return the colours ``(N, 3)`` of rays and the weights ``(N, S)`` of their samples.

    Mildenhall et al., ECCV 2020, equation 3; see :func:`seetell.tasks.view_synthesis.rendering.composite`.

    Args:
        samples: where the field was asked.
        densities: ``(M,)``.
        colours: ``(M, 3)``.
        background: its grey, 1 for white.
    """
    device = densities.device
    places = torch.from_numpy(samples.places).to(device)
    lengths = torch.from_numpy(samples.lengths).to(device)
    rows, columns = lengths.shape
    optical = densities.new_zeros(rows * columns).index_put((places,), densities * lengths.flatten()[places])
    optical = optical.view(rows, columns)
    through = torch.exp(optical - torch.cumsum(optical, dim=1))
    weights = through * -torch.expm1(-optical)
    seen = colours * weights.flatten()[places, None]
    mixed = seen.new_zeros(rows, 3).index_add(0, places // columns, seen)
    return mixed + background * (1 - weights.sum(dim=1, keepdim=True)), weights
