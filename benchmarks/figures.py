"""Describe the machine and summarise measurements."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

BUSY = 0.5
"""Load average above which other work shares the cores, which slows down torch disproportionately."""


def machine(threads: int) -> dict[str, Any]:
    """Describe the machine, and warn on standard error if it is too busy to measure."""
    load = round(os.getloadavg()[0], 2)
    if load > BUSY:
        print(f"the machine is busy (load {load}): the figures are not reliable", file=sys.stderr)
    model = platform.processor()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": load,
    }


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the extremes."""
    return {"median": round(median(values), 4), "min": round(min(values), 4), "max": round(max(values), 4)}
