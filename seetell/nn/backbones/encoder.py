"""One way to ask any image encoder for features: a pooled vector and a grid."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.photos import Preprocessing


class Features(NamedTuple):
    """What an encoder says of a batch of photos.

    Attributes:
        pooled: ``(B, D)``, one vector a photo.
        grid: ``(B, L, D)``, one vector a location, row by row; ``None`` where only ``pooled`` was kept.
    """

    pooled: Tensor
    grid: Tensor | None


class Encoder(nn.Module):
    """An image encoder that publishes what a captioner needs to know of it.

    Attributes:
        name: the name it is asked for by.
        channels: ``D``, the length of a feature vector.
        grid_size: rows and columns of the grid; ``L`` is their product.
        preprocessing: how a photo becomes this encoder's input.
    """

    name: str
    channels: int
    grid_size: tuple[int, int]
    preprocessing: Preprocessing

    def forward(self, images: Tensor) -> Features:
        """Encode preprocessed photos, ``(B, 3, H, W)``."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Encoder:
        """Switch dropout, but keep batch normalisation on its stored statistics: caption batches are small."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the parameters behind the first stages.

        Args:
            frozen_stages: how many stages stay as they are; 0 returns every parameter.

        Raises:
            RecipeError: the encoder does not publish that many stages.
        """
        if frozen_stages == 0:
            return list(self.parameters())
        raise self._without_stages(frozen_stages)

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return the first stages: a module that maps photos ``(B, 3, H, W)`` to an activation ``(B, C, h, w)``.

        Raises:
            RecipeError: the encoder does not publish that many stages.
        """
        raise self._without_stages(frozen_stages)

    def _without_stages(self, frozen_stages: int) -> RecipeError:
        return RecipeError(f"finetune.frozen_stages: {self.name} publishes no stages; expected 0, got {frozen_stages}")

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Go on from what :meth:`first_stages` made of photos."""
        raise NotImplementedError

    @property
    def feature_map_channels(self) -> dict[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride in pixels, finest first.

        Raises:
            RecipeError: the encoder publishes no stages.
        """
        raise self._without_pyramid()

    def feature_maps(self, images: Tensor) -> dict[int, Tensor]:
        """Return the last activation of each resolution of photos ``(B, 3, H, W)``, as maps.

        Returns:
            By stride ``s`` in pixels, ``(B, C_s, h, w)``; the cell in row ``i`` and column ``j`` is centred at the
            pixel ``(j·s, i·s)``, within a pixel, which is where torchvision's anchors and RoIAlign have it.

        Raises:
            RecipeError: the encoder publishes no stages.
        """
        raise self._without_pyramid()

    def _without_pyramid(self) -> RecipeError:
        return RecipeError(
            f"encoder.name: {self.name} publishes no stages, which regions are found in; use an efficientnet_lite"
        )


def weights_hash(module: nn.Module) -> str:
    """SHA-256 over every parameter and buffer, by which cached features recognise what made them."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def pooled_and_grid(activation: Tensor) -> Features:
    """Turn a convolutional map into features.

    Args:
        activation: ``(B, D, H, W)``.

    Returns:
        The mean over locations, and the locations themselves.
    """
    grid = activation.flatten(2).transpose(1, 2)  # (B, L, D)
    return Features(pooled=torch.mean(activation, dim=(2, 3)), grid=grid)
