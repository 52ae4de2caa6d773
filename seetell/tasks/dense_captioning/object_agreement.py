"""Whether a region's phrase agrees with what an object detector found.

A phrase names object classes ("a man on a bike": person and bicycle). Each must be likely to be in the region's box,
and where a confident detection covers the box, the phrase must name its class, one that is about as likely there, or
something that rightly fills the same box, such as the jacket of a person. Letters: ``N`` regions, ``K`` detections of
an image, ``O`` object classes, ``V`` words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from seetell.geometry.boxes import intersection_over_smaller, iou, nms
from seetell.language.object_names import object_phrases, objects_named, with_article
from seetell.language.vocabulary import Vocabulary
from seetell.runtime.tags import Detections

DETECTED_SCORE = 0.05
"""Least score of a detection that is evidence."""

CONFIDENT = 0.5
"""Least score of a confident detection."""

COVERS_IOU = 0.5
"""IoU with a box from which on a detection covers it, and is told by its region."""

RIVALS = 0.75
"""A phrase may name other classes than that of a confident detection that covers its box if one of them has a
detection whose product of score and IoU is at least this share of that detection's."""

_WITHIN = {
    "person": """
        apron armour bandana beanie belt bikini blazer blouse bodysuit boots camouflage cap cape cardigan clothes
        clothing coat coats collar costume costumes denim dress dresses equipment face flag fleece fur gear glasses
        goggles gown hair harness hat hats headscarf helmet helmets hijab hood hoodie instruments jacket jackets jean
        jeans jersey jerseys kimono leotard mask outfit outfits overalls pajamas pants parka polo poncho robe robes
        scarf shawl shirt shirts shorts skirt sleeveless snowsuit suit suits sunglasses swimsuit sweater sweaters
        sweatshirt swimming t-shirt tank tee tights towel trousers trunks tunic turban tuxedo tuxedos underwear uniform
        uniforms veil vest vests wetsuit
        arm arms back chest hand hands head leg legs mouth nose shoulder shoulders stomach torso""",
    "bicycle": "vehicle",
    "car": "ambulance vehicle",
    "motorcycle": "atv quad vehicle wheeler",
    "bus": "ambulance rv trailer vehicle",
    "train": "vehicle",
    "truck": "ambulance trailer vehicle wagon",
    "boat": "raft sail sails",
    "bench": "bleachers seat",
    "bird": "animal crane head wings",
    "cat": "animal face fur head",
    "dog": "animal face fur head shepherd",
    "horse": "animal deer head",
    "sheep": "animal animals goat goats",
    "cow": "animal animals goat",
    "elephant": "animal",
    "bear": "animal fur head",
    "zebra": "animal",
    "giraffe": "animal neck head",
    "frisbee": "disk toy",
    "sports ball": "baseball",
    "kite": "balloon parachute sail",
    "snowboard": "board",
    "skateboard": "board",
    "surfboard": "board",
    "bowl": "dish food fruit meal noodles plate rice salad soup",
    "cake": "dessert food",
    "sandwich": "bread food",
    "pizza": "food plate",
    "couch": "blanket cushion cushions pillow pillows seat",
    "bed": "blanket blankets mattress pillow pillows sheet sheets",
    "chair": "seat",
    "dining table": "counter dinner food meal plate plates tablecloth",
    "potted plant": "bush flower flowers leaves tree",
    "vase": "bouquet flower flowers",
    "tv": "screen",
    "laptop": "screen",
    "teddy bear": "animal doll toy",
}
"""What fills the box of an object of a class without naming it: other names of it, its content, what is worn, parts."""


class Doubts(NamedTuple):
    """What the phrases of ``N`` boxes may not name.

    Attributes:
        absent: the classes that are unlikely to be there, ``(N, O)`` bool.
        unlikely: those and the classes that a phrase may only name beside others, since a detection of another class
            covers the box, ``(N, O)`` bool.
        covered: the class of the confident detection that covers each box best, ``(N,)``; -1 without one.
    """

    absent: np.ndarray
    unlikely: np.ndarray
    covered: np.ndarray


class ObjectAgreement:
    """What the words of phrases say about objects.

    Attributes:
        objects: names of the classes.
        named: returns the classes that a phrase names, given its tokens.

    Args:
        objects: names of the detector's classes, which are COCO's.
        vocabulary: of the phrases.
        least: ``(O,)``, the least evidence at which a phrase may name each class; see :meth:`evidence`.
    """

    def __init__(self, objects: Sequence[str], vocabulary: Vocabulary, least: np.ndarray) -> None:
        self._numbers = {name: number for number, name in enumerate(objects)}
        self.objects, self._words, self._least = tuple(objects), vocabulary.words, least
        self._naming = np.zeros((len(objects), len(vocabulary)), np.bool_)
        for phrase, name in object_phrases().items():
            if len(phrase) == 1 and name in self._numbers and phrase[0] in vocabulary.words:
                self._naming[self._numbers[name], vocabulary.words.index(phrase[0])] = True
        self._within = [frozenset(_WITHIN.get(name, "").split()) for name in objects]
        self.named = lru_cache(maxsize=20_000)(self._named)

    def _named(self, tokens: tuple[int, ...]) -> frozenset[int]:
        """Return the classes that a phrase names."""
        names = objects_named([self._words[token] for token in tokens])
        return frozenset(self._numbers[name] for name in names if name in self._numbers)

    def evidence(self, boxes: np.ndarray, found: Detections) -> np.ndarray:
        """Return how likely each class is in each box, ``(N, O)`` from 0 to 1.

        It is the greatest product of a detection's score and the share of the smaller of the two boxes that lies in the
        other: a shirt is on the person around it, and a man in the group that he is part of.

        Args:
            boxes: ``(N, 4)`` xyxy normalised to [0, 1].
            found: in the image.
        """
        return self._most(intersection_over_smaller, boxes, found)

    def doubts(self, boxes: np.ndarray, found: Detections) -> Doubts:
        """Return what the phrases of boxes may not name; see :meth:`evidence` for the arguments."""
        absent = self.evidence(boxes, found) < self._least
        if not len(found.labels):
            return Doubts(absent, absent, np.full(len(boxes), -1))
        products = self._most(iou, boxes, found)
        overlaps = iou(boxes[:, None], found.boxes)
        covers = (overlaps >= COVERS_IOU) & (found.scores >= CONFIDENT)  # (N, K)
        covering = np.where(covers, overlaps * found.scores, 0.0)
        strongest = covering.max(axis=1)
        covered = np.where(strongest > 0, found.labels[covering.argmax(axis=1)], -1)
        return Doubts(absent, absent | (products < RIVALS * strongest[:, None]), covered)

    def allows(self, doubts: Doubts, row: int, tokens: tuple[int, ...]) -> bool:
        """Return whether the phrase of a box agrees with what was found there.

        Args:
            doubts: of the boxes.
            row: the box.
            tokens: the phrase.
        """
        classes = list(self.named(tokens))
        if classes:
            return not (doubts.absent[row, classes].any() or doubts.unlikely[row, classes].all())
        covered = doubts.covered[row]
        return covered < 0 or any(self._words[token] in self._within[covered] for token in tokens)

    def _most(self, overlap: Any, boxes: np.ndarray, found: Detections) -> np.ndarray:
        """Return for each box and class the greatest product of a detection's score and an overlap, ``(N, O)``."""
        most = np.zeros((len(boxes), len(self.objects)))
        labels, scores, detected = found
        if len(labels) and len(boxes):
            products = overlap(boxes[:, None], detected) * scores
            for label in np.unique(labels):
                most[:, label] = products[:, labels == label].max(axis=1)
        return most

    def words_naming(self, classes: np.ndarray) -> np.ndarray:
        """Return the words that name one of some classes, ``(N, V)`` bool for classes ``(N, O)`` bool."""
        words: np.ndarray = (classes.astype(np.float32) @ self._naming.astype(np.float32)) > 0
        return words

    def untold(self, found: Detections, boxes: np.ndarray) -> list[int]:
        """Return the confident detections of an image that no region tells, as their numbers.

        A region that a detection covers tells it, since its phrase agrees with what was found. Of two detections that
        cover each other the better one counts: a dog may look like a horse, too.

        Args:
            found: in the image.
            boxes: of the regions, ``(N, 4)`` xyxy normalised to [0, 1].
        """
        _, scores, detected = found
        confident = np.flatnonzero(scores >= CONFIDENT)
        apart = confident[
            nms(detected[confident], scores[confident], iou_threshold=COVERS_IOU, max_boxes=len(confident))
        ]
        untold: list[int] = apart[(iou(boxes[:, None], detected[apart]) < COVERS_IOU).all(axis=0)].tolist()
        return untold

    def phrase(self, label: int) -> str:
        """Return a phrase for an object of a class, such as ``a refrigerator``."""
        return with_article(self.objects[label])


def shares_place(box: np.ndarray, others: Sequence[np.ndarray]) -> bool:
    """Return whether a box ``(4,)`` is about that of another."""
    return bool(len(others)) and bool((iou(box, np.array(others)) >= COVERS_IOU).any())


def least_evidence(value: Mapping[str, Any], objects: Sequence[str]) -> np.ndarray:
    """Read the least evidence of each class, ``(O,)``, from the setting ``agreement`` of a bundle.

    Raises:
        TypeError: it is not a number for each class.
    """
    numbers = value["least_evidence"]
    if not isinstance(numbers, list) or not all(isinstance(each, (int, float)) for each in numbers):
        raise TypeError(f"least_evidence: expected numbers, got {numbers!r}")
    if len(numbers) != len(objects):
        raise TypeError(f"least_evidence: expected a number for each of {len(objects)} objects, got {len(numbers)}")
    return np.array(numbers, np.float64)
