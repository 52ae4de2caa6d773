from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from runtime.fake_hub import COMMIT, FakeHub, git_digest

from seetell.errors import SeetellError, UsageError
from seetell.runtime.backends.hub_cache import find_cached
from seetell.runtime.backends.hub_pull import Pulled, chosen, pull

pytest.importorskip("huggingface_hub", reason="needs the extra hf")

NAME = "owner/describer"
WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"architectures": ["BlipForConditionalGeneration"], "vision_config": {}}',
    "vocab.txt": b"a\ndog\n",
    "README.md": b"---\nlicense: mit\n---\n# Describer\n",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"raise SystemExit",
}


@pytest.fixture
def cache(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    hub.models[NAME] = dict(FILES)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models--owner--describer"


def pulled(name: str = NAME, **options: object) -> Pulled:
    return pull(name, begin=lambda total: None, arrived=lambda count: None, **options)  # type: ignore[arg-type]


def test_what_is_needed_to_run_a_model():
    texts = ["README.md", "LICENSE", "config.json", "merges.txt", "tokenizer.model", "chat_template.jinja"]
    templates = ["additional_chat_templates/tool_use.jinja"]
    other = ["pytorch_model.bin", "tf_model.h5", "model.fp16.safetensors", "onnx/model.onnx", "onnx/config.json"]
    indices = ["pytorch_model.bin.index.json", "model.safetensors.index.json"]
    parts = [f"model-0000{index}-of-00002.safetensors" for index in (1, 2)]
    files = [*texts, *templates, *other, *indices, "code/modeling.py"]
    assert set(chosen([*files, "model.safetensors"])) == {*texts, *templates, "model.safetensors"}
    assert set(chosen([*files, *parts])) == {*texts, *templates, "model.safetensors.index.json", *parts}
    assert chosen([*files, *parts, "model.safetensors"])[-1] == "model.safetensors"
    assert "code/modeling.py" in chosen(files, trust_remote_code=True)


@pytest.mark.slow
def test_a_model_comes_to_where_transformers_looks(cache: Path, hub: FakeHub):
    totals: list[int] = []
    arrived: list[int] = []
    first = pull(NAME, begin=totals.append, arrived=arrived.append)
    names = {"config.json", "vocab.txt", "README.md", "model.safetensors"}
    assert (first.folder, first.commit) == (cache / "snapshots" / COMMIT, COMMIT)
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == {name: FILES[name] for name in names}
    assert first.left_out == ("modeling.py",)
    assert totals == [sum(arrived)] == [first.size]
    assert (cache / "refs" / "main").read_text() == COMMIT
    assert (cache / "blobs" / hashlib.sha256(WEIGHTS).hexdigest()).read_bytes() == WEIGHTS
    assert (cache / "blobs" / git_digest(FILES["vocab.txt"])).is_file()
    asked = len(hub.requests)
    pulled()
    assert len(hub.requests) == asked


def test_code_is_downloaded_where_it_is_trusted_and_never_run(cache: Path):
    model = pulled(trust_remote_code=True)
    assert (model.folder / "modeling.py").read_bytes() == FILES["modeling.py"]
    assert model.left_out == ()


def test_the_token_goes_to_the_hub_alone(cache: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pulled()
    assert "Bearer hf_secret" in hub.tokens["hub"]
    assert hub.tokens["storage"] == {None}


@pytest.mark.slow
def test_a_killed_download_goes_on_where_it_was(cache: Path, hub: FakeHub):
    hub.stalled["model.safetensors"] = 600_000
    command = [sys.executable, "-m", "seetell", "models", "pull", f"hf:{NAME}"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    partial = cache / "blobs" / f"{hashlib.sha256(WEIGHTS).hexdigest()}.seetell.incomplete"
    try:
        while process.poll() is None and not (partial.exists() and partial.stat().st_size > 500_000):
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = partial.stat().st_size
    assert find_cached(NAME).snapshot is None
    hub.stalled.clear()
    assert (pulled().folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges("model.safetensors") == [None, f"bytes={left}-"]
    assert find_cached(NAME).snapshot is not None
    assert not partial.exists()


def test_wrong_content_makes_no_model(cache: Path, hub: FakeHub):
    hub.changed.add("model.safetensors")
    with pytest.raises(SeetellError, match=f"hf:{NAME}/model.safetensors: .* sent another content"):
        pulled()
    assert not (cache / "snapshots").exists()


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("owner/unknown", {}, UsageError, "there is no such model on http.*hf auth login"),
        (NAME, {"revision": "v2"}, UsageError, "has no branch, tag or commit 'v2'"),
        ("owner/a name", {}, UsageError, "is no name of a model of the Hub"),
        ("../owner", {}, UsageError, "is no name of a model of the Hub"),
        ("owner/old", {}, SeetellError, r"pytorch_model.bin, not as safetensors.*--revision refs/pr/7"),
        ("owner/words", {}, SeetellError, "is no model of transformers, it has no config.json"),
        ("owner/gated", {}, SeetellError, "asks for consent to terms: accept them on http.*/owner/gated"),
    ],
)
def test_what_the_hub_refuses(
    name: str, options: dict[str, str], error: type[SeetellError], said: str, cache: Path, hub: FakeHub
):
    hub.models["owner/old"] = {"config.json": b"{}", "pytorch_model.bin": b""}
    hub.models["owner/words"] = {"words.txt": b"a", "model.safetensors": b""}
    hub.models["owner/gated"] = dict(FILES)
    hub.gated.add("owner/gated")
    hub.converted["owner/old"] = 7
    with pytest.raises(error, match=said) as caught:
        pulled(name, **options)
    assert "\n" not in str(caught.value)
    assert not [path for path in cache.parent.rglob("*") if path.is_file() and path.name != "main"]


def test_without_a_network_one_line_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        SeetellError, match=r"http://127\.0\.0\.1:9 cannot be reached .*connect to the network"
    ) as caught:
        pulled()
    assert "\n" not in str(caught.value)


def test_a_small_disk_is_noticed_before(cache: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(SeetellError, match="1 MB are to be downloaded, and 0 MB are free"):
        pulled()
    assert hub.requests == []
