"""``--set key=value`` pairs of commands that need no YAML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from seetell.errors import UsageError


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; values are numbers, true, false, or text.

    Raises:
        UsageError: one is not such a pair.
    """
    parsed: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected key=value, such as beam_size=3")
        try:
            parsed[key.strip()] = json.loads(value)
        except ValueError:
            parsed[key.strip()] = value
    return parsed
