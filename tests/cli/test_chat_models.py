from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.test_caption import heed_interrupts
from PIL import Image
from runtime.backends.chat_server import SENTENCE, ChatServer, Handler, Request, answer, error, serving
from web.conftest import photo_file
from web.wire import ask, form

from seetell.cli.main import main
from seetell.runtime.backends import http_client

KEY = "sk-secret-0123"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as fake:
        yield fake


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three photos, from which commands run; no key is in the environment."""
    monkeypatch.delenv("SEETELL_OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(http_client, "sleep", lambda seconds: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (400, 300), (60 * number, 0, 0)).save(tmp_path / "photos" / f"{number}.jpg")
    return tmp_path / "photos"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_rows_report_and_sidecars_are_those_of_any_model(
    server: ChatServer, photos: Path, capsys: pytest.CaptureFixture[str]
):
    options = ["--report", "report.html", "--sidecar", "--format", "jsonl", "--prompt", "What is it?", "--max-side=32"]
    assert run("caption", "photos", "--model", server.reference, *options) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["image"], row["caption"], row["model"]) for row in rows] == [
        (f"photos{os.sep}{number}.jpg", SENTENCE, "tiny") for number in range(3)
    ]
    assert SENTENCE in Path("report.html").read_text(encoding="utf-8")
    assert SENTENCE in (photos / "0.xmp").read_text(encoding="utf-8")
    assert server.requests[0].body["messages"][0]["content"][1]["text"] == "What is it?"
    assert server.requests[0].image.size == (32, 24)


def test_a_failed_image_is_a_row_and_others_go_on(server: ChatServer, photos: Path, capsys: pytest.CaptureFixture[str]):
    def picky(handler: Handler, request: Request) -> None:
        red = request.image.getpixel((0, 0))[0]
        (error(400, "too red") if red > 100 else answer())(handler, request)

    server.always = picky
    (photos / "broken.jpg").write_bytes(b"no")
    assert run("caption", "photos", "--model", server.reference, "--output", "rows.jsonl") == 1
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row.get("caption") for row in rows] == [SENTENCE, SENTENCE, None, None]
    assert rows[2]["error"] == "the server answered 400: too red"
    server.always = answer()
    assert run("caption", "photos", "--model", server.reference, "--output", "rows.jsonl", "--retry") == 1
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row.get("caption") for row in rows] == [SENTENCE, SENTENCE, SENTENCE, None]


def test_alt_text_is_filled_in(server: ChatServer, photos: Path, capsys: pytest.CaptureFixture[str]):
    Path("index.html").write_text('<img src="photos/0.jpg">\n', encoding="utf-8")
    assert run("alt", "index.html", "--model", server.reference, "--write", "--concurrency", "1") == 0
    assert Path("index.html").read_text(encoding="utf-8") == f'<img src="photos/0.jpg" alt="{SENTENCE}">\n'


def test_a_server_that_is_down_is_one_error_before_any_work(photos: Path, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert run("caption", "photos", "--model", f"openai:tiny@http://127.0.0.1:{port}", "--output", "rows.jsonl") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"seetell: http://127.0.0.1:{port}/v1: no server answers there (connection refused)")
    assert not Path("rows.jsonl").exists()


def test_an_unknown_model_is_wrong_use(server: ChatServer, photos: Path, capsys: pytest.CaptureFixture[str]):
    server.models, server.always = ["tiny"], error(404, "model not found")
    assert run("caption", "photos", "--model", server.reference.replace("tiny", "tinny")) == 2
    assert "unknown model 'tinny'. Did you mean 'tiny'?" in capsys.readouterr().err


@pytest.mark.slow
def test_the_key_is_told_nowhere(server: ChatServer, photos: Path, tmp_path: Path):
    def echo(handler: Handler, request: Request) -> None:
        said = f"key {request.headers['Authorization']}"
        (error(400, said) if len(server.requests) % 2 else answer(said))(handler, request)

    server.always = echo
    output = ["--format", "jsonl", "--report", "report.html", "--sidecar", "--debug"]
    command = [sys.executable, "-m", "seetell", "caption", "photos", "--model", server.reference, *output]
    environment = {**os.environ, "SEETELL_OPENAI_API_KEY": KEY}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    server.probe = error(401, f"bad {KEY}")
    failed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "does not accept the key" in failed.stderr
    files = [file.read_text(encoding="utf-8") for file in tmp_path.rglob("*") if file.suffix not in (".jpg", "")]
    assert files
    for text in (done.stdout, done.stderr, failed.stdout, failed.stderr, *files):
        assert KEY not in text
        assert "0123" not in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are interrupted otherwise there")
def test_ctrl_c_ends_it_while_a_server_thinks(server: ChatServer, photos: Path):
    asked, go = threading.Event(), threading.Event()

    def think(handler: Handler, request: Request) -> None:
        asked.set()
        go.wait(60)

    server.always = think
    command = [sys.executable, "-m", "seetell", "caption", "photos", "--model", server.reference]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=heed_interrupts) as process:
        try:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()
            go.set()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise there")
def test_it_is_served_within_the_time_limit(server: ChatServer, photos: Path):
    go = threading.Event()
    others = [f"--model={command}=none" for command in ("regions", "align", "detect", "classify")]
    command = [sys.executable, "-m", "seetell", "serve", "--port=0", *others, "--time-limit=1", "--timeout=60"]
    command.append(f"--model=caption={server.reference}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split()[2].rpartition(":")[2])
            assert ask(port, form(photo_file()))[1]["caption"] == SENTENCE
            server.always = lambda handler, request: go.wait(60) and None  # type: ignore[assignment]
            assert ask(port, form(photo_file()))[0] == 503
            server.always = answer()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models") as told:
                assert json.load(told)["tasks"]["caption"]["model"] == "tiny"
            assert ask(port, form(photo_file()))[0] == 200
        finally:
            go.set()
            process.send_signal(signal.SIGINT)
            process.wait(30)
