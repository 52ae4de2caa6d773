"""A shorter reading of an image, made from its tags alone: "a person and two dogs on a beach".

It says what is likeliest, and of up to three object classes and the scene as much as is nearly certain together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from seetell.language.object_names import UNCOUNTED, plurals, with_article
from seetell.tasks.captioning.confidence import Calibration, logit

MOST_OBJECTS = 3
NEARLY_CERTAIN = 0.8
"""Least probability of all that is said, if it is more than one thing."""

SPOKEN = {
    "dining table": "table",
    "potted plant": "plant",
    "sports ball": "ball",
    "tv": "TV",
    "remote": "remote control",
}
"""How classes are said whose names are not everyday words."""

SCENES = {
    "kitchen": "in a kitchen",
    "bathroom": "in a bathroom",
    "bedroom": "in a bedroom",
    "living": "in a living room",
    "restaurant": "in a restaurant",
    "store": "in a store",
    "market": "at a market",
    "street": "on a street",
    "road": "on a road",
    "sidewalk": "on a sidewalk",
    "beach": "on a beach",
    "field": "in a field",
    "grass": "on grass",
    "park": "in a park",
    "playground": "on a playground",
    "forest": "in a forest",
    "woods": "in the woods",
    "snow": "in the snow",
    "slope": "on a slope",
    "ocean": "in the ocean",
    "lake": "at a lake",
    "river": "at a river",
    "pool": "in a pool",
    "court": "on a court",
    "airport": "at an airport",
    "station": "at a station",
    "zoo": "in a zoo",
}
"""How scenes are said, by the words that are detected."""

_ONE_TO_THREE = ("", "", "two ", "several ")


class Reading(NamedTuple):
    """What the tags say.

    Attributes:
        text: such as "two dogs on a beach".
        confidence: probability that all of it is there.
    """

    text: str
    confidence: float


class _Tag(NamedTuple):
    probability: float
    text: str
    is_scene: bool


def tag_reading(
    calibration: Calibration,
    presence: Mapping[str, float],
    counts: Mapping[str, float],
    words: Mapping[str, float],
    *,
    min_confidence: float,
) -> Reading | None:
    """Say what is likely there.

    Args:
        calibration: of the tags' probabilities.
        presence: logit of each object class.
        counts: how many of each class were detected.
        words: probability of each word that is detected.
        min_confidence: least probability that all of it is there.

    Returns:
        As much as is likely enough; ``None`` if nothing is.
    """
    tags = _tags(calibration, presence, counts, words)
    confidence, said = 1.0, list[_Tag]()
    for tag in sorted(tags, reverse=True):
        if confidence * tag.probability < (max(min_confidence, NEARLY_CERTAIN) if said else min_confidence):
            break
        if sum(not other.is_scene for other in said) < MOST_OBJECTS or tag.is_scene:
            confidence *= tag.probability
            said.append(tag)
    if not said:
        return None
    objects = [tag.text for tag in said if not tag.is_scene]
    scene = next((tag.text for tag in said if tag.is_scene), "")
    if not objects:
        return Reading(scene.partition(" ")[2], confidence)  # without its preposition
    listed = objects[0] if len(objects) == 1 else f"{', '.join(objects[:-1])} and {objects[-1]}"
    return Reading(f"{listed} {scene}".rstrip(), confidence)


def _tags(
    calibration: Calibration, presence: Mapping[str, float], counts: Mapping[str, float], words: Mapping[str, float]
) -> list[_Tag]:
    """Return the classes with their probabilities, and the likeliest scene."""
    objects = [
        _Tag(calibration.object({"presence": value}), _counted(name, int(counts[name])), False)
        for name, value in presence.items()
    ]
    detected = [word for word in SCENES if word in words]
    if not detected:
        return objects
    scene = max(detected, key=words.__getitem__)
    probability = calibration.scene({"probability": logit(words[scene])})
    return [*objects, _Tag(probability, SCENES[scene], True)]


def _counted(name: str, count: int) -> str:
    """Return one, two or several of a class: "an elephant", "two people"."""
    spoken = SPOKEN.get(name, name)
    if count < 2:
        return with_article(spoken)
    if name in UNCOUNTED:
        return spoken
    return _ONE_TO_THREE[min(count, 3)] + plurals(spoken)[0]
