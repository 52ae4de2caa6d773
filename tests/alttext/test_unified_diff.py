from __future__ import annotations

import difflib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.unified_diff import unified_diff


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_it_equals_difflibs(changed: list[bool]):
    before = [f"line {number}\r\n" for number in range(len(changed))]
    after = [f"+{line}" if change else line for line, change in zip(before, changed, strict=True)]
    expected = list(difflib.unified_diff(before, after, "page", "page"))
    assert list(unified_diff("page", "".join(before), "".join(after))) == expected


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
@pytest.mark.parametrize("end", ["", "\n"])
def test_patch_takes_it(tmp_path: Path, end: str):
    lines = [f"line {number}\r" for number in range(40)]
    before = "\n".join(lines) + end
    after = "\n".join(f"{line}+" if number in (0, 5, 13, 14, 39) else line for number, line in enumerate(lines)) + end
    (tmp_path / "page.md").write_bytes(before.encode())
    diff = "".join(unified_diff("page.md", before, after)).encode()
    subprocess.run(["patch", "--binary", "-p0"], input=diff, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "page.md").read_bytes() == after.encode()
