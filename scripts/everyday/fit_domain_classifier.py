"""Fit what tells photos like Flickr8k's from others, and let more be named of them.

    python scripts/everyday/fit_domain_classifier.py everyday-transformer --data DATA --write

Finds words in the photos of Flickr8k's training set and in COCO's with one caption or none, which takes some minutes,
fits a logistic regression in which both domains count the same, prints how well it tells the dev photos of both apart,
and with ``--write`` puts it into the bundle, with how far it moves the presence of object classes; see
:mod:`seetell.tasks.captioning.domain`. Then other sentences are told: measure confidence and re-ranking again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from dev_photos import dev_photos
from fit_confidence import BATCH, auc
from pack import coco_sets, flickr_sets

import seetell
from seetell.logistic import fit_logistic
from seetell.runtime.bundle import read_description
from seetell.tasks.captioning.domain import DomainConfig
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.card import write_description
from seetell.tasks.loading import find_model

DECAY = 300.0
"""Of the coefficients, in standard deviations, of all photos together."""

SHARPNESS = 3.0
"""What the logits are multiplied by, so that few photos are treated as neither."""

IN_DOMAIN, OUT_OF_DOMAIN, CERTAIN = 4.5, -2.5, 0.0
"""How far the presence of all classes moves, and above what it is not lowered."""

LEAST_DEVIATION = 0.01
"""Of a word's probability, so that words that are hardly ever found have no great coefficients."""


def words_in(captioner: BundleCaptioner, photos: Sequence[Path]) -> np.ndarray:
    """Return the probabilities of the detected words in photos, ``(N, W)``."""
    found = []
    for first in range(0, len(photos), BATCH):
        prepared = [captioner.prepare(photo) for photo in photos[first : first + BATCH]]
        found.append(captioner.features(prepared)["words"])
    return np.concatenate(found)


def fit(in_domain: np.ndarray, out_of_domain: np.ndarray, words: Sequence[str]) -> DomainConfig:
    """Fit the classifier.

    Args:
        in_domain: probabilities of the words in photos of the domain, ``(N, W)``.
        out_of_domain: in others, ``(M, W)``.
        words: the ``W`` words.
    """
    inputs = np.concatenate([in_domain, out_of_domain]).astype(np.float64)
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + LEAST_DEVIATION
    standardised = np.column_stack([(inputs - mean) / deviation, np.ones(len(inputs))])
    shares = [np.full(len(rows), len(inputs) / 2 / len(rows)) for rows in (in_domain, out_of_domain)]
    true = np.repeat([1.0, 0.0], [len(in_domain), len(out_of_domain)])
    decay = np.append(np.full(len(words), DECAY), 0.0)
    *coefficients, bias = SHARPNESS * fit_logistic(standardised, true, np.concatenate(shares), decay)
    raw = np.round(coefficients / deviation, 3)
    moved = round(float(bias - mean @ raw), 3)
    return DomainConfig(dict(zip(words, raw.tolist(), strict=True)), moved, IN_DOMAIN, OUT_OF_DOMAIN, CERTAIN)


def write(folder: Path, config: DomainConfig) -> None:
    """Put the classifier into a bundle."""
    content: dict[str, Any] = read_description(folder)
    content["settings"]["domain"] = asdict(config)
    write_description(folder, content)


def main() -> None:
    """Find words, fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="a bundled model's name or a folder")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--write", action="store_true", help="put the classifier into the bundle")
    given = parser.parse_args()
    folder = find_model(given.bundle)
    captioner = seetell.load(str(folder), threads=1)
    coco, _ = coco_sets(given.data / "coco", {})
    sets = [flickr_sets(given.data / "flickr8k")["flickr_train"], coco["coco_train"] + coco["coco_unlabelled"]]
    config = fit(*(words_in(captioner, [path for path, *_ in each]) for each in sets), captioner.tagger.words)
    coefficients = np.array([*config.words.values()])
    dev = dev_photos(given.data)
    logits = words_in(captioner, [photo.path for photo in dev]) @ coefficients + config.bias
    print(f"AUC on the dev photos {auc(logits, np.array([not photo.everyday for photo in dev])):.3f}")
    ordered = sorted(config.words, key=config.words.__getitem__)
    print("out of domain:", *ordered[:20], "\nin domain:", *ordered[:-21:-1])
    if given.write:
        write(folder, config)


if __name__ == "__main__":
    main()
