from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def shared_data() -> Path:
    """The folder of fetched data, which not everybody has."""
    return Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[4] / "shared" / "data"))
