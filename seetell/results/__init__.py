"""What predictors return: one frozen dataclass per result shape, each with a JSON-ready ``to_dict()``.

Boxes are ``xyxy`` in float pixels of the upright image, edges between pixels. ``to_dict`` rounds: box edges to two
decimals, scores, log-probabilities and attention to six, seconds to three. :func:`row` is the JSON line of one image or
video.
"""

from __future__ import annotations

from typing import Any, Literal

from seetell.results.labels import Label, Labels
from seetell.results.maps import Explanation, Explanations, HeatMap
from seetell.results.masks import Mask, Masks
from seetell.results.passages import Passage
from seetell.results.regions import Alignment, Point, Region, Regions
from seetell.results.shots import Shot, Shots
from seetell.results.text import Caption, Word
from seetell.results.tracks import Crossing, Line, Track, Tracks
from seetell.results.views import View

__all__ = [
    "Alignment",
    "Caption",
    "Crossing",
    "Explanation",
    "Explanations",
    "HeatMap",
    "Label",
    "Labels",
    "Line",
    "Mask",
    "Masks",
    "Passage",
    "Point",
    "Region",
    "Regions",
    "Result",
    "Shot",
    "Shots",
    "Track",
    "Tracks",
    "View",
    "Word",
    "row",
]

Result = Caption | Regions | Alignment | Labels | Masks | Explanations | Tracks | Shots


def row(name: str, result: Result | Exception, *, input: Literal["image", "video"] = "image") -> dict[str, Any]:
    """Return the JSON row of one image or video, as the command line prints it and the server answers.

    Args:
        name: the image or video as the user named it.
        result: what the model returned for it, or why it could not be used.
        input: what it is.

    Returns:
        ``image`` or ``video``, and the fields of the result's ``to_dict()``; or ``error`` instead of them.
    """
    if isinstance(result, Exception):
        return {input: name, "error": str(result).removeprefix(f"{name}: ")}
    return {input: name, **result.to_dict()}
