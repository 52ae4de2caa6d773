"""Which items have a row, and where each is in the input: what resuming and the order of rows need to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seetell.bulk.items import Item
from seetell.bulk.places import Places

_TAKEN = 1


class Ledger:
    """Compares rows with an input, holding a key of each and no name.

    An entry is ``2 · position + taken`` once the input has named it, ``taken`` if it needs no more work; before, for a
    row, ``- 1 - n``, the row being the ``n``-th of the output.

    Attributes:
        rows: how many the output has.
        in_order: whether they are in the order of the input, as far as it was gone through.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.in_order = True
        self._entries = Places()
        self._named = 0
        self._last_row = self._last_position = -1
        self._any_new = False

    def add_row(self, item: Item) -> bool:
        """Note the next row of the output, before any input; return whether it is the first of its item."""
        key = item.key
        if self._entries.get(key) is not None:
            return False
        self._entries[key] = -1 - self.rows
        self.rows += 1
        return True

    def has_row(self, item: Item) -> bool:
        """Return whether the output has a row of an item, before any input."""
        return self._entries.get(item.key) is not None

    def count(self, items: Iterable[Item]) -> tuple[int, int]:
        """Return how many items there are, and how many of them have no row yet; each counts once.

        Args:
            items: the input, which is gone through again for the work.
        """
        pending = sum(self._name(item.key) for item in items)
        return self._named, pending

    def pending(self, items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
        """Yield the items without a row, each once, with their position in the input."""
        for item in items:
            key = item.key
            self._name(key)
            entry = self._entries.get(key)
            assert entry is not None
            if not entry & _TAKEN:
                self._entries[key] = entry | _TAKEN
                yield entry >> 1, item

    def written(self, position: int) -> None:
        """Note that the row of an item was added to the output."""
        self.rows += 1
        self.in_order = self.in_order and position > self._last_position
        self._last_position = max(position, self._last_position)

    def position(self, item: Item) -> int | None:
        """Return where an item is in the input; ``None`` if it is not."""
        entry = self._entries.get(item.key)
        return None if entry is None or entry < 0 else entry >> 1

    def _name(self, key: int) -> bool:
        """Give an item of the input its position; return whether it is new and has no row."""
        entry = self._entries.get(key)
        if entry is not None and entry >= 0:
            return False
        if entry is None:
            self._any_new = True
        else:
            row = -1 - entry
            self.in_order = self.in_order and row > self._last_row and not self._any_new
            self._last_row = row
        self._entries[key] = 2 * self._named + (entry is not None)
        self._named += 1
        return entry is None
