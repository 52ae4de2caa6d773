from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seetell.drawing.attention import UNSEEN, colourise, overlay, upsample_attention

EVEN = np.full((7, 7), 1 / 49, np.float32)


def peak(row: int, column: int, shape: tuple[int, int] = (7, 7)) -> np.ndarray:
    """Attention that lies on one place, but for a little everywhere."""
    attention = np.full(shape, 0.001, np.float32)
    attention[row, column] = 1
    return attention / attention.sum()


def brightest(intensity: np.ndarray) -> tuple[float, float]:
    """Where the brightest pixel's centre is, as shares of the height and the width."""
    row, column = np.unravel_index(np.nanargmax(intensity), intensity.shape)
    return (row + 0.5) / intensity.shape[0], (column + 0.5) / intensity.shape[1]


def test_the_map_is_brightest_at_the_centre_of_the_place_looked_at_and_fades_away_from_it():
    intensity = upsample_attention(peak(2, 5), visible_box=(0, 0, 600, 400), photo=(600, 400), side=150)
    assert intensity.shape == (100, 150)
    assert brightest(intensity) == pytest.approx((2.5 / 7, 5.5 / 7), abs=0.01)
    assert intensity.max() == 1
    assert intensity.min() > 0
    row = intensity[round(100 * 2.5 / 7)]
    assert (np.diff(row[: round(150 * 5.5 / 7)]) > -1e-9).all()
    assert row[round(150 * 4.5 / 7)] < 0.3


def test_even_attention_gives_an_even_map():
    np.testing.assert_allclose(upsample_attention(EVEN, visible_box=(0, 0, 9, 7), photo=(9, 7), side=40), 1, atol=1e-5)


def test_of_a_cropped_photo_only_the_part_seen_is_lit():
    intensity = upsample_attention(
        peak(3, 1), visible_box=(100, 0, 300, 200), photo=(400, 200), side=80
    )  # the middle half
    assert np.isnan(intensity[:, :20]).all()
    assert np.isnan(intensity[:, 60:]).all()
    assert not np.isnan(intensity[:, 20:60]).any()
    assert brightest(intensity) == pytest.approx((0.5, 0.25 + 1.5 / 14), abs=0.02)


def test_of_a_padded_photo_the_borders_are_left_off():
    box = (0, -100, 400, 300)  # of its height, half is border
    assert brightest(upsample_attention(peak(3, 5), visible_box=box, photo=(400, 200), side=80)) == pytest.approx(
        (0.5, 11 / 14), abs=0.02
    )
    upper = upsample_attention(peak(0, 3), visible_box=box, photo=(400, 200), side=80)
    assert brightest(upper)[0] < 0.05
    assert np.isfinite(upper).all()


@given(
    photo=st.tuples(st.integers(1, 30_000), st.integers(1, 30_000)),
    visible=st.sampled_from([(0, 0, 1, 1), (0.25, 0, 0.75, 1), (0.4999, 0, 0.5001, 1), (-0.5, 0, 1.5, 1)]),
    side=st.integers(1, 60),
)
def test_any_photo_has_a_map(photo: tuple[int, int], visible: tuple[float, float, float, float], side: int):
    box = tuple(share * length for share, length in zip(visible, photo * 2, strict=True))
    intensity = upsample_attention(EVEN, visible_box=box, photo=photo, side=side)
    assert max(intensity.shape) == side
    seen = intensity[~np.isnan(intensity)]
    assert ((seen >= 0) & (seen <= 1)).all()
    assert colourise(intensity).size == intensity.shape[::-1]


def test_more_intense_is_lighter_and_more_opaque_and_unseen_is_dark():
    colours = np.asarray(colourise(np.array([[np.nan, *np.linspace(0, 1, 64)]])).convert("RGBA")).astype(int)[0]
    assert tuple(colours[0]) == UNSEEN
    assert colours[1, 3] == 0
    assert (np.diff(colours[1:] @ [0.2126, 0.7152, 0.0722, 0]) > 0).all()
    assert (np.diff(colours[1:, 3]) > 0).all()


def test_on_the_photo_the_place_stands_out_in_colour():
    intensity = upsample_attention(peak(1, 1, (3, 3)), visible_box=(0, 0, 90, 90), photo=(90, 90), side=30)
    picture = np.asarray(overlay(Image.new("RGB", (90, 90), (40, 90, 160)), colourise(intensity))).astype(int)
    assert picture.shape == (90, 90, 3)
    assert np.ptp(picture[2, 2]) < 10
    assert picture[45, 45, 0] - picture[45, 45, 2] > 100
