"""How common n-grams are among photos, by which CIDEr weighs them (Vedantam, Zitnick & Parikh 2015, equation 1)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.metrics.ngrams import Floats, NGrams, NGramTable, Tokens

ORDERS = 4


@dataclass(frozen=True)
class DocumentFrequencies:
    """How common each n-gram is in a corpus, for scoring against a corpus other than the references at hand.

    Attributes:
        photos: how many photos the corpus has.
        counts: in how many photos' references an n-gram, of 1 to 4 words, stands at least once. One that is not there
            weighs as much as one that stands in a single photo.
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
        """Count over the references of a corpus.

        Args:
            references: the tokenised references of each photo.
        """
        counts: Counter[tuple[str, ...]] = Counter()
        photos = 0
        for sentences in references:
            photos += 1
            present: set[tuple[str, ...]] = set()
            for tokens in sentences:
                for order in range(1, ORDERS + 1):
                    present.update(zip(*(tokens[start:] for start in range(order)), strict=False))
            counts.update(present)
        return cls(photos, counts)

    def save(self, path: Path) -> None:
        """Write to a JSON file: ``{"photos": …, "counts": {"a dog": 12, …}}``.

        N-grams of a single photo are left out, as they weigh as much as those never seen: most of a corpus' n-grams,
        and no score changes.

        Raises:
            DataError: a word has a space in it, or the file cannot be written.
        """
        common = {" ".join(gram): count for gram, count in self.counts.items() if count > 1}
        if any(" " in word for gram, count in self.counts.items() if count > 1 for word in gram):
            raise DataError(f"{path}: expected words without spaces; tokenize sentences before counting")
        try:
            path.write_text(json.dumps({"photos": self.photos, "counts": common}, ensure_ascii=False), "utf-8")
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


def rarity(table: NGramTable, ngrams: NGrams, frequencies: DocumentFrequencies | None) -> Floats:
    """Return how rare each n-gram of an order is, ``(table.size,)``.

    Equation 1's second factor, the logarithm of photos over photos whose references hold the n-gram. One that no
    reference holds counts as if one did.

    Args:
        table: the n-grams of one order.
        ngrams: what the table is part of.
        frequencies: of another corpus; those of the references in ``ngrams`` when absent.
    """
    if frequencies is None:
        photos = len(ngrams.candidate_lengths)
        pairs = np.sort(table.reference_photo * table.size + table.reference_gram)
        distinct = pairs[np.diff(pairs, prepend=-1) > 0]  # np.unique does the same more slowly
        counts = np.bincount(distinct % max(table.size, 1), minlength=table.size)
    else:
        photos = frequencies.photos
        counts = np.array([frequencies.counts.get(tuple(gram), 0) for gram in ngrams.spell(table)], np.int64)
    weights: Floats = np.log(float(photos)) - np.log(np.maximum(counts, 1.0))
    return weights
