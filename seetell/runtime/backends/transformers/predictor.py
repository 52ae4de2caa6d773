"""What the predictors of all tasks have in common that run a model of transformers."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

import torch
from PIL import Image

from seetell.errors import OtherTaskError, UsageError
from seetell.photos.opening import PhotoSource, open_photo
from seetell.runtime.backends.transformers.model import LoadedModel, load_model, memory_errors
from seetell.runtime.backends.transformers.source import Source, find_source
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.predictor import Predictor, Result
from seetell.runtime.resized_images import with_size

Returned = TypeVar("Returned")

LARGEST_SIDE = 4096
"""No photo is opened larger than this for a model, whatever it says."""

REMOTE_CLASSES = ("AutoModelForImageTextToText", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM", "AutoModel")
"""Of models that bring their own code and write text."""


class Prepared(NamedTuple):
    """An opened image.

    Attributes:
        image: perhaps at a smaller scale than the photo.
        size: width and height of the upright photo.
        text: that goes with it.
    """

    image: Image.Image
    size: tuple[int, int]
    text: str


class HubPredictor(Predictor[Prepared, Result]):
    """A predictor that runs a model of transformers.

    One thread runs it at a time; others wait.

    Attributes:
        tables: of transformers, whose kinds of models it takes, such as ``MODEL_FOR_OBJECT_DETECTION``.
        auto_classes: that load it, see :func:`~.model.load_model`.
        texts: whether it reads or writes texts.
        takes_code: whether it takes models that bring their own code.
        model: the loaded model.

    Args:
        source: the model's files.
        threads: processor threads to compute with; the physical cores when absent.
        device: see :func:`~.model.load_model`.
        dtype: see :func:`~.model.load_model`.
        instructions: refused: options such as ``prompt``, which predictors take that have a use for them.

    Raises:
        UsageError: see :func:`~.model.load_model`, or there are instructions.
        BundleError: see :func:`~.model.load_model`.
    """

    tables: ClassVar[tuple[str, ...]] = ()
    auto_classes: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[bool] = False
    takes_code: ClassVar[bool] = False
    batch_size = 8

    def __init__(
        self,
        source: Source,
        *,
        threads: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        **instructions: Any,
    ) -> None:
        for name in instructions:
            kind = f"a model of the type {source.model_type!r}"
            raise UsageError(
                f"--{name.replace('_', '-')}: {source.name} is {kind}, which takes no instructions for {self.task}"
            )
        super().__init__(source.name, threads=threads)
        torch.set_num_threads(self.threads)
        self.source = source
        self.model: LoadedModel = load_model(source, self.auto_classes, device=device, dtype=dtype, texts=self.texts)
        self._side = input_side(self.model.image_processor)
        self._lock = threading.Lock()

    @classmethod
    def takes(cls, source: Source) -> bool:
        """Return whether it can run a model."""
        return source.among(cls.tables) or (cls.takes_code and any(name in cls.auto_classes for name in source.code))

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image, no larger than the model needs it; see :meth:`Predictor.prepare`."""
        image, size = with_size(image)
        opened = open_photo(image, at_least=(self._side, self._side))
        factor = min(opened.size) // self._side
        return Prepared(opened.reduce(factor) if factor > 1 else opened, size, text)

    def batched(self, function: Callable[..., Sequence[Result]], **options: Any) -> BatchFn[Prepared, Result]:
        """Return what runs a function on a batch with options, see :meth:`locked`."""

        def run(batch: Sequence[Prepared], sample_ids: Sequence[int]) -> Sequence[Result]:
            return self.locked(function, batch, sample_ids, **options)

        return run

    def locked(self, function: Callable[..., Returned], *arguments: Any, **options: Any) -> Returned:
        """Call a function that runs the network: by one thread at a time, without gradients."""
        with self._lock, torch.inference_mode(), memory_errors():
            return function(*arguments, **options)


@dataclass(frozen=True)
class HubLoader:
    """Loads a task's models of transformers.

    Attributes:
        predictors: the first that takes a model runs it.
    """

    predictors: tuple[type[HubPredictor[Any]], ...]

    def __call__(
        self, name: str, *, revision: str | None = None, trust_remote_code: bool = False, **options: Any
    ) -> HubPredictor[Any]:
        """Load a model.

        Args:
            name: see :func:`~.source.find_source`.
            revision: see there.
            trust_remote_code: see there.
            options: of the predictor.

        Raises:
            UsageError: see :func:`~.source.find_source` and :class:`HubPredictor`, or the predictor has no such option.
            BundleError: see there.
            OtherTaskError: the task cannot use models of this kind.
        """
        source = find_source(name, revision=revision, trust_remote_code=trust_remote_code)
        for predictor in self.predictors:
            if predictor.takes(source):
                return predictor(source, **options)
        raise OtherTaskError(f"{source.name}: is a model of the type {source.model_type!r}", source.config)


def input_side(image_processor: Any) -> int:
    """Return for how many pixels of its shorter side a photo is opened: what a model makes of it is no larger."""
    sides = [224.0]
    for name in ("size", "crop_size", "max_image_size"):
        size = getattr(image_processor, name, None)
        values = [value for value in (dict(size).values() if size and not isinstance(size, int) else [size]) if value]
        pixels = any(value > LARGEST_SIDE for value in values)  # some count those of the whole image
        sides += [math.sqrt(value) if pixels else value for value in values]
    for grid in getattr(image_processor, "image_grid_pinpoints", None) or ():
        sides += grid
    return min(math.ceil(max(sides)), LARGEST_SIDE)
