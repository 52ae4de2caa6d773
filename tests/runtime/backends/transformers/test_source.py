"""Names, networks and folders; transformers itself takes seconds to import, so these tests are slow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runtime.fake_hub import COMMIT, FakeHub

from seetell import extras
from seetell.errors import BundleError, SeetellError, UsageError
from seetell.runtime.backends.transformers.source import find_source

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip"}))
    (tmp_path / "model.safetensors").touch()
    return tmp_path


def test_a_folder_is_its_own_source(folder: Path):
    source = find_source(str(folder))
    assert (source.name, source.folder, source.model_type, source.trusted) == (str(folder), folder, "blip", False)
    assert source.among(["MODEL_FOR_IMAGE_TEXT_TO_TEXT"])
    assert not source.among(["MODEL_FOR_OBJECT_DETECTION", "MODEL_FOR_IMAGE_CLASSIFICATION"])


def test_weights_may_be_in_parts(folder: Path):
    (folder / "model.safetensors").rename(folder / "model.safetensors.index.json")
    assert find_source(str(folder)).folder == folder


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "lacks config.json"),
        ("{", "config.json: cannot be read"),
        ("[]", "expected an object, got list"),
    ],
)
def test_damaged_configurations(folder: Path, config: str | None, message: str):
    (folder / "config.json").unlink() if config is None else (folder / "config.json").write_text(config)
    with pytest.raises(BundleError, match=message):
        find_source(str(folder))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "moondream1", "auto_map": {"AutoConfig": "a.B"}}, "if you trust .* --trust-remote-code"),
        ({"model_type": "dreams"}, "a model of the type 'dreams', which transformers .* does not know"),
        ({}, "a model of no type"),
    ],
)
def test_kinds_that_transformers_does_not_know(folder: Path, config: dict, message: str):
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=message):
        find_source(str(folder))


def test_a_models_own_code_is_named_only_if_it_is_trusted(folder: Path):
    (folder / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": {"AutoModel": "code.Model"}}))
    assert find_source(str(folder), trust_remote_code=True).code == ("AutoModel",)
    (folder / "config.json").write_text(json.dumps({"model_type": "blip", "auto_map": {"AutoModel": "code.Model"}}))
    assert find_source(str(folder)).code == ()


def test_a_pickle_is_refused(folder: Path):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"pickle, pytorch_model.bin, .* expected model.safetensors"):
        find_source(str(folder))
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(BundleError, match=r"lacks model.safetensors"):
        find_source(str(folder))


def test_a_folder_has_no_revision(folder: Path):
    with pytest.raises(UsageError, match=r"--revision: .* is a folder"):
        find_source(str(folder), revision="main")


def test_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(extras.EXTRAS, "hf", ("no_such_module",))
    with pytest.raises(UsageError, match=r"needs no_such_module, which is not installed: .*\[hf\]"):
        find_source(str(folder))


CONFIG = json.dumps({"model_type": "blip"}).encode()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_of_the_hub_is_downloaded_once(hub: FakeHub, cache: Path, capsys: pytest.CaptureFixture[str]):
    hub.models["owner/name"] = {"config.json": CONFIG, "model.safetensors": b"weights", "code.py": b"1 / 0"}
    source = find_source("owner/name")
    assert (source.name, source.model_type) == ("owner/name", "blip")
    assert {file.name for file in source.folder.iterdir()} == {"config.json", "model.safetensors"}
    assert "downloading hf:owner/name" in capsys.readouterr().err
    asked = len(hub.requests)
    assert find_source("owner/name").folder == source.folder
    assert len(hub.requests) == asked
    assert (find_source("owner/name", trust_remote_code=True).folder / "code.py").is_file()


def test_a_revision_is_downloaded_once(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch):
    hub.models["owner/name"] = {"config.json": CONFIG, "model.safetensors": b"weights"}
    folder = find_source("owner/name", revision=COMMIT).folder
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert find_source("owner/name", revision=COMMIT).folder == folder


def test_what_the_hub_refuses(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch):
    hub.models["owner/closed"] = {"config.json": CONFIG, "model.safetensors": b"weights"}
    hub.gated.add("owner/closed")
    with pytest.raises(SeetellError, match=r"terms.*HF_TOKEN"):
        find_source("owner/closed")
    with pytest.raises(UsageError, match="no such model"):
        find_source("owner/nowhere")
    with pytest.raises(UsageError, match="no such folder, and no name of a model on the Hub"):
        find_source("./nowhere/a/b")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SeetellError, match=r"cannot be reached .*`seetell models pull hf:owner/name` puts it there"):
        find_source("owner/name")
