"""The protocol as another program speaks it: ``transformers serve``, with a small model of random weights."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from seetell.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What names the model of a running server."""
    for needed in ("transformers", "openai", "accelerate", "fastapi", "uvicorn"):
        pytest.importorskip(needed, reason="transformers serve needs it")
    from runtime.tiny_hub import smolvlm

    folder = smolvlm(tmp_path_factory.mktemp("models") / "tiny")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("transformers")
    command = [program, "serve", "--host=127.0.0.1", f"--port={port}", "--device=cpu"]
    with subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
                assert process.poll() is None, "it has ended"
                time.sleep(0.1)
            yield f"openai:{folder}@http://127.0.0.1:{port}"
        finally:
            process.kill()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["caption", *arguments])
    told = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, told.out, told.err


@pytest.mark.nightly
def test_its_model_captions_photos(reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [str(EXAMPLES / name) for name in ("dog.jpg", "cat.jpg", "cliff.jpg")]
    report = tmp_path / "report.html"
    options = ["--max-tokens", "12", "--format", "jsonl", "--report", str(report)]
    status, out, err = run(capsys, *photos, "--model", reference, *options)
    assert (status, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["image"] for row in rows] == photos
    assert {row["model"] for row in rows} == {reference.removeprefix("openai:").rpartition("@")[0]}
    assert all(row["caption"] or row["reason"] for row in rows)
    assert report.stat().st_size > 0
    assert run(capsys, *photos, "--model", reference, *options[:4])[1] == out


def test_a_model_that_it_does_not_have_is_told(reference: str, capsys: pytest.CaptureFixture[str]):
    model = f"openai:./nothing@{reference.rpartition('@')[2]}"
    status, out, err = run(capsys, str(EXAMPLES / "dog.jpg"), "--model", model)
    assert (status, out) == (1, "")
    assert "fails at ./nothing, which it does not list" in err
