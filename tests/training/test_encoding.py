from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from seetell.nn.backbones import create_encoder
from seetell.photos import open_photo
from seetell.training import encoding
from seetell.training.encoding import Activations, AllFeatures, features_cache, onnx_encode_fn, torch_encode_fn

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_registry")]
EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTOS = [EXAMPLES / f"{name}.jpg" for name in ("cat", "dog", "cliff")]


def nothing(done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def small():
    """A residual network with random weights, quickly written as a graph."""
    torch.manual_seed(0)
    return create_encoder("test_resnet", weights="none", image_size=64).requires_grad_(False)


@pytest.mark.parametrize("stages", [0, 1])
def test_onnx_runtime_matches_torch(stages):
    encoder = create_encoder("efficientnet_lite0").requires_grad_(False).to(memory_format=torch.channels_last)
    module = (Activations(encoder.first_stages(stages)) if stages else AllFeatures(encoder, with_grid=True)).eval()
    images = np.stack([encoder.preprocessing(open_photo(photo)) for photo in PHOTOS])
    ours, theirs = onnx_encode_fn(module, encoder.preprocessing)(images), torch_encode_fn(module)(images)
    assert ours.shape == theirs.shape
    assert np.abs(theirs).max() > 1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def test_many_photos_are_encoded_in_onnx_runtime_and_few_in_torch(small, tmp_path, monkeypatch):
    written = []
    onnx_graph = encoding.onnx_graph
    monkeypatch.setattr(
        encoding, "onnx_graph", lambda *given, **named: written.append(1) or onnx_graph(*given, **named)
    )

    def filled(folder: str, photos: list[Path]) -> np.ndarray:
        cache, failures = features_cache(
            str(tmp_path / folder), small, photos, with_grid=True, flips=True, progress=nothing
        )
        assert failures == {}
        return cache.open()[cache.rows(photos)].astype(np.float32)

    in_torch = filled("torch", PHOTOS)
    assert in_torch.shape == (3, 2, 5, small.channels)
    monkeypatch.setattr(encoding, "MANY_IMAGES", 6)
    filled("few", PHOTOS[:2])
    assert written == []
    np.testing.assert_allclose(filled("many", PHOTOS), in_torch, rtol=0, atol=1e-3 * np.abs(in_torch).max())
    assert written == [1]
    filled("many", PHOTOS)  # nothing is missing: nothing is written
    assert written == [1]


def not_exportable(*given, **named):
    raise TypeError("an operator without an equal")


def a_little_off(module, preprocessing):
    exact = torch_encode_fn(module)
    return lambda images: exact(images) * np.float32(1.01)


@pytest.mark.parametrize(
    ("name", "replacement", "reason"),
    [("onnx_graph", not_exportable, "TypeError"), ("onnx_encode_fn", a_little_off, "differ by 0.01 of the largest")],
)
def test_an_encoder_that_does_not_export_runs_in_torch(name, replacement, reason, small, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(encoding, "MANY_IMAGES", 1)
    monkeypatch.setattr(encoding, name, replacement)
    cache, _ = features_cache(str(tmp_path), small, PHOTOS[:2], with_grid=True, flips=False, progress=nothing)
    images = np.stack([small.preprocessing(open_photo(photo, at_least=(64, 64))) for photo in PHOTOS[:2]])
    expected = torch_encode_fn(AllFeatures(small, with_grid=True))(images).astype(np.float16)
    np.testing.assert_array_equal(cache.open()[:, 0], expected)
    (record,) = caplog.records
    assert record.getMessage().startswith("test_resnet encodes photos in torch")
    assert reason in record.getMessage()
