"""Names of splits, and an assignment of photos to splits that does not change when photos are added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from seetell.data.json_fields import text_of
from seetell.data.records import Problem

FEWEST_TO_DIVIDE = 10

_NAMES = {
    "train": "train",
    "training": "train",
    "restval": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_named(name: str) -> str | None:
    """Return ``train``, ``val`` or ``test`` for the names in use (``restval`` joins train), else ``None``."""
    return _NAMES.get(name.strip().lower())


def stated_split(item: Any, where: str, problems: list[Problem]) -> str | None:
    """Return the split that a parsed object states in its field ``split``; report one that is none."""
    stated = text_of(item, "split")
    split = split_named(stated) if stated is not None else None
    if stated is not None and split is None:
        problems.append(Problem("malformed", where, f"split {stated!r}: expected train, restval, val or test"))
    return split


def assign_splits(
    ids: Sequence[int | str], *, seed: int = 0, val_fraction: float = 0.1, test_fraction: float = 0.1
) -> list[str]:
    """Divide photos into splits by a hash of the seed and each photo's id.

    A photo's split depends only on its own id, so adding photos moves no other photo. The one exception is a set so
    small that a split would be empty: it then gets the photo nearest to it.

    Args:
        ids: distinct ids of the photos.
        seed: seed of the hash.
        val_fraction: expected fraction of ``val``.
        test_fraction: expected fraction of ``test``.

    Returns:
        The split of each photo; ``train`` for all of fewer than 10 photos.
    """
    if len(ids) < FEWEST_TO_DIVIDE:
        return ["train"] * len(ids)
    fractions = [_hash_fraction(seed, photo_id) for photo_id in ids]
    splits = ["val" if x < val_fraction else "test" if x >= 1 - test_fraction else "train" for x in fractions]
    ranked = sorted(range(len(ids)), key=lambda index: (fractions[index], str(ids[index])))
    if val_fraction and "val" not in splits:
        splits[ranked[0]] = "val"
    if test_fraction and "test" not in splits:
        splits[ranked[-1]] = "test"
    if "train" not in splits:
        splits[ranked[len(ranked) // 2]] = "train"
    return splits


def _hash_fraction(seed: int, photo_id: int | str) -> float:
    """Return a number in [0, 1), uniform over ids."""
    digest = hashlib.sha256(f"{seed}\0{photo_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
