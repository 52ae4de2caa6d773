"""Scores of caption files for people: a table, a CSV row per image, and a web page."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seetell.csv_cells import CsvWriter, defuse
from seetell.data.records import printable
from seetell.drawing.score_report import ScoredPhoto, ScoreReport
from seetell.metrics.captions import LOWER_IS_BETTER
from seetell.metrics.significance import Comparison, Interval
from seetell.tasks.captioning.scoring import LEVEL, Scoring

SIGNIFICANT = 0.05
"""Below this p-value two systems are said to differ."""

_RANKED_BY = ("CIDEr", "METEOR", "CIDEr_plain", "ROUGE_L", "Bleu_4", "CHAIRi", "CHAIRs")
"""Measures that are meaningful for a single image, the best for that first."""

_DIVERSITY = {
    "vocabulary": ("different words", "{:,}"),
    "mean_length": ("words per caption", "{:.1f}"),
    "distinct": ("different captions", "{:.1%}"),
    "novel": ("captions not among the training captions", "{:.1%}"),
    "div_1": ("div-1: different words of all words", "{:.1%}"),
    "div_2": ("div-2: different pairs of all words", "{:.1%}"),
}
"""The metrics of diversity shown, their names and formats."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores times 100, for people.

    Attributes:
        header: names of the columns.
        rows: as many cells, the metric first.
        notes: lines to stand below.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @classmethod
    def build(cls, scoring: Scoring) -> ScoreTable:
        """Write out the scores."""
        first = scoring.systems[0].scores.corpus
        header: tuple[str, ...] = ("metric", "score")
        rows: list[tuple[str, ...]] = [(name, f"{100 * value:.1f}") for name, value in first.items()]
        notes = [f"{len(scoring.photos):,} photo{'' if len(scoring.photos) == 1 else 's'}, scores ×100"]
        if not LOWER_IS_BETTER.isdisjoint(first):
            notes.append("CHAIR: objects mentioned that no reference mentions; lower is better")
        if scoring.frequencies is not None:
            notes.append(f"CIDEr weighs n-grams by their frequencies among {scoring.frequencies:,} other photos")
        drawn = f"the photos resampled {scoring.resamples:,} times, seed {scoring.seed}" if scoring.resamples else ""
        if scoring.comparison is not None:
            other = scoring.systems[1].scores.corpus
            header = ("metric", "A", "B", "A − B", f"{LEVEL:.0%} interval", "p", "verdict")
            rows = [
                (*row, f"{100 * other[row[0]]:.1f}", *_compared(row[0], scoring.comparison[row[0]])) for row in rows
            ]
            notes = [
                *(f"{label}: {printable(system.name)}" for label, system in zip("AB", scoring.systems, strict=True)),
                *notes,
                f"interval: of A − B, {drawn}",
                "p: how often chance alone makes such a difference (approximate randomisation, each metric by itself)",
                f"undecided: these photos do not tell A and B apart (p ≥ {SIGNIFICANT})",
            ]
        elif scoring.intervals is not None:
            header = ("metric", "score", f"{LEVEL:.0%} interval")
            rows = [(*row, _between(scoring.intervals[row[0]])) for row in rows]
            notes.append(f"interval: {drawn}")
        return cls(header, tuple(rows), tuple(notes))

    def text(self) -> str:
        """Return the table in columns, then the notes."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        shown = []
        for first, *cells in lines:
            padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            shown.append("  ".join([first.ljust(widths[0]), *padded]).rstrip())
        return "\n".join([*shown, *([""] if self.notes else []), *self.notes])


def diversity_table(scoring: Scoring) -> ScoreTable:
    """Return how varied the captions are, if that was measured."""
    found = [system.diversity.to_dict() for system in scoring.systems if system.diversity is not None]
    rows = [
        (title, *(shown.format(diversity[name]) for diversity in found))
        for name, (title, shown) in _DIVERSITY.items()
        if found[0][name] is not None
    ]
    header = ("diversity", "A", "B") if len(found) > 1 else ("diversity", "value")
    return ScoreTable(header, tuple(rows), ())


def photo_rows(scoring: Scoring) -> str:
    """Return CSV with a row per image: its id and file, the captions, and their scores, unrounded."""
    metrics = list(scoring.systems[0].scores.corpus)
    suffixes = ("", "_against")[: len(scoring.systems)]
    header = ["id", "image", *(f"{column}{suffix}" for suffix in suffixes for column in ("caption", *metrics))]
    rows = (
        [
            photo.id,
            photo.path.name,
            *(
                cell
                for system in scoring.systems
                for cell in (system.captions[photo.id], *system.scores.per_photo[photo.id].values())
            ),
        ]
        for photo in scoring.photos
    )
    return photo_table(header, rows)


def photo_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write CSV.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, control characters become blanks.

    Args:
        header: names of the columns.
        rows: text, whole numbers and scores; the latter are written so that reading gives the same number.
    """
    file = io.StringIO()
    writer = CsvWriter(file)
    writer.row(header)
    writer.rows([_cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return file.getvalue()


def _cell(text: str) -> str:
    return defuse("".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text))


def score_report(scoring: Scoring) -> ScoreReport:
    """Return the web page's content."""
    table = ScoreTable.build(scoring)
    metrics = list(scoring.systems[0].scores.corpus)
    ranking = next((name for name in _RANKED_BY if name in metrics), metrics[0])
    split = "" if scoring.references.split is None else f", split {scoring.references.split}"
    return ScoreReport(
        names=tuple(system.name for system in scoring.systems),
        about=f"Captions of {len(scoring.photos):,} photos against {scoring.references.path.name}{split}, by seetell.",
        header=table.header,
        rows=table.rows,
        notes=table.notes,
        metric=ranking,
        others=[name for name in _RANKED_BY if name in metrics and name != ranking],
        lower_is_better=LOWER_IS_BETTER,
        photos=[
            ScoredPhoto(
                name=photo.path.name,
                path=photo.path,
                references=photo.captions,
                captions=tuple(system.captions[photo.id] for system in scoring.systems),
                scores=tuple(system.scores.per_photo[photo.id] for system in scoring.systems),
            )
            for photo in scoring.photos
        ],
    )


def _compared(metric: str, found: Comparison) -> tuple[str, str, str, str]:
    p = found.p_randomisation
    first_is_better = (found.difference > 0) != (metric in LOWER_IS_BETTER)
    verdict = "undecided" if p >= SIGNIFICANT else "A is better" if first_is_better else "B is better"
    shown = "<0.001" if p < 0.001 else f"{p:.3f}"
    return _signed(found.difference), _between(found.interval, signed=True), shown, verdict


def _between(interval: Interval, *, signed: bool = False) -> str:
    low, high = ((_signed(value) if signed else f"{100 * value:.1f}") for value in (interval.low, interval.high))
    return f"{low} … {high}"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
