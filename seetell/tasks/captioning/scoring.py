"""Score files of captions: read, match to the references, score, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seetell.data import read
from seetell.data.matching import match_results
from seetell.data.records import AnyPhoto, CaptionDataset, PhotoDataset, PhotoRecord
from seetell.data.results_file import read_results
from seetell.errors import DataError, UsageError, unknown
from seetell.language.tokenizer import tokenize
from seetell.metrics import ALL, NAMES, DocumentFrequencies, Scores, score_captions
from seetell.metrics.captions import check_metrics
from seetell.metrics.diversity import Diversity, measure_diversity
from seetell.metrics.significance import Comparison, Interval, compare, confidence_intervals

TRIALS = 1000
"""Of a significance test, unless another number is asked for."""

LEVEL = 0.95


@dataclass(frozen=True)
class References:
    """Where the references are.

    Attributes:
        path: the data set.
        format: its format; detected when absent.
        photos: the folder of the photos; looked for around ``path`` when absent.
        split: the split to score against; all photos when absent.
    """

    path: Path
    format: str | None = None
    photos: Path | None = None
    split: str | None = None

    def chosen(self, dataset: PhotoDataset[AnyPhoto]) -> tuple[AnyPhoto, ...]:
        """Return the photos of the data set to score against.

        Raises:
            DataError: the split has none.
        """
        photos = dataset.photos if self.split is None else dataset.split(self.split)
        if not photos:
            raise DataError(
                f"{self.path}: no photos in the split {self.split!r}; leave out --split to score against all"
            )
        return photos


@dataclass(frozen=True)
class System:
    """One results file and its scores.

    Attributes:
        path: the file.
        name: the shortest end of the path that tells it from the other's.
        captions: the sentence of each image by its id.
        scores: of the captions.
        diversity: of the captions, if measured.
    """

    path: Path
    name: str
    captions: dict[int | str, str]
    scores: Scores
    diversity: Diversity | None


@dataclass(frozen=True)
class Scoring:
    """Scores of one results file, or of two that are compared.

    Attributes:
        systems: one or two.
        references: what they were scored against.
        photos: the images scored, in the order of the references.
        resamples: how often the images were resampled; ``None`` if they were not.
        seed: of the resampling.
        frequencies: number of images that CIDEr's document frequencies come from, if not from the references.
        intervals: confidence intervals of the first system's scores, if asked for.
        comparison: of the first system with the second.
        remarks: warnings for the user.
    """

    systems: tuple[System, ...]
    references: References
    photos: tuple[PhotoRecord, ...]
    resamples: int | None
    seed: int
    frequencies: int | None
    intervals: dict[str, Interval] | None
    comparison: dict[str, Comparison] | None
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON: the scores as they are, under coco-caption's names, then the rest."""
        first = self.systems[0].scores.corpus
        document: dict[str, Any] = {**first, "photos": len(self.photos)}
        if self.frequencies is not None:
            document["frequencies_photos"] = self.frequencies
        if self.intervals is not None:
            document["intervals"] = {name: [found.low, found.high] for name, found in self.intervals.items()}
        if self.systems[0].diversity is not None:
            document["diversity"] = self.systems[0].diversity.to_dict()
        if self.comparison is not None:
            other = self.systems[1]
            document["against"] = {
                "results": str(other.path),
                **other.scores.corpus,
                "comparison": {
                    name: {**asdict(found), "interval": [found.interval.low, found.interval.high]}
                    for name, found in self.comparison.items()
                },
                **({} if other.diversity is None else {"diversity": other.diversity.to_dict()}),
            }
        if self.resamples is not None:
            document |= {"resamples": self.resamples, "level": LEVEL, "seed": self.seed}
        return document


def score_files(
    results: Sequence[Path],
    references: References,
    *,
    allow_missing: bool = False,
    metrics: Sequence[str] = NAMES,
    frequencies: Path | None = None,
    frequencies_from: Path | None = None,
    bootstrap: int | None = None,
    seed: int = 0,
    diversity: bool = False,
) -> Scoring:
    """Score one results file, or two against each other.

    Args:
        results: the files.
        references: what to score against.
        allow_missing: skip images without a caption in one of the files.
        metrics: names from ``seetell.metrics.ALL``.
        frequencies: a file of document frequencies for CIDEr.
        frequencies_from: a data set to count them over instead.
        bootstrap: number of resamples of the images for intervals and tests.
        seed: of the resampling.
        diversity: measure how varied the captions are, too.

    Raises:
        DataError: a file cannot be used, or the files do not fit each other.
        UsageError: a metric is unknown or not installed.
    """
    check_metrics(metrics)
    weights = _frequencies(frequencies, frequencies_from)
    read_files = [read_results(path) for path in results]
    dataset = read(
        references.path, format=references.format, photos=references.photos, require_photos=False, keep_wordless=True
    )
    photos = references.chosen(dataset)
    found = [match_results(file, photos, beside=dataset.photos, allow_missing=allow_missing) for file in read_files]
    scored = tuple(photo for photo in photos if all(photo.id in captions for captions in found))
    if not scored:
        raise DataError(f"{results[0]} and {results[1]} have no photo in common; caption the same photos")
    truth = {photo.id: photo.captions for photo in scored}
    candidates = [{photo.id: captions[photo.id] for photo in scored} for captions in found]
    training = _training_captions(dataset, references.split) if diversity else None
    systems = tuple(
        System(
            path,
            name,
            captions,
            score_captions(truth, captions, metrics=metrics, frequencies=weights),
            measure_diversity(dict(captions.items()), training=training) if diversity else None,
        )
        for path, name, captions in zip(results, short_names(results), candidates, strict=True)
    )
    resamples = bootstrap or (TRIALS if len(systems) > 1 else None)
    intervals = comparison = None
    if bootstrap is not None:
        intervals = confidence_intervals(systems[0].scores, resamples=bootstrap, level=LEVEL, seed=seed)
    if len(systems) > 1:
        comparison = compare(*(system.scores for system in systems), trials=resamples or TRIALS, level=LEVEL, seed=seed)
    return Scoring(
        systems=systems,
        references=references,
        photos=scored,
        resamples=resamples,
        seed=seed,
        frequencies=None if weights is None else weights.photos,
        intervals=intervals,
        comparison=comparison,
        remarks=tuple(_remarks(dataset, len(photos), len(scored))),
    )


def known_metrics(named: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics that a user names, in any case and with commas between.

    ``CHAIR`` names ``CHAIRs`` and ``CHAIRi``, ``all`` every one.

    Raises:
        UsageError: a name is not known.
    """
    known = {name.lower(): (name,) for name in ALL} | {"chair": ("CHAIRs", "CHAIRi"), "all": ALL}
    words = [word.strip() for text in named for word in text.split(",") if word.strip()]
    chosen: dict[str, None] = {}
    for word in words:
        if word.lower() not in known:
            raise UsageError(unknown("metric", word, (*ALL, "CHAIR", "all")))
        chosen |= dict.fromkeys(known[word.lower()])
    return tuple(chosen) or NAMES


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that tell them apart."""
    parts = [path.resolve().parts for path in paths]
    length = next(n for n in range(1, max(map(len, parts)) + 1) if len({part[-n:] for part in parts}) == len(parts))
    return ["/".join(part[-length:]) for part in parts]


def _remarks(dataset: CaptionDataset, photos: int, scored: int) -> Iterator[str]:
    """Yield what was skipped, and that the references have problems."""
    if scored < photos:
        yield f"{photos - scored:,} of {photos:,} photos have no caption and were skipped"
    if dataset.problems:
        first, *others = dataset.problems
        found = f"{first.where}: {first.message}" + (f", and {len(others):,} more" if others else "")
        yield f"problems of the references: {found}; see: seetell data check {dataset.source}"


def _training_captions(dataset: CaptionDataset, split: str | None) -> list[str] | None:
    """Return the training captions beside those scored against, or ``None`` where there are none."""
    if split in (None, "train") or dataset.single_split:
        return None
    return [caption for photo in dataset.split("train") for caption in photo.captions] or None


def _frequencies(file: Path | None, data: Path | None) -> DocumentFrequencies | None:
    if file is not None:
        return DocumentFrequencies.load(file)
    if data is None:
        return None
    dataset = read(data, split="train", require_photos=False, keep_wordless=True)
    photos = dataset.split("train") or dataset.photos
    return DocumentFrequencies.build([[tokenize(sentence) for sentence in photo.captions] for photo in photos])
