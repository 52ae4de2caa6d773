"""Make the course's notebooks clean, as tests expect them: without results, and without what an editor adds.

    python scripts/course/clean_notebooks.py

Cells keep their identifiers, so that a difference shows what was changed and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parents[2] / "course"

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(text: str) -> str:
    """Return a notebook as it is kept.

    Args:
        text: the file's; format 4.5, every cell with an identifier.
    """
    cells = [_clean_cell(cell) for cell in json.loads(text)["cells"]]
    kept = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _clean_cell(cell: dict[str, Any]) -> dict[str, Any]:
    lines = "".join(cell["source"]).strip("\n").splitlines(keepends=True)
    kept = {"cell_type": cell["cell_type"], "id": cell["id"], "metadata": {}, "source": lines}
    if cell["cell_type"] == "code":
        kept |= {"execution_count": None, "outputs": []}
    return dict(sorted(kept.items()))


if __name__ == "__main__":
    for path in sorted(COURSE.glob("*.ipynb")):
        path.write_text(clean(path.read_text(encoding="utf-8")), encoding="utf-8")
