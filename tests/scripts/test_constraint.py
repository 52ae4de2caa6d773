from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import constraint
import numpy as np
import pytest

from seetell.language.object_names import CLASSES

DOG, CAT = CLASSES.index("dog"), CLASSES.index("cat")


def photos(count: int, captions: list[str]) -> SimpleNamespace:
    """Return photos that all have the same captions; the presence of every class rises from photo to photo."""
    presence = np.linspace(-9, 0, count, dtype=np.float32)[:, None, None]
    tokens = [[caption.split() for caption in captions]] * count
    return SimpleNamespace(set=SimpleNamespace(tokens=tokens), presence=np.broadcast_to(presence, (count, 2, 80)))


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    known = {
        "flickr_train": photos(1000, ["a dog", "two dogs", "a cat"]),
        "coco_train": photos(40, ["a bus"]),
    }
    monkeypatch.setattr(constraint, "Photos", lambda corpus, work, name, device: known[name])
    return SimpleNamespace(sets={"flickr_train": range(1000)})


def test_few_of_flickr8k_s_photos_lose_an_object(corpus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constraint, "MISSED", 0.0)
    thresholds = constraint.presence_thresholds(corpus, Path())
    assert thresholds[DOG].item() == pytest.approx(-9 + 9 * 4 / 999)  # four of a thousand lie below
    assert thresholds[CAT].item() == pytest.approx(constraint.HIGHEST)  # one caption of three: nothing is lost
    assert thresholds[CLASSES.index("bus")].item() == pytest.approx(constraint.HIGHEST)


def test_thresholds_are_no_lower_than_most_mentions(corpus):
    dog = constraint.presence_thresholds(corpus, Path())[DOG].item()
    assert dog == pytest.approx(-9 + 9 * constraint.MISSED, abs=0.15)
