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
    """A recipe of a reader of words of the letters a, c and e."""
    words = tmp_path_factory.mktemp("words") / "words.txt"
    found = ["".join(word) for length in (2, 3, 4) for word in itertools.product("ace", repeat=length)]
    words.write_text("\n".join(found))
    return {
        "task": "text_recognition",
        "name": "ace",
        "encoder": {"options": {"width": 48}},
        "optimiser": {"learning_rate": 3e-3},
        "validation": {"every": 4, "photos": 8},
        "batch_size": 8,
        "steps": 8,
        "checkpoint_every": 3,
        "threads": 1,
        "device": "cpu",
        "text_recognition": {
            "characters": "ace",
            "longest": 4,
            "crnn": {"hidden_size": 16},
            "synthetic": {"words": str(words), "fonts": str(one_font), "difficulty": 0.0},
        },
    }
