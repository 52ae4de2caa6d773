"""How many keywords of everyday photos are right: prints one JSON line.

    python benchmarks/keyword_precision.py $SEETELL_DATA/coco $SEETELL_DATA/coco128/object_detection

Keywords are told of the photos of the first data set that have five captions and, in the second, boxes. One is right if
its class of COCO's 80 has a box, or a caption names it, in any form or by a synonym that means the same class; a thing
that is there and that nobody mentions counts as wrong. Beside them stand the nouns of the captioner's sentences, which
nothing confirms. Shares are in per cent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from boxed_photos import arguments as photo_arguments
from boxed_photos import boxed_photos

import seetell
from seetell.data import read
from seetell.language.tokenizer import tokenize
from seetell.tasks.captioning.keywords import keyword_of, keywords, spoken

WRONG = 12
"""Wrong keywords that are named at most."""


def right(references: Iterable[str], classes: Iterable[str]) -> set[str]:
    """Return the keywords that are right for a photo with these captions and the boxes of these classes."""
    known = {spoken(name) for name in classes}
    for reference in map(tokenize, references):
        known |= {*keywords(reference), *map(keyword_of, reference)}
    return known


def precision(told: Sequence[Sequence[str]], known: Sequence[set[str]]) -> dict[str, Any]:
    """Return how many keywords there are, the share of them that is right, and which are wrong most often."""
    wrong = Counter(keyword for own, truth in zip(told, known, strict=True) for keyword in own if keyword not in truth)
    count = sum(map(len, told))
    return {
        "precision": round(100 * (1 - wrong.total() / max(1, count)), 1),
        "a_photo": round(count / len(told), 2),
        "photos_without": sum(not own for own in told),
        "wrong": dict(wrong.most_common(WRONG)),
    }


def main() -> None:
    """Tell keywords of the photos and print the figures."""
    parser = photo_arguments(__doc__)
    arguments = parser.parse_args()
    found = boxed_photos(arguments.boxed)
    photos = [
        photo for photo in read(arguments.captioned).photos if len(photo.captions) >= 5 and int(photo.id) in found
    ]
    boxed = [found[int(photo.id)] for photo in photos]
    known = [right(photo.captions, other.classes) for photo, other in zip(photos, boxed, strict=True)]
    captioner = seetell.load(arguments.captioner)
    told = list(captioner.caption_many([photo.path for photo in boxed], keywords=True, any_picture=True))
    report = {
        "photos": len(photos),
        "keywords": precision([caption.keywords for caption in told], known),
        "nouns": precision([keywords(tokenize(caption.text)) for caption in told], known),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
