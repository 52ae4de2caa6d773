"""Read JSON of unknown structure: fields of parsed objects, and long lists without loading them into memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from seetell.errors import DataError

_CHUNK = 2**22
_BLANK = re.compile(r"[ \t\r\n]*")


def objects_in(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of the list in a file.

    Args:
        path: JSON in UTF-8.

    Raises:
        DataError: the file cannot be read, is not UTF-8, or is not a JSON list of objects; the message includes how
            many objects came before.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            yield from _Reader(path, file).objects()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; expected a readable file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected JSON in UTF-8, but it is not; save it as UTF-8") from error


class _Reader:
    """Buffers the text that is not parsed yet.

    Args:
        path: path of the file, for messages.
        file: the open file.
    """

    def __init__(self, path: Path, file: TextIOWrapper) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._at = 0
        self._chunk = _CHUNK
        self._done = 0

    def objects(self) -> Iterator[dict[str, Any]]:
        if self._next_character() != "[":
            raise self._unexpected("a list of objects")
        self._at += 1
        character = self._next_character()
        while character != "]":
            if character != "{":
                raise self._unexpected("an object")
            yield self._object()
            self._done += 1
            character = self._next_character()
            if character == ",":
                self._at += 1
                character = self._next_character()
                if character == "]":
                    raise self._unexpected("an object")
            elif character != "]":
                raise self._unexpected("a comma or the end of the list")
        self._at += 1
        if self._next_character():
            raise self._unexpected("nothing after the list")

    def _object(self) -> dict[str, Any]:
        decoder = json.JSONDecoder()
        while True:
            try:
                found, self._at = decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise DataError(f"{self._location()}: expected JSON, but {error.msg}; {_ADVICE}") from error
            except (RecursionError, ValueError) as error:
                raise DataError(f"{self._location()}: expected JSON, but {error}; {_ADVICE}") from error
            else:
                self._chunk = _CHUNK
                assert isinstance(found, dict)
                return found

    def _next_character(self) -> str:
        """Return the next character that is not white space, or an empty string at the end of the file."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            assert blank is not None
            self._at = blank.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read more text, twice as much each time within one object; return whether there was any."""
        more = self._file.read(self._chunk)
        self._text = self._text[self._at :] + more
        self._at = 0
        self._chunk *= 2
        return bool(more)

    def _unexpected(self, wanted: str) -> DataError:
        found = repr(self._text[self._at : self._at + 20]) if self._next_character() else "the end of the file"
        return DataError(f"{self._location()}: expected {wanted}, but there is {found}; {_ADVICE}")

    def _location(self) -> str:
        return f"{self._path}: after {self._done:,} objects"


_ADVICE = "check that the file is complete and that this is the intended file"


def text_of(item: Any, *names: str) -> str | None:
    """Return the first of the named fields that is a non-blank string, or ``None``."""
    if isinstance(item, dict):
        for name in names:
            value = item.get(name)
            if isinstance(value, str) and value.strip():
                return value
    return None


def id_of(item: Any, *names: str) -> int | str | None:
    """Return the first of the named fields that can be an id, a whole number or a string, or ``None``."""
    if isinstance(item, dict):
        for name in names:
            value = item.get(name)
            if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.strip()):
                return value
    return None


def dicts_in(document: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at ``path`` below ``document``; an empty list if there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return [item for item in document if isinstance(item, dict)] if isinstance(document, list) else []


def described(document: Any) -> str:
    """Describe a JSON document in a few words, for messages."""
    if isinstance(document, dict):
        return f"an object with {_listed(list(document))}" if document else "an empty object"
    if isinstance(document, list):
        if document and isinstance(document[0], dict):
            return f"a list of objects with {_listed(list(document[0]))}"
        return f"a list of {len(document)} items that are not objects" if document else "an empty list"
    kind = type(document).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:6])
    return shown + (", …" if len(names) > 6 else "")
