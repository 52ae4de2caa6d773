"""Processes that are killed in the middle of writing, as an out-of-memory killer or a power switch does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bulk.toy_executor import CAPTIONING, Toy, caption

from seetell.bulk.formats import format_of

pytestmark = pytest.mark.slow

COUNT = 3000
WRITER = f"""
import sys
from bulk.toy_executor import Toy, caption
caption([f"{{number}}.jpg" for number in range({COUNT})], sys.argv[1], Toy(bad="77"), **eval(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize(("output", "options"), [("rows.jsonl", {}), ("rows.parquet/", {"rows_per_file": 500})])
def test_kills_lose_nothing_and_repeat_nothing(output: str, options: dict[str, int], tmp_path: Path):
    if "parquet" in output:
        pytest.importorskip("pyarrow")
    random.seed(3)
    path = f"{tmp_path}/{output}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(options)], env=environment)
        deadline = time.monotonic() + 60
        while size(tmp_path) < 2000 and writer.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.random() / 20)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    expected = [f"{number}.jpg" for number in range(COUNT)]
    asked, summary = caption(expected, path, Toy(bad="77"), **options)
    files = sorted(Path(path).glob("part-*")) if options else [Path(path)]
    rows = [row for file in files for row in format_of(Path(path).suffix, CAPTIONING).read(file)]
    assert [row["image"] for row in rows] == expected
    assert all(row.get("caption") == (None if "77" in row["image"] else row["image"].upper()) for row in rows)
    assert summary.failed == sum("77" in image for image in expected)
    assert asked == expected[-len(asked) :] if asked else True


def size(folder: Path) -> int:
    """Return how many bytes of rows there are."""
    return sum(file.stat().st_size for file in folder.rglob("*rows*") if file.is_file() and file.suffix == ".jsonl")
