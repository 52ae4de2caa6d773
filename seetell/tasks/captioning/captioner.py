"""What every captioner offers, whatever model describes the images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from seetell.errors import PhotoError, UsageError
from seetell.language.decoding import Decoding
from seetell.photos.opening import PhotoSource
from seetell.results import Caption
from seetell.runtime.bundle import bundled_models, read_description
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.near_duplicates import NearDuplicates, Thumbnail
from seetell.runtime.option_checks import check_switches
from seetell.runtime.predictor import Predictor, Prepared

_SAMPLING = ("temperature", "top_k", "top_p", "seed")


@dataclass(frozen=True)
class Wanted:
    """What a call asks of a captioner, which can do it; see :meth:`Captioner.bind`."""

    attention: bool
    sample: bool
    min_confidence: float
    any_picture: bool
    keywords: bool
    rerank: bool
    options: Mapping[str, Any]


class Captioner(Predictor[Prepared, Caption]):
    """A loaded captioning model; see :class:`~seetell.runtime.predictor.Predictor`.

    Attributes:
        has_confidence: whether its captions have a confidence.
        attends: whether it can return an attention map for every word.
        reranks: whether an aligner has a say in which sentence of a beam it tells.
    """

    task = "captioning"

    @property
    def has_confidence(self) -> bool:
        """See the class."""
        return False

    @property
    def attends(self) -> bool:
        """See the class."""
        return False

    @property
    def reranks(self) -> bool:
        """See the class."""
        return False

    def bind(
        self,
        *,
        attention: bool = False,
        sample: bool = False,
        min_confidence: float | None = None,
        any_picture: bool = False,
        keywords: bool = False,
        rerank: bool | None = None,
        each_alone: bool = False,
        **options: Any,
    ) -> BatchFn[Prepared, Caption]:
        """Return the function that captions a batch.

        Args:
            attention: see :meth:`caption`.
            sample: draw words at random instead of searching, the same as ``method="sample"``.
            min_confidence: a sentence with less :attr:`~seetell.results.Caption.confidence` is replaced by a shorter
                reading of the image's tags that has as much; where there is none, the caption is withheld.
                ``None`` stands for 0, and a model without confidence takes no more.
            any_picture: caption pictures that are no photos, too, which a model of photos otherwise withholds; the
                caption of a blank one has a confidence of 0.
            keywords: tell what is surely in the image, too, see :mod:`seetell.tasks.captioning.keywords`; a model that
                cannot confirm them tells the nouns of its sentence.
            rerank: of the sentences of a beam, tell the one that an aligner finds fitting, too, see
                :mod:`seetell.tasks.captioning.reranking`; otherwise the most probable one. ``None`` stands for ``True``
                where the model can.
            each_alone: see :meth:`caption_many`; one batch knows of no others.
            options: decoding options that replace the model's own, such as ``beam_size=3`` or ``temperature=0.8``; see
                :class:`~seetell.language.decoding.Decoding`. ``None`` stands for the model's own. Models of other
                libraries and servers take some of them, see their classes.

        Raises:
            UsageError: an option is unknown or its value not allowed, options contradict each other, or the model
                cannot do it: it has no attention to return, no confidence to compare, or no aligner.
        """
        others = [field.name for field in fields(Wanted) if field.name != "options"]
        Decoding.check_names(options, others=[*others, "each_alone"])
        switches = {"attention": attention, "sample": sample, "any_picture": any_picture, "keywords": keywords}
        given = {} if rerank is None else {"rerank": rerank}
        check_switches(**switches, each_alone=each_alone, **given)
        least = self._check_supported(attention=attention, min_confidence=min_confidence, rerank=bool(rerank))
        if rerank and (sample or options.get("method") == "sample"):
            raise UsageError("sample draws one caption and rerank chooses among several: use one of them")
        rerank = self.reranks if rerank is None else rerank
        return self._bind(Wanted(attention, sample, least, any_picture, keywords, rerank, options))

    def revising(
        self, *, each_alone: bool = False, sample: bool = False, **options: Any
    ) -> Callable[[Prepared, Caption], Caption] | None:
        """Return what gives copies of a photo its caption; see :meth:`Predictor.revising`."""
        if each_alone or sample or options.get("method") == "sample":
            return None
        known: NearDuplicates[Caption] = NearDuplicates()
        return lambda image, caption: known.result(self.thumbnail(image), caption)

    @abstractmethod
    def thumbnail(self, image: Prepared) -> Thumbnail:
        """Return the thumbnail of a prepared image, by which copies are known."""

    @abstractmethod
    def _bind(self, wanted: Wanted) -> BatchFn[Prepared, Caption]:
        """Return the function that captions a batch in the way that is wanted.

        Raises:
            UsageError: an option is unknown or its value not allowed, or the model cannot do it.
        """

    def caption(self, image: PhotoSource, *, attention: bool = False, **options: Any) -> Caption:
        """Describe an image in a sentence.

        Args:
            image: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            attention: return with every word where the model looked: ``(H, W)`` over the part of the image that
                :meth:`visible_box` gives.
            options: see :meth:`bind`.

        Raises:
            PhotoError: the image cannot be used.
            UsageError: an option is unknown or its value not allowed, or the model has no attention to return.
        """
        return self.predict(image, attention=attention, **options)

    def caption_many(
        self,
        images: Iterable[PhotoSource],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        attention: bool = False,
        **options: Any,
    ) -> Iterator[Caption | PhotoError]:
        """Describe many images, in their order; see :meth:`predict_many` and :meth:`caption`.

        Copies of a photo, such as the same one in another format or at half its size, get the caption of the first
        among the images that is one of them, see :mod:`seetell.runtime.near_duplicates`, unless it is a small preview
        of theirs, the option ``each_alone`` is ``True``, or sentences are drawn at random.
        """
        return self.predict_many(images, batch_size=batch_size, workers=workers, attention=attention, **options)

    def _check_supported(self, *, attention: bool, min_confidence: float | None, rerank: bool) -> float:
        """Check that the model can do what a call asks for, and return the least confidence.

        Raises:
            UsageError: it has no attention to return, no confidence to compare or no aligner, or the least confidence
                is none.
        """
        least = 0.0 if min_confidence is None else min_confidence
        if not isinstance(least, int | float) or not 0 <= least <= 1:
            raise UsageError(f"min_confidence is between 0 and 1, got {least!r}")
        if least and not self.has_confidence:
            raise UsageError(
                f"{self.name} does not tell how sure it is, so min_confidence has nothing to compare; bundled models "
                f"that do: {self._bundled_with('confidence')}"
            )
        if attention and not self.attends:
            raise UsageError(
                f"{self.name} has no attention to show where in the image a word came from; bundled models that have: "
                f"{self._bundled_with('grid')}"
            )
        if rerank and not self.reranks:
            raise UsageError(
                f"{self.name} has no aligner to rank its sentences again; bundled models that have: "
                f"{self._bundled_with('reranking')}"
            )
        return least

    def _bundled_with(self, setting: str) -> str:
        """Return the names of the task's bundled models that have a setting."""
        descriptions = {name: read_description(folder) for name, folder in bundled_models().items()}
        having = [
            name
            for name, content in descriptions.items()
            if content.get("task") == self.task and setting in content.get("settings", {})
        ]
        return ", ".join(having) or "none"


def chosen_decoding(default: Decoding, *, sample: bool, options: Mapping[str, Any]) -> Decoding:
    """Return how sentences are decoded where a call gives some options.

    Args:
        default: the model's own way.
        sample: draw words at random instead of searching, the same as ``method="sample"``.
        options: of :class:`~seetell.language.decoding.Decoding`; ``None`` stands for the model's own.

    Raises:
        UsageError: an option is unknown or its value not allowed, or options contradict each other.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if sample and "beam_size" in given:
        raise UsageError("sample draws one caption and beam_size searches among several: use one of them")
    if sample or "beam_size" in given:
        given.setdefault("method", "sample" if sample else "beam")
    decoding = default.with_options(**given)
    unused = [name for name in _SAMPLING if name in given] if decoding.method != "sample" else []
    if unused:
        raise UsageError(f"{', '.join(unused)}: only together with sample")
    return decoding
