"""Write ``fixtures.json``: sentences made for it and what METEOR 1.5's own program says of them.

Run from the project's folder, with Java and pycocoevalcap installed::

    python tests/metrics/meteor/make_fixtures.py
"""

from __future__ import annotations

import json
import random
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures.json"

WHO = (
    "a man|the man|a person|some guy|two children|two kids|the kids|a young girl|the little girl|a dog|two dogs|"
    "the puppy|a group of people|people|an old woman|the elderly woman|a biologist|several biologists|women|the cook"
)
DOES = (
    "runs|is running|running|ran|is sitting|sits|sit|take a picture|photograph|is taking a photo|jumps|leaps|"
    "is jumping|walks|is walking|strolls|are adding salt|adds salt|smiles|grins|is holding an umbrella|rides a bicycle|"
    "rides a bike|plays|are playing|looks at the camera|is looking at the picture|handles an emergency|emerges"
)
WHERE = (
    "on the couch|on a sofa|in the field|across a field|through the grass|next to a car|beside the automobile|"
    "in front of a building|before the house|at the beach|on the shore|by the sea|near the water|on top of a hill|"
    "in the middle of the street|in the road|on a bench in the park|into the pool|in the swimming pool|"
    "with a lot of people|with many people"
)
EXTRA = (
    "quickly|quick|colorful|colored|as well|at night|during the day|in the snow|today|a a a|of the of the|and so on|"
    "in order to eat"
)
OTHER_FORMS = {
    "couch": "sofa",
    "sofa": "couch",
    "puppy": "pup",
    "photograph": "snapshot",
    "leaps": "springs",
    "grins": "smiles",
    "smiles": "grins",
    "strolls": "ambles",
    "quickly": "quick",
    "quick": "quickly",
    "colorful": "colored",
    "biologist": "biological",
    "bicycle": "bike",
    "sea": "ocean",
}

BY_HAND: list[tuple[list[str], str]] = [
    (["a dog runs"], "a dog runs"),
    (["a dog runs", "a dog runs"], "a dog runs"),
    (["a dog runs in the park"], ""),
    ([""], "a dog runs"),
    ([""], ""),
    (["", "a dog"], "dog"),
    (["dog"], "dog"),
    (["dog"], "dogs"),
    (["dog"], "puppy"),
    (["the"], "the"),
    (["of the"], "the of"),
    (["trees stand there"], "one bus"),
    (["runs dog a"], "a dog runs"),
    (["a a a a"], "a a"),
    (["a b a b a b a b"], "b a b a b a b"),
    (["the the the dog the the"], "the dog the dog the dog"),
    (["black-and-white dog"], "black and white dog"),
    (["a t-shirt and/or jeans"], "a tshirt or jeans"),
    (["the dog 's ball"], "the dog ball 's"),
    (["it does n't run"], "it doesn't run"),
    (["rock'n'roll o'clock 1's 1'b b'1 s' '70s"], "rock 'n' roll o ' clock 1 's 1 b b 1 s 70s"),
    (["the u.s. flag"], "the us flag"),
    (["a u.s flag at 5 p.m."], "a u.s. flag at 5 pm"),
    (["mr. smith vs. dr. no"], "mr smith vs dr no"),
    (["see pp. 5 and pp. x."], "see pp 5 and pp x ."),
    (["e.g. this i.e. that."], "eg this ie that ."),
    (["1,000 dogs and 3.5 cats, x,y 1,b b,1"], "1000 dogs and 3.5 cats x y 1 b b 1"),
    (["wait ... what ..a a.. a...b .. ....."], "wait what a a a b ..."),
    (["-lrb- a dog -rrb-"], "( a dog )"),
    (["-lrb- a dog -rrb-"], "lrb a dog rrb"),
    (["a -- b – c a-b -a a- a-.b a.-b"], "a - b c a b"),
    (["“quoted” ''words'' `so` ‘called’"], "\" quoted \" words ' so ' called"),
    (["a café in zürich"], "a cafe in zurich"),
    (["CAFÉ Noir ÉCOLE"], "café noir école"),
    (["日本 の 犬 🐶🐶 dog"], "日 本 犬 🐶 dog"),
    (["ελλάδα привет мир"], "привет мир ελλάδα"),
    (["a\u00a0b a\u3000c d\u2009e"], "a b a c d e"),
    (["#1 @home $ 5 % & + = < > / \\ ^ | ~ * _ [ ] { }"], "# 1 home 5 $ % { } [ ]"),
    (["?! !! ? !"], "? ! ! !"),
    (["adding and ebbing"], "ad eb"),
    (["men and women with knives"], "man and woman with a knife"),
    (["the boxes of the churches"], "a box of a church"),
    (["he is happier and the happiest"], "he is happy"),
    (["taking part in the game"], "participating in the game"),
    (["in the middle of the road there is a large number of people"], "amid the road there are many people"),
    (["a dog is shaking off water"], "a dog shakes off water"),
    (["boys chase chickens"], "a boy is chasing the chicken"),
    (["word " * 70], "word " * 65),
    (["a dog in the snow " * 20, "the snow in a dog " * 10], "the dog in a snow " * 25),
    (["in of in of the a in of a the in of a of in of the"], "of in the a of in of in a the the of in in of a"),
]


def phrase(rng: random.Random, choices: str) -> str:
    return rng.choice(choices.split("|"))


def sentence(rng: random.Random) -> str:
    words = " ".join(phrase(rng, choices) for choices in (WHO, DOES, WHERE))
    return f"{words} {phrase(rng, EXTRA)}" if rng.random() < 0.4 else words


def changed(rng: random.Random, text: str) -> str:
    """Replace words by others of their stem or meaning; repeat, drop, move or replace some."""
    words = [OTHER_FORMS.get(word, word) if rng.random() < 0.5 else word for word in text.split()]
    for _ in range(rng.randint(0, 3)):
        place, other = rng.randrange(len(words)), rng.randrange(len(words))
        change = rng.choice(("move", "repeat", "drop", "replace"))
        if change == "move":
            words.insert(other, words.pop(place))
        elif change == "repeat":
            words.insert(place, words[other])
        elif change == "replace":
            words[place] = phrase(rng, f"{WHO}|{EXTRA}")
        elif len(words) > 1:
            del words[place]
    return " ".join(words)


def made_up(rng: random.Random, photos: int) -> list[tuple[list[str], str]]:
    """Photos whose sentences come from a small grammar."""
    found = []
    for _ in range(photos):
        first = sentence(rng)
        others = [changed(rng, first) if rng.random() < 0.5 else sentence(rng) for _ in range(rng.randint(0, 4))]
        found.append(([first, *others], changed(rng, rng.choice([first, *others, sentence(rng)]))))
    return found


def crowded(rng: random.Random, photos: int) -> list[tuple[list[str], str]]:
    """Photos whose sentences repeat few words, so that far more alignments are possible than the search keeps."""
    found = []
    for _ in range(photos):
        words = rng.sample(
            ["a", "the", "an", "in", "on", "of", "dog", "dogs", "man", "men", "is", "running", "runs"], 5
        )
        first, second, said = (" ".join(rng.choices(words, k=rng.randint(4, 30))) for _ in range(3))
        found.append(([first, second], said))
    return found


def main() -> None:
    from pycocoevalcap.meteor.meteor import Meteor

    rng = random.Random(0)
    photos = [*BY_HAND, *made_up(rng, 250), *crowded(rng, 40)]
    corpus, scores = Meteor().compute_score(
        {index: references for index, (references, _) in enumerate(photos)},
        {index: [candidate] for index, (_, candidate) in enumerate(photos)},
    )
    rows = [
        {"references": references, "candidate": candidate, "score": score}
        for (references, candidate), score in zip(photos, scores, strict=True)
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    FIXTURES.write_text(f'{{"corpus": {corpus!r}, "photos": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
