"""How good described regions are, for ``seetell score`` and ``seetell evaluate``: DenseCap's mean average precision."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from seetell.cli.output_file import write_file
from seetell.cli.scoring import References
from seetell.data.matching import match_results
from seetell.data.region_records import RegionDataset, RegionPhoto
from seetell.data.region_results import read_region_results
from seetell.data.regions import read_regions
from seetell.errors import DataError, PhotoError, UsageError
from seetell.metrics.dense import COUNTS, IOUS, METEORS, DenseScores, dense_average_precision
from seetell.results import Regions, row
from seetell.tasks.dense_captioning.predict import RegionCaptioner


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


def evaluate_regions(
    model: RegionCaptioner,
    dataset: RegionDataset,
    split: str,
    *,
    captions: Path | None,
    output: Path | None,
    record: bool,
) -> None:
    """Describe the regions of photos, print scores as JSON, and name the photos that do not open.

    Args:
        model: finds and describes.
        dataset: photos with the regions that people drew and described.
        split: which of them.
        captions: the data set whose photos and splits count, for the record.
        output: where the regions are written as JSON lines, if anywhere.
        record: note the scores in the bundle and on its card.

    Raises:
        DataError: no photo opens.
        typer.Exit: with status 1 where some photos do not open.
    """
    photos = dataset.split(split)
    most = model.bundle.localisation.max_detections
    found = _gathered("finding regions", photos, model.describe_many([photo.path for photo in photos], top=most))
    opened = [photo for photo in photos if photo.id in found]
    truth = {photo.id: photo.regions for photo in opened}
    if not truth:
        raise DataError(f"{dataset.source}: none of the {len(photos)} photos in the split {split!r} opens")
    if output is not None:
        rows = [row(str(photo.path), found[photo.id]) for photo in opened]
        write_file(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    proposed = _gathered("proposing", opened, model.propose_many([photo.path for photo in opened], top=max(COUNTS)))
    described = dense_average_precision(truth, {key: found[key].regions for key in truth}).to_dict()
    recall = dense_average_precision(truth, {key: proposed[key].regions for key in truth}, phrases=False).recall
    scores: dict[str, Any] = {"dense_mAP": described["mAP"], "detection_mAP": described["detection_mAP"]}
    scores |= {f"recall@{count}": recall[count].at_half for count in COUNTS}
    if record and len(truth) == len(photos):
        from seetell.export.card import record_scores

        command = f"seetell evaluate {shlex.quote(model.name)} --data {dataset.source.name} --split {split}"
        command += "" if captions is None else f" --captions {captions.name}"
        record_scores(model.bundle.folder, split, {**scores, "photos": len(truth), "command": command})
    scores |= {name: described[name] for name in ("photos", "regions", "detection_AP", "AP")}
    typer.echo(json.dumps(scores))
    if len(truth) < len(photos):
        reason = "; nothing was recorded" if record else ""
        missing = len(photos) - len(truth)
        typer.echo(f"{missing} of {len(photos)} photos do not open and were left out{reason}", err=True)
        raise typer.Exit(1)


def _gathered(
    label: str, photos: Sequence[RegionPhoto], results: Iterable[Regions | PhotoError]
) -> dict[int | str, Regions]:
    """Go through what a model yields for photos, by their ids, and name those that do not open."""
    gathered, failures = {}, []
    with typer.progressbar(length=len(photos), label=label, file=sys.stderr) as bar:
        for photo, regions in zip(photos, results, strict=True):
            if isinstance(regions, PhotoError):
                failures.append(str(regions))
            else:
                gathered[photo.id] = regions
            bar.update(1)
    for failure in failures:
        typer.echo(f"left out {failure}", err=True)
    return gathered


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
