"""Keywords of a photo: what its sentence names and its tags confirm, and what the tags are sure of by themselves.

A keyword is lower case and in the singular. Classes of objects count by their calibrated probability, other things by
the probability of their word detector; see :mod:`seetell.tasks.captioning.confidence`. A sentence and a detector err in
different ways, so that less is asked of what both say. ``benchmarks/keyword_precision.py`` measures how many are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from seetell.language.object_names import object_mentions, plurals, singular
from seetell.language.tokenizer import tokenize
from seetell.results import Caption
from seetell.runtime.image_stream import BatchFn
from seetell.tasks.captioning.confidence import Calibration
from seetell.tasks.captioning.tag_reading import SPOKEN

Prepared = TypeVar("Prepared")

CONFIRMED_OBJECT, SURE_OBJECT = 0.6, 0.9
"""Least probability of an object class that the sentence names, and of one that it does not."""

CONFIRMED_WORD, SURE_WORD = 0.4, 0.8
"""Least probability of a word that the sentence has, and of one that it has not."""

_THINGS = """
airport, alley, balcony, ballroom, barn, basement, bathroom, bay, beach, bedroom, bridge, building, campfire, canyon,
castle, cathedral, cave, cemetery, church, city, classroom, cliff, coast, courtyard, crosswalk, desert, dock, downtown,
factory, farm, fence, field, fireplace, forest, fountain, garage, garden, gym, harbor, highway, hill, hospital, hotel,
house, iceberg, island, jungle, kitchen, laboratory, lake, landscape, library, lighthouse, market, meadow, monument,
mountain, museum, ocean, office, orchard, park, path, pier, platform, playground, pond, pool, porch, reef, restaurant,
river, road, runway, school, shore, sidewalk, skyline, skyscraper, stadium, stage, station, street, subway, sunrise,
sunset, temple, tower, trail, tunnel, valley, village, volcano, waterfall, yard, zoo;
cloud, fire, flower, fog, grass, ice, leaf, lightning, moon, mud, rain, rainbow, rock, sand, sky, snow, storm, tree,
water;
bread, breakfast, cheese, coffee, dessert, food, fruit, meal, meat, pasta, rice, salad, soup, tea, vegetable, wine;
butterfly, deer, dolphin, fish, fox, goat, insect, kangaroo, lion, lizard, monkey, pig, rabbit, shark, snake, squirrel,
tiger, turtle, whale;
baseball, basketball, climbing, concert, cricket, dancing, football, golf, hiking, hockey, parade, race, rugby,
sailing, skateboarding, skiing, snowboarding, soccer, surfing, swimming, tennis, volleyball, wedding;
bag, balloon, basket, blanket, box, camera, candle, carpet, cart, coat, costume, crane, curtain, desk, dress,
drum, flag, graffiti, guitar, hat, helmet, jacket, jeans, lamp, leash, mirror, newspaper, piano, plate, poster, rope,
shower, sign, statue, stove, suit, sunglasses, tent, toy, uniform, violin, wall, wheel, wheelchair, window
"""
"""Places, nature, food, other animals, activities and other things that are worth a keyword."""

_PEOPLE = """
baby, child, crowd, family, cyclist, skier, snowboarder, skateboarder, surfer, swimmer, diver, climber, hiker, runner,
dancer, gymnast, wrestler, batter, pitcher, umpire, referee, goalie, golfer, cheerleader, chef, vendor, farmer, sailor,
pilot, soldier, firefighter, clown, musician, guitarist, drummer, singer, photographer
"""
"""Words for people that are keywords beside "person". Those that guess sex, age in detail or kinship are not."""

_OTHER_FORMS = {
    "woods": "forest",
    "grassy": "grass",
    "snowy": "snow",
    "sandy": "sand",
    "rocky": "rock",
    "tub": "bathtub",
    "bathtub": "bathtub",
    "leaves": "leaf",
    "stairs": "stairs",
    "surf": "surfing",
    "kid": "child",
    "kids": "child",
    "toddler": "child",
    "toddlers": "child",
}
"""Keywords of words that say them otherwise than by an ending."""

_PAIRS = {
    "living room": "living room",
    "dining room": "dining room",
    "train station": "station",
    "swimming pool": "pool",
    "rock climbing": "climbing",
    "golf course": "golf",
    "ferris wheel": "ferris wheel",
    "ice cream": "ice cream",
    "sand castle": "sandcastle",
    "fire truck": "",
    "golf cart": "",
    "swimming trunks": "",
    "baseball cap": "",
    "baseball hat": "",
    "rain coat": "",
    "street light": "",
    "street lights": "",
    "tree house": "",
    "rock wall": "",
    "rock band": "",
    "tennis shoe": "",
    "tennis shoes": "",
    "license plate": "",
    "home plate": "",
    "steering wheel": "",
    "water ski": "",
    "water skis": "",
    "plate glass": "",
}
"""Keywords of two words that mean something else together; nothing where that is none."""


def keywords(
    tokens: Sequence[str],
    calibration: Calibration | None = None,
    presence: Mapping[str, float] | None = None,
    words: Mapping[str, float] | None = None,
) -> tuple[str, ...]:
    """Return the keywords of a photo, those of its sentence first, each once.

    Args:
        tokens: the words of the sentence, as ``tokenize`` returns them; there may be none.
        calibration: of the tags' probabilities; ``None`` where nothing confirms the sentence, whose nouns are the
            keywords then.
        presence: logit of each object class.
        words: probability of each word that is detected.
    """
    mentions = object_mentions(tokens)
    inside = {place for _, start, end in mentions for place in range(start, end)}
    named = {start: (name, singular(" ".join(tokens[start:end]))) for name, start, end in mentions}
    things = _things_in(tokens, inside)
    if calibration is None or presence is None or words is None:
        found = [each for place in range(len(tokens)) for each in _said(place, named, things)]
        return tuple(dict.fromkeys(found))

    objects = {name: calibration.object({"presence": value}) for name, value in presence.items()}
    likely: dict[str, float] = {}
    for word, probability in words.items():
        keyword = keyword_of(word)
        likely[keyword] = max(likely.get(keyword, 0.0), probability)
    said = set(things.values()) | {phrase for _, phrase in named.values()}
    confirmed = {spoken(name) for name, _ in named.values() if objects.get(name, 0.0) >= CONFIRMED_OBJECT}
    confirmed |= {keyword for keyword in said if likely.get(keyword, 0.0) >= CONFIRMED_WORD}
    found = [each for place in range(len(tokens)) for each in _said(place, named, things) if each in confirmed]
    sure = {spoken(name): value for name, value in objects.items() if value >= SURE_OBJECT}
    parts = {word for name in (*confirmed, *sure) if " " in name for word in name.split()}  # the sign of a stop sign
    sure |= {word: value for word, value in likely.items() if word and value >= SURE_WORD and word not in parts}
    return tuple(dict.fromkeys([*found, *sorted(sure, key=lambda keyword: -sure[keyword])]))


def nouns_as_keywords(caption: Caption) -> Caption:
    """Return a caption with the nouns of its sentence as keywords, where nothing confirms them."""
    return replace(caption, keywords=keywords(tokenize(caption.text)))


def with_nouns(batch_fn: BatchFn[Prepared, Any]) -> BatchFn[Prepared, Any]:
    """Return a function of batches that gives the same captions with :func:`nouns_as_keywords`."""

    def predict(batch: Sequence[Prepared], sample_ids: Sequence[int]) -> list[Any]:
        results = batch_fn(batch, sample_ids)
        return [nouns_as_keywords(result) if isinstance(result, Caption) else result for result in results]

    return predict


def spoken(name: str) -> str:
    """Return how an object class is called as a keyword."""
    return SPOKEN.get(name, name).lower()


def _said(place: int, named: Mapping[int, tuple[str, str]], things: Mapping[int, str]) -> list[str]:
    """Return what is named at a place of a sentence: a class and its word there, or another thing."""
    if place in things:
        return [things[place]]
    if place not in named:
        return []
    name, phrase = named[place]
    if name == "person":
        word = _OTHER_FORMS.get(phrase, phrase)
        return ["person", *([word] if word in _people() else [])]
    return [spoken(name), *([phrase] if phrase != name else [])]


def _things_in(tokens: Sequence[str], inside: set[int]) -> dict[int, str]:
    """Return the things that a sentence names besides object classes, by where they stand."""
    found, place = {}, 0
    while place < len(tokens):
        pair = " ".join(tokens[place : place + 2])
        width = 2 if pair in _PAIRS else 1
        keyword = _PAIRS[pair] if width == 2 else keyword_of(tokens[place])
        if keyword and place not in inside:
            found[place] = keyword
        place += width
    return found


def _listed(names: str) -> list[str]:
    return " ".join(names.split()).split(", ")


@cache
def _people() -> frozenset[str]:
    return frozenset(_listed(_PEOPLE))


@cache
def _thing_forms() -> dict[str, str]:
    names = _listed(_THINGS.replace(";", ","))
    return {form: name for name in names for form in (name, *plurals(name))} | _OTHER_FORMS


def keyword_of(word: str) -> str:
    """Return the keyword that a word stands for, other than a class; nothing where it stands for none."""
    forms = _thing_forms()
    if word in forms:
        return forms[word]
    return singular(word) if singular(word) in _people() else ""
