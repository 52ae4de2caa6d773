from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import seetell
from seetell.cli import main as main_module
from seetell.cli.main import COMMANDS, group, main
from seetell.errors import BundleError, RecipeError, UsageError
from seetell.tasks import registry
from seetell.tasks.registry import Option, Task


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Install a command `act` that raises what it is given."""

    def install(error: BaseException) -> None:
        def act() -> None:
            raise error

        monkeypatch.setattr(main_module, "act", click.Command("act", callback=act), raising=False)
        monkeypatch.setattr(main_module, "COMMANDS", {"act": ("seetell.cli.main:act", "Act.")})

    return install


def test_version_and_help(capsys: pytest.CaptureFixture[str]):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"seetell {seetell.__version__}\n"
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name, (_, summary) in COMMANDS.items():
        assert name in shown
        assert summary[:30] in shown


def test_help_imports_no_command():
    code = "import sys\nfrom seetell.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in sys.modules if m.startswith('seetell.cli.') and m != 'seetell.cli.main'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def default_interrupts() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt; a shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_interrupts")
def test_an_interrupt_that_a_library_takes_for_its_own_error_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def act() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr(main_module, "act", click.Command("act", callback=act), raising=False)
    monkeypatch.setattr(main_module, "COMMANDS", {"act": ("seetell.cli.main:act", "Act.")})
    assert run("act") == 130
    assert capsys.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_the_command_line_is_loaded_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "seetell.cli.main", Interrupted("seetell.cli.main"))
    from seetell.__main__ import main

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BundleError("the model is broken"), 1, "seetell: the model is broken\n"),
        (UsageError("not like this"), 2, "seetell: not like this\n"),
        (RecipeError("no such field"), 2, "seetell: no such field\n"),
        (BundleError("odd \udcff name"), 1, "seetell: odd \\udcff name\n"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2, "needs torch, which is not installed: "),
        (OSError(errno.EIO, "I/O error", "rows"), 1, "seetell: rows: cannot be read or written (I/O error)\n"),
        (
            OSError(errno.EIO, "I/O error"),
            1,
            "seetell: unexpected OSError: [Errno 5] I/O error; run again with --debug",
        ),
        (RuntimeError("two\nlines"), 1, "seetell: unexpected RuntimeError: two lines; run again with --debug"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_one_line_and_a_status(error, status, said, command, capsys: pytest.CaptureFixture[str]):
    command(error)
    assert run("act") == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") <= 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("words", [["--debug", "act"], ["act", "--debug"]])
def test_debug_shows_the_traceback(words: list[str], command):
    command(BundleError("the model is broken"))
    with pytest.raises(BundleError):
        main(words)


def test_wrong_words_are_wrong_use(capsys: pytest.CaptureFixture[str]):
    assert run("capton") == 2
    assert "Did you mean 'caption'" in capsys.readouterr().err
    assert run("caption") == 2
    assert run("caption", "x.jpg", "--format", "xml") == 2
    assert run("models", "--unknown-option") == 2
    assert run() in (0, 2)  # help; older releases of click take that for success


@pytest.mark.parametrize("name", group.list_commands(click.Context(group)))
def test_every_command_exists_and_gives_an_example(name: str, capsys: pytest.CaptureFixture[str]):
    assert run(name, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Usage: seetell {name}" in shown
    if name != "data":
        assert f"Example: seetell {name}" in shown


def test_h_is_help_of_every_command(capsys: pytest.CaptureFixture[str]):
    for words in ([], ["caption"], ["data"], ["data", "check"]):
        assert run(*words, "-h") == 0
        assert f"Usage: {' '.join(['seetell', *words])} [OPTIONS]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "completed"),
    [("seetell cap", "caption"), ("seetell regions --to", "--top"), ("seetell search --format j", "jsonl")],
)
def test_tab_completes_commands_options_and_choices(words: str, completed: str):
    count = str(len(words.split()) - 1)
    env = {**os.environ, "_SEETELL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    done = subprocess.run([sys.executable, "-m", "seetell"], env=env, capture_output=True, text=True)
    assert done.stdout.split() == [f"plain,{completed}"]


def test_a_task_that_is_registered_is_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    task = Task(
        name="counting",
        command="count",
        summary="Count what is in images.",
        result="labels",
        example="seetell count photo.jpg --most 3",
        options=(Option("most", int, "Most things to count.", 5, minimum=1),),
        package="counting",
    )
    monkeypatch.setattr(registry, "_registered", {"counting": task})
    assert run("--help") == 0
    assert "count Count what is in images." in " ".join(capsys.readouterr().out.split())
    assert run("count", "--help") == 0
    shown = capsys.readouterr().out
    assert "Example: seetell count photo.jpg --most 3" in shown
    assert "--most INTEGER" in shown
    assert "-o, --output FILE" in shown
    assert "--report" not in shown
    assert run("count", "a.jpg", "--most", "0") == 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_named(tiny_bundle: Path):
    command = [
        sys.executable,
        "-m",
        "seetell",
        "caption",
        str(Path(__file__).parents[2] / "examples" / "dog.jpg"),
        "-m",
        str(tiny_bundle),
    ]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("seetell: no space is left on the disk of standard output (/dev/full)")
    assert "Exception ignored" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("caption dog.jpg <&-", 0, ""),
        pytest.param("caption dog.jpg 2>&-", 0, "", marks=pytest.mark.slow),
        pytest.param("caption dog.jpg >&-", 0, "", marks=pytest.mark.slow),
        ("caption dog.jpg <&- >&- 2>&-", 0, ""),
        ("caption - <&-", 2, "seetell: standard input is closed"),
        pytest.param("align --captions - <&-", 2, "seetell: standard input is closed", marks=pytest.mark.slow),
        pytest.param("index - --index index <&-", 2, "seetell: standard input is closed", marks=pytest.mark.slow),
        ("regions absent.jpg 2>&-", 1, ""),
        ("alt page.html --captions - <&-", 2, "seetell: standard input is closed"),
        ("alt page.html --check >&-", 1, "1 page, 1 image without alt text"),
        ("alt page.html --check 2>&-", 1, ""),
        ("capton 2>&-", 2, ""),
        ("--help >&-", 0, ""),
    ],
)
def test_closed_standard_streams(words: str, status: int, said: str, tmp_path: Path, tiny_bundle: Path):
    (tmp_path / "dog.jpg").symlink_to(Path(__file__).parents[2] / "examples" / "dog.jpg")
    (tmp_path / "page.html").write_text("<img src=dog.jpg>")
    if words.startswith("caption"):
        words = words.replace("caption", f"caption -m '{tiny_bundle}'", 1)
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m seetell {words}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr[: len(said) or None]) == (status, said)
    if words.endswith(("dog.jpg <&-", "dog.jpg 2>&-")):
        assert done.stdout.startswith("dog.jpg\t")
