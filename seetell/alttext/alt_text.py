"""Format a caption as alt text, and tell alt text that says nothing.

A screen reader announces an image before it reads the alt text, pauses at a full stop, and reads the text as a whole;
hence no "a picture of", a capital letter, a full stop, and not much more than a hundred characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from posixpath import basename, splitext

LONGEST = 125
"""Characters that some screen readers read in one piece, and the target of IPTC's guidance on alt text."""

MIN_CONFIDENCE = 0.7
"""Least confidence of a caption that becomes alt text, if the model has any: a wrong text is worse than none."""

_ANNOUNCED = re.compile(
    r"(?:an? |the |this is )*(?:image|photo|photograph|picture) (?:of|showing) (?=\S)", re.IGNORECASE
)
_ENDED = (".", "!", "?", "…", "。", "！", "？")

_FILE_NAME = re.compile(
    r"\S*\.(?:jpe?g|png|gif|webp|svg|bmp|tiff?|avif|hei[cf]|jxl)"
    r"|(?:(?:img|dscn?|dscf|dcim|pxl|mvimg|gopr|screenshot|p\d{0,7})[-_ ]?)?[\d_\-. x]*\d[\d_\-. x]*"
    r"(?:[-_](?:scaled|edited|copy))?",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"(?:an? |the )?(?:alt(?:ernative)?[ _-]?(?:text|tag)?|image|img|images?|photos?|photograph|picture|pic"
    r"|graphics?|figure|fig|thumb(?:nail)?|icon|logo|banner|spacer|blank|placeholder|untitled|unnamed|null|undefined|none|n/?a|todo|tbd|test"
    r"|description|caption|screenshot|bild|foto|imagen|immagine|imagem|afbeelding|画像|写真|图片|照片)"
    r"(?: (?:alt|text|here|of|description|\d+)|[ _#-]?\d+)*",
    re.IGNORECASE,
)


def is_worthless(alt: str, addresses: Iterable[str] = ()) -> bool:
    """Return whether alt text says nothing of the image: a file's name, a number, "image"; not whether it is empty.

    Args:
        alt: as in the page.
        addresses: of the image, whose file names say nothing either where they have digits or hyphens.
    """
    text = " ".join(alt.split()).strip(" .:;,!?\"'()[]<>{}_*#-")
    if not alt or len(text) > LONGEST:
        return False
    stems = {splitext(basename(re.split(r"[?#]", address, maxsplit=1)[0]))[0].lower() for address in addresses}
    return (
        not any(sign.isalnum() for sign in text)
        or _SAYS_NOTHING.fullmatch(text) is not None
        or _FILE_NAME.fullmatch(text) is not None
        or (text.lower() in stems and re.search(r"[\d_-]", text) is not None)
    )


def alt_text(caption: str, *, longest: int | None = LONGEST) -> str:
    """Format a caption as alt text.

    Args:
        caption: a sentence.
        longest: largest number of characters, to which the text is cut between words; ``None`` for no limit.

    Returns:
        One line that begins with a capital letter and ends like a sentence, a quotation that was cut with its closing
        mark; empty if the caption has no words.
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
    kept = _cut(text, longest - 1)
    if kept.count("“") > kept.count("”"):
        return _cut(text, longest - 2) + "…”"
    return kept + "…"


def _cut(text: str, length: int) -> str:
    """Return the words of a text that fit, without the signs behind them."""
    kept = text[:length]
    return (kept if text[length] == " " else kept.rpartition(" ")[0] or kept).rstrip(" ,;:.")
