"""Time that a detector takes for photos in files, of the processor and by the clock.

    .venv/bin/python benchmarks/detection_speed.py coco128/images/val2017 --threads 2

prints one JSON line. Photos are opened, resized and looked at as by ``seetell detect``; the first pass warms up.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from figures import machine, summary

import seetell
from seetell.photos.formats import is_photo_name


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--model", default="detect", help="bundled model or model folder")
    parser.add_argument("--count", type=int, default=100, help="photos of a run at most")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    described = machine(options.threads)
    photos = sorted(path for path in options.photos.iterdir() if is_photo_name(path.name))[: options.count]
    model = seetell.load(options.model, task="detect", threads=options.threads)
    passes = [_pass(model, photos) for _ in range(options.runs + 1)][1:]
    processor, clock = ([1000 * run[at] / len(photos) for run in passes] for at in (0, 1))
    figures = {"processor_ms": summary(processor), "ms": summary(clock)}
    print(json.dumps({**described, "photos": len(photos), "model": model.name, **figures}))


def _pass(model: Any, photos: list[Path]) -> tuple[float, float]:
    """Look at photos; return the seconds that it took of the processor, and by the clock."""
    used, began = time.process_time(), time.perf_counter()
    for _ in model.predict_many(photos):
        pass
    return time.process_time() - used, time.perf_counter() - began


if __name__ == "__main__":
    main()
