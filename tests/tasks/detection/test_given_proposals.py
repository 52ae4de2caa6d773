from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.photos import Preprocessing
from seetell.tasks.detection import given_proposals
from seetell.tasks.detection.selective_search import SelectiveSearchConfig

CONFIG = SelectiveSearchConfig(side=32, scales=(100.0,), colours=("rgb",))


def test_boxes_are_computed_once_and_in_pixels_of_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    photos = []
    for number in range(3):
        pixels = np.full((20, 40, 3), 128, np.uint8)
        pixels[4:16, 4 : 10 + 8 * number] = 250
        photos.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(photos[-1])
    done = []

    def found(chosen: list[Path]) -> list[np.ndarray]:
        done.clear()
        return given_proposals.given_proposals(
            tmp_path / "cache", chosen, CONFIG, Preprocessing(64, 64), progress=lambda *each: done.append(each)
        )

    first = found(photos[:2])
    assert done == [(1, 2), (2, 2)]
    assert all((boxes == [0, 0, 64, 64]).all(axis=1).any() for boxes in first)
    again = found(photos)
    assert done == [(1, 1)]  # the other two were kept
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=False))
    assert again[2].dtype == np.float32
    monkeypatch.setattr(given_proposals, "selective_search", None)
    assert len(found(photos)) == 3
    few = given_proposals.given_proposals(
        tmp_path / "cache", photos, replace(CONFIG, most=1), Preprocessing(64, 64), progress=lambda done, total: None
    )
    assert all(np.array_equal(one, other[:1]) for one, other in zip(few, again, strict=True))
