"""What the exporter writes of a Siamese network: features of windows, the exemplar's template, and the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seetell.export.declaration import CALIBRATION_IMAGES, COMPARISON_IMAGES, Declaration, Examples, GraphSpec
from seetell.nn.backbones import Encoder
from seetell.tasks.single_object_tracking.models.siamese import SiameseNetwork, middle
from seetell.tasks.single_object_tracking.models.siamfc import SiamFC
from seetell.tasks.single_object_tracking.models.siammask import SiamMask
from seetell.tasks.single_object_tracking.models.udt import Udt
from seetell.tasks.single_object_tracking.pairs import FilmPairs, PairSource, PhotoPairs
from seetell.tasks.single_object_tracking.train import Films, Training
from seetell.training.trained import Trained


class FeaturesGraph(nn.Module):
    """``images (B, 3, S, S)`` → ``features (B, C, n, n)``, those that windows are compared by."""

    def __init__(self, encoder: Encoder, network: SiameseNetwork) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Embed."""
        maps = self.encoder.feature_maps(images, self.network.strides)
        embedded = self.network.embedding([maps[stride] for stride in self.network.strides])
        return (self.network.features(embedded) if isinstance(self.network, Udt) else embedded,)


class TemplateGraph(nn.Module):
    """``exemplar (1, C, n, n)`` → the kernels of the network."""

    def __init__(self, network: SiameseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, exemplar: Tensor) -> tuple[Tensor, ...]:
        """Make the template."""
        return self.network.template(exemplar)


class SearchGraph(nn.Module):
    """``features (B, C, n, n)`` and the kernels → what the network says of the windows."""

    def __init__(self, network: SiameseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, *kernels: Tensor) -> tuple[Tensor, ...]:
        """Search."""
        return self.network.search(features, kernels)


class MasksGraph(nn.Module):
    """``vectors (P, C)`` of places → ``masks (P, 63, 63)``, probabilities."""

    def __init__(self, network: SiamMask) -> None:
        super().__init__()
        self.network = network

    def forward(self, vectors: Tensor) -> tuple[Tensor]:
        """Draw the masks."""
        return (self.network.masks(vectors).sigmoid(),)


@dataclass(frozen=True)
class WindowExamples(Examples):
    """Windows of pairs instead of the photos of a data set.

    Attributes:
        sources: make the pairs that were trained on, and those that were not.
    """

    sources: Sequence[PairSource] = ()

    def _windows(self, source: PairSource, count: int) -> np.ndarray:
        return self.preprocessing.normalise(np.stack([source(number).search for number in range(count)]))

    @cached_property
    def calibration(self) -> np.ndarray:
        """Preprocessed windows that were trained on, ``(N, 3, H, W)``."""
        return self._windows(self.sources[0], CALIBRATION_IMAGES)

    @cached_property
    def comparison(self) -> np.ndarray:
        """Preprocessed windows that were not trained on, ``(N, 3, H, W)``."""
        return self._windows(self.sources[1], COMPARISON_IMAGES)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained network."""
    network: SiameseNetwork = trained.model
    examples = _examples(trained)
    features = GraphSpec(
        name="features",
        module=FeaturesGraph(trained.encoder, network).eval(),
        examples=(torch.from_numpy(examples.comparison[:4]),),
        inputs=("images",),
        outputs=("features",),
        dynamic_shapes=({0: torch.export.Dim("windows", min=1)},),
        quantise="static",
        tolerance=2e-3,
    )
    settings: dict[str, Any] = {"stride": network.strides[0], "exemplar_cells": network.exemplar_cells or 1}
    if isinstance(network, Udt):
        options = trained.config.section.options
        settings |= {"tracker": "udt", "regularisation": options.regularisation, "deviation": options.deviation}
        specs = [features]
    else:
        settings["tracker"] = "siamfc" if isinstance(network, SiamFC) else "siamrpn"
        specs = [features, *_search_graphs(network, features)]
    return Declaration(
        architecture=trained.config.section.model,
        graphs=tuple(specs),
        examples=examples,
        models=(network,),
        settings=settings,
        weights={"tracker": network.state_dict()},
    )


def _search_graphs(network: SiameseNetwork, features: GraphSpec) -> list[GraphSpec]:
    with torch.no_grad():
        (embedded,) = features.module(features.examples[0])
        (exemplar,) = (each.clone() for each in middle([embedded[:1]], network.strides[:1], network.exemplar_cells))
        kernels = tuple(each.clone() for each in network.template(exemplar))
        outputs = network.search(embedded, kernels)
    names = tuple(f"kernel_{number}" for number in range(len(kernels)))
    template = GraphSpec(
        name="template",
        module=TemplateGraph(network).eval(),
        examples=(exemplar,),
        inputs=("exemplar",),
        outputs=names,
        dynamic_shapes=({},),
        tolerance=2e-3,
    )
    search = GraphSpec(
        name="search",
        module=SearchGraph(network).eval(),
        examples=(embedded.clone(), *kernels),
        inputs=("features", *names),
        outputs=("responses",) if len(outputs) == 1 else ("scores", "boxes", "vectors")[: len(outputs)],
        dynamic_shapes=({0: torch.export.Dim("windows", min=1)}, tuple({} for _ in kernels)),
        tolerance=2e-3,
    )
    if not isinstance(network, SiamMask):
        return [template, search]
    masks = GraphSpec(
        name="masks",
        module=MasksGraph(network).eval(),
        examples=(outputs[2][0, :3].clone(),),
        inputs=("vectors",),
        outputs=("masks",),
        dynamic_shapes=({0: torch.export.Dim("places", min=1)},),
        weights="half",
        tolerance=2e-2,
    )
    return [template, search, masks]


def _examples(trained: Trained) -> WindowExamples:
    """Return windows of the run's pairs."""
    config, section = trained.config, trained.config.section
    dataset = Training.read(config)
    side = trained.encoder.preprocessing.height
    if isinstance(dataset, Films):
        sources: list[PairSource] = [
            FilmPairs(dataset.frames, section.pairs, side=side, seed=config.seed + number) for number in range(2)
        ]
    else:
        sources = [
            PhotoPairs(dataset, dataset.split(split), section.pairs, side=side, seed=config.seed + number)
            for number, split in enumerate(("train", "val"))
        ]
    return WindowExamples((), (), trained.encoder.preprocessing, sources)
