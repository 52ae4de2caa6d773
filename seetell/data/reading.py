"""Read captioned photos in any known format, detected from the content of the files."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from seetell.data.records import CaptionDataset
from seetell.data.source import Source
from seetell.errors import DataError, unknown

FORMATS = {
    "flickr": "seetell.data.flickr",
    "karpathy": "seetell.data.karpathy",
    "coco": "seetell.data.coco",
    "neuraltalk2": "seetell.data.neuraltalk2",
    "table": "seetell.data.table",
    "entities": "seetell.data.entities",
    "visual-genome": "seetell.data.visual_genome",
    "snippets": "seetell.data.snippets",
}


class _Reader(Protocol):
    def read(self, source: Source) -> CaptionDataset: ...


def read(
    path: str | Path,
    *,
    format: str | None = None,
    photos: str | Path | None = None,
    split: str | None = None,
    split_seed: int = 0,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
    require_photos: bool = True,
    keep_wordless: bool = False,
) -> CaptionDataset:
    """Read a data set of captioned photos.

    Args:
        path: its folder or file.
        format: ``flickr``, ``karpathy``, ``coco``, ``neuraltalk2``, ``table``, ``entities``, ``visual-genome`` or
            ``snippets``; detected from the content by default.
        photos: the folder of the photos; searched for around ``path`` by default.
        split: the split of photos without a stated split, instead of assigning one.
        split_seed: seed of the assignment if the data states no split.
        val_fraction: fraction of the photos that is then assigned to ``val``.
        test_fraction: fraction of the photos that is then assigned to ``test``.
        require_photos: skip photos whose file is missing; ``False`` reads only the captions, as references
            to score against.
        keep_wordless: keep captions that are empty or punctuation only; coco-caption counts such references.

    Returns:
        The usable photos, and every problem found. Whether each photo opens is not checked here: see
        ``seetell.data.check``.

    Raises:
        DataError: the path, an option or the format is wrong, or no usable photo is left.
    """
    if format is not None and format not in FORMATS:
        raise DataError(unknown("data format", format, FORMATS))
    source = Source(
        path=Path(path),
        photos=None if photos is None else Path(photos),
        split=split,
        split_seed=split_seed,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        require_photos=require_photos,
        keep_wordless=keep_wordless,
    )
    try:
        if format is None:
            from seetell.data.detection import detect

            format, source = detect(source)
        return cast(_Reader, import_module(FORMATS[format])).read(source)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error
