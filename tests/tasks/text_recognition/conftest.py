from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import matplotlib
import pytest

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="session")
def one_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one font."""
    folder = tmp_path_factory.mktemp("fonts")
    shutil.copy(FONTS / "DejaVuSans.ttf", folder)
    return folder


@pytest.fixture(scope="session")
def text_recipe(one_font: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A recipe of a reader of words of the letters o, x and l."""
    words = tmp_path_factory.mktemp("words") / "words.txt"
    found = ["".join(word) for length in (2, 3, 4) for word in itertools.product("oxl", repeat=length)]
    words.write_text("\n".join(found))
    return {
        "task": "text_recognition",
        "name": "oxl",
        "encoder": {"options": {"width": 48}},
        "optimiser": {"learning_rate": 3e-3},
        "validation": {"every": 4, "photos": 8},
        "batch_size": 8,
        "steps": 8,
        "checkpoint_every": 3,
        "threads": 1,
        "device": "cpu",
        "text_recognition": {
            "characters": "oxl",
            "longest": 4,
            "crnn": {"hidden_size": 16},
            "synthetic": {"words": str(words), "fonts": str(one_font), "difficulty": 0.0},
        },
    }


@pytest.fixture(scope="session")
def word_pictures(text_recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of words in ICDAR's layout."""
    folder = tmp_path_factory.mktemp("words")
    from training_runs import configured

    from seetell.tasks.text_recognition.data import read_words_of

    words = read_words_of(configured(text_recipe))
    lines = []
    for number in range(6):
        image, text = words.val(number)
        image.save(folder / f"word_{number}.png")
        lines.append(f'word_{number}.png, "{text}"')
    (folder / "gt.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="session")
def word_set(word_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures to train on and to validate with, and a text that has none of the characters."""
    folder = tmp_path_factory.mktemp("set")
    lines = [*(word_pictures / "gt.txt").read_text().splitlines(), "word_0.png, 77"]
    for split in ("train", "test"):
        shutil.copytree(word_pictures, folder / split)
        (folder / f"{split}.txt").write_text("\n".join(f"{split}/{line}" for line in lines))
    return folder
