"""Where the regions of an image are: proposals, and the region head's final boxes and scores, on ONNX Runtime.

Letters: ``B`` images, ``A`` anchors of an image, ``R`` regions of all images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from seetell.geometry.boxes import area, nms, select_proposals
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import numbers


@dataclass(frozen=True)
class Localisation:
    """How boxes are chosen between the graphs: the setting ``localisation`` of a bundle.

    Attributes:
        strides: of the feature maps, finest first.
        canonical_box_size: boxes whose side, the root of the area in pixels of the encoder's input, is shorter are
            pooled from the finest map, those of up to twice the side from the next, and so on.
        pre_nms_top_n: proposals compared by non-maximum suppression, those of highest score.
        proposal_nms_iou: of two proposals that overlap more, the one of higher score is kept.
        proposals: how many proposals are kept.
        nms_iou: of two final boxes that overlap more, the one of higher score is kept.
        max_detections: maximum number of final boxes per image.
        caption_confidence_weight: a region's score is its objectness times the geometric mean of its words'
            probabilities to this power.
    """

    strides: tuple[int, ...]
    canonical_box_size: float
    pre_nms_top_n: int
    proposal_nms_iou: float
    proposals: int
    nms_iou: float
    max_detections: int
    caption_confidence_weight: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Localisation:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is not a number.
        """
        strides = tuple(int(stride) for stride in content["strides"])
        if not strides:
            raise TypeError(f"expected strides, got {dict(content)}")
        names = [field.name for field in fields(cls) if field.name != "strides"]
        return cls(strides=strides, **numbers(content, names, least=0, expected="numbers, none of them negative"))


class Localiser:
    """The graphs ``encoder``, ``proposals`` and ``regions`` of a bundle, and the choice of boxes between them.

    Boxes are xyxy in pixels of the encoder's input.

    Attributes:
        rules: how it chooses boxes.
        input_size: width and height of the encoder's input, which the image fills, twice: ``(4,)``, by which boxes are
            divided to be normalised.

    Args:
        bundle: whose graphs.
        rules: its own.
        precision: of the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with.
        features: names of what the region head has to give a decoder of each region.

    Raises:
        BundleError: a graph is damaged, or has other inputs and outputs than expected.
    """

    def __init__(
        self, bundle: Bundle, rules: Localisation, *, precision: str | None, threads: int, features: Sequence[str]
    ) -> None:
        self.rules = rules
        self.input_size = np.tile((bundle.preprocessing.width, bundle.preprocessing.height), 2)
        strides = self.rules.strides
        self._maps = [f"map_{stride}" for stride in strides]
        levels = [f"level_{stride}" for stride in strides]
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=threads)
        self._proposals = Graph.open(bundle, "proposals", threads=threads)
        self._regions = Graph.open(bundle, "regions", threads=threads)
        self._encoder.require(inputs=["images"], outputs=self._maps)
        self._proposals.require(inputs=self._maps, outputs=[*levels, "boxes", "logits"])
        boxes = [f"{name}_{stride}" for stride in strides for name in ("boxes", "photos")]
        self._regions.require(inputs=[*levels, *self._maps, "context", *boxes], outputs=["boxes", "scores", *features])

    def __call__(self, images: np.ndarray) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
        """Find the regions of images.

        Args:
            images: ``(B, 3, H, W)`` float32.

        Returns:
            What the region head makes of all proposals, see :meth:`region_head`, and the indices of the final boxes of
            each image, highest score first.
        """
        maps, boxes, logits = self.anchors(images)
        proposals = self._select(boxes, logits, max_proposals=self.rules.proposals)
        owners = np.repeat(np.arange(len(images)), [len(boxes) for boxes, _ in proposals])
        head = self.region_head(maps, np.concatenate([boxes for boxes, _ in proposals]), owners)
        return head, self._final(head["boxes"], head["scores"], head.pop("photos"), count=len(images))

    def propose(self, images: np.ndarray, *, max_proposals: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return boxes of the proposals of each image ``(P, 4)`` and their logits ``(P,)``, highest first.

        Args:
            images: ``(B, 3, H, W)`` float32.
            max_proposals: of each image.
        """
        _, boxes, logits = self.anchors(images)
        return self._select(boxes, logits, max_proposals=max_proposals)

    def anchors(self, images: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """See images, before any box is chosen.

        Args:
            images: ``(B, 3, H, W)`` float32.

        Returns:
            Feature maps by name, for :meth:`region_head`; of all anchors boxes ``(B, A, 4)`` and logits ``(B, A)``.
        """
        maps = dict(zip(self._maps, self._encoder.run({"images": images}, self._maps), strict=True))
        outputs = self._proposals.outputs
        maps |= zip(outputs, self._proposals.run(maps, outputs), strict=True)
        boxes, logits = maps.pop("boxes"), maps.pop("logits")
        return maps, boxes, logits

    def region_head(
        self, maps: Mapping[str, np.ndarray], boxes: np.ndarray, owners: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Run the region head, each box on the map of its size.

        Args:
            maps: of :meth:`anchors`.
            boxes: ``(R, 4)`` float32.
            owners: ``(R,)`` their images.

        Returns:
            Its outputs in that order, and besides, of each row, ``photos``, its image, and ``order``, its box's place.
        """
        rules = self.rules
        sides = np.sqrt(area(boxes))
        level = np.floor(1 + np.log2(sides / rules.canonical_box_size) + 1e-6)
        level = np.clip(level, 0, len(rules.strides) - 1)
        places = [np.flatnonzero(level == number) for number in range(len(rules.strides))]
        feeds = dict(maps)
        for stride, chosen in zip(rules.strides, places, strict=True):
            feeds |= {f"boxes_{stride}": boxes[chosen], f"photos_{stride}": owners[chosen]}
        outputs = self._regions.outputs
        found = dict(zip(outputs, self._regions.run(feeds, outputs), strict=True))
        order = np.concatenate(places)
        return found | {"photos": owners[order], "order": order}

    def _select(
        self, boxes: np.ndarray, logits: np.ndarray, *, max_proposals: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Select proposals from all anchors of each image: boxes and their logits, highest first."""
        rules = self.rules
        compared = rules.pre_nms_top_n * -(-max_proposals // rules.proposals)
        selected = []
        for each, scores in zip(boxes, logits, strict=True):
            kept = select_proposals(
                each, scores, compared=compared, iou_threshold=rules.proposal_nms_iou, max_boxes=max_proposals
            )
            selected.append((each[kept], scores[kept]))
        return selected

    def _final(self, boxes: np.ndarray, scores: np.ndarray, photos: np.ndarray, *, count: int) -> list[np.ndarray]:
        """Return the indices of the final boxes of each image, highest score first."""
        rules = self.rules
        kept = []
        for photo in range(count):
            own = np.flatnonzero((photos == photo) & (area(boxes) > 0))
            kept.append(own[nms(boxes[own], scores[own], iou_threshold=rules.nms_iou, max_boxes=rules.max_detections)])
        return kept
