"""From images to candidates: how the graphs of a bundle work together, whatever detector they are of.

Letters: ``B`` images, ``N`` candidates of an image, ``K`` classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from seetell.errors import BundleError
from seetell.geometry.boxes import Boxes, select_proposals
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import numbers
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, selective_search

Found = tuple[np.ndarray, Boxes]
"""Scores ``(N, K)``, and boxes normalised to [0, 1] over the input, ``(N, 4)`` or one for each class, ``(N, K, 4)``."""


class CandidateFinder(Protocol):
    """Finds the candidates of a batch."""

    def __call__(self, images: np.ndarray) -> list[Found]:
        """Return those of each image of ``(B, 3, H, W)``."""


class OneGraph:
    """A detector in one stage: the graph ``detector``."""

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self.graph = Graph.open(bundle, "detector", precision=precision, threads=threads)
        self.graph.require(inputs=["images"], outputs=["scores", "boxes"])

    def __call__(self, images: np.ndarray) -> list[Found]:
        """Return the candidates of each image."""
        scores, boxes = self.graph.run({"images": images}, ["scores", "boxes"])  # (B, N, K), (B, N, 4)
        return list(zip(scores, boxes, strict=True))


@dataclass(frozen=True)
class ProposalRules:
    """How proposals are chosen among moved anchors: the setting ``proposals`` of a bundle.

    Attributes:
        compared: that enter non-maximum suppression, those of highest score.
        nms_iou: of two that overlap more, the one of higher score is kept.
        most: kept of an image.
    """

    compared: int
    nms_iou: float
    most: int

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ProposalRules:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is not a number, or is negative.
        """
        return cls(**numbers(content, ["compared", "nms_iou", "most"], least=0, expected="numbers, none negative"))


class TwoGraphs:
    """A detector that looks closer at proposals: the graphs ``proposals`` and ``regions``.

    Attributes:
        trunk: names of what all boxes of an image share.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self.rules = bundle.setting("proposals", ProposalRules.from_dict)
        self._proposals = Graph.open(bundle, "proposals", precision=precision, threads=threads)
        self._regions = Graph.open(bundle, "regions", threads=threads)
        self.trunk = [name for name in self._regions.inputs if name != "rois"]
        self._proposals.require(inputs=["images"], outputs=[*self.trunk, "boxes", "logits"])
        self._regions.require(inputs=[*self.trunk, "rois"], outputs=["scores", "boxes"])

    def __call__(self, images: np.ndarray) -> list[Found]:
        """Return the candidates of each image."""
        return self.with_trunk(images)[0]

    def with_trunk(self, images: np.ndarray) -> tuple[list[Found], dict[str, np.ndarray]]:
        """Return the candidates of each image of ``(B, 3, H, W)``, and what all boxes share, by the graphs' names."""
        *maps, anchors, logits = self._proposals.run({"images": images}, [*self.trunk, "boxes", "logits"])
        trunk = dict(zip(self.trunk, maps, strict=True))
        proposed = [boxes for boxes, _ in self._chosen(anchors, logits, most=self.rules.most)]
        return look_closer(self._regions, trunk, proposed), trunk

    def propose(self, images: np.ndarray, *, most: int) -> list[tuple[Boxes, np.ndarray]]:
        """Return at most so many proposals of each image, best first.

        Returns:
            Boxes ``(P, 4)`` in pixels of the input, and the logits of their objectness, ``(P,)``.
        """
        return self._chosen(*self._proposals.run({"images": images}, ["boxes", "logits"]), most=most)

    def _chosen(self, anchors: Boxes, logits: np.ndarray, *, most: int) -> list[tuple[Boxes, np.ndarray]]:
        rules, chosen = self.rules, []
        for boxes, scores in zip(anchors, logits, strict=True):
            kept = select_proposals(boxes, scores, compared=rules.compared, iou_threshold=rules.nms_iou, max_boxes=most)
            chosen.append((boxes[kept], scores[kept]))
        return chosen


class SearchedBoxes:
    """A detector that looks at the boxes of selective search: the graphs ``trunk`` and ``regions``."""

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self.config = bundle.setting("selective_search", SelectiveSearchConfig.from_dict)
        self._preprocessing = bundle.preprocessing
        self._trunk_graph = Graph.open(bundle, "trunk", precision=precision, threads=threads)
        self._regions = Graph.open(bundle, "regions", threads=threads)
        self._trunk = [name for name in self._regions.inputs if name != "rois"]
        self._trunk_graph.require(inputs=["images"], outputs=self._trunk)
        self._regions.require(inputs=[*self._trunk, "rois"], outputs=["scores", "boxes"])

    def __call__(self, images: np.ndarray) -> list[Found]:
        """Return the candidates of each image."""
        trunk = dict(zip(self._trunk, self._trunk_graph.run({"images": images}, self._trunk), strict=True))
        std, mean = (np.array(each)[:, None, None] for each in (self._preprocessing.std, self._preprocessing.mean))
        pixels = np.clip(np.rint(images * std + mean), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return look_closer(self._regions, trunk, [selective_search(each, self.config) for each in pixels])


def look_closer(regions: Graph, trunk: Mapping[str, np.ndarray], proposed: list[Boxes]) -> list[Found]:
    """Classify and move proposals.

    Args:
        regions: the graph.
        trunk: what the boxes of an image share, by the graph's names.
        proposed: of each image, ``(P, 4)`` in pixels of the input.
    """
    counts = np.cumsum([len(boxes) for boxes in proposed])[:-1]
    owners = np.repeat(np.arange(len(proposed)), [len(boxes) for boxes in proposed])
    rois = np.concatenate([owners[:, None], np.concatenate(proposed)], axis=1).astype(np.float32)
    scores, boxes = regions.run({**trunk, "rois": rois}, ["scores", "boxes"])
    return list(zip(np.split(scores, counts), np.split(boxes, counts), strict=True))


def open_finder(bundle: Bundle, *, precision: str | None, threads: int) -> CandidateFinder:
    """Open the graphs of a bundle.

    Raises:
        BundleError: it has none of a detector, or one is damaged.
        UsageError: it is not there in that precision.
    """
    if "detector" in bundle.graphs:
        return OneGraph(bundle, precision=precision, threads=threads)
    if "proposals" in bundle.graphs:
        return TwoGraphs(bundle, precision=precision, threads=threads)
    if "trunk" in bundle.graphs:
        return SearchedBoxes(bundle, precision=precision, threads=threads)
    raise BundleError(f"{bundle.folder}: has no graph 'detector', 'proposals' or 'trunk'; export the model again")
