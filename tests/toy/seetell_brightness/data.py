"""Images and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seetell.data.records import PhotoDataset, PhotoRecord, Problem
from seetell.errors import DataError, PhotoError
from seetell.photos import open_photo

LABELS = ("dark", "bright")


def read(folder: Path) -> PhotoDataset[PhotoRecord]:
    """Read a folder of PNG files, every third for validation; an image's label stands where others have captions.

    Raises:
        DataError: none of them opens.
    """
    photos, problems = [], []
    for number, path in enumerate(sorted(folder.glob("*.png"))):
        try:
            label = LABELS[int(np.asarray(open_photo(path)).mean() > 127)]
        except PhotoError as error:
            problems.append(Problem("unreadable-photo", path.name, f"{error}; skipped"))
            continue
        photos.append(PhotoRecord(path.name, path, (label,), "train" if number % 3 else "val"))
    if not photos:
        raise DataError(f"{folder}: expected a folder of PNG files, found none that opens")
    return PhotoDataset(folder.name, folder, tuple(photos), tuple(problems))
