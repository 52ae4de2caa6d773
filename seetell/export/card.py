"""The model card of a bundle: what it is, what it was trained on, under which terms, and how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seetell.atomic_write import atomic_file


def write_description(folder: Path, description: Mapping[str, Any], settings: Sequence[str] = ()) -> None:
    """Write ``model.json`` and the card ``README.md`` of a bundle; see :func:`render_card`."""
    content = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
    for name, text in {"model.json": content, "README.md": render_card(description, settings)}.items():
        with atomic_file(folder / name) as file:
            file.write(text.encode())


def render_card(description: Mapping[str, Any], settings: Sequence[str] = ()) -> str:
    """Render the card.

    Args:
        description: the content of ``model.json``.
        settings: what the task says of its own settings, an item of a list each.

    Returns:
        Markdown.
    """
    parameters = sum(description["parameters"].values())
    size = f"{parameters / 1e6:.1f} M parameters" if parameters >= 1e5 else f"{parameters:,} parameters"
    for key, entries in (("vocabulary", "words"), ("labels", "classes")):
        if key in description:
            size += f", {description[key]['size']:,} {entries}"
    initial = f", initialised from `{description['started_from']}`" if description["started_from"] else ""
    teachers = " and ".join(f"`{name}`" for name in description["distilled_from"])
    distilled = f", distilled from {teachers}" if teachers else ""
    steps = description["trained_steps"]
    trained = "" if steps is None else f", trained for {steps:,} steps"
    encoder = "" if description["encoder"] == "none" else f" on `{description['encoder']}`"
    lines = [
        f"# {description['name']}",
        "",
        f"A `{description['architecture']}` model for {description['task'].replace('_', ' ')}"
        f"{encoder}: {size}{trained}{initial}{distilled}.",
        "",
        f"- **Licence of the weights:** {description['licence']}",
        f"- **Training data:** {description['training_data']}",
        f"- **Terms of the data:** {description['terms']}",
        f"- **{'Made' if steps is None else 'Trained'} by:** `{description['command']}`",
    ]
    for graph, owner in description.get("shared", {}).items():
        lines.append(f"- **Shared {graph}:** that of `{owner['model']}`")
    if decoding := description["settings"].get("decoding"):
        lines.append(
            f"- **Decoding by default:** {decoding['method']}, beam size {decoding['beam_size']}, "
            f"length penalty {decoding['length_penalty']:g}, at most {decoding['max_words']} words"
        )
    lines += [f"- {line}" for line in settings]
    lines += ["", *_score_lines(description["scores"]), "Differences between the graphs and the trained model:", ""]
    lines += [f"- {name.replace('_', ' ')}: {value:.2g}" for name, value in description["parity"].items()]
    return "\n".join(lines) + "\n"


def _score_lines(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Render a table with one row per split and one column per number, and the commands that measured them."""
    if not scores:
        return []
    names = list(
        dict.fromkeys(
            name for values in scores.values() for name, value in values.items() if isinstance(value, (int, float))
        )
    )
    lines = ["| split | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for split, values in scores.items():
        lines.append(f"| {split} | " + " | ".join(_cell(values.get(name)) for name in names) + " |")
    commands = dict.fromkeys(values["command"] for values in scores.values())
    return [*lines, "", "Measured by:", "", *(f"    {command}" for command in commands), ""]


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
