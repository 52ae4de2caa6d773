"""Blocks of the documentation run in the tests' own process: no interpreter starts, and each model is loaded once."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seetell.cli.main import main
from seetell.tasks import loading
from seetell.tasks.registry import find_task

Pipeline = tuple[list[list[str]], str]
"""The words of commands, each of which reads what the one before writes; and the file that the last writes to."""


def pipelines(script: str) -> list[Pipeline] | None:
    """Return the pipelines of a script of bash; ``None`` where it needs bash, or another program than seetell."""
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        if re.search(r"[$`&;<(]", line):
            return None
        reader = shlex.shlex(line, posix=True, punctuation_chars="|>")
        reader.whitespace_split = True
        commands: list[list[str]] = [[]]
        target, words = "", list(reader)
        if len(words) > 2 and words[-2] == ">":
            *words, _, target = words
        for word in words:
            if word == "|":
                commands.append([])
            else:
                commands[-1].append(word)
        if any(command[:1] != ["seetell"] or ">" in command for command in commands):
            return None
        found.append((commands, target))
    return found


def run_pipelines(found: list[Pipeline], folder: Path) -> str:
    """Run pipelines in a folder, and return what they print."""
    printed = b""
    with _in(folder):
        for commands, target in found:
            content = b""
            for command in commands:
                content = _written(command[1:], content)
            if target:
                Path(target).write_bytes(content)
            else:
                printed += content
    return printed.decode()


def run_python(script: str, folder: Path) -> str:
    """Run a script of Python in a folder, and return what it prints."""
    with _in(folder), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script, "<block>", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def _written(words: list[str], given: bytes) -> bytes:
    """Run a command, and return what it writes to standard output."""
    errors, output = io.StringIO(), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        patched.setattr(sys, "stdout", output)
        patched.setattr(sys, "stderr", errors)
        with pytest.raises(SystemExit) as ended:
            main(words)
    output.flush()
    content: bytes = output.buffer.getvalue()  # type: ignore[attr-defined]
    assert not ended.value.code, f"seetell {shlex.join(words)}\n{content.decode()}\n{errors.getvalue()}"
    return content


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Work in a folder that has its own index of photos."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("SEETELL_INDEX", str(folder / ".index"))
        patched.setattr(loading, "load_for", _load_for)
        yield


_load = loading.load_for


def _load_for(task: Any, model: str | Path | None = None, **options: Any) -> Any:
    if model is not None and os.path.exists(model):
        return _load(task, model, **options)
    return _bundled(task.name, model, tuple(sorted(options.items())))


@functools.cache
def _bundled(task: str, model: str | None, options: tuple[tuple[str, Any], ...]) -> Any:
    return _load(find_task(task), model, **dict(options))
