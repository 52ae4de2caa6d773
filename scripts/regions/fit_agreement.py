"""Fit what a dense captioner's phrases may name and how likely its regions are right, on training photos.

    python scripts/regions/fit_agreement.py seetell/bundles/flickr8k-dense \
        --data $SEETELL_DATA/flickr30k_entities --captions $SEETELL_DATA/flickr8k

Two settings of the bundle are written. ``agreement``: the least evidence of each class is exceeded by 95% of the
annotated phrases that name the class, in their boxes; the fewer phrases name a class, the more it takes after all
classes. ``confidence``: logistic regressions of whether regions and detections are right, on other
training photos. ``--check`` prints a table of scores and shares of right regions on validation photos instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from seetell.data.records import RegionPhoto
from seetell.data.regions import read_regions
from seetell.geometry.boxes import iou
from seetell.language.object_names import objects_named
from seetell.language.tokenizer import tokenize
from seetell.logistic import fit_logistic, sigmoid
from seetell.metrics.meteor import Meteor
from seetell.runtime.bundle import Bundle, read_description
from seetell.tasks.card import write_description
from seetell.tasks.dense_captioning.confidence import RIGHT_IOU, RIGHT_METEOR, logit, region_evidence
from seetell.tasks.dense_captioning.predict import DenseCaptioner

MISSED = 0.05
"""Share of the true mentions of a class that are given up."""

PRIOR_MENTIONS = 30
LEAST, MOST = 0.15, 0.4
TOLD_FROM = 0.1
"""Default threshold of the score."""

WEIGHT_DECAY = 1e-3
BATCH = 8
EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0)


def batches(photos: Sequence[RegionPhoto]) -> Iterator[Sequence[RegionPhoto]]:
    """Cut a list of photos into batches."""
    for first in range(0, len(photos), BATCH):
        yield photos[first : first + BATCH]


def spread(photos: Sequence[RegionPhoto], count: int) -> list[RegionPhoto]:
    """Return photos evenly spread over a list."""
    return [photos[place] for place in np.linspace(0, len(photos) - 1, min(count, len(photos))).astype(int)]


def least_evidence(model: DenseCaptioner, photos: Sequence[RegionPhoto]) -> list[float]:
    """Return the evidence that 95% of the true mentions of each class have; see this file's beginning."""
    agreement = model.agreement
    assert agreement is not None
    mentions: list[list[float]] = [[] for _ in agreement.objects]
    for batch in batches(photos):
        found = model.detect([model.prepare(photo.path) for photo in batch])
        assert found is not None
        for photo, each in zip(batch, found, strict=True):
            boxes = np.array([region.box for region in photo.regions]).reshape(-1, 4) / np.tile(photo.size, 2)
            for region, evidence in zip(photo.regions, agreement.evidence(boxes, each), strict=True):
                for phrase in region.phrases:
                    for name in objects_named(tokenize(phrase)):
                        number = agreement.objects.index(name)
                        mentions[number].append(float(evidence[number]))
    everything = float(np.quantile(np.concatenate([np.array(each) for each in mentions]), MISSED))
    fitted = []
    for values in mentions:
        own = float(np.quantile(values, MISSED)) if values else everything
        share = len(values) / (len(values) + PRIOR_MENTIONS)
        fitted.append(round(float(np.clip(share * own + (1 - share) * everything, LEAST, MOST)), 4))
    return fitted


def judged(
    model: DenseCaptioner, photos: Sequence[RegionPhoto], meteor: Meteor
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what is known of regions ``(N, 3)``, whether they are right ``(N,)``, and the same of detections."""
    agreement = model.agreement
    assert agreement is not None
    evidence: list[np.ndarray] = []
    scores: list[float] = []
    boxes: list[tuple[RegionPhoto, str, np.ndarray]] = []
    detected: list[tuple[RegionPhoto, str, np.ndarray]] = []
    for batch in batches(photos):
        for photo, (candidates, found) in zip(
            batch, model.candidates([model.prepare(photo.path) for photo in batch]), strict=True
        ):
            assert found is not None
            evidence += [
                np.array([each.objectness, each.hypothesis.mean_logprob, each.likeness]) for each in candidates
            ]
            boxes += [(photo, each.text, each.box) for each in candidates]
            for label, score, box in zip(*found, strict=True):
                if score >= 0.3:
                    scores.append(float(score))
                    detected.append((photo, agreement.phrase(int(label)), box))
    known = np.array(evidence)
    return region_evidence(*known.T), right(boxes, meteor), logit(np.array(scores))[:, None], right(detected, meteor)


def right(described: Sequence[tuple[RegionPhoto, str, np.ndarray]], meteor: Meteor) -> np.ndarray:
    """Return whether each box of a photo, with its phrase, is that of an annotated region, ``(N,)`` bool."""
    places, references, candidates = [], [], []
    for place, (photo, text, box) in enumerate(described):
        truth = np.array([region.box for region in photo.regions]).reshape(-1, 4) / np.tile(photo.size, 2)
        near = np.flatnonzero(iou(box, truth) >= RIGHT_IOU)
        if len(near):
            places.append(place)
            candidates.append(tokenize(text))
            references.append([tokenize(phrase) for one in near for phrase in photo.regions[one].phrases])
    result = np.zeros(len(described), np.bool_)
    if places:
        result[places] = np.array(meteor.score(references, candidates).per_photo) > RIGHT_METEOR
    return result


def logistic(inputs: np.ndarray, truth: np.ndarray) -> list[float]:
    """Return the coefficients of a logistic regression, the constant last."""
    design = np.column_stack([inputs, np.ones(len(inputs))])
    found = fit_logistic(design, truth, np.ones(len(truth)), np.full(design.shape[1], WEIGHT_DECAY))
    return [round(float(weight), 5) for weight in found]


def fit(folder: Path, photos: Sequence[RegionPhoto], *, mentions: int, regions: int) -> dict[str, Any]:
    """Fit both settings and write them into the bundle; return them."""
    description = read_description(folder)
    settings = description["settings"]
    model = DenseCaptioner(Bundle.load(folder))
    settings["agreement"] = {"least_evidence": least_evidence(model, spread(photos, mentions))}
    write_description(folder, description)
    known, correct, scores, found = judged(DenseCaptioner(Bundle.load(folder)), spread(photos, regions), Meteor())
    objectness, logprob, likeness, bias = logistic(known, correct)
    detection, detection_bias = logistic(scores, found)
    settings["confidence"] = {
        "bias": bias,
        "objectness": objectness,
        "logprob": logprob,
        "likeness": likeness,
        "detection": detection,
        "detection_bias": detection_bias,
        "threshold": TOLD_FROM,
    }
    write_description(folder, description)
    return {name: settings[name] for name in ("agreement", "confidence")}


def check(folder: Path, photos: Sequence[RegionPhoto]) -> None:
    """Print the share of right regions by score."""
    model = DenseCaptioner(Bundle.load(folder))
    assert model.confidence is not None
    known, correct, scores, found = judged(model, photos, Meteor())
    rules = model.confidence
    regions = sigmoid(rules.bias + known @ np.array([rules.objectness, rules.logprob, rules.likeness]))
    detections = sigmoid(rules.detection_bias + rules.detection * scores[:, 0])
    for name, likely, truth in (("regions", regions, correct), ("detections", detections, found)):
        print(f"{name}: {len(truth):,}, {100 * truth.mean():.1f}% right")
        for low, high in pairwise(EDGES):
            there = (likely >= low) & (likely < high)
            if there.any():
                means = f"{likely[there].mean():.3f}  {truth[there].mean():.3f}"
                print(f"  {low:.1f} to {high:.1f}  {there.sum():6,}  {means}")


def main() -> None:
    """Read the command line and fit, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True, help="folder of Flickr30k Entities")
    parser.add_argument("--captions", type=Path, required=True, help="folder of Flickr8k")
    parser.add_argument("--mentions", type=int, default=2000, help="training photos whose phrases are looked at")
    parser.add_argument("--regions", type=int, default=600, help="training photos whose regions are judged")
    parser.add_argument("--check", type=int, help="look at the first so many validation photos instead")
    arguments = parser.parse_args()
    dataset = read_regions(arguments.data, captions=arguments.captions)
    if arguments.check:
        check(arguments.bundle, dataset.split("val")[: arguments.check])
        return
    fitted = fit(arguments.bundle, dataset.split("train"), mentions=arguments.mentions, regions=arguments.regions)
    print(fitted["confidence"])


if __name__ == "__main__":
    main()
