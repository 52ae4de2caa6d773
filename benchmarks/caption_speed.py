"""Cold start, warm latency, throughput, memory and size of seetell, compared with systems a user would otherwise run.

    .venv/bin/python benchmarks/caption_speed.py --peer-python .venv-peers/bin/python

prints one JSON line. All systems run in separate processes with the same number of threads on the same photos, taking
turns, so other work on the machine affects all of them. The peers have random weights, which do not affect their speed,
and generate a fixed number of words. README.md beside this file describes how to install them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import machine, summary
from photo_set import write_photos
from processes import MEGABYTE, Worker, environment, first_line

HERE = Path(__file__).resolve().parent
COOL_DOWN = 0.3
"""Seconds between turns: idle threads of the previous system may still be spinning."""


@dataclass(frozen=True)
class System:
    """A system that captions photos.

    Attributes:
        name: name in the report.
        worker: command of a worker that stays loaded.
        cold: command that captions the photo appended to it.
        size: command that prints the installed size.
        batch: photos per batch in the throughput test.
        share: fraction of the throughput test's photos for this system, less for slow ones.
        weights: file of its weights.
    """

    name: str
    worker: list[str]
    cold: list[str]
    size: list[str]
    batch: int
    share: float
    weights: Path | None = None


@dataclass
class Measured:
    """Measurements of one system."""

    cold_s: list[float] = field(default_factory=list)
    cold_memory_mb: list[float] = field(default_factory=list)
    greedy_ms: list[float] = field(default_factory=list)
    beam_ms: list[float] = field(default_factory=list)
    greedy_cpu_ms: list[float] = field(default_factory=list)
    beam_cpu_ms: list[float] = field(default_factory=list)
    batched_cpu_ms: list[float] = field(default_factory=list)
    photos_per_s: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)


def seetell_system(python: str, model: str, threads: int) -> System:
    """Return seetell as installed for an interpreter."""
    command_line = [python, "-c", "from seetell.cli.main import main; main()"]
    return System(
        "seetell",
        [python, str(HERE / "seetell_default.py"), "--model", model],
        [*command_line, "caption", "--model", model, "--threads", str(threads)],
        [python, str(HERE / "installed_size.py"), "seetell"],
        batch=10_000,  # seetell makes its own batches
        share=1.0,
    )


def peer_system(python: str, name: str, folder: Path, env: dict[str, str]) -> System:
    """Write a peer's random weights and return it."""
    script, weights = HERE / "peers" / f"{name}.py", folder / name
    command = [python, str(script), "--weights", str(weights)]
    subprocess.run([*command, "--prepare"], env=env, check=True, stdout=sys.stderr)
    packages = {"blip_base": ["torch", "torchvision", "transformers"], "vgg16_lstm": ["torch", "torchvision"]}[name]
    size = [python, str(HERE / "installed_size.py"), *packages]
    return System(name, command, command, size, batch=4, share=0.125 if name == "blip_base" else 0.25, weights=weights)


def measure(systems: Sequence[System], photos: Sequence[Path], runs: int, env: dict[str, str]) -> dict[str, Any]:
    """Run all systems by turns and return the figures of each."""
    results = {system.name: Measured() for system in systems}
    for system in systems:  # warms the disk cache for all alike
        first_line([*system.cold, str(photos[0])], env)
    for turn in range(runs):
        for system in systems:
            seconds, memory, _ = first_line([*system.cold, str(photos[turn % len(photos)])], env)
            results[system.name].cold_s.append(seconds)
            results[system.name].cold_memory_mb.append(memory)
        print(f"cold start {turn + 1} of {runs}", file=sys.stderr)
    workers = {system.name: Worker(system.worker, env) for system in systems}
    for worker in workers.values():
        for mode in ("greedy", "beam"):
            worker.caption(photos[:1], mode=mode, batch=1)
    for turn in range(runs):
        photo = photos[turn % len(photos)]
        for mode in ("greedy", "beam"):
            for system in systems:
                time.sleep(COOL_DOWN)
                answer = workers[system.name].caption([photo], mode=mode, batch=1)
                values = vars(results[system.name])
                values[f"{mode}_ms"].append(1000 * answer["seconds"])
                values[f"{mode}_cpu_ms"].append(1000 * answer["cpu_seconds"])
        for system in systems:
            time.sleep(COOL_DOWN)
            some = photos[: max(1, round(len(photos) * system.share))]
            answer = workers[system.name].caption(some, mode="beam", batch=system.batch)
            results[system.name].photos_per_s.append(len(some) / answer["seconds"])
            results[system.name].batched_cpu_ms.append(1000 * answer["cpu_seconds"] / len(some))
            results[system.name].words.append(answer["words"] / len(some))
        print(f"warm {turn + 1} of {runs}", file=sys.stderr)
    report = {}
    for system in systems:
        entry: dict[str, Any] = {name: summary(values) for name, values in vars(results[system.name]).items()}
        entry["memory_mb"] = round(workers[system.name].stop(), 1)
        entry["versions"] = workers[system.name].versions
        sized = subprocess.run(system.size, env=env, stdout=subprocess.PIPE, text=True)
        entry["installed_mb"] = json.loads(sized.stdout)["megabytes"] if sized.returncode == 0 else None
        if system.weights is not None:
            entry["weights_mb"] = round(sum(file.stat().st_size for file in system.weights.iterdir()) / MEGABYTE, 1)
        report[system.name] = entry
    return report


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter that has the peers' packages; without, seetell runs alone")
    parser.add_argument("--peers", nargs="+", default=["blip_base", "vgg16_lstm"], choices=["blip_base", "vgg16_lstm"])
    parser.add_argument("--model", default="caption", help="bundled model or model folder")
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--count", type=int, default=64, help="photos in the throughput test")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    env = environment(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(options.photos, Path(folder), options.count)
        described = machine(options.threads)
        systems = [seetell_system(sys.executable, options.model, options.threads)]
        if options.peer_python:
            systems += [peer_system(options.peer_python, name, Path(folder) / "weights", env) for name in options.peers]
        report = measure(systems, photos, options.runs, env)
    ours = report["seetell"]
    ratios = {
        name: {
            "cold_s": round(theirs["cold_s"]["median"] / ours["cold_s"]["median"], 1),
            "greedy_ms": round(theirs["greedy_ms"]["median"] / ours["greedy_ms"]["median"], 1),
            "beam_ms": round(theirs["beam_ms"]["median"] / ours["beam_ms"]["median"], 1),
            "greedy_cpu_ms": round(theirs["greedy_cpu_ms"]["median"] / ours["greedy_cpu_ms"]["median"], 1),
            "beam_cpu_ms": round(theirs["beam_cpu_ms"]["median"] / ours["beam_cpu_ms"]["median"], 1),
            "batched_cpu_ms": round(theirs["batched_cpu_ms"]["median"] / ours["batched_cpu_ms"]["median"], 1),
            "photos_per_s": round(ours["photos_per_s"]["median"] / theirs["photos_per_s"]["median"], 1),
            "memory_mb": round(theirs["memory_mb"] / ours["memory_mb"], 1),
        }
        for name, theirs in report.items()
        if name != "seetell"
    }
    result = {
        "machine": described,
        "photos": "640x427 JPEG",
        "runs": options.runs,
        **report,
        "seetell_better_by": ratios,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
