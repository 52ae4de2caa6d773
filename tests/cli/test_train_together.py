from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from captioned_shapes import write_shapes
from test_docs import REPOSITORY, commands_of

from seetell.training.run_log import read_log

PAGE = "docs/how-to/train-on-several-processes.md"
SMALL = (
    "--set data.min_count=1 --set batch_size=5 --set steps=4 --set validation.every=4 --set checkpoint_every=1 "
    "--set log_every=1 --set threads=1"
)

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path: Path):
    """Return what starts a line of the page in a folder with photos, some settings added."""
    write_shapes(tmp_path / "my_photos")
    paths = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}

    def started(line: str, *more: str) -> subprocess.Popen:
        command = [*shlex.split(line), *SMALL.split(), *more]
        environment = {**os.environ, **paths}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes)

    return started


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_log(folder / "log.jsonl") if "loss" in line]


@pytest.mark.nightly
def test_the_page_trains(start, tmp_path):
    (together,) = commands_of(PAGE, "torchrun")
    (alone,) = commands_of(PAGE, "seetell train")
    script = together.replace("-m seetell", str(Path(sys.executable).parent / "seetell"))
    lines = {
        "together": f"{together} --set batch_parts=2",
        "alone": alone.replace("seetell", f"{sys.executable} -m seetell", 1),
        "script": f"{script} --set batch_parts=2 --output runs/script",
    }
    for name, line in lines.items():
        running = start(line)
        output, errors = running.communicate()
        assert running.returncode == 0, errors
        assert output.count(f"Trained: runs/{name}") == 1
        assert errors.count("training: 4 of 4") == 1
    runs = [losses(tmp_path / "runs" / name) for name in lines]
    assert len(runs[0]) == 4
    assert runs[1] == pytest.approx(runs[0], rel=1e-4)
    assert runs[2] == pytest.approx(runs[0], rel=1e-4)


@pytest.mark.nightly
def test_an_error_is_told_once(start):
    (together,) = commands_of(PAGE, "torchrun")
    running = start(together, "--set", "data.path=nowhere")
    _, errors = running.communicate()
    assert running.returncode
    assert errors.count("data.path: nowhere: no such file or folder") == 1


@pytest.mark.nightly
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_ends_the_run_and_one_process_resumes_it(start, tmp_path, by, rank):
    (together,) = commands_of(PAGE, "torchrun")
    run = tmp_path / "runs" / "together"
    running = start(together, "--set", "steps=100000", "--set", "validation.every=100000")
    while len(losses(run)) < 3:
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    (worker,) = (child for child in children if f"LOCAL_RANK={rank}\0" in Path(f"/proc/{child}/environ").read_text())
    os.kill(int(worker), by)
    running.communicate(timeout=60)
    assert running.returncode
    done = len(losses(run))
    alone = f"{sys.executable} -m seetell train photo-folder --set data.path=my_photos --output runs/together"
    resuming = start(alone, "--set", f"steps={done + 3}", "--set", "validation.every=100000")
    _, errors = resuming.communicate()
    assert resuming.returncode == 0, errors
    assert f"resuming {Path('runs/together')} at step" in errors
    assert len(losses(run)) == done + 3
