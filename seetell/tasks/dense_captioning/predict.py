"""Regions of images, each with a phrase, from a bundle, on ONNX Runtime.

>>> import seetell
>>> for region in seetell.load("regions").predict("photo.jpg", top=5):
...     print(region.box, region.text)

Letters: ``B`` images, ``A`` anchors of an image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.geometry.boxes import Box, area, intersection_over_smaller, nms
from seetell.language.decoding import Decoding
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.image_stream import BatchFn, preprocess_with_size
from seetell.runtime.predictor import Predictor
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.decoder import Decoder

TOP = 10
DUPLICATE_OVERLAP = 0.4
"""Of two regions with the same phrase, that of lower score goes if more than this of the smaller is in the other."""

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The encoder's input ``(3, H, W)`` float32, and the image's width and height."""


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
        values = {field.name: content[field.name] for field in fields(cls)}
        strides = tuple(int(stride) for stride in values.pop("strides"))
        if not strides or not all(isinstance(value, (int, float)) and value >= 0 for value in values.values()):
            raise TypeError(f"expected numbers, none of them negative, got {dict(content)}")
        return cls(strides=strides, **values)


class DenseCaptioner(Predictor[Prepared, Regions]):
    """A loaded dense captioner; see :class:`~seetell.runtime.predictor.Predictor`.

    Attributes:
        localisation: how it chooses boxes.
        decoding: how it decodes phrases.
    """

    task = "dense_captioning"
    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.localisation = bundle.setting("localisation", Localisation.from_dict)
        self.decoding = bundle.setting("decoding", Decoding.from_dict)
        strides = self.localisation.strides
        self._maps = [f"map_{stride}" for stride in strides]
        self._levels = [f"level_{stride}" for stride in strides]
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads)
        self._proposals = Graph.open(bundle, "proposals", threads=self.threads)
        self._regions = Graph.open(bundle, "regions", threads=self.threads)
        self._decoder = Decoder(bundle, threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=self._maps)
        self._proposals.require(inputs=self._maps, outputs=[*self._levels, "boxes", "logits"])
        boxes = [f"{name}_{stride}" for stride in strides for name in ("boxes", "photos")]
        self._regions.require(
            inputs=[*self._levels, *self._maps, "context", *boxes], outputs=["boxes", "scores", *self._decoder.features]
        )

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    def bind(self, *, top: int = TOP) -> BatchFn[Prepared, Regions]:
        """Return the function that finds and describes the regions of a batch.

        Args:
            top: maximum number of regions per image.

        Raises:
            UsageError: ``top`` is below 1.
        """
        return partial(self._predict, top=_validate_top(top))

    def propose_many(
        self, images: Iterable[PhotoSource], *, top: int, batch_size: int | None = None, workers: int | None = None
    ) -> Iterator[Regions | PhotoError]:
        """Return the region proposals of many images, before the region head sees them; for measuring recall.

        As :meth:`predict_many`, but the texts are empty, and ``top`` is the maximum number of proposals per image.
        """
        propose = partial(self._propose, top=_validate_top(top))
        return self._stream(images, propose, batch_size=batch_size, workers=workers)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Regions]:
        maps = self._run_backbone(batch)
        proposals = self._select_proposals(
            maps.pop("boxes"), maps.pop("logits"), max_proposals=self.localisation.proposals
        )
        owners = np.repeat(np.arange(len(batch)), [len(boxes) for boxes, _ in proposals])
        head = self._run_region_head(maps, np.concatenate([boxes for boxes, _ in proposals]), owners)
        kept = self._final_nms(head["boxes"], head["scores"], head.pop("photos"), count=len(batch))
        rows = np.concatenate(kept)
        captions = self._decoder.captions({name: head[name][rows] for name in self._decoder.features}, self.decoding)
        weight = self.localisation.caption_confidence_weight
        confidences = [math.exp(weight * caption.logprob / (len(caption.words) + 1)) for caption in captions]
        boxes, scores = head["boxes"][rows].astype(np.float64), head["scores"][rows] * np.array(confidences)
        results, start = [], 0
        for (_, size), places in zip(batch, kept, strict=True):
            scale = self._scale(size)
            own = range(start, start + len(places))
            start += len(places)
            regions = [
                Region(captions[row].text, _box(boxes[row] * scale), float(scores[row]))
                for row in sorted(own, key=lambda row: -scores[row])
            ]
            results.append(Regions(drop_duplicate_captions(regions)[:top], size, self.name))
        return results

    def _propose(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Regions]:
        maps = self._run_backbone(batch)
        proposals = self._select_proposals(maps["boxes"], maps["logits"], max_proposals=top)
        return [
            Regions(
                tuple(
                    Region("", _box(box), float(1 / (1 + np.exp(-logit))))
                    for box, logit in zip(boxes * self._scale(size), logits, strict=True)
                ),
                size,
                self.name,
            )
            for (_, size), (boxes, logits) in zip(batch, proposals, strict=True)
        ]

    def _run_backbone(self, batch: Sequence[Prepared]) -> dict[str, np.ndarray]:
        """Return the feature maps of a batch, and ``boxes`` ``(B, A, 4)`` and ``logits`` ``(B, A)`` of all anchors."""
        maps = self._encoder.run({"images": np.stack([image for image, _ in batch])}, self._maps)
        named = dict(zip(self._maps, maps, strict=True))
        outputs = self._proposals.outputs
        return named | dict(zip(outputs, self._proposals.run(named, outputs), strict=True))

    def _scale(self, size: tuple[int, int]) -> np.ndarray:
        """Return what scales boxes to the pixels of an image of that width and height, ``(4,)``."""
        return np.tile(size / np.array([self.bundle.preprocessing.width, self.bundle.preprocessing.height]), 2)

    def _select_proposals(
        self, boxes: np.ndarray, logits: np.ndarray, *, max_proposals: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Select proposals from all anchors of each image: boxes and their logits, highest first."""
        rules = self.localisation
        compared = rules.pre_nms_top_n * -(-max_proposals // rules.proposals)
        selected = []
        for each, scores in zip(boxes, logits, strict=True):
            top = np.argsort(-scores, kind="stable")[:compared]
            top = top[area(each[top]) > 0]
            kept = nms(each[top], scores[top], iou_threshold=rules.proposal_nms_iou, max_boxes=max_proposals)
            selected.append((each[top[kept]], scores[top[kept]]))
        return selected

    def _run_region_head(
        self, maps: Mapping[str, np.ndarray], boxes: np.ndarray, owners: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Run the region head, each box on the map of its size; results are in that order, ``photos`` among them."""
        rules = self.localisation
        sides = np.sqrt(area(boxes))
        level = np.floor(1 + np.log2(sides / rules.canonical_box_size) + 1e-6)
        level = np.clip(level, 0, len(rules.strides) - 1)
        places = [np.flatnonzero(level == number) for number in range(len(rules.strides))]
        feeds = dict(maps)
        for stride, chosen in zip(rules.strides, places, strict=True):
            feeds |= {f"boxes_{stride}": boxes[chosen], f"photos_{stride}": owners[chosen]}
        outputs = self._regions.outputs
        found = dict(zip(outputs, self._regions.run(feeds, outputs), strict=True))
        return found | {"photos": owners[np.concatenate(places)]}

    def _final_nms(self, boxes: np.ndarray, scores: np.ndarray, photos: np.ndarray, *, count: int) -> list[np.ndarray]:
        """Return the indices of the final boxes of each image, highest score first."""
        rules = self.localisation
        kept = []
        for photo in range(count):
            own = np.flatnonzero((photos == photo) & (area(boxes) > 0))
            kept.append(own[nms(boxes[own], scores[own], iou_threshold=rules.nms_iou, max_boxes=rules.max_detections)])
        return kept


def drop_duplicate_captions(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Drop regions that overlap one of higher score with the same text.

    Args:
        regions: highest score first.
    """
    kept: list[Region] = []
    for region in regions:
        same = [other.box for other in kept if other.text == region.text]
        if not same or intersection_over_smaller(np.array(same), np.array(region.box)).max() <= DUPLICATE_OVERLAP:
            kept.append(region)
    return tuple(kept)


def _box(edges: np.ndarray) -> Box:
    left, top, right, bottom = edges.tolist()
    return left, top, right, bottom


def _validate_top(top: int) -> int:
    if top < 1:
        raise UsageError(f"top must be at least 1, got {top}")
    return top
