from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from runtime.fake_hub import FakeHub
from runtime.tiny_bundle import write_tiny_bundle

from seetell.errors import BundleError, SeetellError, UsageError
from seetell.runtime.bundle_pull import pull_bundle
from seetell.runtime.user_models import find_user_model, user_models
from seetell.tasks.loading import find_model


@pytest.fixture
def address(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a bundle's folder; nothing has been downloaded."""
    monkeypatch.setenv("SEETELL_MODELS", str(tmp_path / "models"))
    folder = write_tiny_bundle(tmp_path / "tiny")
    hub.models["some/tiny"] = {path.name: path.read_bytes() for path in folder.iterdir()}
    return f"{hub.storage_url}/some/tiny"


def pulled(address: str) -> Path:
    return pull_bundle(
        address, begin=lambda total: None, arrived=lambda count: None, taken=lambda name: name == "everyday-transformer"
    )


@pytest.mark.parametrize("end", ["", "/", "/model.json"])
def test_a_bundle_is_known_by_its_name(end: str, address: str, tmp_path: Path):
    folder = pulled(address + end)
    assert user_models() == {"tiny": folder}
    assert {path.name for path in folder.iterdir()} == {path.name for path in (tmp_path / "tiny").iterdir()}
    assert find_model("tiny") == find_user_model("tiny") == folder


def test_the_rest_is_downloaded_after_an_interruption(address: str, hub: FakeHub):
    hub.broken_off["vocabulary.json"] = [0] * 20
    with pytest.raises(SeetellError, match="what has arrived is kept"):
        pulled(address)
    assert user_models() == {}
    hub.broken_off.clear()
    pulled(address)
    assert len(hub.ranges("encoder.onnx")) == 1


def test_a_file_of_another_hash_makes_no_bundle(address: str, hub: FakeHub):
    hub.changed.add("encoder.onnx")
    with pytest.raises(SeetellError, match=r"encoder\.onnx: .* sent another content"):
        pulled(address)
    assert user_models() == {}


@pytest.mark.parametrize(
    ("description", "said"),
    [
        (b"[]", "expected a JSON object"),
        (b'{"files": 3}', "lists no files"),
        (b'{"files": {"../evil": "00"}}', "plain names"),
        (b'{"files": {"a.onnx": "00"}}', "lists no SHA-256"),
        (b'{"files": {}}', "is in bundle format None"),
    ],
)
def test_what_is_no_bundle(description: bytes, said: str, address: str, hub: FakeHub):
    hub.models["some/tiny"]["model.json"] = description
    with pytest.raises(BundleError, match=said):
        pulled(address)
    assert user_models() == {}


def test_addresses_and_names_that_are_refused(address: str):
    for wrong in ("http://example.org/tiny", f"{address}?a=b"):
        with pytest.raises(UsageError, match="expected the address of a bundle's folder"):
            pulled(wrong)
    with pytest.raises(UsageError, match="is no address"):
        pulled("http://[::1")
    for wrong in ("https://example.org", "https://example.org/.hidden", "https://example.org/a%2Fb"):
        with pytest.raises(UsageError, match="its last part is to be the name of the bundle"):
            pulled(wrong)
    with pytest.raises(UsageError, match="name of a model that came with seetell"):
        pulled("https://example.org/everyday-transformer")
    folder = pulled(address)
    with pytest.raises(UsageError, match=r"is there already; .* seetell models remove tiny"):
        pulled(address)
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match="unknown downloaded bundle 'tiny'"):
        find_user_model("tiny")


def test_a_server_without_the_bundle(address: str):
    with pytest.raises(SeetellError, match=r"127.0.0.1:9/x/model.json: cannot be read \(.*refused"):
        pulled("http://127.0.0.1:9/x")
