"""Time of dense captioning per photo, compared with DenseCap's own design in eager torch.

    .venv/bin/python benchmarks/region_speed.py --peer-python .venv-peers/bin/python

prints one JSON line. Both run in separate processes with the same number of threads on the same photos, taking turns.
The peer has random weights, which do not affect its speed.
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

from figures import machine, summary
from photo_set import write_photos
from processes import Worker, environment

HERE = Path(__file__).resolve().parent
COOL_DOWN = 0.3
"""Seconds between turns: idle threads of the previous system may still be spinning."""


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has torch and torchvision")
    parser.add_argument("--model", default="regions", help="bundled model or model folder")
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    env = environment(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(options.photos, Path(folder), options.runs)
        described = machine(options.threads)
        peer = [options.peer_python, str(HERE / "peers" / "vgg16_densecap.py"), "--weights", f"{folder}/weights"]
        subprocess.run([*peer, "--prepare"], env=env, check=True)
        workers = {
            "seetell": Worker([sys.executable, str(HERE / "seetell_regions.py"), "--model", options.model], env),
            "vgg16_densecap": Worker(peer, env),
        }
        seconds: dict[str, list[float]] = {name: [] for name in workers}
        for worker in workers.values():
            worker.caption(photos[:1], mode="greedy", batch=1)
        for turn, photo in enumerate(photos, start=1):
            for name, worker in workers.items():
                time.sleep(COOL_DOWN)
                seconds[name].append(worker.caption([photo], mode="greedy", batch=1)["seconds"])
            print(f"{turn} of {options.runs}", file=sys.stderr)
        report = {
            name: {
                "ms": summary([1000 * value for value in seconds[name]]),
                "memory_mb": round(worker.stop(), 1),
                "versions": worker.versions,
            }
            for name, worker in workers.items()
        }
    paired = [theirs / ours for ours, theirs in zip(seconds["seetell"], seconds["vgg16_densecap"], strict=True)]
    result = {
        "machine": described,
        "photos": "640x427 JPEG",
        "runs": options.runs,
        **report,
        "seetell_faster_by": summary(paired),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
