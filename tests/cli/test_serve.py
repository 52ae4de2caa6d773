from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from seetell.cli.main import main


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *options])
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise there")
def test_it_serves_until_it_is_told_to_end(tiny_bundle: Path):
    command = [sys.executable, "-m", "seetell", "serve", "--port", "0", "--model", str(tiny_bundle)]
    command += ["--align", "none", "--regions", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split()[2]
        with urllib.request.urlopen(f"{address}/healthz") as answer:
            assert answer.status == 200
        with urllib.request.urlopen(address) as page:
            assert b"<h1>seetell</h1>" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)
        assert "Traceback" not in process.stderr.read()


def test_other_machines_need_a_key_or_leave(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "--open" in refused(capsys, "--host", "0.0.0.0")
    (tmp_path / "key").write_text("short\n")
    assert "at least 16" in refused(capsys, "--host", "0.0.0.0", "--key-file", str(tmp_path / "key"))
    assert "cannot be read" in refused(capsys, "--key-file", str(tmp_path / "absent"))


def test_models_of_the_wrong_kind_and_taken_ports(
    capsys: pytest.CaptureFixture[str], tiny_bundle: Path, tiny_aligner: Path, tmp_path: Path
):
    free = ("--port", "0")
    assert "does not caption" in refused(capsys, *free, "--model", str(tiny_aligner))
    assert "does not compare" in refused(capsys, *free, "--model", str(tiny_bundle), "--align", str(tiny_bundle))
    assert "does not find regions" in refused(
        capsys, *free, "--model", str(tiny_bundle), "--align", "none", "--regions", str(tiny_bundle)
    )
    assert "--index needs" in refused(
        capsys, *free, "--model", str(tiny_bundle), "--align", "none", "--regions", "none", "--index", str(tmp_path)
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot serve on" in refused(capsys, "--port", str(taken.getsockname()[1]))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path):
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('absent', name='fastapi')")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run([sys.executable, "-m", "seetell", "serve"], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'seetell[web]'" in done.stderr
