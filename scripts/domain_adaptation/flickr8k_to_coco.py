"""Flickr8k and COCO as source and target of domain adaptation: the folders that ``flickr8k-to-coco-*.yaml`` read.

    python scripts/domain_adaptation/flickr8k_to_coco.py DATA OUT

``DATA`` holds ``flickr8k/`` and ``coco/`` (``photos/``, ``captions.json``, ``unlabelled/``). Photos are linked, not
copied. The photos with five captions are held out: nothing but ``everyday`` and ``everyday.json`` names them.

- ``classes/train|val/CLASS/``: Flickr8k's photos by the object class that most of their captions mention, and at least
  half. People count where nothing else is mentioned. Photos without one such class, and classes of fewer than three
  training photos, are left out.
- ``everyday/CLASS/``: the held-out photos in the same way; ``labelled/CLASS/``: those of the target with a caption.
- ``matched/``: as ``classes``, but of each class at most three training photos for each photo of ``labelled``, or three
  where it has none: the source in the proportions of the target, to find out what these matter. It takes labels.
- ``target/``: the photos of the target, those without captions and those with one; no labels are read with them.
- ``few.json``: the target's captions, for adapters; ``everyday.json``: those of the held-out photos.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.language.object_names import objects_named
from seetell.language.tokenizer import tokenize

FEWEST = 3
PER_TARGET_PHOTO = 3
PEOPLE = "person"


def main_object(captions: Sequence[str]) -> str | None:
    """Return the object class that most captions mention, and at least half; people only where there is no other."""
    counts = Counter(name for caption in captions for name in set(objects_named(tokenize(caption))))
    mentioned = {name: count for name, count in counts.items() if 2 * count >= len(captions)}
    things = {name: count for name, count in mentioned.items() if name != PEOPLE} or mentioned
    most = [name for name, count in things.items() if count == max(things.values())]
    return most[0] if len(most) == 1 else None


def matched(photos: Iterable[PhotoRecord], target: Counter[str | None]) -> Iterator[PhotoRecord]:
    """Yield photos as long as there are at most :data:`PER_TARGET_PHOTO` for each of the target of the same class."""
    counts: Counter[str | None] = Counter()
    for photo in photos:
        label = main_object(photo.captions)
        counts[label] += 1
        if counts[label] <= max(FEWEST, PER_TARGET_PHOTO * target[label]):
            yield photo


def link(photos: Iterable[Path], folder: Path) -> None:
    """Link photos in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        place = folder / photo.name
        if not place.is_symlink():
            place.symlink_to(photo.resolve())


def link_by_class(photos: Iterable[PhotoRecord], folder: Path, classes: set[str]) -> Counter[str]:
    """Link photos in folders of their classes; return how many each has."""
    counts: Counter[str] = Counter()
    for photo in photos:
        if (label := main_object(photo.captions)) in classes:
            link([photo.path], folder / label)
            counts[label] += 1
    return counts


def captions_file(photos: Sequence[PhotoRecord], path: Path) -> None:
    """Write captions in COCO's format."""
    images = [{"id": photo.id, "file_name": str(photo.path.resolve())} for photo in photos]
    annotations = [
        {"id": 10 * number + place, "image_id": photo.id, "caption": caption}
        for number, photo in enumerate(photos)
        for place, caption in enumerate(photo.captions)
    ]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))


def main(data: Path, out: Path) -> None:
    """Make the folders."""
    flickr, coco = read(data / "flickr8k"), read(data / "coco" / "captions.json", photos=data / "coco" / "photos")
    everyday = [photo for photo in coco.photos if len(photo.captions) >= 5]
    few = [photo for photo in coco.photos if len(photo.captions) < 5]
    counts = Counter(main_object(photo.captions) for photo in flickr.split("train"))
    classes = {name for name, count in counts.items() if name and count >= FEWEST}
    for folder, photos in {
        "classes/train": flickr.split("train"),
        "classes/val": flickr.split("val"),
        "everyday": everyday,
        "labelled": few,
        "matched/train": matched(flickr.split("train"), Counter(main_object(photo.captions) for photo in few)),
        "matched/val": flickr.split("val"),
    }.items():
        print(folder, dict(link_by_class(photos, out / folder, classes).most_common()))
    link([*sorted((data / "coco" / "unlabelled").iterdir()), *(photo.path for photo in few)], out / "target")
    captions_file(few, out / "few.json")
    captions_file(everyday, out / "everyday.json")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
