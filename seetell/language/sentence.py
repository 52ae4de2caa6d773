"""Words back to a sentence, the way people write it."""

from __future__ import annotations

from collections.abc import Iterable


def sentence(words: Iterable[str]) -> str:
    """Join words with spaces, but what the tokenizer split off a word (``'s``, ``n't``) goes back to it."""
    text = ""
    for word in words:
        attached = word.startswith("'") or word == "n't"
        text += word if attached or not text else f" {word}"
    return text
