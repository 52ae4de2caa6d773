"""Whole numbers by 64-bit keys, in a fifth of the memory of a dictionary: for millions of pictures."""

from __future__ import annotations

from array import array

_SMALLEST = 1 << 10


class Places:
    """A hash table of open addressing and linear probing, 24 to 48 bytes an entry (Knuth, TAOCP 3, section 6.4).

    Keys are hashes already, from 1 to 2⁶⁴ - 1, and are never removed; numbers have 63 bits and a sign.
    """

    def __init__(self) -> None:
        self._count = 0
        self._allocate(_SMALLEST)

    def __len__(self) -> int:
        return self._count

    def get(self, key: int) -> int | None:
        """Return the number of a key, or ``None``."""
        slot = self._slot(key)
        return self._numbers[slot] if self._keys[slot] else None

    def __setitem__(self, key: int, number: int) -> None:
        slot = self._slot(key)
        if not self._keys[slot]:
            if 3 * (self._count + 1) > 2 * len(self._keys):
                self._grow()
                slot = self._slot(key)
            self._count += 1
            self._keys[slot] = key
        self._numbers[slot] = number

    def _slot(self, key: int) -> int:
        """Return where a key is, or would be."""
        keys, mask = self._keys, self._mask
        slot = key & mask
        while keys[slot] and keys[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _allocate(self, slots: int) -> None:
        self._keys, self._numbers = array("Q", bytes(8 * slots)), array("q", bytes(8 * slots))
        self._mask = slots - 1

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._allocate(2 * len(keys))
        for key, number in zip(keys, numbers, strict=True):
            if key:
                slot = self._slot(key)
                self._keys[slot], self._numbers[slot] = key, number
