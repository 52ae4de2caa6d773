"""Predictions on a cluster of two nodes on this machine; one test, for a cluster takes many seconds to begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from seetell.errors import UsageError

REPOSITORY = Path(__file__).parents[2]
COUNT = 600

KILLING = """
    import os, signal, sys, threading, time
    from pathlib import Path

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster
    from seetell.cli.main import main

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    output = Path(sys.argv[2])

    def rows():
        file = Path(f"{output}")
        return file.read_bytes().count(b"\\n") if file.exists() else 0

    def kill():
        while rows() < 100:
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=False)
        print("killed at", rows(), file=sys.stderr, flush=True)

    threading.Thread(target=kill, daemon=True).start()
    main(["classify", sys.argv[1], "--output", str(output), "--on", "ray"])
"""


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="Ray's test cluster is for Linux and macOS")
def test_a_node_that_is_killed_loses_nothing_and_repeats_nothing(tmp_path: Path):
    pytest.importorskip("ray")
    photos = tmp_path / "photos"
    photos.mkdir()
    examples = sorted((REPOSITORY / "examples").glob("*.jpg"))
    small = tmp_path / "small.jpg"
    from PIL import Image

    Image.open(examples[0]).resize((64, 64)).save(small)
    for number in range(COUNT):
        os.link(small, photos / f"{number:04d}.jpg")
    (photos / "0300.jpg").unlink()
    (photos / "0300.jpg").write_text("no photo")
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    output = tmp_path / "labels.jsonl"
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLING), photos, output],
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert "killed at" in finished.stderr, finished.stderr[-3000:]
    assert finished.returncode == 1, finished.stderr[-3000:]  # one photo is none
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["image"] for row in rows] == [str(photos / f"{number:04d}.jpg") for number in range(COUNT)]
    assert ["error" in row for row in rows] == [number == 300 for number in range(COUNT)]
    answers = {json.dumps(row["labels"]) for row in rows if "labels" in row}
    assert len(answers) == 1


def test_without_ray_or_an_output_it_is_wrong_use(monkeypatch: pytest.MonkeyPatch):
    from seetell import extras
    from seetell.cli.output_rows import take_output
    from seetell.tasks.registry import find_task

    values = {
        "output": None,
        "rows_per_file": None,
        "retry": False,
        "skip_existing": False,
        "on": "ray",
        "workers": None,
    }
    with pytest.raises(UsageError, match="--on is for rows in files; give --output"):
        take_output(find_task("caption"), values, [])
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    values = {
        "output": "a.jsonl",
        "rows_per_file": None,
        "retry": False,
        "skip_existing": False,
        "on": "ray",
        "workers": 2,
        "shard": None,
    }
    rows, _ = take_output(find_task("caption"), values, [])
    with pytest.raises(UsageError, match=r"--on ray needs ray.*\[ray\]"):
        rows.check(find_task("caption"), [], "text")


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("ray")
    from seetell.bulk.executors import PredictorSpec
    from seetell.bulk.on_ray import OnRay

    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:port"):
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(UsageError, match=f"RAY_ADDRESS={address}: no cluster of Ray answers there"):
            next(OnRay(PredictorSpec("captioning", "caption")).results(iter([])))
