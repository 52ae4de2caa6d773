"""The networks written here have the shapes and the numbers of parameters of their papers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from encoder_cases import DEEPER, OF_LIBRARIES, small_size
from torch import nn

from seetell.errors import RecipeError
from seetell.nn.backbones import OWN, Encoder, create_encoder
from seetell.nn.backbones.catalogue import CATALOGUE
from seetell.nn.backbones.efficientnet_lite import VARIANTS
from seetell.nn.backbones.measures import Size, classifier, milliseconds, size_of
from seetell.nn.onnx_graph import onnx_graph

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "encoders.md"
OURS = sorted(OWN.keys() - VARIANTS.keys() - DEEPER)
PUBLISHED = [name for name in OURS if getattr(OWN[name], "published_head", None) is not Encoder.published_head]
PARAMETERS = {
    "lenet5": 61_706,
    "alexnet2012": 60_965_224,
    "zfnet": 62_357_608,
    "nin": 966_986,
    "vgg_a_lrn": 132_863_336,
    "vgg_c": 133_638_952,
    "cifar_resnet20": 269_722,
    "cifar_resnet56": 853_018,
    "cifar_resnet110": 1_727_962,
    "cifar_wide_resnet28_10": 36_479_194,
    "cifar_densenet_bc100_12": 769_162,
    "mobilenet_v1": 4_231_976,
    "fishnet99": 16_628_904,
    "fishnet150": 24_959_400,
}


def parameters_of(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_parameters_are_as_published_or_the_difference_is_explained(entry):
    count = parameters_of(classifier(entry)[0])
    if entry.published:
        unit = 10 ** -len(entry.published.partition(".")[2])
        assert abs(count / 1e6 - float(entry.published)) <= unit / 2 + 1e-9 or entry.difference
        assert abs(count / 1e6 / float(entry.published) - 1) < 0.2
    else:
        assert entry.difference
    assert count == PARAMETERS.get(entry.name, count)
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{entry.name}` |"))
    _, paper, _, printed, here, *_ = row.strip("| ").split(" | ")
    assert paper.startswith(entry.paper)
    assert entry.difference in paper
    assert (printed, here) == (entry.published or "-", f"{count / 1e6:.{3 if count < 1e6 else 2}f}")


def test_every_network_of_ours_is_in_the_catalogue_or_a_depth_of_one_that_is():
    families = {entry.name.rstrip("0123456789") for entry in CATALOGUE} | {
        "vgg_small",
        "cifar_densenet22_",
        "crnn",
        "crnn_small",
        "segnet_basic",
        "text_small",
    }
    assert {name for name in OWN if name.rstrip("0123456789") not in families and name in OURS} == set()


def test_sizes_and_times_are_measured():
    entry = next(entry for entry in CATALOGUE if entry.name == "lenet5")
    first, second = 28 * 28 * 6 * 25, 10 * 10 * 16 * 150
    linear = 400 * 120 + 120 * 84 + 84 * 10
    assert size_of(entry) == Size(61_706, pytest.approx(2 * (first + second + linear) / 1e9), 32)
    assert milliseconds("lenet5") > 0


@pytest.mark.parametrize(
    ("name", "maps", "grid"),
    [
        ("lenet5", {2: 6, 4: 16}, (5, 5)),
        ("alexnet2012", {4: 96, 8: 256, 16: 256, 32: 256}, (6, 6)),
        ("zfnet", {2: 96, 4: 96, 8: 256, 16: 256, 32: 256}, (6, 6)),
        ("nin", {1: 96, 2: 192, 4: 192}, (8, 8)),
        ("vgg_c", {1: 64, 2: 128, 4: 256, 8: 512, 16: 512, 32: 512}, (7, 7)),
        ("inception_bn", {2: 64, 4: 192, 8: 320, 16: 576, 32: 1024}, (7, 7)),
        ("cifar_resnet20", {1: 16, 2: 32, 4: 64}, (8, 8)),
        ("cifar_preact_resnet164", {1: 64, 2: 128, 4: 256}, (8, 8)),
        ("cifar_wide_resnet28_10", {1: 160, 2: 320, 4: 640}, (8, 8)),
        ("cifar_fractalnet20", {1: 16, 2: 32, 4: 64, 8: 128, 16: 128}, (2, 2)),
        ("cifar_densenet40_12", {1: 160, 2: 304, 4: 448}, (8, 8)),
        ("mobilenet_v1", {2: 64, 4: 128, 8: 256, 16: 512, 32: 1024}, (7, 7)),
        ("fishnet99", {2: 64, 4: 320, 8: 832, 16: 1600, 32: 2112}, (7, 7)),
    ],
)
def test_layers_have_the_published_shapes(name, maps, grid):
    with torch.device("meta"):
        encoder = create_encoder(name, weights="none")
    assert (dict(encoder.feature_map_channels), encoder.grid_size) == (maps, grid)


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_heads_pass_gradients_to_all(name):
    encoder = create_encoder(name, weights="none", image_size=small_size(name))
    head = encoder.published_head(3)
    grid = encoder(torch.randn(2, 3, *encoder_size(encoder))).grid
    logits = head(grid.transpose(1, 2).unflatten(2, encoder.grid_size))
    assert logits.shape == (2, 3)
    logits.square().sum().backward()
    missing = [key for key, value in (*head.named_parameters(), *encoder.named_parameters()) if value.grad is None]
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters", "heads"),
    [
        ("googlenet", 13_004_888, ["auxiliary_1", "auxiliary_2"]),
        ("torchvision/inception_v3", 27_161_264, ["auxiliary"]),
    ],
)
def test_auxiliary_classifiers_have_the_published_parameters(name, parameters, heads):
    with torch.device("meta"):
        encoder = create_encoder(name, weights="none")
        auxiliary = encoder.auxiliary_heads(1000)
        head = encoder.published_head(1000)
    assert list(auxiliary) == heads
    assert sum(map(parameters_of, (encoder, head, auxiliary))) == parameters


@pytest.mark.slow
def test_auxiliary_classifiers_read_the_trunk_and_pass_gradients_to_it():
    encoder = create_encoder("googlenet", weights="none", image_size=64)
    auxiliary = encoder.auxiliary_heads(3)
    images = torch.randn(2, 3, 64, 64)
    features, inner = encoder.with_inner(images)
    torch.testing.assert_close(features.grid, encoder(images).grid)
    sum(head(inner[name]).square().sum() for name, head in auxiliary.items()).backward()
    assert all(parameter.grad is not None for parameter in auxiliary.parameters())
    reached = {name.split(".")[1] for name, value in encoder.named_parameters() if value.grad is not None}
    assert {"conv1", "inception4a", "inception4d"} <= reached
    assert not {"inception4e", "inception5a", "inception5b"} & reached
    with pytest.raises(RecipeError, match="resnet18 has no auxiliary classifiers"):
        create_encoder("resnet18", weights="none", image_size=64).auxiliary_heads(3)
    with pytest.raises(RecipeError, match="inception_v3 cannot read images of 96 pixels"):
        create_encoder("torchvision/inception_v3", weights="none", image_size=96).auxiliary_heads(3)


def encoder_size(encoder) -> tuple[int, int]:
    return encoder.preprocessing.height, encoder.preprocessing.width


@pytest.mark.nightly
@pytest.mark.usefixtures("one_registry")
@pytest.mark.parametrize("name", [*OURS, *OF_LIBRARIES])
def test_graphs_compute_what_torch_does(name):
    import onnxruntime

    torch.manual_seed(0)
    encoder = create_encoder(name, weights="none", image_size=small_size(name))
    images = torch.randn(2, 3, *encoder_size(encoder))
    shapes = ({0: torch.export.Dim("photos", min=1)},)
    content = onnx_graph(encoder, (images,), inputs=["images"], outputs=["pooled", "grid"], dynamic_shapes=shapes)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    pooled, grid = session.run(["pooled", "grid"], {"images": images[:1].numpy()})
    with torch.no_grad():
        expected = encoder(images[:1])
    scale = expected.grid.abs().max().item() + 1e-6
    torch.testing.assert_close(torch.from_numpy(grid) / scale, expected.grid / scale, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.from_numpy(pooled) / scale, expected.pooled / scale, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifar_resnet20", {"shortcut": "C"}, "unknown shortcut 'C'"),
        ("cifar_resnet20", {"shortcut": "none", "survival": 0.5}, "1 without shortcuts, got 0.5"),
        ("cifar_stochastic_depth20", {"survival": 0}, "above 0"),
        ("cifar_plain20", {"shortcut": "A"}, "cifar_plain20 has no options, got 'shortcut'"),
        ("cifar_fractalnet20", {"drop_path": 1}, "expected a probability below 1, got 1"),
        ("cifar_wide_resnet16_4", {"dropout": 2}, "expected a probability below 1, got 2"),
        ("mobilenet_v1", {"width": "wide"}, "cannot be made with"),
        ("mobilenet_v1", {"width": 0}, "above 0, at most 4, got 0"),
        ("vgg_small", {"width": 0}, "expected at least 1 channel, got 0"),
        ("vgg_small", {"norm": "layer"}, "unknown norm 'layer'"),
        ("vgg_small", {"activation": "swish"}, "unknown activation 'swish'"),
        ("resnet18", {"width": 2}, "resnet18 has no options, got 'width'"),
    ],
)
def test_options_are_checked(name, options, message):
    with pytest.raises(RecipeError, match=message):
        create_encoder(name, weights="none", options=options)


@pytest.mark.parametrize("name", ["lenet5", "alexnet2012", "fishnet99", "cifar_resnet20"])
def test_there_are_no_published_weights(name):
    with pytest.raises(RecipeError, match=f"{name} has none of ImageNet"):
        create_encoder(name)


@pytest.mark.parametrize(("name", "size"), [("alexnet2012", 60), ("lenet5", 8), ("fishnet99", 100)])
def test_images_may_be_too_small(name, size):
    with pytest.raises(RecipeError, match=f"encoder.image_size: {name} (cannot read|takes)"):
        create_encoder(name, weights="none", image_size=size)
