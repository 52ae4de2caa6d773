"""A web page of caption scores: the table, their distribution, the best photos and the worst."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.drawing.page_parts import html_text, render_template, thumbnail

MOST_BINS = 24
WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 40


@dataclass(frozen=True)
class Histogram:
    """How often values fall between equally spaced edges.

    Attributes:
        edges: of the bins, ascending, round numbers, ``(N + 1,)``. The last bin holds its upper edge too.
        counts: of each series of values, ``(S, N)``.
    """

    edges: np.ndarray
    counts: np.ndarray

    @classmethod
    def build(cls, series: Sequence[np.ndarray]) -> Histogram:
        """Count values in at most 24 bins.

        Args:
            series: one or more arrays of finite values, not all empty.
        """
        every = np.concatenate(series)
        low, high = float(every.min()), float(every.max())
        width = round_step((high - low) / (MOST_BINS - 1))  # one less, as the edges are moved to round numbers
        first = math.floor(low / width)
        edges = width * np.arange(first, max(math.ceil(high / width), first + 1) + 1)
        return cls(edges, np.stack([np.histogram(values, edges)[0] for values in series]))

    def svg(self, axis: str) -> str:
        """Draw the first series as bars and a second as a line of steps.

        Args:
            axis: what the values are.
        """
        bars = "".join(
            f'<rect class="bar" x="{self._x(left):.1f}" y="{self._y(count):.1f}"'
            f' width="{max(self._x(right) - self._x(left) - 1, 1):.1f}" height="{self._y(0) - self._y(count):.1f}"/>'
            for left, right, count in self._bins(0)
        )
        steps = "".join(
            f"L{self._x(left):.1f} {self._y(n):.1f}H{self._x(right):.1f}" for left, right, n in self._bins(1)
        )
        line = f'<path class="steps" d="M{self._x(self.edges[0]):.1f} {self._y(0):.1f}{steps}V{self._y(0):.1f}"/>'
        label = html_text(f"Histogram of the photos by {axis}; the table below has the numbers")
        return (
            f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
            f"{self._grid()}{bars}{line if len(self.counts) > 1 else ''}{self._ticks()}"
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html_text(axis)}</text>'
            "</svg>"
        )

    def table(self, names: Sequence[str], axis: str) -> str:
        """Write the counts as an HTML table."""
        heads = "".join(f'<th scope="col">{html_text(name)}</th>' for name in (axis, *names))
        rows = "".join(
            f'<tr><th scope="row">{number(left)} to {number(right)}</th>'
            + "".join(f"<td>{count:,}</td>" for count in counts)
            + "</tr>"
            for left, right, counts in zip(self.edges, self.edges[1:], self.counts.T, strict=False)
        )
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def _bins(self, series: int) -> list[tuple[float, float, int]]:
        if series >= len(self.counts):
            return []
        return list(zip(self.edges.tolist(), self.edges[1:].tolist(), self.counts[series].tolist(), strict=False))

    def _x(self, value: float) -> float:
        first, last = self.edges[0], self.edges[-1]
        return float(LEFT + (value - first) / (last - first) * (WIDTH - LEFT - RIGHT))

    def _y(self, count: float) -> float:
        return float(HEIGHT - BOTTOM - count / self.counts.max() * (HEIGHT - BOTTOM - TOP))

    def _grid(self) -> str:
        step = max(1, round(round_step(self.counts.max() / 4)))
        return "".join(
            f'<path class="grid" d="M{LEFT} {self._y(count):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{self._y(count) + 4:.1f}" text-anchor="end">{count:,}</text>'
            for count in range(0, int(self.counts.max()) + 1, step)
        )

    def _ticks(self) -> str:
        every = math.ceil(len(self.edges) / 7)
        return "".join(
            f'<text x="{self._x(edge):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{number(edge)}</text>'
            for edge in self.edges[::every]
        )


def round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below a number; 1 for zero."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))


def number(value: float) -> str:
    """Write a number for people: as many digits as it needs, up to four, and a minus that is one."""
    return f"{value:.4g}".replace("-", "−")


LABELS = ("A", "B")
"""How two results files are called, except in the title."""

SHOWN = 10
"""Photos per section at most."""

THUMBNAIL = 192
"""Longest side of the photos, in pixels: forty of them take some 350 kB."""

JPEG_QUALITY = 60


@dataclass(frozen=True)
class ScoredPhoto:
    """A photo with its captions and their scores.

    Attributes:
        name: to be shown.
        path: the file, which need not exist.
        references: the reference captions.
        captions: the scored caption of each results file.
        scores: of each caption, by metric, unscaled.
    """

    name: str
    path: Path
    references: tuple[str, ...]
    captions: tuple[str, ...]
    scores: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class ScoreReport:
    """The content of the page.

    Attributes:
        names: of the results file, and of the one it is compared with, if any.
        about: what was scored, in a sentence.
        header: of the table of scores.
        rows: of that table, the name of the metric first.
        notes: sentences below the table.
        metric: the one that photos are ranked by.
        others: further metrics to be shown with each photo.
        photos: all that were scored, at least one.
        lower_is_better: the metrics whose low scores are the good ones.
    """

    names: tuple[str, ...]
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    metric: str
    others: Sequence[str]
    photos: Sequence[ScoredPhoto]
    lower_is_better: Collection[str] = ()

    def html(self) -> str:
        """Return the page, which needs no other file; of photos that cannot be opened it shows the captions alone."""
        values = [100 * self._values(side) for side in range(len(self.names))]
        histogram, axis = Histogram.build(values), f"{self.metric} ×100"
        sections = self._sections(values)
        return render_template(
            "score_report.html",
            "score_report.css",
            title=html_text(f"Scores of {' and '.join(self.names)}"),
            about=html_text(self.about),
            links="\n".join(f'<li><a href="#{key}">{html_text(title)}</a></li>' for key, title, _ in sections),
            table=_table(self.header, self.rows),
            notes="<br>\n".join(map(html_text, self.notes)),
            metric=html_text(self.metric),
            legend=self._legend(),
            histogram=histogram.svg(axis),
            quartiles="<br>".join(map(self._quartiles, LABELS, values)),
            counts=histogram.table(LABELS if len(values) > 1 else ("photos",), axis),
            sections="\n".join(self._section(*section) for section in sections),
        )

    def _values(self, side: int) -> np.ndarray:
        return np.array([photo.scores[side][self.metric] for photo in self.photos])

    def _sections(self, values: Sequence[np.ndarray]) -> list[tuple[str, str, list[ScoredPhoto]]]:
        """Return the sections: key in addresses, title and photos."""
        sign = -1 if self.metric in self.lower_is_better else 1
        values = [sign * column for column in values]
        total = np.array(  # where the metric is the same
            [
                sum(score if name in self.lower_is_better else -score for name, score in photo.scores[0].items())
                for photo in self.photos
            ]
        )
        best = [self.photos[place] for place in np.lexsort((total, -values[0]))]
        half = (len(best) + 1) // 2
        of = f" of {LABELS[0]}" if len(values) > 1 else ""
        sections = [("best", f"Best photos{of}", best[:half]), ("worst", f"Worst photos{of}", best[: half - 1 : -1])]
        if len(values) > 1:
            ahead = values[0] - values[1]
            order = np.argsort(-ahead, kind="stable")
            first = [self.photos[place] for place in order if ahead[place] > 0]
            second = [self.photos[place] for place in order[::-1] if ahead[place] < 0]
            sections.append(("ahead", f"Where {LABELS[0]} is furthest ahead", first))
            sections.append(("behind", f"Where {LABELS[1]} is furthest ahead", second))
        return [(key, title, photos[:SHOWN]) for key, title, photos in sections if photos]

    def _section(self, key: str, title: str, photos: Sequence[ScoredPhoto]) -> str:
        items = "\n".join(map(self._photo, photos))
        return f'<section id="{key}">\n<h2>{html_text(title)}</h2>\n<ol class="photos">\n{items}\n</ol>\n</section>'

    def _photo(self, photo: ScoredPhoto) -> str:
        captions = "\n".join(
            f'<p class="sentence" dir="auto">{html_text(caption) or "(no words)"}</p>\n<p class="faint">'
            f"{label + ': ' if len(self.names) > 1 else ''}{self._figures(scores)}</p>"
            for label, caption, scores in zip(LABELS, photo.captions, photo.scores, strict=False)
        )
        small = thumbnail(photo.path, side=THUMBNAIL, quality=JPEG_QUALITY)
        references = "".join(f'<li dir="auto">{html_text(reference)}</li>' for reference in photo.references)
        return (
            f'<li><div class="picture">{small}</div><div class="words">\n'
            f"<h3>{html_text(photo.name)}</h3>\n{captions}\n<p>Reference captions:</p>"
            f'<ul class="references">{references}</ul></div></li>'
        )

    def _figures(self, scores: Mapping[str, float]) -> str:
        return html_text(
            " · ".join(f"{name}\N{NO-BREAK SPACE}{100 * scores[name]:.1f}" for name in (self.metric, *self.others))
        )

    def _legend(self) -> str:
        if len(self.names) < 2:
            return ""
        keys = zip(("key", "key line"), LABELS, self.names, strict=True)
        shown = (f'<span class="{key}"></span>{label}: {html_text(name)}' for key, label, name in keys)
        return f"<p>{'<br>'.join(shown)}</p>"

    def _quartiles(self, label: str, values: np.ndarray) -> str:
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        whose = f"{label}: half" if len(self.names) > 1 else "Half"
        middles = f"median {middle:.1f}, mean {values.mean():.1f}"
        return html_text(f"{whose} of the photos lie between {low:.1f} and {high:.1f}; {middles}.")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{html_text(cell)}</th>' for cell in header)
    body = "\n".join(
        f'<tr><th scope="row">{html_text(first)}</th>'
        + "".join(f"<td>{html_text(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"
