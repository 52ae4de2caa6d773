"""Disk space of a package with its dependencies, as installed.

    .venv/bin/python benchmarks/installed_size.py seetell

prints one JSON object. Run it with the interpreter of the environment to measure.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

MEGABYTE = 1e6


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed distributions of names such as ``seetell`` or ``seetell[train]`` and their dependencies."""
    found: dict[str, Distribution] = {}
    seen = set()
    waiting = list(names)
    while waiting:
        name, extras = _name_and_extras(waiting.pop())
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # only required on another system or for another Python
        for requirement in found[name].requires or ():
            asked = re.search(r"""extra == ['"]([^'"]+)""", requirement)
            if asked is None or asked[1] in extras:
                waiting.append(requirement)
    return found


def _name_and_extras(requirement: str) -> tuple[str, frozenset[str]]:
    match = re.match(r"([\w.-]+)\s*(?:\[([^\]]*)\])?", requirement)
    assert match is not None
    extras = frozenset(extra.strip() for extra in (match[2] or "").split(","))
    return re.sub(r"[-_.]+", "-", match[1]).lower(), extras


def size(installed: Distribution) -> int:
    """Return the size of a distribution's files in bytes, including the package folder of an editable installation."""
    total = sum(Path(file.locate()).stat().st_size for file in installed.files or () if Path(file.locate()).is_file())
    if (installed.read_text("direct_url.json") or "").find('"editable": true') >= 0:
        spec = find_spec(installed.metadata["Name"])
        folders = spec.submodule_search_locations if spec else None
        total += sum(
            file.stat().st_size for folder in folders or () for file in Path(folder).rglob("*") if file.is_file()
        )
    return total


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        if not needed([asked]):
            raise SystemExit(f"{asked}: not installed for {sys.executable}")
    sizes = {name: round(size(found) / MEGABYTE, 1) for name, found in sorted(needed(sys.argv[1:]).items())}
    print(json.dumps({"megabytes": round(sum(sizes.values()), 1), "packages": sizes}))
