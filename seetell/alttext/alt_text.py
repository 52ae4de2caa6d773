"""Format a caption as alt text.

A screen reader announces an image before it reads the alt text, pauses at a full stop, and reads the text as a whole;
hence no "a picture of", a capital letter, a full stop, and not much more than a hundred characters.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 125
"""Characters that some screen readers read in one piece, and the target of IPTC's guidance on alt text."""

_ANNOUNCED = re.compile(
    r"(?:an? |the |this is )*(?:image|photo|photograph|picture) (?:of|showing) (?=\S)", re.IGNORECASE
)
_ENDED = (".", "!", "?", "…", "。", "！", "？")


def alt_text(caption: str, *, longest: int | None = LONGEST) -> str:
    """Format a caption as alt text.

    Args:
        caption: a sentence.
        longest: largest number of characters, to which the text is cut between words; ``None`` for no limit.

    Returns:
        One line that begins with a capital letter and ends like a sentence; empty if the caption has no words.
    """
    text = " ".join("".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in caption).split())
    text = _ANNOUNCED.sub("", text, count=1) if _ANNOUNCED.match(text) else text
    if not any(sign.isalnum() for sign in text):
        return ""
    text = text[:1].upper() + text[1:]
    if not text.endswith(_ENDED):
        text += "."
    if longest is None or len(text) <= longest:
        return text
    kept = text[: longest - 1]
    return (kept if text[longest - 1] == " " else kept.rpartition(" ")[0] or kept).rstrip(" ,;:.") + "…"
