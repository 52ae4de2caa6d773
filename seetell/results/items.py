"""What results have in common that are several items of one kind, such as regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

Item = TypeVar("Item")


class Items(Generic[Item]):
    """A result whose field of items has the name of its shape; iterable, and indexed by rank."""

    shape: ClassVar[str]

    @property
    def _items(self) -> tuple[Item, ...]:
        items: tuple[Item, ...] = getattr(self, self.shape)
        return items

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, rank: int) -> Item:
        return self._items[rank]
