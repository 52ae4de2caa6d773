from __future__ import annotations

from pathlib import Path

import pytest
from captioned_shapes import write_shapes


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of twelve photos, not to be written to."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves at each validation: most of a small run's time would go there."""
    monkeypatch.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
