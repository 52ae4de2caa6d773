from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from web.conftest import photo_file, until
from web.wire import ask, begun, form, health, told

from seetell.cli.main import main

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise there")


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *options])
    assert ended.value.code == 2
    return capsys.readouterr().err


def only(bundle: Path) -> list[str]:
    """Return the options by which a captioner is the one model that is served."""
    return [f"--model={each}" for each in (f"caption={bundle}", "regions=none", "align=none")]


PATIENT = "from seetell.web import server\nserver.GRACE_SECONDS, server.END_SECONDS = 60, 120\n"
"""Lets a server that is told to end wait for requests as long as the busiest machine may take for them."""

HANGING = """
import threading
from seetell.web.photo_workers import PhotoWorkers
PhotoWorkers.open = lambda *given, **options: threading.Event().wait()
"""
"""Makes each request wait for its photo for ever."""


@contextmanager
def serving(
    bundle: Path, *options: str, before: str = "", **settings: Any
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a server in a process of its own; gives it and its port.

    Args:
        bundle: the captioner that it serves.
        options: of the command.
        before: Python that the process runs first.
        settings: of the process.
    """
    start = f"{before}\nfrom seetell.cli.main import main\nmain()"
    command = [sys.executable, "-c", start, "serve", *only(bundle), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline().split()[2].rpartition(":")[2])
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], how: int) -> None:
    """Tell a server to end, and see that it complains of nothing."""
    process.send_signal(how)
    assert process.wait(30) in (0, -how, 128 + how)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


@pytest.mark.nightly
@POSIX
def test_it_serves_until_it_is_told_to_end(tiny_bundle: Path):
    with serving(tiny_bundle, "--port", "0") as (process, port):
        assert health(port) == {"status": "ok", "in_flight": 0}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}") as page:
            assert b"<h1>seetell</h1>" in page.read()
        ended(process, signal.SIGINT)


@pytest.mark.nightly
@POSIX
def test_told_to_end_it_first_answers_who_has_begun_to_ask(tiny_bundle: Path):
    body = form(photo_file())
    with serving(tiny_bundle, "--port", "0", before=PATIENT) as (process, port):
        clients = [begun(port, body, 60) for _ in range(4)]
        until(lambda: health(port)["in_flight"] == 4)
        process.send_signal(signal.SIGTERM)
        until(lambda: not listens(port))
        for client in clients:
            client.sendall(body[60:])
        assert [told(client)[0] for client in clients] == [200] * 4
        for client in clients:
            client.close()
        ended(process, signal.SIGTERM)


@pytest.mark.nightly
@POSIX
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_ends_whatever_it_does(tiny_bundle: Path, how: signal.Signals):
    body = form(photo_file())
    with serving(tiny_bundle, "--port", "0", before=HANGING) as (process, port):
        clients = [begun(port, body, sent) for sent in (*[len(body)] * 4, 100)]
        until(lambda: health(port)["in_flight"] == 5)
        process.send_signal(how)
        process.wait(30)  # which is sooner than its clients give up, or its photos are open
        for client in clients:
            client.close()
        assert process.returncode in (0, -how, 128 + how)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.nightly
@POSIX
def test_killed_it_can_be_started_again_at_once_on_its_port(tiny_bundle: Path):
    body = form(photo_file())
    with serving(tiny_bundle, "--port", "0") as (process, port):
        clients = [begun(port, body, sent) for sent in (0, 60, len(body))]
        until(lambda: health(port)["in_flight"] >= 2)
        process.kill()
        process.wait(30)
    with serving(tiny_bundle, "--port", str(port)) as (process, again):
        assert again == port
        assert ask(port, body)[0] == 200
    for client in clients:
        client.close()


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="limits on files are other ones there")
def test_a_full_disk_is_nothing_to_it(tiny_bundle: Path, tmp_path: Path):
    import resource

    large = photo_file(kind="BMP", size=(1200, 1000))
    with serving(
        tiny_bundle,
        "--port",
        "0",
        "--log",
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "absent"), "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    ) as (process, port):
        assert len(large) > 2**21
        assert ask(port, form(large))[0] == 200
        assert ask(port, form(b"no photo"))[0] == 415
        ended(process, signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionError:
        return False
    return True


def test_other_machines_need_a_key_or_leave(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "--open" in refused(capsys, "--host", "0.0.0.0")
    (tmp_path / "key").write_text("short\n")
    assert "at least 16" in refused(capsys, "--host", "0.0.0.0", "--key-file", str(tmp_path / "key"))
    assert "cannot be read" in refused(capsys, "--key-file", str(tmp_path / "absent"))


@pytest.mark.nightly
def test_open_to_all_it_is_known_by_its_own_names_and_those_given(tiny_bundle: Path):
    with serving(tiny_bundle, "--host", "0.0.0.0", "--port", "0", "--open", "--allow-host", "Photos.lan") as (_, port):

        def status(host: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("GET", "/v1/models", headers={"Host": host})
                return connection.getresponse().status
            finally:
                connection.close()

        known = ("localhost", "192.168.1.5:8000", "[fe80::1]", "photos.lan", socket.gethostname())
        assert {status(host) for host in known} == {200}
        assert status("evil.example") == status("photos.lan.evil.example") == 421


@pytest.mark.slow
def test_it_serves_behind_a_proxy(tiny_bundle: Path):
    options = ("--port", "0", "--proxy", "127.0.0.1", "--allow-host", "example.org", "--rate", "1")
    with serving(tiny_bundle, *options) as (_, port):
        site = {"Host": "example.org", "Origin": "https://example.org", "Sec-Fetch-Site": "same-origin"}
        clients = [{**site, "X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2, 2)]
        assert [ask(port, form(photo_file()), client)[0] for client in clients] == [200, 200, 429]


@pytest.mark.parametrize("proxy", ["proxy.lan", "*", "10.0.0.0/33", ""])
def test_proxies_are_named_by_address(capsys: pytest.CaptureFixture[str], proxy: str):
    assert "expected an address" in refused(capsys, "--proxy", proxy)


@pytest.mark.parametrize("site", ["*", "example.org", "https://example.org/page", "https://*.example.org"])
def test_sites_are_named_as_browsers_do(capsys: pytest.CaptureFixture[str], site: str):
    assert "without a path" in refused(capsys, "--allow-origin", site)


@pytest.mark.slow
def test_models_of_the_wrong_kind_and_taken_ports(
    capsys: pytest.CaptureFixture[str], tiny_bundle: Path, tiny_aligner: Path, tmp_path: Path
):
    free = ("--port", "0")
    for command, model in {"caption": tiny_aligner, "align": tiny_bundle, "regions": tiny_bundle}.items():
        others = [f"--model={other}=none" for other in ("caption", "align", "regions") if other != command]
        message = refused(capsys, *free, *others, f"--model={command}={model}")
        assert f"(seetell {command})" in message
    assert "--index needs" in refused(capsys, *free, "--index", str(tmp_path), "--model", "search=none")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot serve on" in refused(capsys, "--port", str(taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("caption", "expected COMMAND=NAME"),
        ("=caption", "expected COMMAND=NAME"),
        ("caption=", "expected COMMAND=NAME"),
        ("captoin=none", "Did you mean 'caption'?"),
        ("retrieval=none", "its model is that of search"),
        ("caption=absent", "unknown model 'absent'"),
    ],
)
def test_models_are_given_by_command(capsys: pytest.CaptureFixture[str], option: str, message: str):
    assert message in refused(capsys, "--port", "0", "--model", option)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("caption.min_confidence", "expected COMMAND.OPTION=VALUE"),
        ("min_confidence=1", "expected COMMAND.OPTION=VALUE"),
        ("captoin.attention=1", "Did you mean 'caption'?"),
        ("caption.attenion=1", "Did you mean 'attention'?"),
        ("caption.beam_size=1", "unknown option 'beam_size'"),
        ("caption.min_confidence=much", "not a valid number"),
        ("caption.min_confidence=2", "not in the range"),
        ("caption.min_confidence=0.5", "does not tell how sure it is"),
        ("regions.top=5", "unknown command 'regions'"),
    ],
)
def test_options_are_set_by_command(capsys: pytest.CaptureFixture[str], tiny_bundle: Path, setting: str, message: str):
    assert message in refused(capsys, "--port", "0", *only(tiny_bundle), "--model=detect=none", "--set", setting)


@pytest.mark.slow
def test_without_the_extra_it_says_what_to_install(tmp_path: Path):
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('absent', name='fastapi')")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run([sys.executable, "-m", "seetell", "serve"], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.search(r"needs fastapi, which is not installed: .*pip install .*\[web\]'", done.stderr)
