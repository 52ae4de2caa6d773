"""The card of a dense captioner's bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCORES = {
    "dense_mAP": "dense mAP",
    "detection_mAP": "detection mAP",
    "recall@50": "recall of 50 proposals",
    "recall@100": "of 100",
    "recall@300": "of 300",
}


def dense_card(description: Mapping[str, Any]) -> str:
    """Word the card of a dense captioner's bundle, in Markdown.

    Args:
        description: the content of ``model.json``.
    """
    parameters = sum(description["parameters"].values()) / 1e6
    begun = f", trained as in `{description['started_from']}`" if description["started_from"] else ""
    known = {
        name: title
        for name, title in SCORES.items()
        if all(name in scores for scores in description["scores"].values())
    }
    lines = [
        f"# {description['name']}",
        "",
        f"Finds regions of a photo and says what is in each: a `{description['architecture']}` that talks by "
        f"`{description['config']['architecture']}`, {parameters:.1f} M parameters, {description['vocabulary']['size']:,} words, trained for "
        f"{description['trained_steps']:,} steps on `{description['encoder']}`{begun}.",
        "",
        f"- **Licence of the weights:** {description['licence']}",
        f"- **Training data:** {description['training_data']}",
        f"- **Terms of the data:** {description['terms']}",
        f"- **Trained by:** `{description['command']}`",
        "",
        "| split | " + " | ".join(known.values()) + " |",
        "|---|" + "---|" * len(known),
        *(
            f"| {split} | " + " | ".join(f"{100 * scores[name]:.1f}" for name in known) + " |"
            for split, scores in description["scores"].items()
        ),
        "",
        "Scores × 100. Those of `val` are of photos by which the weights were chosen. Measured by:",
        "",
        *(f"    {command}" for command in dict.fromkeys(each["command"] for each in description["scores"].values())),
        "",
        "How far the graphs are from the trained model:",
        "",
        *(f"- {name.replace('_', ' ')}: {value:.2g}" for name, value in description["parity"].items()),
    ]
    return "\n".join(lines) + "\n"
