"""Baselines of dense captioning on the same boxes.

- ``crops``: the bundled captioner captions each box, cut out of the photo;
- ``nearest``: each box gets the phrase of the most similar training region, by the captioner's features.

Prints one JSON line: dense mAP (``seetell.metrics.dense``) and seconds per photo in addition to finding the boxes.

    .venv/bin/python benchmarks/region_baselines.py flickr30k_entities --captions flickr8k --photos 200
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import seetell
from seetell.data.records import RegionPhoto
from seetell.data.regions import read_regions
from seetell.geometry.boxes import Box
from seetell.metrics.dense import dense_average_precision
from seetell.photos.opening import open_photo
from seetell.results import Region
from seetell.tasks.dense_captioning.predict import DenseCaptioner

BATCH = 16


def crop(photo: Image.Image, box: Box) -> Image.Image:
    """Cut out a box, at least one pixel wide and high."""
    left, top, right, bottom = (math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3]))
    return photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def features(captioner: seetell.Captioner, crops: Sequence[Image.Image]) -> np.ndarray:
    """Return the captioner's pooled features of crops, ``(N, D)``."""
    prepare = captioner.bundle.preprocessing
    pooled = [
        captioner.encode(np.stack([prepare(each) for each in crops[start : start + BATCH]]))["pooled"]
        for start in range(0, len(crops), BATCH)
    ]
    return np.concatenate(pooled)


def regions_of(photos: Sequence[RegionPhoto], most: int) -> tuple[list[Image.Image], list[str]]:
    """Cut out at most ``most`` regions, spread over all photos, and return them with a phrase of each."""
    regions = [(photo.path, region) for photo in photos for region in photo.regions]
    chosen = regions[:: max(1, len(regions) // most)][:most]
    return [crop(open_photo(path), region.box) for path, region in chosen], [region.phrases[0] for _, region in chosen]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regions", type=Path, help="data set of region captions")
    parser.add_argument("--captions", type=Path, help="data set of captions whose photos and splits to use")
    parser.add_argument("--model", default="regions", help="bundled model or model folder that finds the boxes")
    parser.add_argument("--captioner", default="caption", help="bundled captioner or its folder")
    parser.add_argument("--split", default="val", help="split to score (default: %(default)s)")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--training-regions", type=int, default=10000, help="number of training regions to search")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    dataset = read_regions(options.regions, captions=options.captions)
    photos = dataset.split(options.split)[: options.photos]
    model: DenseCaptioner = seetell.load(options.model, threads=options.threads)
    rules = model.localiser.rules
    by_objectness = DenseCaptioner(model.bundle, threads=options.threads)
    by_objectness.localiser.rules, by_objectness.confidence = replace(rules, caption_confidence_weight=0.0), None
    captioner = seetell.load(options.captioner, threads=options.threads)
    cut, phrases = regions_of(dataset.split("train"), options.training_regions)
    known = features(captioner, cut)
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-6
    known = (known - mean) / deviation
    known /= np.linalg.norm(known, axis=1, keepdims=True)

    seconds = dict.fromkeys(("densecap", "crops", "nearest"), 0.0)
    found: dict[str, dict[object, list[Region]]] = {name: {} for name in seconds}
    for photo in photos:
        began = time.perf_counter()
        found["densecap"][photo.id] = list(model.predict(photo.path, top=rules.max_detections, threshold=0.0))
        seconds["densecap"] += time.perf_counter() - began
        boxes = by_objectness.predict(photo.path, top=rules.max_detections, threshold=0.0)
        began = time.perf_counter()
        crops = [crop(open_photo(photo.path), region.box) for region in boxes]
        captions = list(captioner.caption_many(crops, method="greedy"))
        seconds["crops"] += time.perf_counter() - began
        found["crops"][photo.id] = [
            Region(
                caption.text,
                region.box,
                region.score * math.exp(rules.caption_confidence_weight * caption.logprob / (len(caption.words) + 1)),
            )
            for region, caption in zip(boxes, captions, strict=True)
        ]
        began = time.perf_counter()
        vectors = (features(captioner, crops) - mean) / deviation
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        alike = vectors @ known.T
        seconds["nearest"] += time.perf_counter() - began
        found["nearest"][photo.id] = [
            Region(phrases[row.argmax()], region.box, region.score) for region, row in zip(boxes, alike, strict=True)
        ]
    truth = {photo.id: photo.regions for photo in photos}
    report = {}
    for name, regions in found.items():
        scores = dense_average_precision(truth, regions)
        report[name] = {
            "mAP": scores.mean_ap,
            "detection_mAP": scores.detection_ap,
            "seconds_per_photo": seconds[name] / len(photos),
        }
    print(json.dumps({"split": options.split, "photos": len(photos), "training_regions": len(phrases), **report}))


if __name__ == "__main__":
    main()
