from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seetell.search.location import default_location


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.local/share/seetell/index"),
        ("linux", {"XDG_DATA_HOME": "data"}, "data/seetell/index"),
        ("darwin", {}, "home/Library/Application Support/seetell/index"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/seetell/index"),
        ("win32", {}, "home/AppData/Local/seetell/index"),
        ("linux", {"SEETELL_INDEX": "mine", "XDG_DATA_HOME": "data"}, "mine"),
    ],
)
def test_the_index_lies_where_the_system_keeps_data(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
):
    for name in ("SEETELL_INDEX", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert default_location() == Path(expected)
