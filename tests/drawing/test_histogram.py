from __future__ import annotations

import re

import numpy as np
import pytest

from seetell.drawing.score_report import HEIGHT, MOST_BINS, WIDTH, Histogram, round_step


def test_every_value_is_in_one_bin():
    first, second = np.array([0.0, 4.9, 5.0, 99.0, 100.0]), np.array([50.0])
    histogram = Histogram.build([first, second])
    assert histogram.edges.tolist() == list(range(0, 101, 5))
    assert histogram.counts.sum(axis=1).tolist() == [5, 1]
    assert histogram.counts[0, [0, 1, 19]].tolist() == [2, 1, 2]


@pytest.mark.parametrize("values", [[0.0], [3.7, 3.7], [-2.0, 2.0], [0.0, 1e-9], [0.0, 1000.0], [12.3, 456.7]])
def test_bins_are_few_and_hold_all(values: list[float]):
    histogram = Histogram.build([np.array(values)])
    assert histogram.counts.sum() == len(values)
    assert 1 <= histogram.counts.shape[1] <= MOST_BINS
    assert np.allclose(np.diff(histogram.edges), histogram.edges[1] - histogram.edges[0])


@pytest.mark.parametrize(
    ("least", "step"), [(0, 1), (0.03, 0.05), (1, 1), (1.1, 2), (2.1, 5), (5, 5), (5.1, 10), (99, 100)]
)
def test_steps_are_round(least: float, step: float):
    assert round_step(least) == pytest.approx(step)


def test_all_is_drawn_inside_the_picture():
    histogram = Histogram.build([np.array([0.0, 0.0, 40.0]), np.array([0.0, 10.0, 10.0, 10.0])])
    svg = histogram.svg("CIDEr <×100>")
    assert svg.count('class="bar"') == len(histogram.edges) - 1
    assert 'class="steps"' in svg
    assert "CIDEr &lt;×100&gt;" in svg
    across = [float(number) for number in re.findall(r'[ MLH]x?=?"?(\d+\.\d)', svg)]
    assert max(across) <= WIDTH
    assert all(float(y) <= HEIGHT for y in re.findall(r' y="([\d.]+)"', svg))
    assert 'class="steps"' not in Histogram.build([np.array([1.0])]).svg("score")


def test_the_table_says_the_same():
    table = Histogram.build([np.array([0.0, 1.0]), np.array([1.0, 1.0])]).table(("A", "B"), "score")
    assert table.startswith('<table><thead><tr><th scope="col">score</th><th scope="col">A</th><th scope="col">B</th>')
    assert '<tr><th scope="row">0 to 0.05</th><td>1</td><td>0</td></tr>' in table
    assert table.endswith('<tr><th scope="row">0.95 to 1</th><td>1</td><td>2</td></tr></tbody></table>')
