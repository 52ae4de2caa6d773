"""Names of splits, and a division into splits that stays as it is when photos are added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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


def assign_splits(
    ids: Sequence[int | str], *, seed: int = 0, val_fraction: float = 0.1, test_fraction: float = 0.1
) -> list[str]:
    """Divide photos into splits by a hash of the seed and each photo's id.

    A photo's split depends on nothing but its own id, so that adding photos moves no other photo. The one
    exception is a set so small that a wanted split would stay empty: it then takes the photo nearest to it.

    Args:
        ids: the photos, each once.
        seed: another seed gives another division.
        val_fraction: expected share of ``val``.
        test_fraction: expected share of ``test``.

    Returns:
        The split of each photo. With fewer than 10 photos all are ``train``.
    """
    if len(ids) < FEWEST_TO_DIVIDE:
        return ["train"] * len(ids)
    places = [_place(seed, photo_id) for photo_id in ids]
    splits = ["val" if place < val_fraction else "test" if place >= 1 - test_fraction else "train" for place in places]
    ranked = sorted(range(len(ids)), key=lambda index: (places[index], str(ids[index])))
    if val_fraction and "val" not in splits:
        splits[ranked[0]] = "val"
    if test_fraction and "test" not in splits:
        splits[ranked[-1]] = "test"
    if "train" not in splits:
        splits[ranked[len(ranked) // 2]] = "train"
    return splits


def _place(seed: int, photo_id: int | str) -> float:
    """Return a number from 0 to below 1, uniform over ids."""
    digest = hashlib.sha256(f"{seed}\0{photo_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
