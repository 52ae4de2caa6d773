"""Score a pose network on a data set, by the shares of joints and limbs that it detects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from seetell.data.objects import read_objects
from seetell.errors import DataError, PhotoError
from seetell.photos import open_photo
from seetell.results import row
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell.tasks.pose.persons import Person, cut_out, framed, persons_of, points_within
from seetell.tasks.pose.scores import pose_scores

if TYPE_CHECKING:
    from seetell.tasks.pose.predict import BundlePoser


def evaluate(
    predictor: BundlePoser,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Find the joints of a data set's persons, each cut out of its photo, and compare them with the marked ones.

    See :mod:`seetell.tasks.evaluation`, and :func:`~seetell.data.objects.read_objects` for the formats.

    Returns:
        ``PDJ`` and ``PCP``, see :mod:`seetell.metrics.key_points`, and the numbers of ``persons`` and ``photos``.
        ``rows`` are what ``seetell pose --format jsonl`` writes of each person.

    Raises:
        DataError: the data set cannot be used, has other joints, or none of its images opens.
    """
    predictor.check(**options)
    dataset = read_objects(data.path, format=data.format, photos=data.photos, details=True)
    if dataset.key_points.names != predictor.key_points.names:
        raise DataError(
            f"{dataset.source}: expected the key points {', '.join(predictor.key_points.names)}; got "
            f"{', '.join(dataset.key_points.names) or 'none'}"
        )
    persons = persons_of(images_of(dataset, split), predictor.labels[0])
    if not persons:
        raise DataError(f"{dataset.source}: no {predictor.labels[0]} of the split {split!r} has a marked point")

    images = (_image(person, predictor.margin) for person in persons)
    found, failures = collect("finding joints", persons, predictor.predict_many(images), progress)
    places = []
    for person, regions in found:
        photo = open_photo(person.path)
        frame = np.round(framed(person, photo.size, margin=predictor.margin))
        points = points_within(person, photo.size, frame)
        points[:, :2] = (points[:, :2] + 0.5) * regions.size
        places.append((np.array([[point.x, point.y] for point in regions[0].points]), points))
    own, true = (np.stack(each) for each in zip(*places, strict=True))
    return Evaluation(
        {
            **pose_scores(own, true, predictor.key_points),
            "persons": len(found),
            "photos": len({person.id for person, _ in found}),
        },
        failures,
        rows=tuple(row(person.path.name, regions) for person, regions in found),
        notes=dataset.remarks,
    )


def _image(person: Person, margin: float) -> Image.Image | Path:
    """Return a person cut out of its photo; the file of one that does not open, which is then told."""
    try:
        photo = open_photo(person.path)
    except PhotoError:
        return person.path
    return cut_out(photo, np.round(framed(person, photo.size, margin=margin)))
