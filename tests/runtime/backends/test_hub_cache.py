from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seetell.errors import BundleError, UsageError
from seetell.runtime.backends import hub_cache
from seetell.runtime.backends.hub_cache import cached_models, find_cached

COMMITS = ("1" * 40, "2" * 40)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put(cache: Path, name: str, commit: str, files: dict[str, bytes], *, main: bool = True) -> Path:
    """Lay out a model as the Hub's library does, and return its folder."""
    folder = cache / f"models--{name.replace('/', '--')}"
    for part in ("blobs", "refs", f"snapshots/{commit}"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / digest).write_bytes(content)
        (folder / "snapshots" / commit / file).symlink_to(Path("..") / ".." / "blobs" / digest)
    if main:
        (folder / "refs" / "main").write_text(commit)
    return folder


def model(card: str = "", **config: object) -> dict[str, bytes]:
    weights = b"w" * 2_000_000
    return {"config.json": json.dumps(config).encode(), "README.md": card.encode(), "model.safetensors": weights}


def test_what_is_told_of_a_model(cache: Path):
    card = "---\ntags:\n- image\nlicense: bsd-3-clause\n---\n\n# BLIP\nSees."
    folder = put(cache, "a/blip", COMMITS[0], model(card, architectures=["Blip"]))
    put(cache, "a/data", COMMITS[0], {"rows.json": b"[]"})
    (found,) = cached_models()
    assert (found.name, found.folder, found.architecture) == ("a/blip", folder, "Blip")
    assert (found.licence, found.card()) == ("bsd-3-clause", "# BLIP\nSees.")
    assert found.megabytes == pytest.approx(2.0, abs=0.01)
    assert found.snapshot == folder / "snapshots" / COMMITS[0]


@pytest.mark.parametrize(
    ("card", "licence"),
    [("---\nlicense: other\nlicense_name: 'llama'\n---\n", "llama"), ("no metadata\nlicense: mit\n", None), ("", None)],
)
def test_licences(card: str, licence: str | None, cache: Path):
    put(cache, "a/b", COMMITS[0], model(card, model_type="x"))
    assert find_cached("a/b").licence == licence


def test_of_several_snapshots_the_one_of_the_main_branch_counts(cache: Path):
    put(cache, "a/b", COMMITS[0], model(architectures=["First"]))
    put(cache, "a/b", COMMITS[1], model(architectures=["Second"]), main=False)
    assert find_cached("a/b").architecture == "First"
    (cache / "models--a--b" / "refs" / "main").write_text("3" * 40)
    os.utime(cache / "models--a--b" / "snapshots" / COMMITS[0], (1, 1))
    assert find_cached("a/b").architecture == "Second"


def test_a_model_without_its_weights_is_not_complete(cache: Path):
    folder = put(cache, "a/b", COMMITS[0], {"config.json": b'{"architectures": ["Blip"]}'})
    assert cached_models() == []
    (folder / "blobs" / "abc.seetell.incomplete").write_bytes(b"half")
    assert [(found.name, found.snapshot) for found in cached_models()] == [("a/b", None)]
    with pytest.raises(BundleError, match="not complete; run: seetell models pull hf:a/b"):
        find_cached("a/b").verify()


def test_damage_is_found_by_the_names_of_files(cache: Path):
    folder = put(cache, "a/b", COMMITS[0], model(model_type="x"))
    find_cached("a/b").verify()
    (folder / "snapshots" / COMMITS[0] / "model.safetensors").write_bytes(b"?")
    with pytest.raises(BundleError, match=r"model\.safetensors was changed or damaged"):
        find_cached("a/b").verify()


def test_what_is_not_there(cache: Path):
    with pytest.raises(UsageError, match="is not on this disk; download it: seetell models pull hf:a/c"):
        find_cached("a/c")
    put(cache, "a/b", COMMITS[0], model(model_type="x"))
    with pytest.raises(UsageError, match="Did you mean 'hf:a/b'"):
        find_cached("a/c")


def test_the_cache_lies_where_the_hubs_library_has_it(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("huggingface_hub", reason="needs the extra hf")
    program = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    for variables in ({}, {"HF_HOME": "/x/hf"}, {"XDG_CACHE_HOME": "/x/cache"}, {"HF_HUB_CACHE": "/x/hub"}):
        for name in ("HF_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        expected = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        assert str(hub_cache.hub_cache()) == expected.strip()
