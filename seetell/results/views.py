"""Pictures that a model made of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class View:
    """A picture of what a model knows, of no image; several in a row make a film.

    Attributes:
        pixels: ``(H, W, 3)`` uint8; ignored when views are compared.
        model: name of the bundle.
    """

    shape: ClassVar[str] = "view"
    pixels: np.ndarray = field(compare=False)
    model: str
