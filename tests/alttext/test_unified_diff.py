from __future__ import annotations

import difflib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.unified_diff import unified_diff


@pytest.mark.slow
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_it_equals_difflibs(changed: list[bool]):
    before = [f"line {number}\r\n" for number in range(len(changed))]
    after = [f"+{line}" if change else line for line, change in zip(before, changed, strict=True)]
    expected = [line.encode() for line in difflib.unified_diff(before, after, "page", "page")]
    assert list(unified_diff("page", "".join(before).encode(), "".join(after).encode())) == expected


COMMANDS = [["patch", "-p0"], ["git", "apply", "-p0"]]


@pytest.mark.parametrize("command", COMMANDS, ids=["patch", "git"])
@pytest.mark.parametrize("name", ["page.md", "a b.md", 'q"uo\\te.md', "é/犬.md", "./x.md"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_it_applies(tmp_path: Path, command: list[str], name: str, encoding: str, end: str):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    lines = [f"line {number} é" for number in range(40)]
    before = (end or "\n").join(lines) + end
    changed = [f"{line}+" if number in (0, 5, 13, 14, 39) else line for number, line in enumerate(lines)]
    after = (end or "\n").join(changed) + end
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(before.encode(encoding))
    diff = b"".join(unified_diff(name, before.encode(encoding), after.encode(encoding)))
    done = subprocess.run(command, input=diff, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == after.encode(encoding)
