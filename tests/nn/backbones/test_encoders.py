from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_cases import DEEPER, OF_LIBRARIES, small_size
from safetensors.torch import save_file
from torchvision.models._meta import _IMAGENET_CATEGORIES

from seetell.errors import RecipeError
from seetell.nn.backbones import OWN, create_encoder, weights_hash
from seetell.nn.backbones.efficientnet_lite import EfficientNetLite, SamePadConv2d, load_imagenet_weights
from seetell.photos import open_photo
from seetell.training.checkpoint import write_checkpoint

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def lite0() -> EfficientNetLite:
    return create_encoder("efficientnet_lite0")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((name, "small") for name in sorted(OWN.keys() - DEEPER)),
        *(pytest.param(name, "small", marks=pytest.mark.slow) for name in OF_LIBRARIES),
        ("efficientnet_lite0", None),
        ("efficientnet_lite0", 100),
        ("efficientnet_lite1", 96),
        ("resnet18", 64),
        ("vit_tiny_patch16_224", 96),
    ],
)
def test_every_encoder_keeps_the_contract(name, size):
    if size == "small":
        size = small_size(name)
    encoder = create_encoder(name, weights="none", image_size=size)
    shape = encoder.preprocessing
    images = torch.randn(2, 3, shape.height, shape.width)
    pooled, grid, _ = encoder(images)
    rows, columns = encoder.grid_size
    assert pooled.shape == (2, encoder.channels)
    assert grid.shape == (2, rows * columns, encoder.channels)
    assert torch.isfinite(grid).all()
    torch.testing.assert_close(pooled, grid.mean(dim=1), rtol=1e-4, atol=1e-5)
    encoder(images).pooled.square().sum().backward()  # in evaluation mode, where no path is left out at random
    without = [key for key, parameter in encoder.named_parameters() if parameter.grad is None]
    assert not without
    assert size is None or shape.width == size


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_lite_equals_the_reference_implementation(name):
    import timm

    encoder = EfficientNetLite(name).eval()
    classifier = load_imagenet_weights(encoder)
    reference = timm.create_model(f"tf_{name}", pretrained=False).eval()
    ours = {**encoder.state_dict(), **{f"classifier.{key}": value for key, value in classifier.state_dict().items()}}
    reference.load_state_dict(dict(zip(reference.state_dict(), ours.values(), strict=True)))
    size = encoder.preprocessing.height
    images = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(classifier(encoder(images).pooled), reference(images), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "classes"), [("cat.jpg", ("tabby", "tiger cat", "Egyptian cat")), ("dog.jpg", ("German shepherd",))]
)
def test_lite0_weights_know_imagenet(lite0, file, classes):
    image = torch.from_numpy(lite0.preprocessing(open_photo(EXAMPLES / file)))
    classifier = load_imagenet_weights(EfficientNetLite())
    with torch.no_grad():
        best = classifier(lite0(image[None]).pooled).argmax().item()
    assert _IMAGENET_CATEGORIES[best] in classes


@pytest.mark.parametrize(("size", "kernel", "stride"), [(8, 3, 2), (7, 3, 2), (8, 5, 2), (9, 5, 2)])
def test_same_padding_counts_as_tensorflow_does(size, kernel, stride):
    """SAME gives ceil(size / stride) outputs; the first window starts at −floor(padding / 2)."""
    layer = SamePadConv2d(1, 1, kernel, stride, bias=False)
    torch.nn.init.ones_(layer.weight)
    positions = torch.arange(1.0, size + 1)
    image = positions[None, None, None].expand(1, 1, size, size)
    output = layer(image)[0, 0]
    outputs = -(-size // stride)
    assert output.shape == (outputs, outputs)
    needed = (outputs - 1) * stride + kernel - size
    padded = np.pad(np.ones((size, size)) * positions.numpy(), (needed // 2, needed - needed // 2))
    middle = outputs // 2
    window = padded[middle * stride : middle * stride + kernel, :kernel]
    assert output[middle, 0].item() == pytest.approx(window.sum())


def test_frozen_stages(lite0):
    behind = lite0.trainable(frozen_stages=4)
    ids = {id(parameter) for parameter in behind}
    names = {
        name.split(".")[0:2][-1] if name.startswith("stages") else name.split(".")[0]
        for name, p in lite0.named_parameters()
        if id(p) in ids
    }
    assert names == {"4", "5", "6", "head"}
    with pytest.raises(RecipeError, match="0 to 7, got 9"):
        lite0.trainable(frozen_stages=9)
    with pytest.raises(RecipeError, match="expected 0 to 7, got 9"):
        lite0.first_stages(9)


@pytest.mark.slow
def test_weights_from_a_file(tmp_path):
    source = create_encoder("efficientnet_lite0", weights="none", image_size=64)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    loaded = create_encoder("efficientnet_lite0", weights=str(tmp_path / "weights.safetensors"), image_size=64)
    assert weights_hash(loaded) == weights_hash(source)


def test_weights_from_a_run_that_trained_the_encoder(tmp_path):
    source = create_encoder("lenet5", weights="none")
    parts = {"encoder": source.state_dict(), "classifier": torch.nn.Linear(16, 3).state_dict()}
    write_checkpoint(tmp_path / "best.safetensors", parts, {"step": 1})
    loaded = create_encoder("lenet5", weights=str(tmp_path / "best.safetensors"))
    assert weights_hash(loaded) == weights_hash(source)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "efficientnet_lite0", "image_size": 16}, "takes at least 32, got 16"),
        ({"name": "resnet81", "weights": "none"}, "unknown encoder 'resnet81'.*such as"),
        ({"name": "timm/mobilenet_v2", "weights": "none"}, "unknown encoder 'timm/mobilenet_v2'"),
        ({"name": "timm/coat_tiny", "weights": "none"}, "makes several features per image"),
        ({"name": "torchvision/vit_b_32", "weights": "none", "image_size": 33}, "could not make 'vit_b_32'"),
        ({"name": "torchvision/alexnet", "weights": "none", "image_size": 16}, "cannot read images of 16 pixels"),
        ({"name": "efficientnet_lite0", "weights": "no-such-file"}, "'imagenet', 'none' or a safetensors file"),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    with pytest.raises(RecipeError, match=message):
        create_encoder(**arguments)


def test_early_and_late_stages_make_the_whole(lite0):
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        whole = lite0(images)
        activation = lite0.first_stages(4)(images)
        parts = lite0.forward_from_stage(activation, frozen_stages=4)
    assert activation.shape == (2, 80, 14, 14)
    torch.testing.assert_close(parts.pooled, whole.pooled)
    torch.testing.assert_close(parts.grid, whole.grid)


def test_no_encoder_stands_where_no_images_are_seen():
    encoder = create_encoder("none")
    assert (encoder.name, encoder.state_dict(), list(encoder.parameters())) == ("none", {}, [])
    assert weights_hash(encoder) == weights_hash(create_encoder("none", weights="none"))
