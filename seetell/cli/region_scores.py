"""What ``seetell score`` does with described regions: DenseCap's mean average precision, as a table or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from seetell.cli.scoring import References
from seetell.data.matching import match_results
from seetell.data.region_results import read_region_results
from seetell.data.regions import read_regions
from seetell.errors import DataError, UsageError
from seetell.metrics.dense import IOUS, METEORS, DenseScores, dense_average_precision


def score_regions(
    results: Path, references: References, *, captions: Path | None, allow_missing: bool, as_json: bool
) -> None:
    """Score a file of regions and print how good they are.

    Args:
        results: the file.
        references: what people drew and said.
        captions: the data set whose photos and splits count, for Flickr30k Entities.
        allow_missing: leave out photos that the file does not name.
        as_json: print JSON, from 0 to 1; else a table, times 100.

    Raises:
        UsageError: a file cannot be used, or the two do not fit each other.
    """
    try:
        found = read_region_results(results)
        dataset = read_regions(
            references.path,
            format=references.format,
            photos=references.photos,
            captions=captions,
            require_photos=False,
        )
        photos = dataset.photos if references.split is None else dataset.split(references.split)
        if not photos:
            raise DataError(f"{references.path}: no photos in the split {references.split!r}; leave out --split")
        matched = match_results(found, photos, beside=dataset.photos, allow_missing=allow_missing)
        scored = [photo for photo in photos if photo.id in matched]
        scores = dense_average_precision(
            {photo.id: photo.regions for photo in scored},
            {photo.id: matched[photo.id].in_pixels(photo.size) for photo in scored},
        )
    except DataError as error:
        raise UsageError(str(error)) from error
    if len(scored) < len(photos):
        remark = f"{len(photos) - len(scored):,} of {len(photos):,} photos have no regions in {results}; left out"
        typer.echo(remark, err=True)
    if dataset.problems:
        typer.echo(f"the references have problems ({len(dataset.problems):,}); see: seetell data check", err=True)
    typer.echo(json.dumps(scores.to_dict()) if as_json else table(scores))


def table(scores: DenseScores) -> str:
    """Return scores times 100, for people."""
    lines = [] if scores.mean_ap is None else [f"mAP            {100 * scores.mean_ap:6.2f}"]
    lines.append(f"detection mAP  {100 * scores.detection_ap:6.2f}")
    lines += [
        f"recall at {count:<4} {100 * recall.at_half:6.2f}  (mean over IoU 0.5 to 0.95: {100 * recall.mean:.2f})"
        for count, recall in scores.recall.items()
    ]
    heads = () if scores.table is None else tuple(f"METEOR>{above:g}" for above in METEORS)
    lines += ["", " ".join(("AP at IoU", "  boxes", *(f"{head:>11}" for head in heads)))]
    for index, (at, boxes) in enumerate(zip(IOUS, scores.detection, strict=True)):
        cells = () if scores.table is None else scores.table[index]
        lines.append(" ".join((f"{at:<9g}", f"{100 * boxes:7.2f}", *(f"{100 * cell:11.2f}" for cell in cells))))
    return "\n".join([*lines, "", f"{scores.photos:,} photos, {scores.regions:,} regions; all figures ×100"])
