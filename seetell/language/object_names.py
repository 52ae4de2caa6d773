"""The 80 object classes of COCO by all their names: which of them a sentence mentions.

The synonyms are this project's own list. The longest phrase is matched first, so that a "hot dog" is no dog, and the
phrases of ``_OTHER``, which only contain an object's name ("train track", "couple of"), mention nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

_SYNONYMS = """
person: human, man, woman, boy, girl, child, kid, baby, toddler, infant, teenager, teen, adult, guy, lady, gentleman,
male, female, somebody, someone, pedestrian, passenger, driver, rider, cyclist, bicyclist, biker, motorcyclist, skier,
snowboarder, skateboarder, skater, surfer, swimmer, diver, wakeboarder, climber, hiker, runner, jogger, dancer,
gymnast, acrobat, wrestler, player, athlete, batter, pitcher, catcher, umpire, referee, goalie, golfer, cheerleader,
quarterback, spectator, tourist, visitor, shopper, customer, student, teacher, worker, waiter, waitress, chef, baker,
barber, vendor, farmer, fisherman, sailor, pilot, soldier, officer, policeman, policewoman, cop, fireman, firefighter,
doctor, nurse, cowboy, clown, businessman, bride, groom, bridesmaid, mother, mom, mum, father, dad, son, daughter,
brother, sister, husband, wife, grandmother, grandfather, grandma, grandpa, friend, family, crowd, audience, team,
couple, musician, guitarist, drummer, singer, artist, performer, photographer, model, racer, jockey, contestant,
competitor, youngster, lad, teammate; bicycle: bike, tricycle, mountain bike; car: automobile, sedan, suv, van,
minivan, jeep, taxi, taxi cab, cab, limousine, convertible, hatchback; motorcycle: motor cycle, motorbike, motor bike,
dirt bike, dirtbike, scooter, moped; airplane: aeroplane, plane, air plane, jet, airliner, jetliner, aircraft,
biplane, seaplane, fighter jet; bus: minibus, double decker, double-decker, trolley bus; train: locomotive, tram,
subway train, streetcar; truck: lorry, pickup, firetruck, fire engine, semi, tow truck; boat: ship, sailboat, sail
boat, rowboat, canoe, kayak, ferry, yacht, gondola, speedboat, motorboat, barge, dinghy; traffic light: traffic
signal, stop light, stoplight, street signal, red light, green light; fire hydrant: hydrant, fireplug; stop sign;
parking meter: meter; bench: park bench, pew; bird: duck, duckling, goose, swan, seagull, gull, pigeon, dove, owl,
eagle, hawk, falcon, vulture, parrot, parakeet, cockatoo, macaw, peacock, penguin, ostrich, emu, pelican, crow, raven,
rooster, hen, heron, egret, crane bird, flamingo, stork, sparrow, robin, finch, hummingbird, woodpecker, blackbird,
cardinal; cat: kitten, kitty, tabby; dog: puppy, pup, doggy, doggie, poodle, terrier, labrador, retriever, golden
retriever, dalmatian, greyhound, dachshund, collie, beagle, bulldog, german shepherd, husky, chihuahua, pug,
rottweiler, doberman, spaniel, hound, sheepdog; horse: pony, foal, stallion, mare, colt; sheep: lamb, ram, ewe; cow:
cattle, bull, calf, ox, steer, heifer; elephant; bear: polar bear, grizzly, grizzly bear, black bear, brown bear, bear
cub, panda, panda bear; zebra; giraffe; backpack: back pack, rucksack, knapsack, book bag, bookbag; umbrella: parasol;
handbag: hand bag, purse, tote bag, shoulder bag; tie: necktie, neck tie, bow tie, bowtie; suitcase: suit case,
luggage, briefcase, travel bag; frisbee: frisby, flying disc, disc; skis: ski; snowboard: snow board; sports ball:
ball, football, soccer ball, basketball, tennis ball, volleyball, baseball ball, beach ball, softball, golf ball;
kite; baseball bat: bat; baseball glove: baseball mitt, mitt, catcher 's mitt, catchers mitt; skateboard: skate board,
longboard; surfboard: surf board, boogie board, body board, bodyboard; tennis racket: racket, racquet, tennis racquet;
bottle: water bottle, wine bottle, beer bottle; wine glass: wineglass, glass of wine, champagne glass, champagne
flute, goblet; cup: mug, coffee cup, teacup, tea cup, paper cup, coffee mug; fork; knife; spoon; bowl; banana; apple;
sandwich: burger, hamburger, cheeseburger, hoagie, panini; orange: tangerine, mandarin, clementine; broccoli; carrot;
hot dog: hotdog, chili dog, corn dog; pizza: pizza pie; donut: doughnut; cake: cupcake, cheesecake, birthday cake,
wedding cake; chair: armchair, arm chair, stool, recliner, rocking chair, lawn chair, high chair, beach chair; couch:
sofa, loveseat, love seat, settee, futon; potted plant: plant, house plant, houseplant; bed: bunk bed, crib, cot;
dining table: table, dinner table, coffee table, picnic table, kitchen table, desk; toilet: urinal, commode; tv:
television, tv set, television set, tv screen, flat screen, flatscreen, monitor, computer monitor, computer screen;
laptop: laptop computer, notebook computer, computer; mouse: computer mouse; remote: remote control, remote
controller, wii remote, wiimote, game controller, controller; keyboard: computer keyboard; cell phone: cellphone,
phone, mobile phone, smartphone, smart phone, iphone, telephone; microwave: microwave oven; oven: stove, stove top,
stovetop, oven range; toaster: toaster oven; sink: wash basin, washbasin, kitchen sink, bathroom sink; refrigerator:
fridge, freezer, refridgerator; book: novel, textbook, notebook; clock: clock tower, clocktower, alarm clock; vase;
scissors: scissor, pair of scissors, shears; teddy bear: teddy, stuffed bear, stuffed animal, stuffed toy, plush toy,
toy bear; hair drier: hair dryer, hairdryer, blow dryer, blow drier; toothbrush: tooth brush
"""
_OTHER = """
couple of, train track, train station, railroad train track, bus stop, bus station, car seat, dog house, doghouse, dog
park, cat house, dog bed, cat bed, dog food, cat food, flower bed, bed of, truck bed, table cloth, table top, chair
lift, ski lift, ski slope, ski resort, ski pole, ski run, ski area, ski jump, ski trail, ski hill, ski suit, ski
jacket, ski goggles, boat dock, boat house, toilet paper, toilet brush, toilet tissue, mouse pad, mousepad, phone
booth, telephone booth, telephone pole, phone pole, book shelf, book case, tennis shoe, baseball cap, bike rack, bike
lane, bike path, bicycle rack, bicycle lane, knife block, bottle opener, cake pan, cake stand, pizza box, pizza
cutter, pizza pan, pizza oven, pizza parlor, power plant, football player=person, football team=person, football game,
football field, football uniform, football helmet, football jersey, football match, basketball player=person,
basketball team=person, basketball game, basketball court, basketball hoop, basketball goal, basketball uniform,
volleyball player=person, volleyball game, volleyball court, volleyball net, softball game, softball player=person,
softball field, ball game, ball player=person, ball park, ballpark, ball field, ball pit, horse race, horse track,
horse show, cow boy=person, cow girl=person, apple pie, apple juice, banana bread, carrot cake=cake, bear claw, kite
festival, boat race, street light, tie dye, monitor lizard, laptop bag, laptop case, computer desk=dining table,
computer room, computer chair=chair, computer lab, skate park, bird house, birdhouse, bird bath, bird feeder, bird
cage, birdcage, cat fish, remote area, remote location, cup holder, jet ski, jetski, water ski
"""


def _entries(text: str, separator: str = ", ") -> list[str]:
    return " ".join(text.split()).split(separator)


_IRREGULAR = dict(
    entry.split("=")
    for entry in _entries(
        "person=people persons, human=humans, child=children, goose=geese, mouse=mice, ox=oxen, calf=calves, "
        "knife=knives, sheep=sheep, cattle=cattle, wife=wives, scissors=scissors, broccoli=broccoli, "
        "aircraft=aircraft, luggage=luggage, tv=tvs, skis=skis"
    )
)
_ANIMALS = frozenset(_entries("bird cat dog horse sheep cow elephant bear zebra giraffe", " "))
_KIN = frozenset(_entries("baby mother mom father adult male female child infant son", " "))
_FLOCK = frozenset(_entries("family team crowd", " "))
_BEFORE_A_NOUN = frozenset(_entries("an the one peeled sliced fresh single whole", " "))
_AFTER_A_NOUN = frozenset(
    _entries(
        "and or on in at with of is are next near beside by from to for that which as while sits sitting being hanging "
        "growing has have",
        " ",
    )
)
_LONGEST = 3
CLASSES = tuple(entry.split(":")[0] for entry in _entries(_SYNONYMS, "; "))
"""COCO's 80 classes in COCO's order."""


def plurals(phrase: str) -> list[str]:
    """Return the plural forms of a name, the usual one first: ``people`` and ``persons`` of ``person``."""
    head, of, rest = phrase.partition(" of ")  # glass of wine
    *before, noun = head.split()
    if noun in _IRREGULAR:
        forms = _IRREGULAR[noun].split()
    elif noun.endswith("man"):
        forms = [noun[:-3] + "men"]
    elif noun.endswith(("s", "x", "ch", "sh")):
        forms = [noun + "es"]
    elif noun.endswith("y") and noun[-2:-1] not in "aeiou":
        forms = [noun[:-1] + "ies"]
    else:
        forms = [noun + "s"]
    return [" ".join([*before, form]) + of + rest for form in forms]


UNCOUNTED = {"scissors": "a pair of scissors", "skis": "skis", "broccoli": "broccoli"}
"""How classes are said that take neither an article nor a number."""


def with_article(name: str) -> str:
    """Return a name with its indefinite article, where it takes one: ``an elephant``, ``a pair of scissors``."""
    return UNCOUNTED.get(name) or f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@cache
def object_phrases() -> Mapping[tuple[str, ...], str]:
    """Return the class of each phrase, in singular and plural; an empty string where it only contains a name.

    "Orange" alone is missing: whether it is the fruit depends on its neighbours, see :func:`objects_named`.
    """
    named = _named()
    phrases = {tuple(form.split()): named[phrase] for phrase in named for form in (phrase, *plurals(phrase))}
    del phrases["orange",]  # which is read with its neighbours
    return MappingProxyType(phrases)


@cache
def _named() -> dict[str, str]:
    """Return the class of each phrase in the singular."""
    named: dict[str, str] = {}
    for entry in _entries(_OTHER):
        phrase, _, name = entry.partition("=")
        named[phrase] = name
    for entry in _entries(_SYNONYMS, "; "):
        name, _, synonyms = entry.partition(": ")
        named |= dict.fromkeys([name, *filter(None, synonyms.split(", "))], name)
    return named


@cache
def _singulars() -> dict[str, str]:
    return {form: phrase for phrase in _named() for form in plurals(phrase)}


def singular(phrase: str) -> str:
    """Return the singular of a phrase of :func:`object_phrases`: ``puppy`` of ``puppies``; of another, itself."""
    return _singulars().get(phrase, phrase)


def objects_named(tokens: Sequence[str]) -> list[str]:
    """Return the COCO classes that a caption mentions, in its order, one entry per mention.

    "Orange" is the fruit only as a noun ("an orange on a plate", "oranges"); "baby", "mother" and the like are not
    people before an animal ("a baby elephant", "a family of elephants").

    Args:
        tokens: the caption in lower case, as ``tokenize`` returns it.

    Example:
        >>> objects_named("a man eats a hot dog on a train track".split())
        ['person', 'hot dog']
    """
    return [name for name, _, _ in object_mentions(tokens)]


def object_mentions(tokens: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the mentions of COCO's classes in a caption; see :func:`objects_named`.

    Returns:
        For each the class, and where its phrase begins and ends: ``tokens[begin:end]``.
    """
    phrases = object_phrases()
    found: list[tuple[str, int, int]] = []  # class, first token, end
    place = 0
    while place < len(tokens):
        name, end = "", place + 1
        for stop in range(min(place + _LONGEST, len(tokens)), place, -1):
            phrase = tuple(tokens[place:stop])
            if phrase in phrases:
                name, end = phrases[phrase], stop
                break
        if name or (tokens[place] == "orange" and _is_noun(tokens, place)):
            found.append((name or "orange", place, end))
        place = end
    animals = {start for name, start, _ in found if name in _ANIMALS}
    return [
        (name, start, end)
        for name, start, end in found
        if not (tokens[start] in _KIN and end in animals)  # "a baby elephant"
        and not (tokens[start] in _FLOCK and end + 1 in animals)  # "a family of elephants"
    ]


def _is_noun(tokens: Sequence[str], place: int) -> bool:
    """Return whether "orange" at this position follows a determiner and precedes no noun."""
    after = tokens[place + 1] if place + 1 < len(tokens) else "and"
    return place > 0 and tokens[place - 1] in _BEFORE_A_NOUN and after in _AFTER_A_NOUN
