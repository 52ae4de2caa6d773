"""The letters of a page's bytes, such that the bytes can be had back."""

from __future__ import annotations

import codecs
import re

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DECLARED = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]{1,40})""", re.IGNORECASE)
_DECLARABLE = re.compile(
    r"us-ascii|iso-8859-\d+|latin-?1|windows-125[0-8]|koi8-[ru]|macintosh|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)"
)
"""Those in use that hold ASCII, and letters of which each stands for itself."""
_PRESCAN = 1024
"""Bytes within which a page must tell its encoding (HTML standard, section 4.2.5.4)."""


def decoded(content: bytes) -> tuple[str, str]:
    """Return the text of a page, a byte order mark being its first letter, and its encoding.

    The encoding is that of the byte order mark; without one UTF-8; else what the page says; else, and wherever the
    bytes would not come back from the text, Latin-1, in which any bytes are letters.
    """
    marked = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), "utf-8")
    declared = _DECLARED.search(content[:_PRESCAN])
    said = declared[1].decode("latin-1").lower() if declared else ""
    for encoding in (marked, said if _DECLARABLE.fullmatch(said) else "latin-1"):
        try:
            text = content.decode(encoding)
            if text.encode(encoding) == content:
                return text, encoding
        except (UnicodeError, LookupError):
            continue
    return content.decode("latin-1"), "latin-1"
