"""Read and write files of predicted regions.

Two formats, detected from the content:

- JSON lines, as ``seetell regions --format jsonl`` writes them: ``{"image", "regions": [{"text",
  "box": [x1, y1, x2, y2], "score"}]}`` with boxes in the photo's own pixels, and for a photo that failed
  ``{"image", "error"}``;
- DenseCap's ``results.json``: ``{"results": [{"img_name", "boxes": [[x, y, w, h]], "scores", "captions"}], "opt":
  {"image_size"}}``. There boxes count pixels from 1 and include the last, in the photo resized so that its longer
  side is ``image_size``. With s = longer side / ``image_size``, its edges are ``((x - 1) s, (y - 1) s, (x - 1 + w) s,
  (y - 1 + h) s)`` on both axes, as DenseCap's own code scales boxes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.data.json_fields import described, id_of
from seetell.data.results_file import Results, preview, refuse_invalid, results_text
from seetell.data.source import numbered_lines, read_text
from seetell.errors import DataError
from seetell.results import Region, Regions

IMAGE_SIZE = 720
"""Default longer side of DenseCap's resized photos in pixels."""

_MAX_NUMBER = 1e9
_EXPECTED = (
    'expected JSON lines of {"image": …, "regions": [{"text": …, "box": [x1, y1, x2, y2], "score": …}]} or '
    "DenseCap's results.json"
)


@dataclass(frozen=True)
class PredictedRegions:
    """The predicted regions of one photo.

    Attributes:
        regions: regions with boxes in pixels of the photo resized so that its longer side is ``longer_side``.
        longer_side: ``None`` if the pixels are those of the photo itself.
    """

    regions: tuple[Region, ...]
    longer_side: float | None = None

    def in_pixels(self, size: tuple[int, int]) -> tuple[Region, ...]:
        """Return the regions with boxes in pixels of the photo.

        Args:
            size: the photo's width and height.
        """
        if self.longer_side is None:
            return self.regions
        return tuple(_scaled(region, max(size) / self.longer_side) for region in self.regions)


def contains_regions(path: Path) -> bool:
    """Return whether a results file contains regions rather than captions; ``False`` if it cannot be read."""
    try:
        text, _ = read_text(path)
        if _is_document(text):
            return _is_densecap(json.loads(text))
        rows = (json.loads(line) for _, line in numbered_lines(text))
        first = next((row for row in rows if not (isinstance(row, dict) and "error" in row)), None)
    except (DataError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "regions" in first


def read_region_results(path: str | Path) -> Results[PredictedRegions]:
    """Read a file of regions.

    Args:
        path: JSON lines, or DenseCap's ``results.json``.

    Raises:
        DataError: the file cannot be read, has another format or a duplicate photo, or has invalid rows; the message
            includes their number and the first ones.
    """
    path = Path(path)
    text = results_text(path, expected=_EXPECTED)
    found: dict[int | str, PredictedRegions] = {}
    failed: list[int | str] = []
    wrong: list[str] = []
    for where, row, longer_side in _rows(path, text):
        photo = id_of(row, "image", "img_name", "image_id")
        try:
            if photo is None:
                raise _RowError("expected an object with the photo's name as 'image'")
            if photo in found or photo in failed:
                raise _RowError(f"duplicate photo {photo!r}")
            if row.get("error"):
                failed.append(photo)
            else:
                regions = _line_regions(row) if longer_side is None else _densecap_regions(row)
                found[photo] = PredictedRegions(regions, longer_side)
        except _RowError as error:
            wrong.append(f"{where}: {error}")
    refuse_invalid(path, wrong, expected=_EXPECTED)
    if not found and not failed:
        raise DataError(f"{path}: there is no photo in it; {_EXPECTED}")
    return Results(path, found, tuple(failed))


def densecap_results(photos: Iterable[tuple[str, Regions]], *, image_size: int = IMAGE_SIZE) -> dict[str, Any]:
    """Return the document of DenseCap's ``results.json``.

    Args:
        photos: file name and regions of each photo.
        image_size: longer side in pixels of the resized photo to which the boxes refer.
    """
    rows = []
    for name, regions in photos:
        boxes = []
        for region in regions:
            left, top, right, bottom = _scaled(region, image_size / max(regions.size)).box
            boxes.append([left + 1, top + 1, right - left, bottom - top])
        scores, captions = [region.score for region in regions], [region.text for region in regions]
        rows.append({"img_name": name, "boxes": boxes, "scores": scores, "captions": captions})
    return {"results": rows, "opt": {"image_size": image_size}}


class _RowError(Exception):
    """An error in a row."""


def _is_document(text: str) -> bool:
    """Return whether a text is one JSON document rather than one per line: whether its first line is incomplete."""
    try:
        first = json.loads(next((line for _, line in numbered_lines(text)), ""))
    except (ValueError, RecursionError):
        return True
    return _is_densecap(first)


def _is_densecap(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("results"), list)


def _rows(path: Path, text: str) -> Iterable[tuple[str, Any, float | None]]:
    """Yield the location of each row, the row, and the longer side to which its boxes refer."""
    if _is_document(text):
        document = _parsed(str(path), text)
        if not _is_densecap(document):
            raise DataError(f"{path}: it is {described(document)}; {_EXPECTED}")
        options = document.get("opt")
        side = options.get("image_size", IMAGE_SIZE) if isinstance(options, dict) else IMAGE_SIZE
        if not _is_number(side) or side <= 0:
            raise DataError(f"{path}: opt.image_size: expected the longer side in pixels, got {preview(side)}")
        for index, row in enumerate(document["results"]):
            yield f"results[{index}]", row, float(side)
        return
    for number, line in numbered_lines(text):
        yield f"{path.name}:{number}", _parsed(f"{path}:{number}", line), None


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected JSON, but {error}; {_EXPECTED}") from error


def _line_regions(row: dict[str, Any]) -> tuple[Region, ...]:
    rows = row.get("regions")
    if not isinstance(rows, list):
        raise _RowError(f"expected 'regions' as a list, got {preview(rows)}")
    if not all(isinstance(item, dict) for item in rows):
        raise _RowError("expected objects with 'text', 'box' and 'score' as regions")
    return tuple(_region(_numbers(item.get("box")), item.get("text"), item.get("score")) for item in rows)


def _densecap_regions(row: dict[str, Any]) -> tuple[Region, ...]:
    columns: list[Any] = [row.get(name) for name in ("boxes", "captions", "scores")]
    boxes, captions, scores = ([] if column == {} else column for column in columns)  # Lua writes {} for no items
    if not (isinstance(boxes, list) and isinstance(captions, list) and isinstance(scores, list)):
        raise _RowError("expected 'boxes', 'scores' and 'captions' as lists")
    if not len(boxes) == len(captions) == len(scores):
        raise _RowError(f"expected as many captions and scores as the {len(boxes)} boxes")
    regions = []
    for box, caption, score in zip(boxes, captions, scores, strict=True):
        x, y, width, height = _numbers(box)
        score = score[0] if isinstance(score, list) and len(score) == 1 else score  # a column of a tensor is such lists
        regions.append(_region((x - 1, y - 1, x - 1 + width, y - 1 + height), caption, score))
    return tuple(regions)


def _numbers(box: Any) -> tuple[float, float, float, float]:
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise _RowError(f"expected a box as 4 numbers, got {preview(box)}")
    first, second, third, fourth = map(float, box)
    return first, second, third, fourth


def _region(box: tuple[float, float, float, float], text: Any, score: Any) -> Region:
    if not isinstance(text, str) or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _RowError(f"expected what a region shows as text in valid Unicode, got {preview(text)}")
    if not _is_number(score):
        raise _RowError(f"expected the score as a number, got {preview(score)}")
    if box[0] >= box[2] or box[1] >= box[3]:
        raise _RowError(f"expected a box with an area, got the edges {preview(list(box))}")
    return Region(text, box, float(score))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_MAX_NUMBER < value < _MAX_NUMBER


def _scaled(region: Region, factor: float) -> Region:
    left, top, right, bottom = region.box
    return Region(region.text, (left * factor, top * factor, right * factor, bottom * factor), region.score)
