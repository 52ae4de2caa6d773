"""What a task declares of its trained model, for the exporter to write, and images of its data set to compare on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.records import AnyPhoto, Photo, PhotoDataset
from seetell.errors import BundleError, PhotoError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, Features, Tags
from seetell.nn.onnx_graph import onnx_graph
from seetell.photos import Preprocessing
from seetell.runtime.bundle import Bundle
from seetell.runtime.resized_images import resize_all
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import ImageTagger, stacked
from seetell.training.batches import photo_pixels
from seetell.training.config import CardConfig

CALIBRATION_IMAGES, COMPARISON_IMAGES = 128, 32

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Examples:
    """Images of a data set, opened when first asked for.

    Attributes:
        train: training photos, to calibrate on.
        val: validation photos, to compare on; where there are fewer than two, training photos are.
        preprocessing: the encoder's.
    """

    train: Sequence[Photo]
    val: Sequence[Photo]
    preprocessing: Preprocessing

    @classmethod
    def of(cls, dataset: PhotoDataset[AnyPhoto], encoder: Encoder) -> Examples:
        """Return the examples of a data set for an encoder."""
        return cls(dataset.split("train"), dataset.split("val"), encoder.preprocessing)

    @property
    def compared(self) -> Sequence[Photo]:
        """The photos that :attr:`comparison` is sampled from."""
        return self.val if len(self.val) > 1 else self.train

    @cached_property
    def calibration(self) -> np.ndarray:
        """Preprocessed training images, ``(N, 3, H, W)``; see :func:`sample_images` for errors."""
        return sample_images(self.preprocessing, self.train, CALIBRATION_IMAGES)

    @cached_property
    def comparison(self) -> np.ndarray:
        """Preprocessed images to compare on, ``(N, 3, H, W)``; see :func:`sample_images` for errors."""
        return sample_images(self.preprocessing, self.compared, COMPARISON_IMAGES)

    def comparison_for(self, preprocessings: Sequence[Preprocessing]) -> list[dict[Preprocessing, np.ndarray]]:
        """Return the images of :attr:`comparison` prepared for several networks."""
        return sample(self.compared, COMPARISON_IMAGES, lambda photo: resize_all(photo.path, preprocessings))


def sample_images(preprocessing: Preprocessing, photos: Sequence[Photo], count: int) -> np.ndarray:
    """Open photos evenly spread over a data set; unreadable ones are skipped.

    Args:
        preprocessing: of the encoder.
        photos: to choose from.
        count: the most to open.

    Returns:
        ``(N, 3, H, W)`` float32, ``N`` at most ``count``.

    Raises:
        BundleError: fewer than two are left.
    """
    return np.stack(sample(photos, count, lambda photo: photo_pixels(photo, preprocessing)))


def sample(photos: Sequence[Photo], count: int, open_one: Callable[[Photo], Opened]) -> list[Opened]:
    """Open photos evenly spread over a data set in some way; see :func:`sample_images`."""
    images = []
    for photo in photos[:: max(1, len(photos) // count)][:count]:
        try:
            images.append(open_one(photo))
        except PhotoError:
            continue
    if len(images) < 2:
        raise BundleError("exporting needs at least two readable photos of the run's data set to compare with torch")
    return images


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph of a bundle.

    Attributes:
        name: its name in ``model.json``; its file is ``NAME.onnx``.
        module: in evaluation mode, on the CPU; takes tensors and returns a tuple of tensors.
        examples: arguments to trace the module with, at least two along each open axis, and to compare it with.
        inputs: names of the arguments in the graph.
        outputs: names of the returned tensors.
        dynamic_shapes: for each argument the axes of any length, as :func:`torch.export.export` takes them.
        weights: where its arrays are kept: ``own``, in its file in float32; ``half``, in its file, the large ones in
            half precision; ``int8``, in its file, large matrices in 8 bits; ``shared``, in the bundle's
            ``weights.safetensors``, those that are there.
        quantise: how an int8 copy is made: ``static``, calibrated on images, the graph's one input being ``images``; or
            ``dynamic``, each activation being measured when it is there, for Transformers. Empty for none.
        tolerance: largest allowed difference from the module in float32, relative to the greatest value of each
            output; ``None`` where one of :attr:`Declaration.checks` measures the graph.
    """

    name: str
    module: nn.Module
    examples: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic_shapes: tuple[object, ...]
    weights: Literal["own", "half", "int8", "shared"] = "own"
    quantise: Literal["", "static", "dynamic"] = ""
    tolerance: float | None = None

    def to_onnx(self) -> bytes:
        """Return the content of an ONNX file, its weights included, in float32."""
        return onnx_graph(
            self.module, self.examples, inputs=self.inputs, outputs=self.outputs, dynamic_shapes=self.dynamic_shapes
        )


@dataclass(frozen=True)
class ParityCheck:
    """A comparison with torch that takes more than one graph, or more than one step.

    Attributes:
        name: of the measured difference in ``model.json``.
        tolerance: the largest difference allowed.
        measure: computes it from the bundle's graphs by name, in float32; those with a static int8 copy are not among
            them.
        int8_tolerance: the largest difference allowed of the int8 copies; ``None`` if they are not compared.
    """

    name: str
    tolerance: float
    measure: Callable[[Mapping[str, Graph]], float]
    int8_tolerance: float | None = None


@dataclass(frozen=True)
class Declaration:
    """A bundle, but for what every bundle has.

    Attributes:
        architecture: name of the model's architecture.
        graphs: what it computes.
        examples: images of the run's data set; none where no graph is calibrated on them.
        models: the modules that :attr:`graphs` are made of, beside the encoder; their parameters are counted.
        settings: what the task's predictor needs to know, ready for JSON.
        checks: further comparisons with torch.
        weights: arrays to keep in ``weights.safetensors`` for further training, by part and name.
        labels: names of the classes, where the model chooses among such.
        distilled_from: names of the models that taught it.
        scores: of the validation photos, by which the weights were chosen; ``None`` for those of the run.
        card: licence of the weights, and data that they were trained on; ``None`` for that of the run.
        tagger: the bundle whose detectors tag the images for this one; ``None`` where no tags are read.
    """

    architecture: str
    graphs: tuple[GraphSpec, ...]
    examples: Examples
    models: tuple[nn.Module, ...]
    settings: Mapping[str, Any]
    checks: tuple[ParityCheck, ...] = ()
    weights: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    distilled_from: Sequence[str] = ()
    scores: Mapping[str, float] | None = None
    card: CardConfig | None = None
    tagger: Bundle | None = None


@dataclass(frozen=True)
class Origin:
    """Where the weights of a bundle come from.

    Attributes:
        task: what the model does.
        preprocessing: of its images.
        vocabulary: its words, if it has any.
        encoder: name of its image encoder.
        encoder_parameters: of the encoder.
        name: of the model, for a bundle that gets no other.
        card: licence of the weights, and data that they were trained on.
        command: that made them.
        started_from: the model that the training began with.
        config: of the training.
        trained_steps: length of the training; ``None`` if it is not known.
        scores: of the validation photos.
    """

    task: str
    preprocessing: Preprocessing
    vocabulary: Vocabulary | None
    encoder: str
    encoder_parameters: int
    name: str = ""
    card: CardConfig = CardConfig()  # noqa: RUF009  # which is frozen
    command: str = ""
    started_from: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    trained_steps: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


class FeaturesGraph(nn.Module):
    """An encoder: ``images (B, 3, H, W)`` → ``pooled (B, D)`` and, where it is needed, ``grid (B, L, D)``."""

    def __init__(self, encoder: Encoder, *, with_grid: bool) -> None:
        super().__init__()
        self.encoder, self.with_grid = encoder, with_grid

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encode."""
        features = self.encoder(images)
        return (features.pooled, features.grid) if self.with_grid else (features.pooled,)


def encoder_graph(module: nn.Module, outputs: Sequence[str], examples: Examples) -> GraphSpec:
    """Declare the graph ``encoder``, from images to features, of which an int8 copy can be made.

    Args:
        module: takes ``images (B, 3, H, W)``, such as :class:`FeaturesGraph`.
        outputs: names of what it returns.
        examples: images to compare on.
    """
    return GraphSpec(
        name="encoder",
        module=module,
        examples=(torch.from_numpy(examples.comparison),),
        inputs=("images",),
        outputs=tuple(outputs),
        dynamic_shapes=({0: torch.export.Dim("photos", min=1)},),
        quantise="static",
        tolerance=1e-3,
    )


def comparison_features(encoder: Encoder, examples: Examples) -> Features:
    """Return the features of the images that graphs are compared on."""
    with torch.no_grad():
        features = encoder(torch.from_numpy(examples.comparison))
    # views of one activation would be traced with strides of their own
    return Features(features.pooled.clone(), None if features.grid is None else features.grid.clone())


def comparison_tags(tagger: ImageTagger, features: Features, examples: Examples) -> Tags:
    """Return the tags of the images that graphs are compared on, given their features."""
    images = stacked(examples.comparison_for(tagger.preprocessings), tagger.preprocessings)
    found = tagger(images, features.pooled.numpy()).features
    return Tags(*(torch.from_numpy(found[name]) for name in Tags._fields))
