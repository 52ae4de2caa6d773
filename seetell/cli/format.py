"""How commands that list things write them."""

from __future__ import annotations

from enum import Enum


class Format(str, Enum):
    """Lines for people, or an object a line for programs."""

    text = "text"
    jsonl = "jsonl"
