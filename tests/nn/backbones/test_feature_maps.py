"""The contract of every encoder that networks for detection and segmentation stand on."""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection, Iterable
from typing import Any

import pytest
import timm
import torch
import torchvision
from encoder_cases import DEEPER, OF_LIBRARIES

from seetell.errors import RecipeError
from seetell.nn.backbones import OWN, create_encoder, weights_hash
from seetell.nn.backbones.efficientnet_lite import VARIANTS
from seetell.nn.backbones.encoder import Encoder

LITE = ["efficientnet_lite0", "efficientnet_lite2"]
OTHERS_OF_OURS = sorted(OWN.keys() - VARIANTS.keys() - DEEPER)
TIMM = ["test_resnet", "test_efficientnet", "test_convnext", "test_vit", "timm/resnet18", "tf_mobilenetv3_small_075"]
TORCHVISION = [
    "torchvision/resnet18",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "torchvision/densenet121",
    "mnasnet0_5",
    "swin_t",
]
SIZE, SMALL = 96, 32
DEEP = {"cifar_densenet40_12", "cifar_densenet_bc100_12", "cifar_preact_resnet164"}
LARGE = {"swin_t"}


def without_large(names: Iterable[str], large: Collection[str] = LARGE) -> list[Any]:
    """Return names of networks; those that take as long as all others together are slow tests.

    Each of them is in another test that is not slow.
    """
    return [pytest.param(name, marks=pytest.mark.slow) if name in large else name for name in names]


ALL_OF_OURS = without_large(OTHERS_OF_OURS, DEEP)
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in OF_LIBRARIES if name not in TORCHVISION]
LIBRARIES = ["timm/resnet18", "torchvision/resnet18", "tf_mobilenetv3_small_075"]
CUT = ["torchvision/inception_v3", "inception_v4", "squeezenet1_0"]
"""Whose convolutions without padding cut the border off."""


def size_of(name: str) -> int:
    """Return a side in pixels that shows the strides: networks for CIFAR read pictures of 32 in full resolution."""
    if name in CUT:
        return 299
    return SMALL if name.startswith("cifar_") else SIZE


def encoder_of(name: str, **options: object) -> Encoder:
    torch.manual_seed(0)
    return create_encoder(name, weights="none", image_size=size_of(name), **options)


def images(count: int = 2, size: int = SIZE) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LITE, *OTHERS_OF_OURS, *TIMM, *TORCHVISION, *OTHERS])
def test_maps_have_the_published_strides_and_channels(name):
    encoder, size = encoder_of(name), size_of(name)
    maps = encoder.feature_maps(images(size=size))
    assert list(maps) == list(encoder.feature_map_channels) == sorted(maps)
    for stride, activation in maps.items():
        assert activation.shape[:2] == (2, encoder.feature_map_channels[stride])
        assert all(abs(side - size / stride) <= (4 if name in CUT else 1) for side in activation.shape[2:])
        assert torch.isfinite(activation).all()
    coarsest = max(maps)
    (alone,) = encoder.feature_maps(images(size=size), [coarsest]).values()
    torch.testing.assert_close(alone, maps[coarsest])
    with pytest.raises(RecipeError, match=r"feature maps at strides .*, not at \[3\]"):
        encoder.feature_maps(images(size=size), [3])


@pytest.mark.parametrize("name", [*LITE, "test_resnet", "test_efficientnet", "torchvision/resnet18", "mobilenet_v2"])
def test_convolutional_encoders_have_maps_from_stride_2_on(name):
    assert list(encoder_of(name).feature_map_channels) == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("name", [*LITE, *ALL_OF_OURS, *TIMM, *without_large(TORCHVISION), *OTHERS])
def test_maps_pass_gradients_to_every_parameter_before_them(name):
    encoder = encoder_of(name)
    parameters = list(encoder.parameters())
    stages = 2 if len(encoder.feature_map_channels) > 1 else 1
    stride = list(encoder.feature_map_channels)[stages - 1]
    encoder.feature_maps(images(size=size_of(name)), [stride])[stride].square().sum().backward()
    reached = {id(parameter) for parameter in parameters if parameter.grad is not None}
    if name not in LITE:  # which counts its stages otherwise
        behind = {id(parameter) for parameter in encoder.trainable(frozen_stages=stages)}
        assert reached == {id(parameter) for parameter in parameters} - behind
    assert reached


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "test_resnet", "test_efficientnet", "mobilenet_v2"])
def test_batch_norms_move_only_when_asked(name):
    encoder = encoder_of(name)
    before = weights_hash(encoder)
    encoder.train()
    encoder(images())
    assert weights_hash(encoder) == before
    moving = encoder_of(name, train_batch_norms=True)
    assert weights_hash(moving) == before
    moving(images())
    assert weights_hash(moving) == before  # not in evaluation mode
    moving.train()
    moving(images())
    assert weights_hash(moving) != before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "test_vit", "tf_mobilenetv3_small_075"])
def test_maps_are_those_of_timms_feature_extractors(name):
    encoder = encoder_of(name)
    reference = timm.create_model(name, features_only=True, **({"img_size": SIZE} if "vit" in name else {})).eval()
    loading = reference.load_state_dict(
        {
            key.replace("model.", "", 1) if "vit" not in name else key: value
            for key, value in encoder.state_dict().items()
        },
        strict=False,
    )
    assert not loading.missing_keys
    with torch.no_grad():
        expected, maps = reference(images())[-1], encoder.feature_maps(images())[max(encoder.feature_map_channels)]
    rows, columns = expected.shape[2:]
    torch.testing.assert_close(maps[:, :, -rows:, -columns:], expected)


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet"])
def test_timm_encoders_have_timms_weights_and_statistics(name):
    torch.manual_seed(0)
    reference = timm.create_model(name, num_classes=0)
    assert weights_hash(encoder_of(name).model) == weights_hash(reference)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TORCHVISION, "googlenet", "vit_b_32"])
def test_torchvision_encoders_are_torchvisions_models(name):
    plain = name.split("/")[-1]
    encoder = encoder_of(name)
    reference = torchvision.models.get_model(
        plain,
        **({"init_weights": False, "transform_input": False} if plain == "googlenet" else {}),
        **({"image_size": SIZE} if plain == "vit_b_32" else {}),
    ).eval()
    arrays = {key.removeprefix("model."): value for key, value in encoder.state_dict().items()}
    if plain == "mnasnet0_5":
        reference.layers.load_state_dict({key.removeprefix("layers."): value for key, value in arrays.items()})
    else:
        assert not reference.load_state_dict(arrays, strict=False).unexpected_keys
    seen = []
    if plain == "squeezenet1_1":
        reference.classifier.register_forward_pre_hook(lambda _, given: seen.append(given[0].mean(dim=(2, 3))))
    elif plain == "vit_b_32":
        reference.encoder.register_forward_hook(lambda _, given, made: seen.append(made[:, 1:].mean(dim=1)))
    else:
        head = [layer for layer in reference.modules() if isinstance(layer, torch.nn.Linear)][-1]
        head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        reference(images())
        pooled = encoder(images()).pooled
        if plain == "mobilenet_v3_small":  # one more layer stands between its mean and its last layer
            pooled = reference.classifier[:3](pooled)
    torch.testing.assert_close(pooled, seen[0], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", without_large(TORCHVISION))
def test_torchvision_encoders_can_be_left_and_resumed(name):
    encoder = encoder_of(name)
    with torch.no_grad():
        whole = encoder(images())
        for stages in range(len(encoder.feature_map_channels) + 1):
            activation = encoder.first_stages(stages)(images())
            torch.testing.assert_close(encoder.forward_from_stage(activation, frozen_stages=stages).grid, whole.grid)
    with pytest.raises(RecipeError, match=r"expected 0 to \d, got 9"):
        encoder.first_stages(9)


def test_what_timm_offers_no_way_to_split_says_so():
    encoder = encoder_of("test_resnet")
    with pytest.raises(RecipeError, match="cannot be run in two parts"):
        encoder.first_stages(1)
    with pytest.raises(RecipeError, match="expected 0 to 5, got 6"):
        encoder.trainable(frozen_stages=6)


def test_asking_for_trainable_parameters_changes_nothing():
    encoder = encoder_of("test_resnet").requires_grad_(False)
    before, copied = weights_hash(encoder), copy.deepcopy(encoder)
    behind = encoder.trainable(frozen_stages=2)
    assert 0 < len(behind) < len(list(encoder.parameters()))
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert [module.training for module in encoder.modules()] == [module.training for module in copied.modules()]
    assert weights_hash(encoder) == before


def centres(encoder: Encoder, size: int, strides: list[int] | None = None) -> dict[int, float]:
    """Of each stride, how far right of its place the middle cell's receptive field is centred, in pixels."""
    touched = images(1, size).requires_grad_()
    found = {}
    for stride, activation in encoder.feature_maps(touched, strides).items():
        middle = size // 2 // stride
        (gradient,) = torch.autograd.grad(activation[0, :, middle, middle].abs().sum(), touched, retain_graph=True)
        reached = torch.nonzero(gradient.abs().sum(dim=(0, 1, 2)))[:, 0]
        found[stride] = (reached.min() + reached.max()).item() / 2 - middle * stride
    return found


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("efficientnet_lite0", size) for size in (256, 260, 251)),
        *(pytest.param("efficientnet_lite2", size, marks=pytest.mark.slow) for size in (256, 260, 251)),
        *((name, 251) for name in LIBRARIES),
        *(pytest.param(name, 256, marks=pytest.mark.slow) for name in LIBRARIES),
    ],
)
def test_cells_are_centred_at_multiples_of_the_stride(name, size):
    encoder = create_encoder(name, weights="none", image_size=size)
    # at coarser strides the image's edges cut receptive fields off, and a squeeze reads the whole image
    strides = [2] if name.startswith("tf_mobilenet") else [2, 4, 8]
    offsets = centres(encoder, size)
    for stride in strides:
        assert abs(offsets[stride]) <= (1 if size % 32 == 0 else stride / 2)
    rows = encoder.feature_maps(torch.zeros(1, 3, size, size))[32].shape[2]
    assert rows in (-(-size // 32), -(-size // 32) + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_OF_OURS)
def test_cells_of_ours_are_centred_within_half_a_stride(name):
    """Those that pool without overlap have their cells at the centres of what is pooled, half a stride inside."""
    encoder = create_encoder(name, weights="none", image_size=160)
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.MaxPool2d):  # which passes gradients to one cell only
            layer.forward = functools.partial(mean_pooled, layer)
        elif isinstance(layer, torch.nn.ReLU):
            layer.forward = lambda activation: activation
    finest = min(encoder.feature_map_channels)
    for stride, offset in centres(encoder, 160, [finest, 2 * finest]).items():
        assert -1 <= offset <= stride / 2


def mean_pooled(layer, activation):
    return torch.nn.functional.avg_pool2d(activation, layer.kernel_size, layer.stride, layer.padding)


def test_cells_of_patches_are_centred_in_them():
    for stride, offset in centres(create_encoder("test_vit", weights="none", image_size=160), 160).items():
        assert stride == 16
        assert abs(offset) <= 160 / 2  # attention reads the whole image
    offsets = centres(create_encoder("test_convnext", weights="none", image_size=256), 256)
    assert abs(offsets[4] - 1.5) <= 0.5
