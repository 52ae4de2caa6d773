"""Key points: named points of an object, such as the joints of a person, and which of them are joined.

The points of an object are ``(K, 3)``: x, y, and how far they are to be seen, as COCO has it: 0 where a point is not
marked, 1 where it is hidden, 2 where it is in sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.floating]

_SIDES = ("left", "right")


@dataclass(frozen=True)
class KeyPoints:
    """The key points of a class of objects.

    Attributes:
        names: of the points, in their order.
        skeleton: pairs of points that are joined, by their places in ``names``.
    """

    names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()

    @property
    def mirrored(self) -> npt.NDArray[np.intp]:
        """The place of each point's counterpart when left and right are exchanged, ``(K,)``; its own without one."""
        places = {name: place for place, name in enumerate(self.names)}
        return np.array([places.get(_other_side(name), place) for name, place in places.items()], np.intp)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"names": list(self.names), "skeleton": [list(pair) for pair in self.skeleton]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> KeyPoints:
        """Read what :meth:`to_dict` returned.

        Raises:
            KeyError: a field is missing.
            TypeError: one is of another kind, or joins points that are not there.
        """
        names = tuple(content["names"])
        skeleton = tuple((int(first), int(second)) for first, second in content["skeleton"])
        if not all(isinstance(name, str) for name in names):
            raise TypeError("names: expected texts")
        if any(not 0 <= place < len(names) for pair in skeleton for place in pair):
            raise TypeError(f"skeleton: expected pairs of places among {len(names)} points, got {skeleton}")
        return cls(names, skeleton)


def _other_side(name: str) -> str:
    left, right = _SIDES
    words = name.replace("_", " ").split()
    if left in words:
        return name.replace(left, right)
    return name.replace(right, left) if right in words else name


def mirror_points(points: Points, mirrored: npt.NDArray[np.intp], *, width: float) -> Points:
    """Return points ``(…, K, 3)`` mirrored left to right in an image of that width, left and right exchanged."""
    flipped = points[..., mirrored, :].copy()
    flipped[..., 0] = width - flipped[..., 0]
    return flipped
