"""The card of a bundle: what it is, what it was trained on, under which terms, and how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seetell.runtime.bundle import read_description
from seetell.tasks.dense_captioning.card import dense_card

SCORES = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")


def write_card(folder: Path) -> None:
    """Write ``README.md`` of a bundle from its ``model.json``."""
    description = read_description(folder)
    word = dense_card if description.get("task") == "dense_captioning" else card
    (folder / "README.md").write_text(word(description), encoding="utf-8")


def record_scores(folder: Path, split: str, scores: dict[str, Any]) -> None:
    """Note scores in ``model.json`` and on the card.

    Args:
        folder: the bundle.
        split: what was scored, such as ``val``.
        scores: the values under coco-caption's names, ``photos``, and the ``command`` that measured them.
    """
    description = read_description(folder)
    description["scores"][split] = scores
    (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_card(folder)


def card(description: dict[str, Any]) -> str:
    """Word the card.

    Args:
        description: the content of ``model.json``.

    Returns:
        Markdown.
    """
    decoding = description["settings"]["decoding"]
    begun = f" that began where `{description['started_from']}` ended" if description.get("started_from") else ""
    teachers = " and ".join(f"`{name}`" for name in description.get("distilled_from", []))
    taught = f", taught by {teachers}" if teachers else ""
    parameters = sum(description["parameters"].values()) / 1e6
    lines = [
        f"# {description['name']}",
        "",
        f"A `{description['architecture']}` captioner on `{description['encoder']}`, {parameters:.1f} M parameters, "
        f"{description['vocabulary']['size']:,} words, trained for {description['trained_steps']:,} steps{begun}{taught}.",
        "",
        f"- **Licence of the weights:** {description['licence']}",
        f"- **Training data:** {description['training_data']}",
        f"- **Terms of the data:** {description['terms']}",
        f"- **Trained by:** `{description['command']}`",
        f"- **Decoding by default:** {decoding['method']}, beam size {decoding['beam_size']}, "
        f"length penalty {decoding['length_penalty']:g}, at most {decoding['max_words']} words",
        "",
    ]
    if description["scores"]:
        lines += ["| split | photos | " + " | ".join(SCORES) + " |", "|---|---|" + "---|" * len(SCORES)]
        for split, scores in description["scores"].items():
            values = " | ".join(f"{100 * scores[name]:.1f}" for name in SCORES)
            lines.append(f"| {split} | {scores['photos']:,} | {values} |")
        commands = dict.fromkeys(scores["command"] for scores in description["scores"].values())
        lines += ["", "Scores × 100; CIDEr is CIDEr-D. Measured on this bundle by:", ""]
        lines += [f"    {command}" for command in commands]
        lines.append("")
    lines += ["How far the graphs are from the trained model:", ""]
    lines += [f"- {name.replace('_', ' ')}: {value:.2g}" for name, value in description["parity"].items()]
    return "\n".join(lines) + "\n"
