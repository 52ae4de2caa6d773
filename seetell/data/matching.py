"""Find the photos of a data set that captions are of, whatever the file of captions calls them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from seetell.data.results_file import EXAMPLES, Prediction, Results, examples_of, pluralise
from seetell.errors import DataError


class Photo(Protocol):
    """A photo of a data set, such as a ``PhotoRecord`` or a ``RegionPhoto``."""

    @property
    def id(self) -> int | str:
        """What its data set calls it."""

    @property
    def path(self) -> Path:
        """The image file."""

    @property
    def split(self) -> str:
        """``train``, ``val`` or ``test``."""


def match_results(
    results: Results[Prediction],
    photos: Sequence[Photo],
    *,
    beside: Sequence[Photo] = (),
    allow_missing: bool = False,
) -> dict[int | str, Prediction]:
    """Find the photo that each caption is of, by the photo's id, its file name, or that without its ending.

    Args:
        results: what the model said.
        photos: the photos it should have been said of.
        beside: other photos of the data set, to say so of a caption that is of one of them.
        allow_missing: accept photos that have no caption.

    Returns:
        The captions by the ids of ``photos``, in their order.

    Raises:
        DataError: a caption is of none of the photos, or of one that has a caption already, or its name fits several;
            or a photo has no caption and ``allow_missing`` does not permit it.
    """
    finder = _Finder(photos)
    found: dict[int | str, Prediction] = {}
    extra, twice, unclear = [], [], []
    for name in (*results.captions, *results.failed):
        fitting = finder.find(name)
        if not fitting:
            extra.append(name)
        elif len(fitting) > 1:
            unclear.append(name)
        elif fitting[0].id in found:
            twice.append(name)
        elif name in results.captions:
            found[fitting[0].id] = results.captions[name]
    missing = [photo for photo in photos if photo.id not in found]
    faults = _extra_faults(extra, beside)
    if len(extra) == len(results.captions) + len(results.failed):
        raise DataError(f"{results.path}: {'. Also '.join(faults)}. The references name their photos {_named(photos)}")
    if unclear:
        faults.append(
            f"{pluralise(unclear, 'name')} matching several photos, {examples_of(unclear)}; name them by id or path"
        )
    if twice:
        faults.append(f"{pluralise(twice, 'photo')} captioned again under another name, {examples_of(twice)}")
    if missing and not allow_missing:
        faults.append(
            f"{pluralise(missing, 'photo')} of {len(photos):,} without a caption, "
            f"{examples_of([photo.id for photo in missing])}; {_advice(results, photos, missing)}"
        )
    if faults:
        raise DataError(f"{results.path}: {'. Also '.join(faults)}")
    if not found:
        raise DataError(f"{results.path}: not one of the {len(photos):,} photos has a caption in it")
    return {photo.id: found[photo.id] for photo in photos if photo.id in found}


def _extra_faults(extra: Sequence[int | str], beside: Sequence[Photo]) -> list[str]:
    """Say of captions that are of none of the photos whether they are of others of the data set."""
    finder = _Finder(beside)
    splits = {name: fitting[0].split for name in extra if (fitting := finder.find(name))}
    faults = [
        f"{pluralise(there, 'caption')} of photos of the split {split!r}, {examples_of(there)}; "
        f"score against that (--split {split}) or leave them out of the results"
        for split in Counter(splits.values())
        if (there := [name for name in splits if splits[name] == split])
    ]
    nowhere = [name for name in extra if name not in splits]
    if nowhere:
        faults.append(
            f"{pluralise(nowhere, 'caption')} of no photo of the references, {examples_of(nowhere)}; "
            "check that these are the results of this data set, or leave them out of the results"
        )
    return faults


def _named(photos: Sequence[Photo]) -> str:
    """Name a few photos by id, and by file where that is another."""
    shown = [
        repr(photo.id) if photo.id == photo.path.name else f"{photo.id!r} ({photo.path.name})"
        for photo in photos[:EXAMPLES]
    ]
    return ", ".join(shown)


def _advice(results: Results[Any], photos: Sequence[Photo], missing: Sequence[Photo]) -> str:
    """Say what to do about photos without a caption."""
    lacking = {photo.id for photo in missing}
    covered = {photo.split for photo in photos if photo.id not in lacking}
    if len(covered) == 1 and covered.isdisjoint(photo.split for photo in missing):
        return f"all others are the split {min(covered)!r}: score against that alone (--split {min(covered)})"
    failed = f" ({len(results.failed)} of them failed)" if results.failed else ""
    return f"caption them{failed} or leave them out (--allow-missing)"


class _Finder:
    """Finds photos by what a results file calls them.

    Args:
        photos: those that can be found.
    """

    def __init__(self, photos: Iterable[Photo]) -> None:
        self._by_id: dict[str, list[Photo]] = {}
        self._by_file: dict[str, list[Photo]] = {}
        self._by_stem: dict[str, list[Photo]] = {}
        for photo in photos:
            self._by_id.setdefault(_plain(photo.id), []).append(photo)
            self._by_file.setdefault(_plain(photo.path.name), []).append(photo)
            self._by_stem.setdefault(_plain(photo.path.stem), []).append(photo)

    def find(self, name: int | str) -> list[Photo]:
        """Return the photos that the name fits: none, one, or several that nothing tells apart."""
        plain = _plain(name)
        file = plain.rpartition("/")[2]
        fitting = self._by_id.get(plain) or self._by_file.get(file) or self._by_stem.get(file) or []
        if len(fitting) < 2:
            return fitting
        common = [_common_ending(plain, _plain(photo.path.as_posix())) for photo in fitting]
        return [photo for photo, length in zip(fitting, common, strict=True) if length == max(common)]


def _plain(name: int | str) -> str:
    """Write names alike that differ in Unicode form or in the slashes of another system only."""
    return unicodedata.normalize("NFC", str(name)).replace("\\", "/")


def _common_ending(one: str, other: str) -> int:
    """Return how many parts two paths share at their ends."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
