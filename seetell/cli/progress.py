"""The progress of every command, on standard error: bars where that is a terminal, lines where a command wants them."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


SECONDS_PER_LINE = 10.0
"""Least time between two lines of progress."""


class Progress:
    """A context that shows a bar for each kind of work; called with what is being done, how far it is and its total.

    Args:
        shown: whether to show bars, given a terminal.
        lines: whether to print a line now and then without one, as long work in the background needs.
        rates: whether to show how many are done in a second, and in lines the time left.
        sizes: whether bytes are counted, which are shown as megabytes.
    """

    def __init__(self, *, shown: bool = True, lines: bool = False, rates: bool = False, sizes: bool = False) -> None:
        self._bars: Bars | None = None
        self._lines, self._rates, self._sizes = lines, rates, sizes
        self._began: dict[str, tuple[float, int]] = {}
        self._last_line = time.monotonic()
        self._tasks: dict[str, Any] = {}
        if shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            rate = [TextColumn("{task.fields[rate]}")] if rates else []
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn() if sizes else MofNCompleteColumn(),
                *rate,
                TimeRemainingColumn(),
            )
            self._bars = Progress(*columns, console=Console(stderr=True), redirect_stdout=False)

    def __call__(self, what: str, done: int, total: int | None = None, *, note: str = "") -> None:
        """Show how many are done.

        Args:
            what: the kind of work, such as ``photos``.
            done: how many are done.
            total: of how many, if that is known.
            note: shown beside it.
        """
        now = time.monotonic()
        rate = self._rate(what, done, now) if self._rates else 0.0
        if self._bars is None:
            if self._lines and (done == total or now - self._last_line >= SECONDS_PER_LINE):
                self._last_line = now
                left = "" if not rate or total in (None, done) else f", {_duration((total - done) / rate)} left"
                per_second = f", {self._speed(rate)} a second{left}" if rate else ""
                of = "" if total is None else f" of {self._amount(total)}"
                self.say(f"{what}: {self._amount(done)}{of}{per_second}{note}")
            return
        shown = f"{self._speed(rate)}/s" if rate else ""
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total, completed=done, rate=shown)
        self._bars.update(self._tasks[what], description=f"{what}{note}", completed=done, total=total, rate=shown)

    def _rate(self, what: str, done: int, now: float) -> float:
        """Return how many were done in a second since the first call, which may have been told of earlier work."""
        began, first = self._began.setdefault(what, (now, done))
        return (done - first) / (now - began) if now > began else 0.0

    def _amount(self, count: int) -> str:
        return f"{count / 1e6:,.1f} MB" if self._sizes else f"{count:,}"

    def _speed(self, rate: float) -> str:
        return f"{rate / 1e6:.3g} MB" if self._sizes else f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"

    def say(self, line: str) -> None:
        """Print a line, above the bars."""
        if self._bars is None:
            click.echo(line, err=True)
        else:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()


def _duration(seconds: float) -> str:
    """Return a time as people say it, in its largest two units."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours / 24:.1f} days"
