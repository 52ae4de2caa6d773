"""A page whose images get alt text: read, fill and write it without changing any other byte."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seetell.alttext.html_images import html_findings
from seetell.alttext.markdown_images import markdown_findings
from seetell.alttext.missing_alt import Findings, MissingAlt
from seetell.atomic_write import atomic_file
from seetell.errors import SeetellError

KINDS: Mapping[str, Callable[[str], Findings]] = {
    ".html": html_findings,
    ".htm": html_findings,
    ".xhtml": html_findings,
    ".md": markdown_findings,
    ".markdown": markdown_findings,
    ".qmd": markdown_findings,
    ".rmd": markdown_findings,
}
"""Functions that find the images of a page, by the ending of its name."""

LARGEST = 64 * 2**20
"""Largest size of a page in bytes."""

SKIPPED_FOLDERS = ("node_modules",)

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DECLARED = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]{1,40})""", re.IGNORECASE)
_DECLARABLE = re.compile(
    r"us-ascii|iso-8859-\d+|latin-?1|windows-125[0-8]|koi8-[ru]|macintosh|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)"
)
"""Encodings in use that contain ASCII and have no escape sequences."""
_PRESCAN = 1024
"""Bytes within which a page must declare its encoding (HTML standard, section 4.2.5.4)."""


@dataclass(frozen=True)
class Page:
    """A page as it was read.

    Attributes:
        name: its name as given by the user.
        path: the file.
        text: its content, see :func:`decoded`.
        encoding: encoding of the file.
        findings: its images.
    """

    name: str
    path: Path
    text: str
    encoding: str
    findings: Findings

    @classmethod
    def read(cls, name: str) -> Page:
        """Read a page.

        Raises:
            SeetellError: it is missing, cannot be read, is too large, or its ending is not in ``KINDS``.
        """
        path = Path(name)
        kind = KINDS.get(path.suffix.lower())
        if kind is None and os.path.isfile(path):
            raise SeetellError(f"{name}: not a page; expected a name that ends in {', '.join(KINDS)}")
        text, encoding = decoded(_content(name))
        assert kind is not None
        return cls(name, path, text, encoding, kind(text))

    def line(self, offset: int) -> int:
        """Return the line number, from 1, of a position in the text."""
        return self.text.count("\n", 0, offset) + 1

    @property
    def content(self) -> bytes:
        """The bytes of the file as it was read."""
        return self.text.encode(self.encoding)

    def filled(self, alts: Mapping[MissingAlt, str]) -> bytes:
        """Return the bytes of the file with alt texts inserted; no line break is among them."""
        pieces, position = [], 0
        for missing in self.findings.missing:
            if missing in alts:
                pieces.append(self.text[position : missing.offset].encode(self.encoding))
                pieces.append(self._encoded(missing.insertion(alts[missing])))
                position = missing.offset
        return b"".join([*pieces, self.text[position:].encode(self.encoding)])

    def _encoded(self, insertion: str) -> bytes:
        """Encode text; letters that the encoding lacks, and those with a byte like a line break's, as references."""
        letters = (letter.encode(self.encoding, "xmlcharrefreplace") for letter in insertion)
        return b"".join(
            f"&#{ord(letter)};".encode(self.encoding) if b"\n" in content else content
            for letter, content in zip(insertion, letters, strict=True)
        )

    def write(self, content: bytes) -> None:
        """Replace the page's content.

        Raises:
            SeetellError: it cannot be written, or the page has changed since it was read.
        """
        try:
            if _content(self.name) != self.content:
                raise SeetellError(f"{self.name}: has changed since it was read, and was not written; run again")
            if not os.access(self.path, os.W_OK):
                raise SeetellError(f"{self.name}: no permission to write it")
            with atomic_file(self.path, keep_identity=True) as file:
                file.write(content)
        except OSError as error:
            raise SeetellError(f"{self.name}: cannot be written ({error.strerror})") from error


def pages(names: list[str]) -> Iterator[tuple[str, Path | None]]:
    """Find pages in files and folders, each once.

    Args:
        names: files, and folders whose pages, also in subfolders, are found by their endings, sorted; hidden ones and
            folders of installed packages are skipped.

    Yields:
        The path of each page, and the named folder in which it was found, if any.
    """
    seen: set[str] = set()
    for name in names:
        for path, folder in _found(name):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield path, folder


def _found(name: str) -> Iterator[tuple[str, Path | None]]:
    if not os.path.isdir(name):
        yield name, None
        return
    unreadable: list[str] = []
    for folder, subfolders, files in os.walk(name, onerror=lambda error: unreadable.append(error.filename)):
        subfolders[:] = sorted(sub for sub in subfolders if not sub.startswith(".") and sub not in SKIPPED_FOLDERS)
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in KINDS and not file.startswith("."):
                yield os.path.join(folder, file), Path(name)
    yield from ((folder, Path(name)) for folder in unreadable)


def _content(name: str) -> bytes:
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            what = "a folder that cannot be listed" if path.is_dir() else "a pipe or device"
            raise SeetellError(f"{name}: is {what}; expected a page")
        if path.stat().st_size > LARGEST:
            raise SeetellError(f"{name}: has more than {LARGEST // 2**20} MiB; expected a page")
        return path.read_bytes()
    except OSError as error:
        reason = (
            "no such file or folder" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        raise SeetellError(f"{name}: {reason}") from error


def decoded(content: bytes) -> tuple[str, str]:
    """Return the text of a page, including a byte order mark, and its encoding.

    The encoding is that of the byte order mark, else UTF-8, else the declared one, else Latin-1, which decodes any
    bytes. An encoding is only used if it restores the same bytes.
    """
    marked = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), "utf-8")
    declared = _DECLARED.search(content[:_PRESCAN])
    named = declared[1].decode("latin-1").lower() if declared else ""
    for encoding in (marked, named if _DECLARABLE.fullmatch(named) else "latin-1"):
        try:
            text = content.decode(encoding)
            if text.encode(encoding) == content:
                return text, encoding
        except (UnicodeError, LookupError):
            continue
    return content.decode("latin-1"), "latin-1"
