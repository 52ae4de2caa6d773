"""What the card of a captioner says of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return sentences in Markdown about the settings ``reranking``, ``fluency`` and ``domain``, of those it has."""
    lines = []
    if weights := settings.get("reranking"):
        length = weights.get("length", 0)
        lines.append(
            "**Sentences of a beam are ranked again:** by their score + "
            f"{weights['aligner']:g} × the aligner's + {weights['objects']:g} × the log-probability of their objects + "
            f"{weights['things']:g} × that of other things "
            f"{'-' if length < 0 else '+'} {abs(length):g} × their number of words"
        )
    if fluency := settings.get("fluency"):
        lines.append(
            f"**Words that nobody writes in this order are avoided:** {fluency['weight']:g} × what the "
            "log-probability of a word's class, after those of the words before it, is below "
            f"{fluency['min_logprob']:g}"
        )
    if domain := settings.get("domain"):
        lines.append(
            "**Of images like those that taught it more is named:** to the presence of object classes "
            f"{domain['in_domain']:g} is added where a domain classifier is certain of one, "
            f"{domain['out_of_domain']:g} where it is certain of the opposite"
        )
    return lines
