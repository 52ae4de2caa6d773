"""Document frequencies of n-grams, by which CIDEr weights them (Vedantam, Zitnick & Parikh 2015, equation 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.errors import DataError
from seetell.metrics.ngrams import Floats, Ints, NGrams, NGramTable, Tokens, count_ngrams

ORDERS = 4


@dataclass(frozen=True)
class DocumentFrequencies:
    """Document frequencies of a corpus, for scoring with the statistics of another corpus than the references.

    Attributes:
        photos: number of photos in the corpus.
        counts: for each n-gram of 1 to 4 words, the number of photos whose references contain it. Those of a single
            photo, which are most, may be omitted: they weigh as much as unseen ones.
    """

    photos: int
    counts: Mapping[tuple[str, ...], int]

    def __post_init__(self) -> None:
        highest = max(self.counts.values(), default=0)
        if self.photos < max(1, highest):
            raise DataError(
                f"document frequencies: an n-gram cannot occur in {highest} of {self.photos} photos; "
                "expected at least one photo and no count above their number"
            )

    @classmethod
    def build(cls, references: Iterable[Sequence[Tokens]]) -> DocumentFrequencies:
        """Count over the references of a corpus, omitting n-grams of a single photo.

        Args:
            references: the tokenised references of each photo, at least one.

        Raises:
            DataError: there is no photo, or one has no reference.
        """
        sentences = list(references)
        ngrams = count_ngrams(sentences, [()] * len(sentences), max_order=ORDERS)
        counts: dict[tuple[str, ...], int] = {}
        for table in ngrams.tables:
            photos = _photos_with(table)
            common = np.flatnonzero(photos > 1)
            counts.update(zip(map(tuple, ngrams.spell(table, common)), photos[common].tolist(), strict=True))
        return cls(len(sentences), counts)

    def save(self, path: Path) -> None:
        """Write to a JSON file: ``{"photos": …, "counts": {"a dog": 12, …}}``.

        Raises:
            DataError: a word has a space in it, or the file cannot be written.
        """
        if any(" " in word for gram in self.counts for word in gram):
            raise DataError(f"{path}: expected words without spaces; tokenize sentences before counting")
        counts = {" ".join(gram): count for gram, count in self.counts.items()}
        try:
            with atomic_file(path) as file:
                file.write(json.dumps({"photos": self.photos, "counts": counts}, ensure_ascii=False).encode())
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> DocumentFrequencies:
        """Read what ``save`` wrote.

        Raises:
            DataError: the file cannot be read or has another format.
        """
        try:
            stored = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise DataError(f"{path}: expected document frequencies as JSON, got something else: {error}") from error
        photos, counts = (stored.get("photos"), stored.get("counts")) if isinstance(stored, dict) else (None, None)
        if (
            type(photos) is not int
            or not isinstance(counts, dict)
            or {type(count) for count in counts.values()} - {int}
        ):
            raise DataError(
                f'{path}: expected document frequencies {{"photos": number, "counts": {{"a dog": number, …}}}}; '
                "write them with DocumentFrequencies.save"
            )
        return cls(photos, {tuple(gram.split(" ")): count for gram, count in counts.items()})


def idf(table: NGramTable, ngrams: NGrams, frequencies: DocumentFrequencies | None) -> Floats:
    """Return the inverse document frequency of each n-gram of an order, ``(table.size,)``.

    The second factor of equation 1: the logarithm of the number of photos over the number of photos whose references
    contain the n-gram, which is taken as 1 for an n-gram in none.

    Args:
        table: the n-grams of one order.
        ngrams: the n-grams that the table is part of.
        frequencies: document frequencies of another corpus; those of the references in ``ngrams`` by default.
    """
    if frequencies is None:
        photos, counts = len(ngrams.candidate_lengths), _photos_with(table)
    else:
        photos = frequencies.photos
        counts = np.array([frequencies.counts.get(tuple(gram), 0) for gram in ngrams.spell(table)], np.int64)
    weights: Floats = np.log(float(photos)) - np.log(np.maximum(counts, 1.0))
    return weights


def _photos_with(table: NGramTable) -> Ints:
    """Return the number of photos whose references contain each n-gram, ``(table.size,)``."""
    pairs = np.sort(table.reference_photo * table.size + table.reference_gram)
    distinct = pairs[np.diff(pairs, prepend=-1) > 0]  # faster than np.unique
    return np.bincount(distinct % max(table.size, 1), minlength=table.size)
