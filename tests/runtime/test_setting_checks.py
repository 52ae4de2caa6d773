from __future__ import annotations

from typing import Any

import pytest

from seetell.runtime.setting_checks import numbers


def test_numbers_are_returned_as_they_are():
    assert numbers({"a": 1, "b": 0.5, "c": "d"}, ["b", "a"], least=0, most=1) == {"b": 0.5, "a": 1}
    with pytest.raises(KeyError):
        numbers({"a": 1}, ["b"])


@pytest.mark.parametrize("value", ["1", True, None, float("nan"), float("inf"), -float("inf"), -0.1, 1.1])
def test_what_is_no_finite_number_within_bounds_is_named(value: Any):
    with pytest.raises(TypeError, match=r"expected shares, got .* as a$"):
        numbers({"a": value}, ["a"], least=0, most=1, expected="shares")


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_numbers_without_bounds_are_finite(value: float):
    with pytest.raises(TypeError, match="expected numbers, got"):
        numbers({"a": value}, ["a"])
