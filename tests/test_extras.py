from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from seetell import extras
from seetell.errors import UsageError


class Installed:
    """Stands for the distribution, with pip's record of where it came from."""

    def __init__(self, origin: dict[str, object] | None) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._origin is None else json.dumps(self._origin)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "a clone"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


def command(monkeypatch: pytest.MonkeyPatch, origin: dict[str, object] | None) -> str:
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Installed(origin))
    return extras.install_command("train")


def test_an_extra_is_added_to_the_installation_at_hand(clone: Path, monkeypatch: pytest.MonkeyPatch):
    assert command(monkeypatch, None).endswith(" install 'seetell[train]'")
    url = clone.as_uri()
    assert command(monkeypatch, {"url": url, "dir_info": {}}).endswith(f" install '{clone}[train]'")
    edited = {"url": url, "dir_info": {"editable": True}}
    assert command(monkeypatch, edited).endswith(f" install -e '{clone}[train]'")
    shutil.rmtree(clone)
    assert command(monkeypatch, edited).endswith(" install 'seetell[train]'")


def test_pip_is_that_of_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command(monkeypatch, None).startswith(f"{sys.executable} -m pip install")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    extras.require("meteor", "METEOR")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else found(name))
    with pytest.raises(UsageError, match=r"seetell export needs onnxscript, which is not installed: .*\[train\]'"):
        extras.require("train", "seetell export")


def test_the_modules_are_those_of_the_project():
    project = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    distributions = {
        "yaml": "pyyaml",
        "faiss": "faiss-cpu",
        "starlette": "fastapi",
        "pillow_jxl": "pillow-jxl-plugin",
        "ray": "ray[data]",
    }
    for extra, modules in extras.EXTRAS.items():
        declared = project.partition(f"\n{extra} = [")[2].partition("]\n")[0]
        for module in modules:
            assert f'"{distributions.get(module, module.replace("_", "-"))}>=' in declared
