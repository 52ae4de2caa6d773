"""Very many photos on two of Ray's nodes on this machine, of which one is killed on the way: what rows there are.

    .venv-dev/bin/python benchmarks/ray_node_killed.py --count 100000 --model TINY

makes links to a few photos, runs ``seetell COMMAND photos --output rows.jsonl --on ray``, kills a node and all on it
(SIGKILL) when a random number of rows are written, and prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bulk import Rows, judge, link_photos, resident
from figures import machine
from photo_set import write_photos
from processes import environment

HERE = Path(__file__).resolve().parent
SELDOM = 0.1


def two_nodes() -> tuple[Any, Any]:
    """Begin a cluster of two nodes with a processor each; return it and the second node."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    return cluster, cluster.add_node(num_cpus=1)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="photos")
    parser.add_argument("--command", default="caption", help="seetell's command")
    parser.add_argument("--model", help="the command's own when absent")
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--seed", type=int, default=0, help="of the moment")
    options = parser.parse_args()
    described = machine(2)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "few").mkdir()
        few = write_photos(options.photos, folder / "few", 16)
        expected = link_photos(folder / "photos", few, options.count)
        kill_at = random.Random(options.seed).randrange(options.count // 10, options.count * 9 // 10)
        cluster, second = two_nodes()
        output = folder / "rows.jsonl"
        command = [sys.executable, "-m", "seetell", options.command, str(folder / "photos"), "--on", "ray"]
        command += ["--output", str(output), *(["--model", options.model] if options.model else [])]
        env = {**environment(1), "RAY_ADDRESS": cluster.address}
        started, rows, killed_at, memory = time.monotonic(), Rows(output), 0, []
        process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            time.sleep(SELDOM)
            if rows.look():
                memory.append(resident(process))
            if not killed_at and rows.count >= kill_at:
                cluster.remove_node(second, allow_graceful=False)
                killed_at = rows.count
        report = {
            "machine": described,
            "command": options.command,
            "model": options.model,
            "photos": options.count,
            "status": process.returncode,
            "node_killed_at_row": killed_at,
            **judge(output, expected),
            "seconds": round(time.monotonic() - started, 1),
            "driver_mb": [round(memory[0], 1), round(max(memory), 1)],
        }
        cluster.shutdown()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
