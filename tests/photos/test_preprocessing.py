from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from seetell.errors import BundleError
from seetell.photos import Preprocessing


def halves(width: int, height: int) -> Image.Image:
    """Red left of the middle, blue right of it."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_normalised_values_are_pixel_minus_mean_over_std():
    preprocessing = Preprocessing(1, 2, mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    pixels = np.array([[[10, 20, 30], [12, 16, 255]]], np.uint8)
    out = preprocessing.normalise(pixels)
    assert (out.shape, out.dtype, out.flags.c_contiguous) == ((3, 1, 2), np.float32, True)
    assert out == pytest.approx(np.array([[[0, 1]], [[0, -1]], [[0, 45]]]), abs=1e-5)
    batch = preprocessing.normalise(np.stack([pixels, pixels]))
    assert batch.shape == (2, 3, 1, 2)
    assert np.array_equal(batch[1], out)


def test_squash_keeps_everything_and_crop_keeps_the_centre():
    wide = halves(400, 100)
    squashed = Preprocessing(50, 50, fit="squash", resample="bilinear").resize(wide)
    assert squashed[25, 5].tolist() == [255, 0, 0]
    assert squashed[25, 45].tolist() == [0, 0, 255]
    edges = halves(400, 100)
    edges.paste((0, 255, 0), (0, 0, 140, 100))
    edges.paste((0, 255, 0), (260, 0, 400, 100))
    cropped = Preprocessing(50, 50, fit="crop", resample="bilinear").resize(edges)
    assert cropped[..., 1].max() == 0
    assert cropped[25, 5].tolist() == [255, 0, 0]
    assert cropped[25, 45].tolist() == [0, 0, 255]


def test_pad_borders_with_the_mean_so_that_they_are_zero_afterwards():
    out = Preprocessing(60, 60, fit="pad", mean=(100.0, 110.0, 120.0))(Image.new("RGB", (120, 40), (255, 255, 255)))
    assert np.abs(out[:, :20]).max() == 0
    assert np.abs(out[:, 40:]).max() == 0
    assert out[:, 25:35].min() > 1


@pytest.mark.slow
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    fit=st.sampled_from(["squash", "crop", "pad"]),
    target=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_any_photo_takes_the_shape_asked_for(width, height, fit, target):
    preprocessing = Preprocessing(*target, fit=fit)
    photo = Image.new("RGB", (width, height), (50, 60, 70))
    fitted = preprocessing.resize(photo)
    assert (fitted.shape, fitted.dtype) == ((*target, 3), np.uint8)
    if fit != "pad":
        assert (fitted == (50, 60, 70)).all()
    assert preprocessing.resize(photo, height=7, width=9).shape == (7, 9, 3)


def test_an_extreme_panorama_fits():
    for size in ((30_000, 2), (1, 30_000), (1, 1)):
        for fit in ("squash", "crop", "pad"):
            assert np.isfinite(Preprocessing(32, 32, fit=fit)(Image.new("RGB", size))).all()


def test_what_the_input_covers_of_a_photo():
    assert Preprocessing(50, 50, fit="squash").visible_box((400, 100)) == (0, 0, 400, 100)
    assert Preprocessing(50, 50, fit="crop").visible_box((400, 100)) == (150, 0, 250, 100)
    assert Preprocessing(50, 100, fit="crop").visible_box((100, 400)) == (0, 175, 100, 225)
    assert Preprocessing(50, 50, fit="pad").visible_box((100, 40)) == (0, -30, 100, 70)
    assert Preprocessing(50, 50, fit="pad").visible_box((20, 20)) == (0, 0, 20, 20)


@pytest.mark.slow
@given(
    size=st.tuples(st.integers(20, 200), st.integers(20, 200)),
    fit=st.sampled_from(["squash", "crop", "pad"]),
    spot=st.tuples(st.floats(0.35, 0.65), st.floats(0.35, 0.65)),
)
def test_a_spot_of_the_photo_is_where_the_visible_box_maps_it(size, fit, spot):
    preprocessing = Preprocessing(60, 80, fit=fit, resample="bilinear", mean=(0.0, 0.0, 0.0))
    photo = Image.new("RGB", size)
    x, y = round(spot[0] * size[0]), round(spot[1] * size[1])
    reach = max(3, max(size) // 20)
    photo.paste((255, 255, 255), (x - reach, y - reach, x + reach, y + reach))
    left, top, right, bottom = preprocessing.visible_box(size)
    expected = (x - left) / (right - left) * 80, (y - top) / (bottom - top) * 60
    bright = preprocessing.resize(photo)[..., 0].astype(float)
    assume(bright.any() and not bright[[0, -1]].any() and not bright[:, [0, -1]].any())  # all of it is seen
    found = (bright.sum(0) @ np.arange(0.5, 80) / bright.sum(), bright.sum(1) @ np.arange(0.5, 60) / bright.sum())
    assert found == pytest.approx(expected, abs=1)


def test_it_survives_json():
    preprocessing = Preprocessing(240, 224, fit="pad", resample="bilinear", mean=(1, 2, 3), std=(4, 5, 6))
    as_json = {name: list(v) if isinstance(v, tuple) else v for name, v in preprocessing.to_dict().items()}
    assert Preprocessing(**as_json) == preprocessing


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"height": 0}, "size must be positive"),
        ({"width": 10**9}, "size must be positive, whole and at most 4096"),
        ({"width": 8.5}, "size must be"),
        ({"mean": (1.0, 2.0, float("nan"))}, "mean takes three numbers"),
        ({"fit": "squeeze"}, "fit"),
        ({"resample": "nearest"}, "resample"),
        ({"mean": (1.0, 2.0)}, "mean takes three numbers"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be positive"),
    ],
)
def test_wrong_fields_are_named(wrong: dict[str, object], named: str):
    with pytest.raises(BundleError, match=named):
        Preprocessing(**{"height": 4, "width": 4, **wrong})
