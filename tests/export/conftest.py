from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def quick_exports(one_registry: None) -> None:
    """Every file here writes graphs."""
