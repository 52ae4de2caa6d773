from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from seetell.errors import BundleError, UsageError  # noqa: E402
from seetell.runtime.backends.transformers.model import find_device, load_model, memory_errors  # noqa: E402
from seetell.runtime.backends.transformers.source import find_source  # noqa: E402

IMAGE_TO_TEXT = ["AutoModelForImageTextToText"]


@pytest.fixture
def folder(tiny_hub, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    return Path(shutil.copytree(tiny_hub("blip"), tmp_path / "blip"))


def load(folder: Path, **options):
    chosen = {"device": "cpu", "dtype": None, "texts": True, **options}
    return load_model(find_source(str(folder)), IMAGE_TO_TEXT, **chosen)


def test_numbers_are_float32_on_a_cpu_unless_others_are_named(folder: Path):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float16"}))
    assert load(folder).dtype == torch.float32
    model = load(folder, dtype="bfloat16")
    assert model.dtype == torch.bfloat16
    moved = model.on_device({"pixel_values": torch.zeros(1), "input_ids": torch.zeros(1, dtype=torch.int64)})
    assert [value.dtype for value in moved.values()] == [torch.bfloat16, torch.int64]


def test_weights_of_another_network_are_refused(folder: Path):
    """They would be left random, and the captions with them."""
    weights = load_file(folder / "model.safetensors")
    del weights["vision_model.encoder.layers.0.mlp.fc1.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BundleError, match=r"not those of its configuration: vision_model.*fc1.weight missing"):
        load(folder)


def test_damaged_weights_and_processors(folder: Path):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(BundleError, match="cannot be loaded"):
        load(folder)
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(BundleError, match="cannot be loaded"):
        load(folder)


@pytest.mark.parametrize("name", ["quantum", "cuda:99", "meta:x"])
def test_devices_that_are_not_there(name: str):
    with pytest.raises(UsageError, match=f"--device {name}: there is none here"):
        find_device(name)


def test_memory_that_does_not_suffice_is_a_memory_error():
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ):
        with pytest.raises(MemoryError), memory_errors():
            raise error
    with pytest.raises(RuntimeError, match="shape"), memory_errors():
        raise RuntimeError("shape")
