"""Fit the confidence of a captioner's sentences to what boxes and references say, and measure it.

    python scripts/everyday/fit_confidence.py everyday-transformer --data DATA --write

Captions the dev photos with the bundle itself: the COCO photos with five captions, those of val2017 at their larger
size and with boxes, and Flickr8k's dev photos. A sentence is true if the object classes it names have a box or are in a
reference, and its other things are supported by a reference. All figures are cross-fitted: the coefficients that rate a
photo were fitted on others. ``--write`` puts those fitted on all of them into the bundle's ``model.json``; ``--plot
FILE`` draws the reliability curve, and ``--rows FILE`` writes what the figures are made of.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from dev_photos import DevPhoto, dev_photos, false_things
from support import names_things, unsupported_things

import seetell
from seetell.language.object_names import objects_named
from seetell.language.tokenizer import tokenize
from seetell.logistic import fit_logistic
from seetell.results import Caption
from seetell.runtime.bundle import bundled_models
from seetell.tasks.captioning.confidence import Calibration, Evidence, Logistic, evidence, logit, things_named
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.captioning.tag_reading import SCENES
from seetell.tasks.captioning.withholding import Rater

FOLDS = 10
BINS = 10
EVERYDAY_WEIGHT = 10.0
"""How much a COCO photo counts beside one of Flickr8k, whose photos are more alike and more numerous."""

WEIGHT_DECAY = 0.002
LIKELY_WORD = 0.05
"""Words at least as probable on a photo count in how far a word's detector can be trusted."""

SHIFT_WEIGHT, SHIFT_DECAY = 4.0, 2.0
"""Of a COCO photo in fitting what is added to a word's logit, and of its square."""

LEVELS = (0.0, 0.3, 0.5, 0.7, 0.9)
BATCH = 16


@dataclass(frozen=True)
class Rated:
    """What the model says of a dev photo, and how true it is.

    Attributes:
        photo: the photo.
        caption: what the model says.
        presence: logit of each class.
        counts: how many of each class were detected.
        words: probability of each word.
    """

    photo: DevPhoto
    caption: Caption
    presence: dict[str, float]
    counts: dict[str, float]
    words: dict[str, float]


def rate(captioner: BundleCaptioner, photos: Sequence[DevPhoto]) -> list[Rated]:
    """Caption and tag photos."""
    assert captioner.tagger is not None
    objects, words = captioner.tagger.objects, captioner.tagger.words
    rated = []
    for first in range(0, len(photos), BATCH):
        batch = photos[first : first + BATCH]
        prepared = [captioner.prepare(photo.path) for photo in batch]
        captions = captioner.predict_prepared(prepared, any_picture=True)
        tags = captioner.features(prepared)
        for row, (photo, caption) in enumerate(zip(batch, captions, strict=True)):
            assert isinstance(caption, Caption)
            presence = dict(zip(objects, tags["presence"][row].tolist(), strict=True))
            counts = dict(zip(objects, tags["object_boxes"][row, :, 4].tolist(), strict=True))
            likely = dict(zip(words, tags["words"][row].tolist(), strict=True))
            rated.append(Rated(photo, caption, presence, counts, likely))
    return rated


def fit(rows: Sequence[dict[str, float]], true: Sequence[bool], weights: Sequence[float]) -> Logistic:
    """Fit a logistic regression, with weight decay on standardised features."""
    names = list(rows[0])
    features = np.array([[row[name] for name in names] for row in rows])
    target, weight = np.array(true, float), np.array(weights) / np.sum(weights)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    given = np.column_stack([(features - mean) / scale, np.ones(len(rows))])
    decay = np.r_[np.full(len(names), WEIGHT_DECAY), 1e-9]
    found = fit_logistic(given, target, weight, decay)
    slopes = found[:-1] / scale
    return Logistic(float(found[-1] - slopes @ mean), dict(zip(names, slopes.tolist(), strict=True)))


def word_shifts(rated: Sequence[Rated], things: frozenset[str]) -> dict[str, float]:
    """Return for each word that names a thing what to add to its detector's logit, so that all mean equally much.

    A word counts on every photo where it is likely, said or not: it is true if a reference supports it. One slope is
    fitted for all words, and an intercept for each.
    """
    found: dict[str, tuple[list[float], list[bool], list[float]]] = {word: ([], [], []) for word in sorted(things)}
    for item in rated:
        unsupported = _unsupported(item.photo, things)
        for word in things & item.words.keys():
            if item.words[word] >= LIKELY_WORD:
                logits, truths, weights = found[word]
                logits.append(logit(item.words[word]))
                truths.append(word not in unsupported)
                weights.append(SHIFT_WEIGHT if item.photo.everyday else 1.0)
    together = zip(*found.values(), strict=True)
    every_logit, every_truth, every_weight = (list(chain.from_iterable(part)) for part in together)
    pooled = fit([{"probability": value} for value in every_logit], every_truth, every_weight)
    slope = pooled.weights["probability"]
    shifts = {}
    for word, (logits, truths, weights) in found.items():
        expected = pooled.intercept + slope * np.array(logits)
        added = fit_logistic(
            np.ones((len(truths), 1)), np.array(truths), np.array(weights), np.array([SHIFT_DECAY]), offset=expected
        )
        shifts[word] = float(added[0]) / slope
    return shifts


@cache
def _unsupported(photo: DevPhoto, things: frozenset[str]) -> set[str]:
    return unsupported_things(things, photo.references)


def evidence_of(item: Rated, things: Mapping[str, float]) -> Evidence:
    """Return what the tags say of a photo's sentence."""
    mean = item.caption.mean_logprob
    return evidence([word.text for word in item.caption.words], mean, item.presence, item.words, things)


def calibrate(rated: Sequence[Rated], things: frozenset[str]) -> Calibration:
    """Fit all regressions on photos."""
    shifts = word_shifts(rated, things)
    parts: dict[str, tuple[list[dict[str, float]], list[bool], list[float]]] = {
        name: ([], [], []) for name in ("objects", "things", "object", "scene")
    }

    def add(name: str, features: dict[str, float], true: bool, photo: DevPhoto) -> None:
        rows, truths, weights = parts[name]
        rows.append(dict(features))
        truths.append(true)
        weights.append(EVERYDAY_WEIGHT if photo.everyday else 1.0)

    for item in rated:
        absent, unsupported = false_things(item.caption.text, item.photo, things)
        found = evidence_of(item, shifts)
        if found.objects is not None:
            add("objects", dict(found.objects), not absent, item.photo)
        if found.things is not None and things_named(tokenize(item.caption.text), things):
            add("things", dict(found.things), not unsupported, item.photo)
        scene = max((word for word in SCENES if word in item.words), key=item.words.__getitem__)
        supported = not unsupported_things([scene], item.photo.references)
        add("scene", {"probability": logit(item.words[scene])}, supported, item.photo)
        if item.photo.boxed is None:
            continue
        there = item.photo.boxed.union(*(objects_named(tokenize(said)) for said in item.photo.references))
        for name, value in item.presence.items():
            add("object", {"presence": value}, name in there, item.photo)
    return Calibration(words=shifts, **{name: fit(*part) for name, part in parts.items()})


def auc(scores: np.ndarray, true: np.ndarray) -> float:
    """Return the probability that a true one has a higher score than a false one."""
    difference = scores[true][:, None] - scores[~true][None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def main() -> None:
    """Fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="a bundled model's name or a folder")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="write the coefficients into the bundle's model.json")
    parser.add_argument("--plot", type=Path, help="draw the reliability curve there")
    parser.add_argument("--rows", type=Path, help="write every sentence with its confidence there, as JSON lines")
    given = parser.parse_args()

    captioner = seetell.load(given.bundle, threads=1)
    rated = rate(captioner, dev_photos(given.data))
    things = frozenset(filter(names_things, rated[0].words))

    folds = np.random.default_rng(0).integers(0, FOLDS, len(rated))
    crossed = [
        calibrate([item for item, fold in zip(rated, folds, strict=True) if fold != left_out], things)
        for left_out in range(FOLDS)
    ]
    own = [crossed[fold] for fold in folds]
    confidence = np.array(
        [
            calibration.confidence(evidence_of(item, calibration.words))
            for item, calibration in zip(rated, own, strict=True)
        ]
    )
    false = [false_things(item.caption.text, item.photo, things) for item in rated]
    classes_true = np.array([not absent for absent, _ in false])
    all_true = np.array([not (absent or unsupported) for absent, unsupported in false])
    everyday = np.array([item.photo.everyday for item in rated])
    boxed = np.array([item.photo.boxed is not None for item in rated])
    logprob = np.array([item.caption.mean_logprob for item in rated])

    for name, chosen in (("everyday", everyday), ("with boxes", boxed), ("Flickr8k", ~everyday)):
        print(f"{name}: {_summary(confidence[chosen], classes_true[chosen], all_true[chosen], logprob[chosen])}")
    for name, chosen in (("everyday", everyday), ("all", np.ones(len(rated), bool))):
        print(_reliability(name, confidence[chosen], all_true[chosen]))
    print(_levels(rated, own, everyday, things))
    if given.rows:
        given.rows.write_text("".join(json.dumps(row) + "\n" for row in _rows(rated, confidence, false)))
    if given.plot:
        draw(given.plot, confidence[everyday], all_true[everyday], confidence[~everyday], all_true[~everyday])
    if given.write:
        write(bundled_models().get(given.bundle, Path(given.bundle)) / "model.json", calibrate(rated, things))


def _summary(confidence: np.ndarray, classes: np.ndarray, everything: np.ndarray, logprob: np.ndarray) -> str:
    order = np.argsort(-confidence)
    half, most = order[: len(order) // 2], order[: int(0.8 * len(order))]
    return (
        f"{len(order)} photos, AUC {auc(confidence, everything):.3f} (of the mean log-probability "
        f"{auc(logprob, everything):.3f}), of classes alone {auc(confidence, classes):.3f}; false "
        f"{_share(everything):.1f}%, of the surest half {_share(everything[half]):.1f}%; CHAIRs {_share(classes):.1f}, "
        f"of the surest half {_share(classes[half]):.1f}, of 80% {_share(classes[most]):.1f}; "
        f"Brier score {np.mean((confidence - everything) ** 2):.3f}"
    )


def _share(true: np.ndarray) -> float:
    return 100 * float(np.mean(~true))


def bins(confidence: np.ndarray, true: np.ndarray) -> list[tuple[float, float, int]]:
    """Return mean confidence, share of true sentences and number of them in each bin of equal width."""
    numbers = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (float(confidence[numbers == bin].mean()), float(true[numbers == bin].mean()), int((numbers == bin).sum()))
        for bin in range(BINS)
        if (numbers == bin).any()
    ]


def _reliability(name: str, confidence: np.ndarray, true: np.ndarray) -> str:
    found = bins(confidence, true)
    error = sum(count * abs(mean - share) for mean, share, count in found) / len(true)
    lines = [f"| {mean:.2f} | {share:.2f} | {count} |" for mean, share, count in found]
    return "\n".join([f"{name}: expected calibration error {error:.3f}", "| confidence | true | sentences |", *lines])


def _levels(rated: Sequence[Rated], own: Sequence[Calibration], everyday: np.ndarray, things: frozenset[str]) -> str:
    """Return what is told of the everyday photos at several levels, and how much of it is false."""
    lines = ["| --min-confidence | sentence | tags | withheld | false, of those told | names an absent class |"]
    for level in LEVELS:
        kinds: Counter[str] = Counter()
        wrong = absent = 0
        for number in np.flatnonzero(everyday):
            item = rated[number]
            caption = _said(item, own[number], level)
            kinds["withheld" if caption.reason else caption.kind] += 1
            classes, unsupported = false_things(caption.text, item.photo, things)
            wrong += bool(classes or unsupported)
            absent += bool(classes)
        told, total = kinds["sentence"] + kinds["tags"], int(everyday.sum())
        shares = [f"{100 * kinds[kind] / total:.0f}%" for kind in ("sentence", "tags", "withheld")]
        lines.append(f"| {level:g} | {' | '.join(shares)} | {100 * wrong / told:.1f}% | {100 * absent / told:.1f}% |")
    return "\n".join(lines)


def _said(item: Rated, calibration: Calibration, level: float) -> Caption:
    objects, words = list(item.presence), list(item.words)
    boxes = np.zeros((1, len(objects), 5))
    boxes[0, :, 4] = list(item.counts.values())
    tags = {
        "presence": np.array([list(item.presence.values())]),
        "words": np.array([list(item.words.values())]),
        "object_boxes": boxes,
    }
    (caption,) = Rater(calibration, objects, words)([item.caption], tags, min_confidence=level)
    return caption


def _rows(
    rated: Sequence[Rated], confidence: np.ndarray, false: Sequence[tuple[set[str], set[str]]]
) -> list[dict[str, object]]:
    return [
        {
            "image": item.photo.path.name,
            "caption": item.caption.text,
            "confidence": round(float(sure), 4),
            "absent": sorted(absent),
            "unsupported": sorted(unsupported),
        }
        for item, sure, (absent, unsupported) in zip(rated, confidence, false, strict=True)
    ]


def draw(file: Path, *given: np.ndarray) -> None:
    """Draw how often sentences are true by their confidence, for everyday photos and for Flickr8k's."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4.6, 4.2), dpi=110)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    pairs = zip(
        ("everyday photos (COCO)", "Flickr8k dev"), given[::2], given[1::2], ("#b3402a", "#2a6bb3"), strict=True
    )
    for name, confidence, true, colour in pairs:
        means, shares, counts = zip(*bins(confidence, true), strict=True)
        axes.plot(means, shares, color=colour, label=name)
        axes.scatter(means, shares, s=[8 + 220 * count / len(true) for count in counts], color=colour)
    axes.set(xlabel="confidence", ylabel="share of true sentences", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    figure.savefig(file)


def write(description: Path, calibration: Calibration) -> None:
    """Put the coefficients into a bundle's description, and that the model is one of photos."""
    content = json.loads(description.read_text(encoding="utf-8"))
    rounded = json.loads(json.dumps(calibration.to_dict()), parse_float=lambda number: float(f"{float(number):.5g}"))
    content["settings"] |= {"confidence": rounded, "photos_only": True}
    description.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
