"""Read region captions, photos with boxes and phrases for the boxes, in any known format."""

from __future__ import annotations

from pathlib import Path

from seetell.data import entities, visual_genome
from seetell.data.entity_regions import entity_regions
from seetell.data.reading import read
from seetell.data.records import CaptionDataset, check_split
from seetell.data.region_records import RegionDataset
from seetell.data.source import Source
from seetell.errors import DataError, unknown

FORMATS = ("entities", "visual-genome")


def read_regions(
    path: str | Path,
    *,
    format: str | None = None,
    photos: str | Path | None = None,
    captions: str | Path | CaptionDataset | None = None,
    split: str | None = None,
    split_seed: int = 0,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
    require_photos: bool = True,
) -> RegionDataset:
    """Read a data set of photos with described regions.

    Args:
        path: its folder, or Visual Genome's ``region_descriptions.json``.
        format: ``entities`` or ``visual-genome``; detected from the content by default.
        photos: the folder of the photos; searched for around ``path`` by default.
        captions: for Flickr30k Entities, a data set of captions whose photos and splits to use, such as Flickr8k's
            folder; ``path`` itself by default.
        split: the split of photos without a stated split, instead of assigning one.
        split_seed: seed of the assignment if the data states no split.
        val_fraction: fraction of the photos that is then assigned to ``val``.
        test_fraction: fraction of the photos that is then assigned to ``test``.
        require_photos: skip photos whose file is missing; ``False`` reads only boxes and phrases, in pixels of
            the stated size.

    Returns:
        The usable photos and regions, and every problem found.

    Raises:
        DataError: the path, an option or the format is wrong, or no usable photo is left.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise DataError(unknown("format of region captions", format, FORMATS))
    if split is not None:
        check_split(split)
    try:
        name = format or _detected(path)
        if name == "visual-genome" and captions is not None:
            raise DataError(f"captions: expected only with Flickr30k Entities, but {path} is Visual Genome's")
        source = Source(
            path=path,
            photos=None if photos is None or captions is not None else Path(photos),
            split=split,
            split_seed=split_seed,
            val_fraction=val_fraction,
            test_fraction=test_fraction,
            require_photos=require_photos,
        )
        if name == "visual-genome":
            return visual_genome.read_visual_genome(source)
        if isinstance(captions, (str, Path)):
            captions = read(
                captions,
                photos=photos,
                split=split,
                split_seed=split_seed,
                val_fraction=val_fraction,
                test_fraction=test_fraction,
                require_photos=require_photos,
            )
        return entity_regions(source.folder, captions or entities.read(source), require_photos=require_photos)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error


def _detected(path: Path) -> str:
    if path.is_dir() and entities.matches(path):
        return "entities"
    if visual_genome.matches(path):
        return "visual-genome"
    expected = (
        "Flickr30k Entities (a folder with Annotations and Sentences) or Visual Genome (region_descriptions.json)"
    )
    raise DataError(f"{path}: expected {expected}, but it is neither; give the intended folder or file")
