"""The boxes of selective search for a run's photos, computed once and kept in a file."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.geometry.boxes import Boxes
from seetell.photos import Preprocessing, open_photo
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, selective_search

SAVED_EVERY = 200
"""Photos after which the file is written, so that a stopped run loses few."""


def given_proposals(
    folder: str | Path,
    photos: Sequence[Path],
    config: SelectiveSearchConfig,
    preprocessing: Preprocessing,
    *,
    progress: Callable[[int, int], None],
) -> list[Boxes]:
    """Return the boxes of photos that can be opened, each ``(N, 4)`` float32 in pixels of the encoder's input.

    Args:
        folder: of the file, beside those of the feature caches.
        photos: the files.
        config: how boxes are proposed.
        preprocessing: of the encoder.
        progress: called with the numbers of photos done and to do.
    """
    every = replace(config, most=sys.maxsize)  # kept, so that a run that wants fewer need not search again
    key = json.dumps([every.to_dict(), preprocessing.to_dict()], sort_keys=True)
    file = Path(folder) / f"proposals-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    known = _read(file)
    names = [str(photo.resolve()) for photo in photos]
    missing = [place for place, name in enumerate(names) if name not in known]
    for done, place in enumerate(missing, 1):
        pixels = preprocessing.resize(open_photo(photos[place], at_least=(preprocessing.width, preprocessing.height)))
        known[names[place]] = selective_search(pixels, every).astype(np.float32)
        if done % SAVED_EVERY == 0 or done == len(missing):
            _write(file, known)
        progress(done, len(missing))
    return [known[name][: config.most] for name in names]


def _read(file: Path) -> dict[str, Boxes]:
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        parts = np.split(arrays["boxes"], np.cumsum(arrays["counts"])[:-1])
        return dict(zip(arrays["photos"].tolist(), parts, strict=True))


def _write(file: Path, known: dict[str, Boxes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as opened:
        np.savez(
            opened,
            photos=np.array(list(known)),
            counts=np.array([len(boxes) for boxes in known.values()]),
            boxes=np.concatenate(list(known.values())),
        )
