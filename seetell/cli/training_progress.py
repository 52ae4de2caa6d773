"""The progress bar of a training run, on standard error; plain lines where that is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingProgress:
    """Shows encoding, steps and validations.

    Args:
        steps: of the run, -1 if it has no end.
    """

    def __init__(self, steps: int) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._encoding = self._progress.add_task("photos", total=None, visible=False)
        self._training = self._progress.add_task("training", total=None if steps == -1 else steps, visible=False)

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def encoding(self, done: int, total: int) -> None:
        """Show how many photos are encoded."""
        self._progress.update(self._encoding, completed=done, total=total, visible=done < total)

    def step(self, done: int, loss: float) -> None:
        """Show how many steps are done."""
        self._progress.update(self._training, completed=done, visible=True, description=f"training, loss {loss:.3f}")

    def validation(self, values: dict[str, Any]) -> None:
        """Print a validation's values."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in values.items() if name != "step")
        self.say(f"step {values['step']}: {shown}")

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
