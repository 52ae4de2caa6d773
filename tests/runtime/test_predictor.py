from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seetell.errors import PhotoError, UsageError
from seetell.runtime.predictor import Predictor


class Shouter(Predictor[str, str]):
    """Repeats names and numbers them; knows no images."""

    task = "shouting"
    batch_size = 3

    def __init__(self, name: str, **options) -> None:
        super().__init__(name, **options)
        self.batches: list[int] = []

    def prepare(self, image, text: str = "") -> str:
        if image == "broken":
            raise PhotoError("broken: not a photo")
        return f"{image}{text}"

    def bind(self, *, loud: bool = False, most: int = 100):
        if most < 1:
            raise UsageError(f"most must be at least 1, got {most}")
        return partial(self._shout, loud=loud, most=most)

    def _shout(self, batch: Sequence[str], sample_ids: Sequence[int], *, loud: bool, most: int) -> list[str]:
        self.batches.append(len(batch))
        if len(batch) > most or "huge" in batch:
            raise MemoryError
        return [f"{item.upper() if loud else item}{number}" for item, number in zip(batch, sample_ids, strict=True)]


class Caller(Shouter):
    text_input = "sentence"


def test_one_image():
    model = Shouter("loud", threads=1)
    assert (model.name, model.threads) == ("loud", 1)
    assert model.predict("a", loud=True) == "A0"
    assert Caller("loud").predict("a", "b") == "ab0"
    with pytest.raises(PhotoError, match="not a photo"):
        model.predict("broken")
    with pytest.raises(PhotoError, match="not enough memory"):
        model.predict("huge")


def test_many_images_in_order_in_batches_numbered_through():
    model = Shouter("loud", threads=1)
    results = list(model.predict_many(["a", "b", "broken", "c", "d"]))
    assert [str(result) for result in results] == ["a0", "b1", "broken: not a photo", "c3", "d4"]
    assert model.batches == [2, 2]
    assert list(model.predict_many(iter("abcd"), batch_size=4, workers=2)) == ["a0", "b1", "c2", "d3"]
    assert model.batches[2:] == [4]


class Consistent(Shouter):
    """Repeats for a letter what it said of it first, if asked to."""

    def revising(self, *, loud: bool = False, **options: Any) -> Callable[[str, str], str] | None:
        known: dict[str, str] = {}
        return None if loud else lambda image, result: known.setdefault(image, result)


def test_results_are_revised_in_the_order_of_the_images():
    model = Consistent("loud", threads=1)
    letters = ["a", "b", "a", "broken", "huge", "b", "a"]
    revised = ["a0", "b1", "a0", "broken: not a photo", "not enough memory for it", "b1", "a0"]
    assert [str(result) for result in model.predict_many(letters)] == revised
    assert [str(result) for result in model.predict_many(letters, loud=True)][:3] == ["A0", "B1", "A2"]
    model.batches_at_once = 3
    assert [str(result) for result in model.predict_many(letters, batch_size=1)] == revised
    assert model.predict_prepared(["a", "a"]) == ["a0", "a1"]


def test_texts_go_with_their_images():
    assert list(Caller("loud").predict_many([("a", "x"), ("b", "y")])) == ["ax0", "by1"]
    pairs = [("a", "x"), "b", ("c", 3), ("d",), ("e", "y")]
    told = list(map(str, Caller("loud").predict_many(pairs)))
    assert (told[0], told[-1]) == ("ax0", "ey4")
    assert all(each.startswith("expected a pair of an image and its sentence, got") for each in told[1:-1])


def test_prepared_images_in_small_batches():
    model = Shouter("loud", threads=1)
    assert model.predict_prepared(list("abcdefg")) == [f"{letter}{number}" for number, letter in enumerate("abcdefg")]
    assert model.batches == [3, 3, 1]
    assert model.predict_prepared([]) == []


def test_where_memory_does_not_suffice_batches_are_halved():
    model = Shouter("loud", threads=1)
    assert [str(item) for item in model.predict_prepared(["a", "huge", "c"])] == [
        "a0",
        "not enough memory for it",
        "c2",
    ]
    assert list(model.predict_many(list("abcd"), batch_size=4, most=1)) == ["a0", "b1", "c2", "d3"]


def test_options_and_arguments_are_checked_at_the_call():
    model = Shouter("loud")
    for call in (
        model.check,
        partial(model.predict, "a"),
        partial(model.predict_many, []),
        partial(model.predict_prepared, []),
    ):
        with pytest.raises(UsageError, match="most must be at least 1"):
            call(most=0)
    for name in ("batch_size", "workers"):
        with pytest.raises(UsageError, match=f"{name} must be at least 1, got 0"):
            model.predict_many([], **{name: 0})
        with pytest.raises(UsageError, match=f"{name} must be a whole number, got 2.5"):
            model.predict_many([], **{name: 2.5})
    for image in ("one.jpg", b"content", Path("one.jpg")):
        with pytest.raises(UsageError, match=r"expected many images, got one: pass a list, such as \["):
            model.predict_many(image)
    with pytest.raises(UsageError, match="threads must be at least 1, got 0"):
        Shouter("loud", threads=0)
    with pytest.raises(UsageError, match="threads must be a whole number, got '2'"):
        Shouter("loud", threads="2")
    model.check(loud=True)
