"""Stopping a run whose loss has exploded."""

from __future__ import annotations

from seetell.errors import SeetellError
from seetell.training.run_log import RunLog


class LossExplodedError(SeetellError):
    """The loss exploded; the best weights so far are kept."""


def stop_on_explosion(log: RunLog, step: int, loss: float, *, first: float, factor: float) -> None:
    """Note in the log and raise if a loss exceeds so many times the first one, or is not a number.

    Raises:
        LossExplodedError: it does.
    """
    if not loss <= factor * first:
        log.write(step, loss=loss, stopped="explosion")
        raise LossExplodedError(
            f"step {step}: the loss is {loss:.4g}, more than {factor:g} times the first one ({first:.4g}); "
            "lower optimiser.learning_rate or optimiser.clip and start with --restart"
        )
