"""An index of photos and films on disk: kept up to date with folders, searched by sentence or photo.

>>> index = PhotoIndex(location, embedder)
>>> index.update(["~/Pictures"])
>>> index.search("a dog on a beach")[0].photo
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.errors import PhotoError, PhotoIndexError, UsageError
from seetell.runtime.option_checks import check_count
from seetell.search import nearest
from seetell.search.integrity import damaged_entries, remove_damaged_entries
from seetell.search.moments import MOST, moment_of
from seetell.search.ranking import MANY, Ranking, quantise
from seetell.search.store import Store
from seetell.search.update import Progress, Update, update
from seetell.search.words import find_words, has_words, read_words

if TYPE_CHECKING:
    from seetell.results import Regions
    from seetell.runtime.predictor import Predictor
    from seetell.tasks.retrieval.embedder import Embedder


@dataclass(frozen=True)
class Hit:
    """A search result.

    Attributes:
        photo: path of the photo, or of the film.
        score: cosine similarity of its vector and the query's.
        copies: paths of other files with the same content.
        seconds: when the frame that was found is shown, of a film.
        written: the lines written in it that have the words of the query; empty where not all of these are there.
    """

    photo: str
    score: float
    copies: tuple[str, ...] = ()
    seconds: float | None = None
    written: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``seconds`` only of a film, ``written`` only where there is something."""
        content = asdict(self)
        absent = {"seconds": self.seconds is None, "written": not self.written}
        return {name: value for name, value in content.items() if not absent.get(name)}


def sought_by_looks(hits: Sequence[Hit]) -> bool:
    """Return whether it mattered how the model reads the sentence: not where its words are written in every hit."""
    return not hits or not all(hit.written for hit in hits)


class PhotoIndex:
    """An index of photos, for use by one thread.

    Args:
        location: its folder, which :meth:`update` creates.
        embedder: the model; an index made with another is refused.
    """

    def __init__(self, location: str | Path, embedder: Embedder[Any]) -> None:
        self.location = Path(location)
        self._embedder = embedder
        self._ranking: Ranking | None = None

    def update(
        self,
        photos: Iterable[str],
        *,
        retry: bool = False,
        progress: Progress | None = None,
        reader: Predictor[Any, Regions] | None = None,
        on_reading: Progress = lambda done, total: None,
    ) -> Update:
        """Update the index from folders and files; other entries are kept.

        New and changed photos are encoded, and of films, if PyAV is installed, a frame of each shot; moved ones are
        recognised by their content. Missing ones are no longer found, and are removed after 30 days. Damaged entries
        are made again. It can be stopped at any time and run again.

        Args:
            photos: folders, with their subfolders, and files.
            retry: retry unchanged photos that could not be used before.
            progress: called after each batch with the number of photos done and their total.
            reader: reads the words in photos, such as ``seetell.load("read")``, so that they are found by these, too;
                those of earlier updates that it has not read are read as well.
            on_reading: called like ``progress`` while it reads.

        Raises:
            PhotoIndexError: the index cannot be written, is being written by another process, or was made with
                another model.
        """
        roots = [os.path.expanduser(photo) for photo in photos]
        with Store(self.location, write=True) as store:
            self._check_model(store)
            roots += filter(os.path.lexists, remove_damaged_entries(store))
            done = update(store, self._embedder, roots, retry=retry, progress=progress)
            quantise(store)
            if reader is not None:
                done.with_words, failures = read_words(store, reader, progress=on_reading)
                done.failures |= failures
        return done

    def search(self, sentence: str | None = None, *, image: str | None = None, top: int = 20) -> list[Hit]:
        """Find the photos, and moments of films, that match a sentence, resemble a photo, or both.

        Args:
            sentence: a description of the photos.
            image: path of a similar photo.
            top: largest number of results.

        Returns:
            The results: first the photos in which all words of the sentence are written, if photos were read, then
            the others, each highest score first; a score is 0 where the model knows none of the words.

        Raises:
            UsageError: there is neither a sentence nor a photo, or ``top`` is below 1.
            PhotoError: the photo cannot be used.
            PhotoIndexError: there is no index, it is damaged, or it was made with another model.
        """
        check_count("top", top)
        ranking = self._opened()  # fails before the model runs
        hits: list[Hit] = []
        found: Counter[int] = Counter()
        written = dict(find_words(ranking.store, sentence)) if sentence and image is None else {}
        for content, score in self._ranked(ranking, sentence, image, list(written), top):
            file, seconds = moment_of(ranking.store, content) or (content, None)
            found[file] += 1
            photo, *copies = ranking.store.photos_of(file) or [""] if found[file] <= MOST else [""]
            if photo:
                hits.append(Hit(photo, score, tuple(copies), seconds, written.get(content, "")))
            if len(hits) == top:
                break
        return hits

    def _ranked(
        self, ranking: Ranking, sentence: str | None, image: str | None, written: list[int], top: int
    ) -> Iterator[tuple[int, float]]:
        """Return contents and their scores: those that have the words of a query, then the others."""
        try:
            query = self._query(sentence, image)
        except UsageError as error:
            if not written and sentence and image is None and has_words(ranking.store):
                raise UsageError(f"no photo has all these words written in it; {error}") from error
            if not written:
                raise
            return iter([(content, 0.0) for content in written])  # no word that the model knows
        scores = ranking.scores(query, written)
        first = sorted(scores.items(), key=lambda found: -found[1])
        return itertools.chain(first, (found for found in ranking.rank(query, top) if found[0] not in scores))

    @property
    def has_words(self) -> bool:
        """Whether photos were read, so that they are found by the words in them."""
        return has_words(self._opened().store)

    def __len__(self) -> int:
        """Return the number of searchable photos and films."""
        return self._count()

    @property
    def holdings(self) -> str:
        """How many photos and films can be found, such as ``12 photos and 1 film``."""
        store = self._opened().store
        films = self._count(" AND content IN (SELECT film FROM moments)") if store.has_table("moments") else 0
        parts = [(self._count() - films, "photo"), (films, "film")]
        told = [f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in parts if count]
        return " and ".join(told) or "no photos"

    def _count(self, condition: str = "") -> int:
        usable = "SELECT count(*) FROM photos JOIN contents ON contents.id = content"
        found = self._opened().store.rows(f"{usable} WHERE missing_since IS NULL AND vector IS NOT NULL{condition}")
        return int(found[0][0])

    @property
    def is_slow(self) -> bool:
        """Whether the index is large enough for faiss to speed up searches, and faiss is not installed."""
        return not nearest.available() and self._opened().store.vector_count() > MANY

    def close(self) -> None:
        """Close the files."""
        if self._ranking is not None:
            self._ranking.store.close()
            self._ranking = None

    def __enter__(self) -> PhotoIndex:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _opened(self) -> Ranking:
        if self._ranking is None:
            store = Store(self.location)
            try:
                self._check_model(store)
                if store.vector_count() <= MANY and damaged_entries(store):
                    raise store.unsound()
            except BaseException:
                store.close()
                raise
            self._ranking = Ranking(store)
        return self._ranking

    def _check_model(self, store: Store) -> None:
        """Refuse an index of another model; a new one belongs to this model once it has a vector."""
        name, identity = store.get_metadata("model"), store.get_metadata("model_identity")
        if identity == self._embedder.identity or (identity is None and not store.vector_count()):
            return
        if identity is None:
            raise store.damaged("it does not say which model made it")
        other = f"another version of {name}" if name == self._embedder.name else name
        raise PhotoIndexError(
            f"{self.location}: was made with {other}, whose vectors differ in meaning from those of "
            f"{self._embedder.name}; use that model, name another place, or delete the folder and index photos again"
        )

    def _query(self, sentence: str | None, image: str | None) -> np.ndarray:
        """Return the query vector ``(D,)`` float32 of length 1: the normalised mean where both are given."""
        vectors = []
        if sentence is not None:
            vectors.append(self._embedder.sentence_vectors([sentence])[0])
        if image is not None:
            (result,) = self._embedder.photo_vectors([image])
            if isinstance(result, PhotoError):
                raise result
            vectors.append(result)
        if not vectors:
            raise UsageError("a search takes a sentence, a photo, or both")
        query = _unit(np.sum([_unit(vector) for vector in vectors], axis=0))
        if not np.isfinite(query).all():
            raise UsageError(f"{self._embedder.name} has no vector for this; search for something else")
        return query


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
