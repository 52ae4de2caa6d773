"""Rendered pictures with text: reproducible, and their lines are where they are said to be."""

from __future__ import annotations

import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from seetell.data.synthetic_text.canvas import SIDE
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.pages import SyntheticPages
from seetell.data.synthetic_text.store import WordStore, width_in_line
from seetell.data.synthetic_text.strings import PRINTABLE
from seetell.data.synthetic_text.words import SyntheticWords
from seetell.errors import DataError

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("font")
    shutil.copy(FONTS / "DejaVuSans.ttf", folder)
    return folder


@pytest.fixture(scope="module")
def pages(font: Path) -> SyntheticPages:
    return SyntheticPages.create(Materials(fonts=str(font)), PRINTABLE + " ", seed=5)


@pytest.mark.slow
def test_a_picture_follows_from_its_number_and_the_seed(pages, font):
    one, again = (
        SyntheticPages.create(Materials(fonts=str(font)), PRINTABLE + " ", seed=5).render(3) for _ in range(2)
    )
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.lines, again.lines)
    assert one.texts == again.texts
    assert one.image.size == (SIDE, SIDE)


@pytest.mark.slow
def test_lines_are_inside_and_have_ink(pages):
    seen = 0
    for number in range(12):
        image, lines, texts = pages.render(number)
        assert lines.shape == (len(texts), 4, 2)
        grey = np.asarray(image.convert("L"), float)
        for line in lines:
            left, top = np.maximum(line.min(axis=0), 0).astype(int)
            right, bottom = np.ceil(line.max(axis=0)).astype(int)
            assert line.min() > -15  # pages that lie askew lose a little
            assert line.max() < SIDE + 15
            width, height = np.linalg.norm(line[1] - line[0]), np.linalg.norm(line[3] - line[0])
            if width > 20 and height > 8:
                part = grey[top:bottom, left:right]
                assert part.max() - part.min() > 20
                seen += 1
    assert seen > 60


def words(font: Path, **options: object) -> SyntheticWords:
    return SyntheticWords.create(Materials(fonts=str(font)), PRINTABLE + " ", seed=2, longest=24, **options)


def test_a_store_keeps_what_was_rendered(font, tmp_path, monkeypatch):
    monkeypatch.setattr("seetell.data.synthetic_text.store.PIECE", 4)
    series = words(font, difficulty=0.5)
    steps = []
    made = {"height": 32, "most_width": 200, "folder": tmp_path / "words"}
    store = WordStore.render(series, 6, **made, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(4, 6), (6, 6)]
    assert len(store.texts) == len(store.widths) == 8  # whole files
    assert any(" " in text for text in store.texts)
    for number in range(8):
        picture = store.picture(number)
        assert picture.shape == (32, store.widths[number])
        assert picture.shape[1] <= 200
        assert np.ptp(picture) > 20
    monkeypatch.setattr(SyntheticWords, "render", None)  # nothing is rendered again
    again = WordStore.render(series, 6, **made)
    assert np.array_equal(again.pixels, store.pixels)
    assert again.texts == store.texts
    assert np.array_equal(again.hardness, store.hardness)
    with pytest.raises(DataError, match="rendered otherwise"):
        WordStore.render(words(font, difficulty=1.0), 6, **made)


def test_widths_keep_the_aspect_ratio_unless_too_wide():
    assert width_in_line((100, 50), 32, 320) == 64
    assert width_in_line((5000, 50), 32, 320) == 320
    assert width_in_line((1, 50), 32, 320) == 8
