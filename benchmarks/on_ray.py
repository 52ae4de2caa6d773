"""The same photos into files of rows by one process here and by Ray on this machine, one after the other.

    .venv-dev/bin/python benchmarks/on_ray.py --count 2000

prints one JSON line: of both, seconds until the first row and photos per second from then on. Ray's actors have one
thread each, and the local process as many as there are actors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bulk import Rows, judge, link_photos
from figures import machine
from photo_set import write_photos
from processes import environment

HERE = Path(__file__).resolve().parent
LOOK = 0.05


def timed(command: list[str], output: Path, env: dict[str, str]) -> dict[str, float]:
    """Run a command that writes rows; return the seconds until the first, and photos per second after it."""
    rows, started = Rows(output), time.monotonic()
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    first, at_first, last, count = 0.0, 0, 0.0, 0
    while process.poll() is None:
        time.sleep(LOOK)
        if (seen := rows.look()) > count:
            count, last = seen, time.monotonic() - started
            first, at_first = (first, at_first) if at_first else (last, count)
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode} of: {' '.join(command)}")
    return {
        "first_row_s": round(first, 1),
        "photos_per_s": round((count - at_first) / (last - first), 1),
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="photos")
    parser.add_argument("--command", default="caption", help="seetell's command")
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="actors, and threads of the local run")
    options = parser.parse_args()
    report = {"machine": machine(options.workers), "command": options.command, "photos": options.count}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "few").mkdir()
        few = write_photos(options.photos, folder / "few", 16)
        expected = link_photos(folder / "photos", few, options.count)
        ways = {
            "local": ["--threads", str(options.workers)],
            "ray": ["--on", "ray", "--workers", str(options.workers)],
        }
        for way, arguments in ways.items():
            output = folder / f"{way}.jsonl"
            command = [sys.executable, "-m", "seetell", options.command, str(folder / "photos"), *arguments]
            measured = timed([*command, "--output", str(output)], output, environment(options.workers))
            report[way] = {**measured, **judge(output, expected)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
