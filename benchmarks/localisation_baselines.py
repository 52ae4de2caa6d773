"""What phrase localisation scores without looking at the photos: the least that a model must beat.

The middle of the photo, the whole photo, and the one box that is right most often on the training photos, scored on
another split. Prints one JSON line.

    .venv/bin/python benchmarks/localisation_baselines.py flickr30k_entities --captions flickr8k
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityPhoto
from seetell.metrics.localisation import (
    LocatedPhrases,
    centre_points,
    constant_boxes,
    fit_constant_box,
    localisation,
    whole_photos,
)


def located(photos: tuple[EntityPhoto, ...]) -> LocatedPhrases:
    """Collect the phrases of photos that have boxes."""
    rows = [(boxes, phrase.types, photo.size) for photo in photos for _, phrase, boxes in photo.located()]
    boxes, types, sizes = zip(*rows, strict=True)
    return LocatedPhrases(tuple(np.array(own) for own in boxes), types, np.array(sizes, np.float64))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entities", type=Path, help="folder with Annotations and Sentences, or their .tar.gz archives")
    parser.add_argument("--captions", type=Path, help="data set whose photos and splits count; that folder when absent")
    parser.add_argument("--split", default="val", help="split to score (default: %(default)s)")
    options = parser.parse_args()
    dataset = read_entities(options.entities, read(options.captions or options.entities))
    phrases = located(dataset.split(options.split))
    box = fit_constant_box(located(dataset.split("train")))
    centre, whole = centre_points(phrases), whole_photos(phrases)
    constant = constant_boxes(phrases, box)
    scores = {
        "whole photo, its middle": localisation(phrases, boxes=whole, points=centre),
        "constant box, its middle": localisation(
            phrases, boxes=constant, points=(constant[:, :2] + constant[:, 2:]) / 2
        ),
    }
    row = {
        "split": options.split,
        "photos": len(dataset.split(options.split)),
        "constant_box": box,
        **{name: found.to_dict() for name, found in scores.items()},
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
