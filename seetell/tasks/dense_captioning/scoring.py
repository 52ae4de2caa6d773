"""Score files of described regions with DenseCap's mean average precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seetell.data.matching import match_results
from seetell.data.region_results import read_region_results
from seetell.data.regions import read_regions
from seetell.metrics.dense import IOUS, METEORS, DenseScores, dense_average_precision
from seetell.metrics.meteor import Meteor
from seetell.tasks.captioning.scoring import References


@dataclass(frozen=True)
class RegionScoring:
    """Scores of a file of regions.

    Attributes:
        scores: from 0 to 1.
        remarks: warnings for the user.
    """

    scores: DenseScores
    remarks: tuple[str, ...]

    def text(self) -> str:
        """Return a table of the scores times 100."""
        scores = self.scores
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


def score_region_file(
    results: Path, references: References, *, captions: Path | None = None, allow_missing: bool = False
) -> RegionScoring:
    """Score a file of regions.

    Args:
        results: JSON lines of ``seetell regions``, or DenseCap's ``results.json``.
        references: the data set with the annotated regions.
        captions: with Flickr30k Entities, the data set whose images and splits count.
        allow_missing: skip images that the file does not contain.

    Raises:
        DataError: a file cannot be used, or the two do not fit each other.
        UsageError: METEOR is not installed.
    """
    meteor = Meteor()
    found = read_region_results(results)
    dataset = read_regions(
        references.path, format=references.format, photos=references.photos, captions=captions, require_photos=False
    )
    photos = references.chosen(dataset)
    matched = match_results(found, photos, beside=dataset.photos, allow_missing=allow_missing)
    scored = [photo for photo in photos if photo.id in matched]
    remarks = []
    if len(scored) < len(photos):
        missing = len(photos) - len(scored)
        remarks.append(f"{missing:,} of {len(photos):,} photos have no regions in {results}; skipped")
    if dataset.problems:
        remarks.append(
            f"the references have problems ({len(dataset.problems):,}); see: seetell data check {references.path}"
        )
    scores = dense_average_precision(
        {photo.id: photo.regions for photo in scored},
        {photo.id: matched[photo.id].in_pixels(photo.size) for photo in scored},
        meteor=meteor,
    )
    return RegionScoring(scores, tuple(remarks))
