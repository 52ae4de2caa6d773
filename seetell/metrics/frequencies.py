"""How common n-grams are among photos, by which CIDEr weighs them (Vedantam, Zitnick & Parikh 2015, equation 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.metrics.ngrams import Floats, Ints, NGrams, NGramTable, Tokens, count_ngrams

ORDERS = 4


@dataclass(frozen=True)
class DocumentFrequencies:
    """How common each n-gram is in a corpus, for scoring against a corpus other than the references at hand.

    Attributes:
        photos: how many photos the corpus has.
        counts: in how many photos' references an n-gram, of 1 to 4 words, stands at least once. Those of a single
            photo, which are most, may be left out, as they weigh as much as those never seen.
    """

    photos: int
    counts: Mapping[tuple[str, ...], int]

    def __post_init__(self) -> None:
        highest = max(self.counts.values(), default=0)
        if self.photos < max(1, highest):
            raise DataError(
                f"document frequencies: an n-gram cannot stand in {highest} of {self.photos} photos; "
                "expected at least one photo and no count above their number"
            )

    @classmethod
    def build(cls, references: Iterable[Sequence[Tokens]]) -> DocumentFrequencies:
        """Count over the references of a corpus, leaving out n-grams of a single photo.

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
            path.write_text(json.dumps({"photos": self.photos, "counts": counts}, ensure_ascii=False), "utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> DocumentFrequencies:
        """Read what ``save`` wrote.

        Raises:
            DataError: the file cannot be read, or is no such file.
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
    """Return how rare each n-gram of an order is, ``(table.size,)``.

    Equation 1's second factor, the logarithm of photos over photos whose references hold the n-gram. One that no
    reference holds counts as if one did.

    Args:
        table: the n-grams of one order.
        ngrams: what the table is part of.
        frequencies: of another corpus; those of the references in ``ngrams`` when absent.
    """
    if frequencies is None:
        photos, counts = len(ngrams.candidate_lengths), _photos_with(table)
    else:
        photos = frequencies.photos
        counts = np.array([frequencies.counts.get(tuple(gram), 0) for gram in ngrams.spell(table)], np.int64)
    weights: Floats = np.log(float(photos)) - np.log(np.maximum(counts, 1.0))
    return weights


def _photos_with(table: NGramTable) -> Ints:
    """Return in how many photos' references each n-gram stands, ``(table.size,)``."""
    pairs = np.sort(table.reference_photo * table.size + table.reference_gram)
    distinct = pairs[np.diff(pairs, prepend=-1) > 0]  # np.unique does the same more slowly
    return np.bincount(distinct % max(table.size, 1), minlength=table.size)
