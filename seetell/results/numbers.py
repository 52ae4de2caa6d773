"""How numbers of results are written."""

from __future__ import annotations

import math


def rounded_logprob(logprob: float) -> float | None:
    """Return a log-probability with six decimals; ``None`` if it is not finite."""
    return round(logprob, 6) if math.isfinite(logprob) else None
