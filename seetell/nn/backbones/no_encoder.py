"""What stands in an encoder's place where a model sees no images: of text, or of one scene."""

from __future__ import annotations

from seetell.nn.backbones.encoder import Encoder
from seetell.photos import Preprocessing

NAME = "none"


class NoEncoder(Encoder):
    """An encoder without weights that encodes nothing; its images, which nobody makes, have one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.channels, self.grid_size = NAME, 0, (0, 0)
        self.preprocessing = Preprocessing(1, 1)
