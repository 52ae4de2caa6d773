from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.pictures import psnr, ssim


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    one = random.random((20, 24, 3))
    return one, np.clip(one + 0.1 * random.standard_normal(one.shape), 0, 1)


def test_psnr_of_a_constant_difference():
    one = np.full((2, 3, 3), 0.5, np.float32)
    assert psnr(one, one + 0.1) == pytest.approx(20, abs=1e-4)
    assert psnr(one, one + 0.01) == pytest.approx(40, abs=1e-3)
    assert psnr(one, one) == math.inf


def test_equal_pictures_are_alike(pair):
    assert ssim(pair[0], pair[0]) == pytest.approx(1)


def test_flat_pictures_differ_in_brightness_alone():
    dark, bright = np.full((11, 11, 3), 0.2), np.full((11, 11, 3), 0.8)
    assert ssim(dark, bright) == pytest.approx((2 * 0.16 + 1e-4) / (0.04 + 0.64 + 1e-4))


def test_it_is_wang_et_als_with_scipys_gaussian(pair):
    from scipy.ndimage import gaussian_filter

    def blurred(picture: np.ndarray) -> np.ndarray:
        # truncated at 5 pixels, so that the windows are 11 wide; borders are left out
        return gaussian_filter(picture, (1.5, 1.5, 0), truncate=5 / 1.5)[5:-5, 5:-5]

    one, other = pair
    mean, other_mean = blurred(one), blurred(other)
    variances = blurred((one - 0.5) ** 2) - (mean - 0.5) ** 2, blurred((other - 0.5) ** 2) - (other_mean - 0.5) ** 2
    covariance = blurred((one - 0.5) * (other - 0.5)) - (mean - 0.5) * (other_mean - 0.5)
    luminance = (2 * mean * other_mean + 0.0001) / (mean**2 + other_mean**2 + 0.0001)
    structure = (2 * covariance + 0.0009) / (variances[0] + variances[1] + 0.0009)
    assert ssim(one, other) == pytest.approx(float((luminance * structure).mean()))
    assert ssim(one, other) == pytest.approx(ssim(other, one))


@pytest.mark.parametrize("shape", [(10, 20, 3), (20, 20, 3)])
def test_sizes_must_fit(shape):
    with pytest.raises(DataError, match="SSIM: expected pictures of one size, at least 11×11"):
        ssim(np.zeros((20, 24, 3)) if shape[0] == 20 else np.zeros(shape), np.zeros(shape))
