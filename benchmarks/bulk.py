"""Very many photos into a file of rows: killed at random moments and run again, what is there in the end, and memory.

    .venv/bin/python benchmarks/bulk.py --count 100000 --command classify

makes links to a few photos, runs ``seetell COMMAND photos --output rows.jsonl``, kills it (SIGKILL) ``--kills`` times,
lets it end, and prints one JSON line: the rows, how many are missing or twice, whether they are in the order of the
input, how much memory grew over the runs, and time a photo beside that of rows on standard output, starts included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import machine
from photo_set import write_photos
from processes import MEGABYTE, environment

HERE = Path(__file__).resolve().parent
PER_FOLDER = 1000
WARM = 500
"""Rows after which memory counts as that of the beginning: the model is loaded and batches were processed."""

SELDOM = 0.2
"""Seconds between two looks at a running process."""


@dataclass
class Watched:
    """What was seen of one process.

    Attributes:
        seconds: that it ran.
        rows: that it wrote.
        memory: its resident megabytes: when it had written ``WARM`` rows, and the most after that.
    """

    seconds: float = 0.0
    rows: int = 0
    memory: list[float] = field(default_factory=list)


class Rows:
    """Counts the rows of a growing file, each line once."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self.count = path, 0, 0

    def look(self) -> int:
        """Return how many lines there are."""
        if self._path.exists():
            with open(self._path, "rb") as file:
                file.seek(self._read)
                while block := file.read(1 << 20):
                    self._read += len(block)
                    self.count += block.count(b"\n")
        return self.count


def link_photos(folder: Path, few: list[Path], count: int) -> list[str]:
    """Make links to a few photos, a thousand in each folder; return their paths in the order of a listing."""
    paths = []
    for number in range(count):
        path = folder / f"{number // PER_FOLDER:05d}" / f"{number:08d}.jpg"
        if number % PER_FOLDER == 0:
            path.parent.mkdir(parents=True)
        os.link(few[number % len(few)], path)
        paths.append(str(path))
    return paths


def resident(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of a process in megabytes, and zero if it has ended."""
    try:
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def watch(command: list[str], output: Path, env: dict[str, str], *, kill_at: int | None = None) -> Watched:
    """Run a command until it ends, or until so many rows are there and it is killed."""
    rows, seen = Rows(output), Watched()
    before, started = rows.look(), time.monotonic()
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(SELDOM)
        memory, count = resident(process), rows.look()
        if count - before >= WARM and memory:
            seen.memory = [seen.memory[0], max(seen.memory[1], memory)] if seen.memory else [memory, memory]
        if kill_at is not None and count >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
    seen.seconds = time.monotonic() - started
    seen.rows = rows.look() - before
    if kill_at is None and process.returncode:
        raise SystemExit(f"exit status {process.returncode} of: {' '.join(command)}")
    return seen


def cpu_of_children() -> float:
    """Return the seconds of processor time that ended processes took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judge(output: Path, expected: list[str]) -> dict[str, Any]:
    """Compare the images of the rows with what was named."""
    with open(output, encoding="utf-8") as file:
        found = [json.loads(line)["image"] for line in file]
    return {
        "rows": len(found),
        "missing": len(set(expected) - set(found)),
        "twice": len(found) - len(set(found)),
        "in_order": found == expected,
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="photos")
    parser.add_argument("--command", default="caption", help="seetell's command")
    parser.add_argument("--model", help="the command's own when absent")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument(
        "--streamed", type=int, default=0, help="photos of which rows go to standard output, to compare"
    )
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    env, rng = environment(options.threads), random.Random(options.seed)
    described = machine(options.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "few").mkdir()
        few = write_photos(options.photos, folder / "few", 16)
        expected = link_photos(folder / "photos", few, options.count)
        model = ["--model", options.model] if options.model else []
        command = [sys.executable, "-m", "seetell", options.command, *model, "--threads", str(options.threads)]
        output = folder / "rows.jsonl"
        moments = sorted(rng.randrange(1, options.count) for _ in range(options.kills))
        runs = [
            watch([*command, str(folder / "photos"), "--output", str(output)], output, env, kill_at=moment)
            for moment in [*moments, None]
        ]
        seconds, cpu = sum(run.seconds for run in runs), cpu_of_children()
        streamed: dict[str, float] = {}
        if options.streamed:
            link_photos(folder / "some", few, options.streamed)
            with open(folder / "printed.jsonl", "wb") as printed:
                started = time.monotonic()
                printing = [*command, str(folder / "some"), "--format", "jsonl"]
                subprocess.run(printing, env=env, stdout=printed, stderr=subprocess.DEVNULL, check=True)
                streamed = {
                    "streamed_photos_per_s": round(options.streamed / (time.monotonic() - started), 2),
                    "streamed_cpu_ms": round(1000 * (cpu_of_children() - cpu) / options.streamed, 3),
                }
        warm = [run.memory for run in runs if run.memory]
        report = {
            "machine": described,
            "command": options.command,
            "model": options.model,
            "photos": options.count,
            "kills": options.kills,
            **judge(output, expected),
            "photos_per_s": round(options.count / seconds, 2),
            "cpu_ms": round(1000 * cpu / options.count, 3),
            **streamed,
            "memory_mb": [[round(value, 1) for value in memory] for memory in warm],
            "most_growth_mb": round(max((most - first for first, most in warm), default=0.0), 1),
            "rows_mb": round(output.stat().st_size / MEGABYTE, 1),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
