"""Clips made of photos, to train captioners of videos without captioned videos.

A clip is what a camera would film that begins with a detail of the photo and draws back until all of it is seen:
nothing moves in it but the view.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.nn.backbones import Encoder, Features

DETAIL = 0.6
"""Share of the photo's width and height that the first frame shows: of the left side, midway down."""


class ClipEncoder(Encoder):
    """Makes clips of photos, and encodes their frames.

    Photos are larger than the input of the encoder of frames, so that the first frame is no enlargement. The grid has a
    row for each frame.

    Args:
        encoder: of frames.
        frames: ``L``, of a clip.
    """

    boxes: Tensor

    def __init__(self, encoder: Encoder, frames: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.name, self.channels, self.grid_size = encoder.name, encoder.channels, (1, frames)
        size = encoder.preprocessing
        height, width = round(size.height / DETAIL), round(size.width / DETAIL)
        self.preprocessing = replace(size, height=height, width=width)
        shares = torch.linspace(DETAIL, 1.0, frames)
        rows, columns = (shares * height).round().long(), (shares * width).round().long()
        self.register_buffer("boxes", torch.stack([(height - rows) // 2, rows, columns], dim=1))  # top, height, width
        self._boxes: list[tuple[int, int, int]] = [(top, below, right) for top, below, right in self.boxes.tolist()]

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` into ``pooled (B, D)``, the mean of the frames, and ``grid (B, L, D)``."""
        size = self.encoder.preprocessing
        clips = [
            F.interpolate(images[:, :, top : top + rows, :columns], (size.height, size.width), mode="bilinear")
            for top, rows, columns in self._boxes
        ]
        pooled = self.encoder(torch.stack(clips, dim=1).flatten(0, 1)).pooled  # (B·L, D)
        frames = pooled.reshape(-1, len(clips), self.channels)
        return Features(frames.mean(dim=1), frames)
