"""docs/reference/server.md lists what the server takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from seetell.tasks.registry import tasks

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "server.md"
SERVED = [name for name, task in tasks().items() if any(option.served for option in task.options)]


@pytest.mark.parametrize("name", SERVED)
def test_every_address_is_listed_with_its_parameters(name: str):
    task = tasks()[name]
    lines = PAGE.read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| `POST /v1/{task.command}` |")]
    for option in task.options:
        assert (f"`?{option.name}=" in line) == option.served
    assert ("at most 100" in line) == any(option.served and option.maximum == 100 for option in task.options)
