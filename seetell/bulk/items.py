"""What is to be done: pictures, each with the text that goes with it, and the part of them that is a process's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from seetell.errors import UsageError


class Item(NamedTuple):
    """A picture to predict for.

    Attributes:
        image: its path, as the user named it.
        text: what goes with it, such as a sentence; empty where pictures are predicted alone.
    """

    image: str
    text: str = ""

    @property
    def key(self) -> int:
        """A hash of both, from 1 to 2⁶⁴ - 1.

        That any two of a million items have the same one has a probability of 3·10⁻⁸.
        """
        named = f"{self.image}\0{self.text}".encode(errors="backslashreplace")
        return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "little") or 1

    @classmethod
    def of(cls, row: Mapping[str, Any], text_input: str) -> Item:
        """Return what a row was made for.

        Args:
            row: see :func:`seetell.results.row`, perhaps with the text.
            text_input: name of the task's text, or empty.
        """
        return cls(row["image"], str(row.get(text_input) or "") if text_input else "")


@dataclass(frozen=True)
class Shard:
    """One of several disjoint parts of all items, which stay in the same part whatever is added to them.

    Attributes:
        number: from 1 to ``count``.
        count: of all parts.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UsageError(f"expected a part from 1/{self.count} to {self.count}/{self.count}, got {self}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read such as ``2/8``.

        Raises:
            UsageError: it is not such a part.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and int(count)):
            raise UsageError(f"expected a part such as 2/8, the second of eight, got {text!r}")
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def __contains__(self, item: Item) -> bool:
        return self.count == 1 or (item.key >> 32) % self.count == self.number - 1

    def of(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of this part."""
        return (item for item in items if item in self)
