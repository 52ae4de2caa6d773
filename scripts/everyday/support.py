"""What references and boxes say of the things that a sentence names: object classes, and other things such as "street".

References do not mention all that is there, so that a word is supported by others of its kind: "street" by "road" or
"traffic". The lists are this project's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seetell.language.object_names import object_phrases, objects_named
from seetell.language.tokenizer import tokenize

SUPPORT = """
street: road sidewalk city intersection traffic avenue lane crosswalk curb highway downtown corner parking driveway
sidewalk: street road city pavement
road: street highway path dirt lane
path: trail road sidewalk
track: tracks race racing train railroad rails
city: street buildings building downtown town urban
grass: grassy field lawn yard park meadow pasture grassland hill garden backyard soccer
field: grass grassy meadow pasture lawn park baseball soccer football hay savannah
park: grass field bench playground trees yard
playground: swing slide park jungle gym monkey
water: ocean sea lake river pool pond wave waves swim swimming surf surfing surfer stream creek beach splash splashing
  splashes fountain bay harbor dock pier waterfall shore wading float floating canal underwater raft
ocean: sea water beach waves wave surf surfing
lake: water pond shore
river: water creek stream
pool: swimming water
beach: sand sandy shore ocean sea shoreline
sand: beach sandy dirt desert dune
wave: waves surf surfing surfer ocean water
snow: snowy ski skiing skis skier slope snowboard snowboarding snowboarder sled winter ice
slope: hill mountain mountainside snow ski skiing slopes ramp
mountain: mountains hill cliff peak rock mountainside rocky mountaintop
hill: mountain mountainside grassy slope grass
rock: rocks rocky cliff boulder stone boulders mountain climbing climber
cliff: rock rocks mountain boulder
dirt: mud path track road ground field sand dusty
ground: dirt grass floor
floor: ground
tree: trees forest woods wooded branch leaves wood
woods: forest trees wooded tree leaves trail path
forest: woods trees wooded tree
wall: brick building graffiti
fence: gate railing wire
bridge: railing overpass
building: buildings house city skyscraper church tower store structure skyscrapers barn brick downtown castle
house: building home porch garage
store: shop market shopping grocery mall supermarket shelf shelves
market: store shop fruit vegetables stand
restaurant: table cafe diner bar
station: train platform subway
airport: runway airplane plane tarmac
runway: airport plane airplane tarmac
room: living bedroom bed couch kitchen house indoors inside office hotel
living: room couch tv
kitchen: stove oven refrigerator counter cabinets sink
bathroom: toilet sink shower tub bathtub urinal restroom
bedroom: bed hotel
counter: kitchen countertop
window: windows glass
food: meal plate dinner vegetables meat fruit sandwich pizza cake lunch dish salad eating eat snack dessert cheese rice
  soup
plate: dish tray bowl platter food
vegetables: food carrots broccoli salad vegetable
game: playing soccer football baseball basketball tennis video wii hockey volleyball match
court: tennis basketball
ramp: skateboard trick skate halfpipe skateboarding
trick: tricks jump jumping stunt skateboarding skateboarder ramp grinding rail
swing: swinging swings
toy: ball stick stuffed teddy frisbee
stick: branch toy wood log
guitar: musician band music instrument
fire: flames campfire
jacket: coat parka vest sweater sweatshirt hoodie
dress: gown skirt costume
sky: flying air clouds
"""
OTHERS = """
bag baseball basket basketball blanket boats box buildings cart clock cream door drink flag flowers football fountain
fruit glass hockey ice leash leaves light lights mirror mountains mud pile pole rail rocks rope shore shower sign slide
soccer stage stairs statue steps suit sunglasses table tent tower tracks trail trees tub uniform waves wheel yard zoo
"""
"""Things that only their own word supports."""


def _groups() -> dict[str, frozenset[str]]:
    groups = {}
    for line in SUPPORT.replace("\n  ", " ").strip().splitlines():
        word, _, others = line.partition(": ")
        groups[word] = frozenset(others.split())
    return groups


GROUPS = _groups()
THINGS = frozenset({*GROUPS, *OTHERS.split()})
"""Words that name things besides object classes. Those that every picture of a person has, such as shirts, are not."""


def absent_classes(tokens: Sequence[str], references: Collection[str], boxed: Collection[str]) -> set[str]:
    """Return the object classes that a sentence names and that neither references nor boxes have."""
    present = set(boxed).union(*(objects_named(tokenize(reference)) for reference in references))
    return set(objects_named(tokens)) - present


def unsupported_things(things: Collection[str], references: Collection[str]) -> set[str]:
    """Return those of the things that no reference supports."""
    words = {word for reference in references for word in tokenize(reference)}
    stems = set(map(_stem, words))
    return {thing for thing in things if _stem(thing) not in stems and not GROUPS.get(thing, frozenset()) & words}


def names_things(word: str) -> bool:
    """Return whether a word names a thing that is no object class."""
    return word in THINGS and not object_phrases().get((word,))


def _stem(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
