"""The one-pass evaluation, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.metrics.single_object import mean_scores, one_pass_scores

TRUE = np.array([[0, 0, 10, 10]] * 4, float)


def test_curves_of_four_frames():
    found = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [20, 0, 30, 10], [np.nan, 0, 1, 1]])
    scores = one_pass_scores(TRUE, found)
    assert scores.success[0] == 0.5, "an overlap of 0 does not exceed 0"
    assert scores.success[9] == 0.5
    assert scores.success[10] == 0.25, "one half does not exceed one half"
    assert scores.success[-1] == 0
    assert scores.auc == pytest.approx((20 + 10) / 4 / 21)
    assert scores.precision[0] == 0.25
    assert scores.precision[3] == 0.5, "2.5 pixels apart"
    assert scores.precision_at_20 == 0.75, "20 is not more than 20"
    assert scores.frames == 4


def test_frames_without_a_true_box_do_not_count():
    true = TRUE.copy()
    true[1], true[2, 2] = np.nan, 0
    assert one_pass_scores(true, TRUE).frames == 2
    assert one_pass_scores(true[1:2], TRUE[1:2]).auc == 0


def test_sequences_count_alike():
    all_found, none = one_pass_scores(TRUE, TRUE), one_pass_scores(TRUE[:1], TRUE[:1] + 50)
    assert mean_scores({"a": all_found, "b": none}).auc == pytest.approx(all_found.auc / 2)
