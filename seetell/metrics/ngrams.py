"""Counts of n-grams in references and candidates, as arrays, for BLEU and CIDEr.

Every distinct n-gram of an order has an id; an n-gram of order n is the pair of the id of its first n - 1 words and
that of its last word. Everything after the words' own ids is sorting and searching in numpy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Tokens = Sequence[str]


@dataclass(frozen=True)
class NGramTable:
    """Counts of the n-grams of one order in each sentence.

    Each of ``C`` entries is the count of an n-gram in a candidate, each of ``R`` entries that in a reference.

    Attributes:
        size: number of distinct n-grams.
        candidate_photo: index of the photo, ``(C,)``.
        candidate_gram: id of the n-gram, ``(C,)``.
        candidate_count: its count there, ``(C,)``.
        reference: index of the reference among those of all photos, ``(R,)``.
        reference_photo: index of its photo, ``(R,)``.
        reference_gram: id of the n-gram, ``(R,)``.
        reference_count: its count there, ``(R,)``.
        match: index of the candidate entry of the same photo and n-gram, ``(R,)``; -1 if there is none.
        example: position of one occurrence of each n-gram in ``NGrams.words``, ``(size,)``.
        order: number of words in an n-gram.
    """

    size: int
    candidate_photo: Ints
    candidate_gram: Ints
    candidate_count: Ints
    reference: Ints
    reference_photo: Ints
    reference_gram: Ints
    reference_count: Ints
    match: Ints
    example: Ints
    order: int


@dataclass(frozen=True)
class NGrams:
    """Lengths and n-gram tables of the references and candidates of ``P`` photos.

    Attributes:
        candidate_lengths: words of each candidate, ``(P,)``.
        reference_lengths: words of each reference, photo by photo, ``(sum of references,)``.
        reference_photos: index of the photo of each reference, of the same length.
        tables: one table for each order, from 1.
        words: id of each word, reference by reference and then candidate by candidate.
        vocabulary: the words, in the order of their ids.
    """

    candidate_lengths: Ints
    reference_lengths: Ints
    reference_photos: Ints
    tables: tuple[NGramTable, ...]
    words: Ints
    vocabulary: tuple[str, ...]

    def spell(self, table: NGramTable, grams: Ints | slice = slice(None)) -> list[list[str]]:
        """Return the words of n-grams of a table, by their ids; of all n-grams by default."""
        positions = table.example[grams, None] + np.arange(table.order)
        spelled: list[list[str]] = np.array(self.vocabulary, object)[self.words[positions]].tolist()
        return spelled


def check_photos(references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> None:
    """Check that there are photos, one candidate for each, and at least one reference.

    Raises:
        DataError: one of these does not hold.
    """
    if len(references) != len(candidates):
        raise DataError(
            f"expected one candidate for each photo, got {len(candidates)} candidates and references of "
            f"{len(references)} photos"
        )
    if not references:
        raise DataError("expected at least one photo to score, got none")
    for index, sentences in enumerate(references):
        if not sentences:
            raise DataError(f"expected at least one reference for each photo, photo {index} has none")


def check_several(captions: Sequence[Sequence[Tokens]]) -> None:
    """Check that there are photos, and at least two captions of each.

    Raises:
        DataError: this does not hold.
    """
    if not captions:
        raise DataError("expected at least one photo with captions, got none")
    for index, group in enumerate(captions):
        if len(group) < 2:
            raise DataError(f"expected at least two captions for each photo to compare, photo {index} has {len(group)}")


def count_ngrams(references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens], *, max_order: int = 4) -> NGrams:
    """Count the n-grams of orders 1 to ``max_order``.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo.
        max_order: the highest order.

    Raises:
        DataError: the two differ in length, or a photo has no reference.
    """
    check_photos(references, candidates)
    flat = [reference for sentences in references for reference in sentences]
    sentences = [*flat, *candidates]
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    words = np.fromiter(map(numbers.__getitem__, chain.from_iterable(sentences)), np.int64)
    lengths = np.array([*map(len, sentences)], np.int64)
    reference_photos = np.repeat(np.arange(len(references)), [len(sentences) for sentences in references])
    photos = np.concatenate([reference_photos, np.arange(len(candidates))])  # of each sentence

    sentence = np.repeat(np.arange(len(sentences)), lengths)  # of each word
    words_left = np.cumsum(lengths)[sentence] - np.arange(len(words))  # from each word to its sentence's end
    starts = np.arange(len(words))  # where the n-grams of this order start
    gram = words  # and the number of each
    size = len(numbers)
    tables = []
    for order in range(1, max_order + 1):
        if order > 1:
            longer = words_left[starts] >= order
            starts = starts[longer]
            gram, size = _number(gram[longer] * len(numbers) + words[starts + order - 1], size * len(numbers))
        example = np.zeros(size, np.int64)
        example[gram] = starts
        tables.append(_table(sentence[starts], gram, photos, len(flat), example, order))
    return NGrams(lengths[len(flat) :], lengths[: len(flat)], reference_photos, tuple(tables), words, tuple(numbers))


def _number(keys: Ints, bound: int) -> tuple[Ints, int]:
    """Assign ids to distinct keys in ascending order.

    Args:
        keys: not negative, ``(K,)``.
        bound: larger than every key.

    Returns:
        The id of each key, ``(K,)``, and the number of distinct keys.
    """
    bits = len(keys).bit_length()
    if bound << bits > np.iinfo(np.int64).max:
        distinct, number = np.unique(keys, return_inverse=True)
        return number, len(distinct)
    # Sorting a key and its index as one integer is several times as fast as sorting indices by their keys.
    ordered = np.sort((keys << bits) + np.arange(len(keys)))
    rank = np.cumsum(np.diff(ordered >> bits, prepend=-1) > 0) - 1
    number = np.empty(len(keys), np.int64)
    number[ordered & ((1 << bits) - 1)] = rank
    return number, int(rank[-1]) + 1 if len(rank) else 0


def _table(sentence: Ints, gram: Ints, photos: Ints, references: int, example: Ints, order: int) -> NGramTable:
    """Count equal pairs of sentence and n-gram; sentences below ``references`` are references."""
    bits = len(example).bit_length()
    pairs, counts = np.unique((sentence << bits) + gram, return_counts=True)
    sentence, gram = pairs >> bits, pairs & ((1 << bits) - 1)
    photo = photos[sentence]
    split = int(np.searchsorted(sentence, references))
    sought = (photo[:split] << bits) + gram[:split]
    present = (photo[split:] << bits) + gram[split:]  # sorted, as the pairs are
    index = np.searchsorted(present, sought)
    found = np.append(present, -1)[index] == sought
    return NGramTable(
        size=len(example),
        candidate_photo=photo[split:],
        candidate_gram=gram[split:],
        candidate_count=counts[split:],
        reference=sentence[:split],
        reference_photo=photo[:split],
        reference_gram=gram[:split],
        reference_count=counts[:split],
        match=np.where(found, index, -1),
        example=example,
        order=order,
    )
