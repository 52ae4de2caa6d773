"""A page whose images get alt text: read, filled, written; outside what is inserted no byte of it changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seetell.alttext.encoding import decoded
from seetell.alttext.html_images import html_findings
from seetell.alttext.markdown_images import markdown_findings
from seetell.alttext.missing_alt import Findings, Gap
from seetell.atomic_write import whole_file
from seetell.errors import SeetellError

KINDS: Mapping[str, Callable[[str], Findings]] = {
    ".html": html_findings,
    ".htm": html_findings,
    ".xhtml": html_findings,
    ".md": markdown_findings,
    ".markdown": markdown_findings,
}
"""How the images of a page are found, by the ending of its name."""

LARGEST = 64 * 2**20
"""Bytes of a page that is read."""

PASSED_FOLDERS = ("node_modules",)


@dataclass(frozen=True)
class Page:
    """A page as it was read.

    Attributes:
        name: as the user named it.
        path: the file.
        text: its content, see :func:`decoded`.
        encoding: of its content.
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
            SeetellError: it is not there, cannot be read, is too large, or its ending is none of ``KINDS``.
        """
        path = Path(name)
        kind = KINDS.get(path.suffix.lower())
        if kind is None and not path.is_dir():
            raise SeetellError(f"{name}: not a page; expected a name that ends in {', '.join(KINDS)}")
        text, encoding = decoded(_content(path))
        assert kind is not None
        return cls(name, path, text, encoding, kind(text))

    def line(self, gap: Gap) -> int:
        """Return the number of the line where a gap is, from 1."""
        return self.text.count("\n", 0, gap.place) + 1

    def filled(self, alts: Mapping[Gap, str]) -> str:
        """Return the page's text with alt texts in gaps of it."""
        pieces, place = [], 0
        for gap in self.findings.gaps:
            if gap in alts:
                insertion = gap.insertion(alts[gap]).encode(self.encoding, "xmlcharrefreplace").decode(self.encoding)
                pieces += [self.text[place : gap.place], insertion]
                place = gap.place
        return "".join([*pieces, self.text[place:]])

    def write(self, text: str) -> None:
        """Put a filled text in the page's place.

        Raises:
            SeetellError: it cannot be written, or the page has changed since it was read.
        """
        try:
            if _content(self.path) != self.text.encode(self.encoding):
                raise SeetellError(f"{self.name}: has changed since it was read, and is left as it is; run again")
            if not os.access(self.path, os.W_OK):
                raise SeetellError(f"{self.name}: there is no permission to write it")
            with whole_file(self.path) as file:
                file.write(text.encode(self.encoding))
        except OSError as error:
            raise SeetellError(f"{self.name}: cannot be written ({error.strerror})") from error


def pages(names: list[str]) -> Iterator[tuple[str, Path | None]]:
    """Find the pages that are meant, each once.

    Args:
        names: a file stands for itself, a folder for the pages in it and below it, known by their endings, sorted;
            hidden ones and folders of installed packages are left out.

    Yields:
        The path of each, and the folder named by the user in which it was found, if it was.
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
        subfolders[:] = sorted(sub for sub in subfolders if not sub.startswith(".") and sub not in PASSED_FOLDERS)
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in KINDS and not file.startswith("."):
                yield os.path.join(folder, file), Path(name)
    yield from ((folder, Path(name)) for folder in unreadable)


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            what = "a folder that cannot be listed" if path.is_dir() else "a pipe or device"
            raise SeetellError(f"{path}: is {what}; expected a page")
        if path.stat().st_size > LARGEST:
            raise SeetellError(f"{path}: has more than {LARGEST // 2**20} MiB; expected a page")
        return path.read_bytes()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise SeetellError(f"{path}: {reason}") from error
