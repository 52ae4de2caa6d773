from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import matplotlib
import pytest

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="session")
def lines_recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A recipe of a small detector."""
    folder = tmp_path_factory.mktemp("fonts")
    shutil.copy(FONTS / "DejaVuSans.ttf", folder)
    return {
        "task": "text_detection",
        "name": "lines",
        "encoder": {"image_size": 97},
        "optimiser": {"learning_rate": 3e-3},
        "validation": {"every": 2, "photos": 1},
        "batch_size": 2,
        "steps": 4,
        "checkpoint_every": 1,
        "threads": 1,
        "device": "cpu",
        "text_detection": {
            "crop": 97,
            "pages": {"fonts": str(folder), "count": 2},
            "db": {"width": 4, "head_width": 6},
        },
    }
