"""The words that a run trains on and validates with: rendered ones, or those of a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.store import Progress, WordStore
from seetell.data.synthetic_text.words import RenderedWord, SyntheticWords
from seetell.data.word_images import WordPhoto, read_word_images
from seetell.errors import DataError
from seetell.photos import Preprocessing, open_photo
from seetell.photos.opening import PhotoSource

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

TRAINING, HELD_OUT = 1, 2
"""Streams of random numbers."""

LEGIBLE = 0.5
"""Difficulty in which held-out words are rendered: a careful person reads nearly all of them."""

NumberedWords = Callable[[int], RenderedWord]
"""Returns the picture of the word of a number, from 0 on."""


@dataclass(frozen=True)
class WordSources:
    """What a run trains on and validates with.

    Attributes:
        source: where it is from, for messages.
        train: words to train on.
        val: words to validate with.
        identity: what identifies all of this, ready for JSON.
        train_count: how many words there are to train on; ``None`` for as many as are wanted.
        val_count: how many there are to validate with; likewise.
        remarks: for the user.
        render: renders the words to train on into their store, where there is one.
    """

    source: Path
    train: NumberedWords
    val: NumberedWords
    identity: Sequence[Any]
    train_count: int | None = None
    val_count: int | None = None
    remarks: tuple[str, ...] = ()
    render: Callable[[Preprocessing, Progress], WordStore] | None = None


def read_words_of(config: RunConfig) -> WordSources:
    """Return the words of a run: those of ``data.path``, or rendered ones where it is empty.

    Raises:
        DataError: there are none.
    """
    return _photographed(config) if config.data.path else _rendered(config)


def picture_of(word: WordPhoto) -> PhotoSource:
    """Return what to open for a word: its file, or the part of the photo that shows it.

    Raises:
        PhotoError: the photo does not open.
    """
    if word.box is None:
        return word.path
    left, top, right, bottom = word.box
    return open_photo(word.path).crop(
        (int(left), int(top), max(int(right), int(left) + 1), max(int(bottom), int(top) + 1))
    )


def _rendered(config: RunConfig) -> WordSources:
    section, synthetic = config.section, config.section.synthetic
    train = SyntheticWords.create(
        synthetic,
        section.characters,
        seed=TRAINING,
        longest=section.longest,
        difficulty=synthetic.difficulty,
    )
    val = held_out_words(
        synthetic,
        section.characters,
        longest=section.longest,
        difficulty=min(synthetic.difficulty, LEGIBLE),
    )

    def render(preprocessing: Preprocessing, progress: Progress) -> WordStore:
        return WordStore.render(
            train,
            synthetic.count,
            height=preprocessing.height,
            most_width=preprocessing.width,
            folder=Path(synthetic.store),
            progress=progress,
        )

    note = f"words are rendered in {len(train.fonts)} fonts, of {len(train.strings.words)} words and made-up texts"
    return WordSources(
        Path("rendered words"),
        train.render,
        val.render,
        [train.identity, synthetic.count if synthetic.store else 0, synthetic.curriculum],
        remarks=(note,),
        render=render if synthetic.store else None,
    )


def held_out_words(
    materials: Materials, characters: str, *, longest: int = 20, difficulty: float = LEGIBLE
) -> SyntheticWords:
    """Return the series of words that readers are compared on, each a single one, in words of the list not trained on.

    Args:
        materials: where words, fonts and photos are.
        characters: that may be in them.
        longest: most characters of a word.
        difficulty: that in which people read nearly all, unless told otherwise.
    """
    return SyntheticWords.create(
        materials,
        characters.replace(" ", ""),
        seed=HELD_OUT,
        held_out=True,
        longest=longest,
        difficulty=difficulty,
    )


def _photographed(config: RunConfig) -> WordSources:
    section, dataset = config.section, read_word_images(config.data.path, format=config.data.format)
    signs, fold = frozenset(section.characters), not any(map(str.isupper, section.characters))

    def known(word: WordPhoto) -> str:
        return "".join(sign for sign in (word.text.lower() if fold else word.text) if sign in signs)

    def numbered(words: Sequence[WordPhoto]) -> NumberedWords:
        return lambda number: RenderedWord(open_photo(picture_of(words[number])), known(words[number]))

    train, others = (
        [
            word
            for word in dataset.photos
            if (word.split == "train") == trained and 0 < len(known(word)) <= section.longest
        ]
        for trained in (True, False)
    )
    if not train or not others:
        raise DataError(
            f"{dataset.source}: training needs words of both parts, got {len(train)} to train on and {len(others)} to "
            "validate with"
        )
    fewer = len(dataset.photos) - len(train) - len(others)
    remarks = (f"{fewer} words are too long or have none of the characters",) if fewer else ()
    identity = [[word.id, known(word)] for word in (*train, *others)]
    return WordSources(
        dataset.source,
        numbered(train),
        numbered(others),
        identity,
        len(train),
        len(others),
        (*remarks, *dataset.remarks),
    )
