"""How many of the first photos that a search lists show what was asked for: prints one JSON line.

Photos have captions in COCO's format; a photo counts as showing a query if one of its captions names all its content
words, or all object classes that it names. Captions leave things out, so that the precision is rather higher.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import numpy as np

import seetell
from seetell.data import read
from seetell.errors import UsageError
from seetell.language.object_names import objects_named
from seetell.language.phrases import FUNCTION_WORDS
from seetell.language.tokenizer import tokenize

QUERIES = (
    "giraffe",
    "pizza",
    "zebra",
    "laptop",
    "toilet",
    "surfboard",
    "kitchen",
    "a red bus",
    "a cat on a bed",
    "a train at the station",
    "a slice of pizza on a plate",
    "elephants",
    "stop sign",
    "a man riding a skateboard",
    "teddy bear",
    "broccoli",
    "a bathroom",
    "a plate of food",
    "a clock tower",
    "sheep",
    "keyboard",
)


def shows(captions: Sequence[str], query: str) -> bool:
    """Return whether captions of a photo name what a query asks for."""
    words = {_singular(word) for word in tokenize(query) if word not in FUNCTION_WORDS}
    objects = set(objects_named(tokenize(query)))
    for caption in captions:
        tokens = tokenize(caption)
        if words <= set(map(_singular, tokens)) or (objects and objects <= set(objects_named(tokens))):
            return True
    return False


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def main() -> None:
    """Embed the photos, search for each query and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="photos with captions, in any format that seetell reads")
    parser.add_argument("--photos", help="folder of the photos, if the data set does not say")
    parser.add_argument("--model", default="retrieval")
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    embedder = seetell.load(arguments.model, threads=arguments.threads)
    photos = read(arguments.data, photos=arguments.photos).photos
    vectors = np.stack(embedder.photo_vectors([str(photo.path) for photo in photos]))
    precision = {}
    for query in QUERIES:
        shown = np.array([shows(photo.captions, query) for photo in photos])
        try:
            scores = vectors @ embedder.sentence_vectors([query])[0]
        except UsageError:  # no word of it is known
            scores = np.zeros(len(photos))
        best = np.argsort(-scores, kind="stable")[: arguments.top]
        precision[query] = round(float(shown[best].sum() / max(1, min(arguments.top, shown.sum()))), 3)
    mean = round(float(np.mean(list(precision.values()))), 3)
    print(json.dumps({"model": embedder.name, "photos": len(photos), "top": arguments.top, "mean": mean, **precision}))


if __name__ == "__main__":
    main()
