from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from seetell.cli.main import main

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "_SEETELL_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def install(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["--install-completion", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def completed(line: str, shell: str = "bash") -> list[str]:
    """Return what the last word of a line completes to; a line that ends with a space has an empty one."""
    variables = {
        "_SEETELL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(printed):
        for name, value in variables.items():
            patched.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main([])
    assert ended.value.code == 0
    printed.seek(0)
    return printed.read().split("\n")[:-1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("seetell capt", ["plain,caption"]),
        ("seetell data ", ["plain,check"]),
        ("seetell caption --model every", ["plain,everyday-transformer"]),
        ("seetell evaluate capt", ["plain,caption"]),
        ("seetell models flickr8k-d", ["plain,flickr8k-dense"]),
        ("seetell models pu", ["plain,pull"]),
        ("seetell models pull --rev", ["plain,--revision"]),
        ("seetell caption --model runs", ["file,runs"]),
        ("seetell caption photo", ["file,photo"]),
        ("seetell caption a.jpg --format ", ["plain,text", "plain,jsonl", "plain,csv"]),
        ("seetell caption --repo", ["plain,--report"]),
        ("seetell train photo", ["plain,photo-folder"]),
    ],
)
def test_words_complete(line: str, expected: list[str]):
    assert completed(line) == expected


def test_an_unknown_command_is_no_error_while_typing():
    assert "plain,caption" in completed("seetell unheard of ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [("seetell train photo", "plain,photo-folder\n")]
    + [
        (f"seetell {command} --h", "plain,--help\n") for command in ("train", "export", "snippets", "serve", "evaluate")
    ],
)
def test_commands_whose_extra_is_absent_complete_too(line: str, expected: str):
    program = (
        "import sys\n"
        "for name in ('torch', 'timm', 'matplotlib', 'starlette', 'uvicorn'): sys.modules[name] = None\n"
        "from seetell.cli.main import main\n"
        "main()"
    )
    env = {**os.environ, "_SEETELL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


def test_an_error_is_silent_while_typing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def broken() -> list[str]:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("seetell.training.recipes.shipped_recipes", broken)
    variables = {"_SEETELL_COMPLETE": "bash_complete", "COMP_WORDS": "seetell train p", "COMP_CWORD": "2"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert (ended.value.code, *capsys.readouterr()) == (0, "", "")


def test_commands_come_with_their_summaries():
    lines = completed("seetell capt", "powershell")
    assert lines == ["plain", "caption", "Describe images in one sentence each."]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_from_its_profile(home: Path, capsys: pytest.CaptureFixture[str]):
    profile = home / ".bashrc"
    profile.write_text("alias ll='ls -l'", encoding="utf-8")
    status, out, _ = install(capsys, "bash")
    assert (status, str(profile) in out) == (0, True)
    install(capsys, "bash")
    lines = profile.read_text(encoding="utf-8").splitlines()
    assert lines == ["alias ll='ls -l'", f"source '{home}/.local/share/seetell/completion.bash'"]
    program = home / "seetell"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec "{sys.executable}" -m seetell "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    script = (
        f"{lines[1]}; COMP_WORDS=({program} align --mod); COMP_CWORD=2; _seetell_completion {program} --mod align;"
        'echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stdout == "--model\n", done.stderr


def test_each_shell_has_its_files(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert install(capsys, "zsh")[0] == 0
    (line,) = (home / ".zshrc").read_text(encoding="utf-8").splitlines()
    assert "compinit" in line
    assert line.endswith(f"source '{home}/.local/share/seetell/completion.zsh'")
    assert install(capsys, "fish")[0] == 0
    assert "seetell" in (home / ".config" / "fish" / "completions" / "seetell.fish").read_text(encoding="utf-8")
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
    assert str(home / "elsewhere" / "fish" / "completions") in install(capsys)[1]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for PowerShell is a shell script")
def test_powershell_says_where_its_profile_is(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(home / "programs"))
    status, _, err = install(capsys, "powershell")
    assert (status, "neither pwsh nor powershell can be run" in err) == (2, True)
    profile = home / "Documents" / "PowerShell" / "profile.ps1"
    program = home / "programs" / "pwsh"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$3" = \'$PROFILE.CurrentUserAllHosts\' ] && echo "{profile}"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    assert install(capsys, "powershell")[0] == 0
    script = home / ".local" / "share" / "seetell" / "completion.ps1"
    assert profile.read_text(encoding="utf-8") == f". '{script}'\n"
    assert "Register-ArgumentCompleter" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shell", "said"), [("/bin/tcsh", "$SHELL names tcsh; name one of bash"), (None, "$SHELL is not set")]
)
def test_another_shell_is_refused(
    shell: str | None, said: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SHELL", raising=False)
    if shell is not None:
        monkeypatch.setenv("SHELL", shell)
    status, _, err = install(capsys)
    assert (status, said in err) == (2, True)
    assert list(home.iterdir()) == []


def test_a_profile_that_cannot_be_written_is_named(home: Path, capsys: pytest.CaptureFixture[str]):
    (home / ".bashrc").mkdir()
    status, _, err = install(capsys, "bash")
    assert (status, ".bashrc: cannot be written" in err) == (1, True)
