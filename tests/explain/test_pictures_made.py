"""What is optimised becomes better, what is worked by hand is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explain.small_network import linear_scores, small_network
from PIL import Image
from torch import nn

from seetell.errors import UsageError
from seetell.explain.activating_patches import PATCH, activating_patches, draw_patches
from seetell.explain.class_visualisation import ClassOptions, gaussian_blur, regularised, visualise_class
from seetell.explain.deep_dream import DreamOptions, deep_dream, normalised_ascent
from seetell.explain.drawn_styles import STYLES, draw_style
from seetell.explain.feature_inversion import invert_features
from seetell.explain.filters import draw_filters, first_filters
from seetell.explain.fooling import fool
from seetell.explain.gram import gram, layer_error, targets, texture_error
from seetell.explain.optimisation import minimise
from seetell.explain.pictures import Activations, fitted, limits, to_input, to_picture
from seetell.explain.style import StyleOptions, style_transfer
from seetell.explain.texture import synthesise_texture
from seetell.explain.total_variation import total_variation

NETWORK = small_network()
LAYERS = ("layers.first", "layers.second")


def photo(width: int = 48, height: int = 32) -> Image.Image:
    """A red disc on a gradient of blue."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([40 + 0 * x, 60 + 0 * x, 80 + 3 * x], axis=-1).clip(0, 255).astype(np.uint8)
    pixels[(x - 20) ** 2 + (y - 15) ** 2 < 70] = (220, 30, 40)
    return Image.fromarray(pixels)


def test_total_variation_by_hand():
    image = torch.tensor([[[[0.0, 3.0, 9.0], [4.0, 9.0, 9.0], [1.0, 1.0, 1.0]]]])
    # pixels with both neighbours: (3, 4), (6, 6), (5, −3), (0, −8)
    assert float(total_variation(image)) == 25 + 72 + 34 + 64
    assert float(total_variation(image, beta=1)) == pytest.approx(5 + 72**0.5 + 34**0.5 + 8)
    assert float(total_variation(torch.ones(1, 3, 4, 4))) == 0


def test_gram_matrices_by_hand():
    activation = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])  # N = 2 features, M = 2 places
    assert gram(activation)[0].tolist() == [[5.0, 6.0], [6.0, 9.0]]
    target = torch.tensor([[5.0, 4.0], [6.0, 6.0]])
    assert float(layer_error(activation, target)[0]) == (2**2 + 3**2) / (4 * 2**2 * 2**2)


def test_a_texture_has_no_error_with_itself_and_an_error_of_one_with_nothing():
    found = {"a": torch.rand(1, 3, 4, 5), "b": torch.rand(1, 2, 2, 2)}
    wanted = targets([found], [1.0])
    assert float(texture_error(found, wanted)) == pytest.approx(0, abs=1e-10)
    nothing = {name: torch.zeros_like(each) for name, each in found.items()}
    assert float(texture_error(nothing, wanted)) == pytest.approx(1)
    larger = {name: each.repeat(1, 1, 2, 3) for name, each in found.items()}  # the same statistics of more places
    assert float(texture_error(larger, wanted)) == pytest.approx(0, abs=1e-10)


def test_several_styles_are_mixed_by_their_weights():
    one, other = {"a": torch.rand(1, 3, 4, 4)}, {"a": torch.rand(1, 3, 2, 5)}
    mixed = targets([one, other], [0.75, 0.25])["a"]
    assert torch.allclose(mixed, 0.75 * gram(one["a"])[0] / 16 + 0.25 * gram(other["a"])[0] / 10)


def test_a_picture_survives_the_way_into_a_network_and_back():
    assert np.array_equal(to_picture(to_input(photo(), NETWORK.preprocessing), NETWORK.preprocessing), photo())
    assert fitted(photo(), 96).size == (96, 64)
    black, white = limits(NETWORK.preprocessing)
    assert to_picture(black.expand(1, 3, 2, 2), NETWORK.preprocessing).getextrema() == ((0, 0),) * 3
    assert to_picture(white.expand(1, 3, 2, 2), NETWORK.preprocessing).getextrema() == ((255, 255),) * 3


def test_activations_are_of_the_layers_named_and_no_more_is_run():
    ran = []
    handle = NETWORK.layers.third.register_forward_hook(lambda *_: ran.append(1))
    found = Activations(NETWORK, LAYERS)(torch.zeros(1, 3, 8, 8))
    handle.remove()
    assert {name: tuple(each.shape) for name, each in found.items()} == {
        "layers.first": (1, 4, 8, 8),
        "layers.second": (1, 6, 4, 4),
    }
    assert not ran
    assert not NETWORK.layers.first._forward_hooks
    with pytest.raises(UsageError, match=r"unknown layer 'layers.frist'. Did you mean 'layers.first'\?"):
        Activations(NETWORK, ["layers.frist"])


@pytest.mark.parametrize("lbfgs", [False, True])
def test_the_minimum_is_found_within_bounds(lbfgs: bool):
    told: list[tuple[int, int]] = []
    made = minimise(
        torch.zeros(1, 3, 2, 2),
        lambda image: (image - 0.3).square().sum() + (image[:, 0] - 2).square().sum(),
        steps=80,
        bounds=(torch.tensor(-1.0), torch.tensor(0.8)),
        lbfgs=lbfgs,
        progress=lambda done, total: told.append((done, total)),
    )
    assert torch.allclose(made[:, 0], torch.tensor(0.8), atol=0.02)
    assert torch.allclose(made[:, 1:], torch.tensor(0.3), atol=0.02)
    assert told[0] == (1, 80)


def test_a_dream_sees_more():
    options = DreamOptions(side=48, octaves=2, steps=4, step_size=0.1, jitter=3)
    told: list[tuple[int, int]] = []
    made = deep_dream(
        NETWORK, photo(), layers=["layers.third"], options=options, progress=lambda *how: told.append(how)
    )
    assert made.size == (48, 32)
    assert told[-1] == (8, 8)
    energy = [
        float(
            Activations(NETWORK, ["layers.third"])(to_input(each, NETWORK.preprocessing))["layers.third"].square().sum()
        )
        for each in (photo(), made)
    ]
    assert energy[1] > 1.2 * energy[0]
    again = deep_dream(NETWORK, photo(), layers=["layers.third"], options=options)
    assert np.array_equal(made, again)


def test_the_steps_of_a_dream_have_a_mean_of_one():
    ascent = normalised_ascent(Activations(NETWORK, ["layers.third"]), torch.randn(1, 3, 16, 16))
    assert float(ascent.abs().mean()) == pytest.approx(1)


def texture_distance(one: Image.Image, other: Image.Image) -> float:
    found = [Activations(NETWORK, LAYERS)(to_input(each, NETWORK.preprocessing)) for each in (one, other)]
    return float(texture_error(found[0], targets([found[1]], [1.0])))


def test_a_picture_takes_on_the_style_and_keeps_its_size():
    style, options = draw_style("dots", 64), StyleOptions(side=48, steps=25)
    made = style_transfer(NETWORK, photo(), [style], options=options, content_layers=LAYERS[1:], style_layers=LAYERS)
    assert made.size == (48, 32)
    assert texture_distance(made, fitted(style, 48)) < 0.5 * texture_distance(photo(), fitted(style, 48))


def test_colours_are_kept():
    options = StyleOptions(side=48, steps=5, keep_colour=True)
    made = style_transfer(
        NETWORK, photo(), [draw_style("mosaic", 64)], options=options, content_layers=LAYERS[1:], style_layers=LAYERS
    )
    own, kept = (np.asarray(each.convert("YCbCr")).astype(int)[..., 1:] for each in (photo(), made))
    assert np.abs(own - kept).mean() < 6  # but for what is out of the range of colours


def test_a_texture_is_made_of_noise():
    example = draw_style("waves", 64)
    made = synthesise_texture(NETWORK, example, side=32, steps=40, layers=LAYERS)
    assert made.size == (32, 32)
    noise = synthesise_texture(NETWORK, example, side=32, steps=1, layers=LAYERS)
    assert texture_distance(made, fitted(example, 32)) < 0.3 * texture_distance(noise, fitted(example, 32))


@pytest.mark.parametrize("name", STYLES)
def test_styles_are_drawn_the_same_each_time(name: str):
    one, other = draw_style(name, 80), draw_style(name, 80)
    assert np.array_equal(one, other)
    assert one.size == (80, 80)
    assert np.asarray(one).std() > 20


def test_features_are_inverted():
    made = invert_features(NETWORK, photo(), "layers.second", steps=60, smoothness=0.01)
    shown = Image.fromarray(NETWORK.preprocessing.resize(photo()))
    noise = invert_features(NETWORK, photo(), "layers.second", steps=1)
    found = [
        Activations(NETWORK, ["layers.second"])(to_input(each, NETWORK.preprocessing))["layers.second"]
        for each in (shown, made, noise)
    ]
    errors = [float((each - found[0]).square().sum() / found[0].square().sum()) for each in found[1:]]
    assert errors[0] < 0.3 * errors[1]


def test_a_class_scores_higher_in_its_picture():
    scores = linear_scores()
    made = visualise_class(scores, 1, NETWORK.preprocessing, options=ClassOptions(steps=20, jitter=2))
    grey = Image.new("RGB", (32, 32), (127, 127, 127))
    before, after = (float(scores(to_input(each, NETWORK.preprocessing))[0, 1]) for each in (grey, made))
    assert after > before + 1


def test_regularisers_by_hand():
    image = torch.tensor([3.0, 4.0, 0.5, 1.0]).reshape(1, 1, 2, 2).repeat(1, 3, 1, 1)
    gradient = torch.tensor([0.0, 1.0, 1.0, 1.0]).reshape(1, 1, 2, 2).repeat(1, 3, 1, 1)
    plain = ClassOptions(decay=0.5, blur=0)
    assert torch.equal(regularised(image, gradient, plain, blurred=True), image / 2)
    by_norm = ClassOptions(decay=0, blur=0, least_norm=50)
    assert regularised(image, gradient, by_norm, blurred=False)[0, 0].flatten().tolist() == [3.0, 4.0, 0.0, 0.0]
    by_contribution = ClassOptions(decay=0, blur=0, least_contribution=30)
    assert regularised(image, gradient, by_contribution, blurred=False)[0, 0].flatten().tolist() == [0.0, 4.0, 0.5, 1.0]


def test_the_blur_keeps_sums_and_spreads_by_its_deviation():
    image = torch.zeros(1, 2, 31, 31)
    image[:, :, 15, 15] = 1
    blurred = gaussian_blur(image, 2.0)
    assert torch.allclose(blurred.sum(dim=(2, 3)), torch.ones(1, 2))
    variance = (blurred[0, 0].sum(dim=0) * (torch.arange(31) - 15) ** 2).sum()
    assert float(variance) == pytest.approx(4.0, rel=0.06)
    assert torch.allclose(gaussian_blur(torch.ones(1, 3, 8, 8), 1.0), torch.ones(1, 3, 8, 8))


def test_a_network_is_fooled_with_a_small_change():
    scores = linear_scores()
    with torch.no_grad():
        shown = scores(to_input(Image.fromarray(NETWORK.preprocessing.resize(photo())), NETWORK.preprocessing))[0]
    least = int(shown.argmin())
    before = float(torch.softmax(shown, dim=0)[least])
    found = fool(scores, photo(), least, NETWORK.preprocessing, step_size=1.0, least_probability=before + 0.05)
    assert found.success
    assert found.steps >= 1
    assert found.probability >= before + 0.05
    assert 0 < found.change < 0.6
    impossible = fool(scores, photo(), least, NETWORK.preprocessing, most_steps=1, least_probability=0.9999)
    assert (impossible.success, impossible.steps) == (False, 1)


def test_filters_are_those_of_the_first_convolution():
    filters = first_filters(NETWORK)
    assert filters.shape == (4, 3, 3, 3)
    sheet = draw_filters(filters, scale=2)
    assert sheet.size == (2 * (2 * 4 + 1), 2 * (2 * 4 + 1))
    brightest = int(filters[0].abs().flatten().argmax())
    value = np.asarray(sheet)[2:8:2, 2:8:2].transpose(2, 0, 1).flatten()[brightest]
    assert value in (0, 255)
    with pytest.raises(UsageError, match="no convolution that sees colours"):
        first_filters(nn.Linear(2, 2))


def test_patches_are_where_a_channel_is_most_active():
    network = small_network()
    network.preprocessing = type(network.preprocessing)(height=128, width=128)
    bright = [Image.new("RGB", (128, 128)) for _ in range(3)]
    network.layers.first[0].weight.data.fill_(1.0)
    network.layers.first[0].bias.data.fill_(0.0)
    for number, grey in enumerate((90, 250, 180)):
        bright[number].paste((grey, grey, grey), (90, 30, 110, 50))
    ((best, second),) = activating_patches(network, bright, "layers.first", [0], count=2)
    assert (best.photo, second.photo) == (1, 2)
    assert best.activation > second.activation
    assert best.picture.size == (PATCH, PATCH)
    assert np.asarray(best.picture).max() == 250
    assert draw_patches([[best, second]]).size == (2 * (PATCH + 3) + 3, PATCH + 6)
