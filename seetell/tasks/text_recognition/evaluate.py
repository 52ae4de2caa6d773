"""Score a text reader on pictures of words: the share that is read, and edit distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seetell.data.word_images import WordPhoto, read_word_images
from seetell.errors import PhotoError
from seetell.metrics.text import text_scores
from seetell.photos.opening import PhotoSource
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell.tasks.text_recognition.data import picture_of

if TYPE_CHECKING:
    from seetell.tasks.text_recognition.reader import TextReader


def evaluate(
    predictor: TextReader[Any],
    data: DataOptions,
    *,
    split: str = "test",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Read the words of a data set, and compare with what is written.

    See :mod:`seetell.tasks.evaluation`, and :func:`~seetell.data.word_images.read_word_images` for data sets.

    Returns:
        The scores of :class:`~seetell.metrics.text.TextScores`; ``photos`` are the words. ``rows`` are a word each, as
        it is written and as it was read.

    Raises:
        DataError: the data set cannot be used, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    dataset = read_word_images(data.path, format=data.format)
    words = images_of(dataset, split)
    results = predictor.predict_many(_pictures(words), **{"whole": True, "threshold": 0.0, **options})
    found, failures = collect("reading", words, results, progress)
    read = [" ".join(region.text for region in regions) for _, regions in found]
    scores = text_scores((word.text, text) for (word, _), text in zip(found, read, strict=True)).to_dict()
    rows = tuple(
        {"image": word.id, "text": word.text, "read": text} for (word, _), text in zip(found, read, strict=True)
    )
    return Evaluation({**scores, "photos": scores.pop("words")}, failures, rows=rows, notes=dataset.remarks)


def _pictures(words: Sequence[WordPhoto]) -> Iterator[PhotoSource]:
    """Yield what to open for each word; a photo that does not open is left for the predictor to tell why."""
    for word in words:
        try:
            yield picture_of(word)
        except PhotoError:
            yield word.path
