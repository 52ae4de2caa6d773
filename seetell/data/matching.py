"""Match the captions of a results file to the photos of a data set."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

from seetell.data.records import Photo
from seetell.data.results_file import EXAMPLES, Prediction, Results, examples_of, pluralise
from seetell.errors import DataError


def match_results(
    results: Results[Prediction], photos: Sequence[Photo], *, beside: Sequence[Photo] = (), allow_missing: bool = False
) -> dict[int | str, Prediction]:
    """Find the photo of each caption, by the photo's id, its file name, or its stem.

    Args:
        results: the captions.
        photos: the photos that should have captions.
        beside: other photos of the data set, for the error message of a caption of one of them.
        allow_missing: accept photos that have no caption.

    Returns:
        The captions by the ids of ``photos``, in their order.

    Raises:
        DataError: a caption is of none of the photos, of one that has a caption already, or its name matches several;
            or a photo has no caption and ``allow_missing`` is ``False``.
    """
    finder = _Finder(photos)
    found: dict[int | str, Prediction] = {}
    extra, twice, unclear = [], [], []
    failed: set[int | str] = set()
    for name in (*results.captions, *results.failed):
        matching = finder.find(name)
        if not matching:
            extra.append(name)
        elif len(matching) > 1:
            unclear.append(name)
        elif matching[0].id in found:
            twice.append(name)
        elif name in results.captions:
            found[matching[0].id] = results.captions[name]
        else:
            failed.add(matching[0].id)
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
            f"{examples_of([photo.id for photo in missing])}; {_advice(photos, missing, len(failed - found.keys()))}"
        )
    if faults:
        raise DataError(f"{results.path}: {'. Also '.join(faults)}")
    if not found:
        raise DataError(f"{results.path}: not one of the {len(photos):,} photos has a caption in it")
    return {photo.id: found[photo.id] for photo in photos if photo.id in found}


def _extra_faults(extra: Sequence[int | str], beside: Sequence[Photo]) -> list[str]:
    """Return errors for captions of none of the photos: whether they are of other photos of the data set."""
    finder = _Finder(beside)
    splits = {name: matching[0].split for name in extra if (matching := finder.find(name))}
    faults = [
        f"{pluralise(there, 'caption')} of photos of the split {split!r}, {examples_of(there)}; "
        f"score against that (--split {split}) or remove them from the results"
        for split in Counter(splits.values())
        if (there := [name for name in splits if splits[name] == split])
    ]
    nowhere = [name for name in extra if name not in splits]
    if nowhere:
        faults.append(
            f"{pluralise(nowhere, 'caption')} of no photo of the references, {examples_of(nowhere)}; "
            "check that these are the results of this data set, or remove them from the results"
        )
    return faults


def _named(photos: Sequence[Photo]) -> str:
    """Format a few photos, by id and by a different file name."""
    shown = [
        repr(photo.id) if photo.id == photo.path.name else f"{photo.id!r} ({photo.path.name})"
        for photo in photos[:EXAMPLES]
    ]
    return ", ".join(shown)


def _advice(photos: Sequence[Photo], missing: Sequence[Photo], failed: int) -> str:
    """Return advice about photos without a caption, of which some failed or have a caption that is withheld."""
    lacking = {photo.id for photo in missing}
    captioned = {photo.split for photo in photos if photo.id not in lacking}
    if len(captioned) == 1 and captioned.isdisjoint(photo.split for photo in missing):
        return f"all others are the split {min(captioned)!r}: score against that alone (--split {min(captioned)})"
    told = f" ({failed:,} of them failed or withheld)" if failed else ""
    return f"caption them{told} or skip them (--allow-missing)"


class _Finder:
    """Finds photos by their names in a results file.

    Args:
        photos: the photos to search.
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
        """Return the photos that match the name: none, one, or several that cannot be distinguished."""
        plain = _plain(name)
        file = plain.rpartition("/")[2]
        matching = self._by_id.get(plain) or self._by_file.get(file) or self._by_stem.get(file) or []
        if len(matching) < 2:
            return matching
        common = [_common_ending(plain, _plain(photo.path.as_posix())) for photo in matching]
        return [photo for photo, length in zip(matching, common, strict=True) if length == max(common)]


def _plain(name: int | str) -> str:
    """Normalise Unicode form and slashes of a name."""
    return unicodedata.normalize("NFC", str(name)).replace("\\", "/")


def _common_ending(one: str, other: str) -> int:
    """Return the number of equal parts at the end of two paths."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
