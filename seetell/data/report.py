"""A report on a data set before training: counts, words, sizes, and problems by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seetell.data.check import PhotoCheck
from seetell.data.records import SPLITS, AnyPhoto, CaptionDataset, PhotoDataset, PhotoRecord, Problem, ProblemKind
from seetell.language.tokenizer import tokenize

FREQUENT = 5
"""Least number of occurrences of a frequent word, the default threshold of a vocabulary."""

_QUANTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
_TITLES: dict[ProblemKind, str] = {
    "missing-photo": "photos whose file is missing",
    "unreadable-photo": "photos that do not open",
    "duplicate-id": "duplicate ids",
    "duplicate-photo": "duplicate photos",
    "duplicate-content": "photos with the same file content as another",
    "empty-caption": "captions without a word",
    "photo-without-caption": "photos without a caption",
    "caption-without-photo": "captions without a photo",
    "two-splits": "photos in two splits",
    "no-split": "photos in no split",
    "unknown-in-split": "split lists that name unknown photos",
    "missing-annotation": "photos without sentences or without boxes",
    "entity-without-box": "phrases of entities with neither a box nor a flag",
    "box-outside-photo": "boxes that extend beyond their photo",
    "box-without-area": "boxes without an area",
    "unknown-type": "phrases of an unknown type",
    "malformed": "rows that break the format",
}


@dataclass(frozen=True)
class DataReport:
    """What any data set of photos holds, and what is wrong with it.

    Attributes:
        name: the data set's name.
        source: the file or folder read.
        format: the format that was read.
        splits: for each split, the numbers of ``photos`` and of what is told of them, such as ``captions``.
        photo_widths: quantiles of the photos' widths in pixels; ``None`` if the photos were not opened.
        photo_heights: quantiles of the photos' heights.
        problems: problems in the order found.
        notes: remarks of the reader.
    """

    name: str
    source: str
    format: str
    splits: Mapping[str, Mapping[str, int]]
    photo_widths: Mapping[str, float] | None
    photo_heights: Mapping[str, float] | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    def statistics(self) -> dict[str, Any]:
        """Return what is told of the photos, ready for JSON."""
        return {}

    def statistics_lines(self) -> list[str]:
        """Return the same as text, 21 characters before each value."""
        return []

    def grouped(self) -> dict[ProblemKind, list[Problem]]:
        """Return the problems by kind, in the order of the report."""
        groups: dict[ProblemKind, list[Problem]] = {kind: [] for kind in _TITLES}
        for problem in self.problems:
            groups[problem.kind].append(problem)
        return {kind: found for kind, found in groups.items() if found}

    def to_dict(self, *, examples: int | None = None) -> dict[str, Any]:
        """Return plain types ready for JSON.

        Args:
            examples: largest number of problems per kind; all by default.
        """
        return {
            "name": self.name,
            "source": self.source,
            "format": self.format,
            "splits": {split: dict(counts) for split, counts in self.splits.items()},
            **self.statistics(),
            "photo_widths": None if self.photo_widths is None else dict(self.photo_widths),
            "photo_heights": None if self.photo_heights is None else dict(self.photo_heights),
            "problems": {
                kind: {
                    "count": len(found),
                    "items": [{"where": item.where, "message": item.message} for item in found[:examples]],
                }
                for kind, found in self.grouped().items()
            },
            "notes": list(self.notes),
        }

    def to_text(self, *, examples: int = 3) -> str:
        """Return the report as text.

        Args:
            examples: largest number of problems per kind.
        """
        lines = [f"{self.name}: {self.source}", f"  read as {self.format}", ""]
        _, told = next(iter(self.splits.values()))
        lines.append(f"split     photos  {told:>8}")
        for split, counts in self.splits.items():
            lines.append(f"{split:<8} {counts['photos']:>7,} {counts[told]:>9,}")
        lines += ["", *self.statistics_lines()]
        if self.photo_widths is not None and self.photo_heights is not None:
            lines.append(f"photo width          {in_line(self.photo_widths)}")
            lines.append(f"photo height         {in_line(self.photo_heights)}")
        else:
            lines.append("photo sizes          not checked: the photos were not opened")
        lines += [f"note: {note}" for note in self.notes]
        lines += ["", *self._problem_lines(examples)]
        return "\n".join(lines)

    def _problem_lines(self, examples: int) -> list[str]:
        if not self.problems:
            return ["no problems found"]
        lines = [f"{len(self.problems):,} problem{'s' if len(self.problems) > 1 else ''} found"]
        for kind, found in self.grouped().items():
            lines.append(f"  {_TITLES[kind]}: {len(found):,}")
            lines += [f"    {item.where}: {item.message}" for item in found[:examples]]
            if len(found) > examples:
                lines.append(f"    … and {len(found) - examples:,} more")
        return lines


@dataclass(frozen=True)
class CaptionReport(DataReport):
    """The statistics of a data set of captions.

    Attributes:
        captions_per_photo: number of photos by their number of captions.
        words: of the training captions, the number of ``distinct`` words, of ``frequent`` ones and their share, the
            number of ``running`` words and the share of frequent ones among these.
        caption_lengths: quantiles of the captions' lengths in words.
    """

    captions_per_photo: Mapping[int, int]
    words: Mapping[str, float]
    caption_lengths: Mapping[str, float]

    def statistics(self) -> dict[str, Any]:
        """Return the counts of captions and words, ready for JSON."""
        return {
            "captions_per_photo": {str(captions): photos for captions, photos in self.captions_per_photo.items()},
            "words": dict(self.words),
            "caption_lengths": dict(self.caption_lengths),
        }

    def statistics_lines(self) -> list[str]:
        """Return the same as text."""
        per_photo = ", ".join(f"{captions} on {photos:,}" for captions, photos in self.captions_per_photo.items())
        return [
            f"captions per photo   {per_photo or 'none'}",
            f"words per caption    {in_line(self.caption_lengths)}",
            f"vocabulary           {self.words['distinct']:,} words, {self.words['frequent']:,} of them "
            f"({self.words['frequent_share']:.1%}) seen {FREQUENT} times or more, which are "
            f"{self.words['running_share']:.1%} of the {self.words['running']:,} words in the training captions",
        ]


def build_report(dataset: CaptionDataset, checked: PhotoCheck | None = None) -> CaptionReport:
    """Compute the statistics of a data set of captions.

    Args:
        dataset: the data set.
        checked: result of opening its photos, to include their sizes and problems.
    """
    photos = opened_photos(dataset.photos, checked)
    usable = {photo.id for photo in photos}
    by_split = {split: [photo for photo in dataset.split(split) if photo.id in usable] for split in SPLITS}
    words, lengths = _words(photos, by_split["train"] or photos)
    return CaptionReport(
        **described(dataset, checked),
        splits={
            split: {"photos": len(members), "captions": sum(len(photo.captions) for photo in members)}
            for split, members in by_split.items()
        },
        captions_per_photo=dict(sorted(Counter(len(photo.captions) for photo in photos).items())),
        words=words,
        caption_lengths=quantiles(lengths),
    )


def opened_photos(photos: Iterable[AnyPhoto], checked: PhotoCheck | None) -> list[AnyPhoto]:
    """Return the photos that open; all, where nobody looked."""
    return [photo for photo in photos if checked is None or photo.id not in checked.unreadable]


def described(dataset: PhotoDataset[Any], checked: PhotoCheck | None) -> dict[str, Any]:
    """Return the fields of a :class:`DataReport` that do not depend on what is told of the photos."""
    sizes = None if checked is None else list(checked.sizes.values())
    return {
        "name": dataset.name,
        "source": str(dataset.source),
        "format": dataset.format,
        "photo_widths": None if sizes is None else quantiles([width for width, _ in sizes]),
        "photo_heights": None if sizes is None else quantiles([height for _, height in sizes]),
        "problems": dataset.problems + (() if checked is None else checked.problems),
        "notes": dataset.notes,
    }


def _words(photos: Iterable[PhotoRecord], trained_on: Iterable[PhotoRecord]) -> tuple[dict[str, float], list[int]]:
    """Count the words of training captions, and the length of every caption; equal captions are tokenised once."""
    all_captions = Counter(caption for photo in photos for caption in photo.captions)
    trained = Counter(caption for photo in trained_on for caption in photo.captions)
    counts: Counter[str] = Counter()
    lengths: list[int] = []
    for caption, times in all_captions.items():
        tokens = tokenize(caption)
        lengths += [len(tokens)] * times
        if caption in trained:
            for token in tokens:
                counts[token] += trained[caption]
    frequent = [count for count in counts.values() if count >= FREQUENT]
    running = sum(counts.values())
    words = {
        "distinct": len(counts),
        "frequent": len(frequent),
        "frequent_share": len(frequent) / max(len(counts), 1),
        "running": running,
        "running_share": sum(frequent) / max(running, 1),
    }
    return words, lengths


def quantiles(values: Sequence[int]) -> dict[str, float]:
    """Return quantiles that are occurring values, the lower of two neighbours."""
    if not values:
        return {}
    found = np.quantile(np.asarray(values), list(_QUANTILES.values()), method="lower")
    return dict(zip(_QUANTILES, (int(value) for value in found), strict=True))


def in_line(values: Mapping[str, float]) -> str:
    """Return quantiles as text."""
    return ", ".join(f"{name} {value:,}" for name, value in values.items()) or "none"
