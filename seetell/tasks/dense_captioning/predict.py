"""What is where on a photo: boxes with phrases, from a bundle, on ONNX Runtime.

>>> import seetell
>>> for region in seetell.load("regions").describe("photo.jpg", top=5):
...     print(region.box, region.text)
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
from PIL import Image

from seetell.errors import PhotoError, UsageError
from seetell.geometry.boxes import Box, area, intersection_over_smaller, nms
from seetell.photos.opening import PhotoSource, open_photo, photo_size
from seetell.results import Region, Regions
from seetell.runtime.photo_stream import check_counts, prepared, stream, within_memory
from seetell.runtime.sessions import Graph
from seetell.runtime.threads import computing_threads
from seetell.tasks.captioning.decoder import Decoder
from seetell.tasks.dense_captioning.bundle import RegionBundle

BATCH_SIZE = 4
TOP = 10
SAME_WORDS_OVERLAP = 0.4
"""Of two regions with the same phrase, of which more of the smaller lies in the other, the better stays."""

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The encoder's input ``(3, H, W)``, and the photo's width and height."""


class RegionCaptioner:
    """A loaded dense captioner.

    Args:
        bundle: the model.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: ``precision`` or ``threads`` is not possible.
        BundleError: a graph is damaged.
    """

    def __init__(self, bundle: RegionBundle, *, precision: str | None = None, threads: int | None = None) -> None:
        self.bundle = bundle
        self.threads = computing_threads(threads)
        strides = bundle.localisation.strides
        self._maps = [f"map_{stride}" for stride in strides]
        self._levels = [f"level_{stride}" for stride in strides]
        self._encoder = Graph(bundle.captioner.encoder(precision), threads=self.threads)
        self._proposals = Graph(bundle.proposals, threads=self.threads)
        self._regions = Graph(bundle.regions, threads=self.threads)
        self._decoder = Decoder(bundle.captioner, threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=self._maps)
        self._proposals.require(inputs=self._maps, outputs=[*self._levels, "boxes", "logits"])
        placed = [f"{what}_{stride}" for stride in strides for what in ("boxes", "photos")]
        self._regions.require(
            inputs=[*self._levels, *self._maps, "context", *placed],
            outputs=["boxes", "scores", *self._decoder.features],
        )

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.bundle.name

    def describe(self, photo: PhotoSource, *, top: int = TOP) -> Regions:
        """Say what is where on a photo.

        Args:
            photo: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            top: how many regions at most.

        Returns:
            Regions with boxes in the photo's own pixels, the surest first.

        Raises:
            PhotoError: the photo cannot be used.
            UsageError: ``top`` is below 1.
        """
        return self._described([self.prepare(photo)], [0], top=_checked(top))[0]

    def describe_many(
        self,
        photos: Iterable[PhotoSource],
        *,
        top: int = TOP,
        batch_size: int = BATCH_SIZE,
        workers: int | None = None,
    ) -> Iterator[Regions | PhotoError]:
        """Say what is where on each of many photos, in their order.

        Args:
            photos: see :meth:`describe`; may be endless.
            top: how many regions a photo at most.
            batch_size: photos looked at at once.
            workers: threads that open photos; as many as it computes with when absent.

        Yields:
            The regions of each photo, or the error of one that cannot be used.

        Raises:
            UsageError: an argument is not allowed; raised at the call, before any photo is read.
        """
        check_counts(batch_size=batch_size, workers=workers)
        work = partial(self._described, top=_checked(top))
        return stream(iter(photos), self.prepare, work, batch_size=batch_size, workers=workers or self.threads)

    def propose_many(
        self, photos: Iterable[PhotoSource], *, top: int, batch_size: int = BATCH_SIZE, workers: int | None = None
    ) -> Iterator[Regions | PhotoError]:
        """Say where on each of many photos something may be, before each place is looked at; for measuring recall.

        Args:
            photos: see :meth:`describe`; may be endless.
            top: how many proposals a photo at most.
            batch_size: photos looked at at once.
            workers: threads that open photos; as many as it computes with when absent.

        Yields:
            The proposals of each photo, without phrases, or the error of one that cannot be used.

        Raises:
            UsageError: an argument is not allowed; raised at the call, before any photo is read.
        """
        check_counts(batch_size=batch_size, workers=workers)
        work = partial(self._proposed, top=_checked(top))
        return stream(iter(photos), self.prepare, work, batch_size=batch_size, workers=workers or self.threads)

    def describe_prepared(self, photos: Sequence[Prepared], *, top: int = TOP) -> list[Regions | PhotoError]:
        """Say what is where on each of several photos that :meth:`prepare` opened, perhaps elsewhere and before.

        They are looked at a few at once: more would take more memory and no less time.

        Args:
            photos: what :meth:`prepare` returned.
            top: how many regions a photo at most.

        Returns:
            The regions of each photo, or the error of one that memory does not suffice for.

        Raises:
            UsageError: ``top`` is below 1.
        """
        work = partial(self._described, top=_checked(top))
        few = (photos[first : first + BATCH_SIZE] for first in range(0, len(photos), BATCH_SIZE))
        return [result for batch in few for result in within_memory(batch, range(len(batch)), work)]

    def prepare(self, photo: PhotoSource) -> Prepared:
        """Open a photo for :meth:`describe_prepared`; may be called by many threads.

        Returns:
            The encoder's input ``(3, H, W)`` float32, and the photo's width and height.

        Raises:
            PhotoError: the photo cannot be used.
        """
        if isinstance(photo, (np.ndarray, Image.Image)):
            photo = open_photo(photo)
            size = photo.size
        else:
            photo = photo if isinstance(photo, (str, os.PathLike, bytes)) else photo.read()
            size = photo_size(photo)  # a large JPEG file is decoded at a smaller scale
        return prepared(photo, self.bundle.preprocessing), size

    def _described(self, photos: Sequence[Prepared], numbers: Sequence[int], *, top: int) -> list[Regions]:
        """Describe a batch."""
        seen = self._seen(photos)
        chosen = self._chosen(seen.pop("boxes"), seen.pop("logits"), most=self.bundle.localisation.proposals)
        owners = np.repeat(np.arange(len(photos)), [len(boxes) for boxes, _ in chosen])
        found = self._looked_at(seen, np.concatenate([boxes for boxes, _ in chosen]), owners)
        kept = self._kept(found["boxes"], found["scores"], found.pop("photos"), count=len(photos))
        rows = np.concatenate(kept)
        captions = self._decoder.captions(
            {name: found[name][rows] for name in self._decoder.features}, self.bundle.captioner.decoding
        )
        confidences = [
            math.exp(self.bundle.localisation.caption_confidence_weight * said.logprob / (len(said.words) + 1))
            for said in captions
        ]
        boxes, scores = (
            found["boxes"][rows].astype(np.float64),
            found["scores"][rows] * np.array(confidences),
        )
        described, start = [], 0
        for (_, size), places in zip(photos, kept, strict=True):
            scale = self._scale(size)
            mine = range(start, start + len(places))
            start += len(places)
            regions = [
                Region(captions[row].text, _box(boxes[row] * scale), float(scores[row]))
                for row in sorted(mine, key=lambda row: -scores[row])
            ]
            described.append(Regions(distinct(regions)[:top], size, self.name))
        return described

    def _proposed(self, photos: Sequence[Prepared], numbers: Sequence[int], *, top: int) -> list[Regions]:
        """Propose regions of a batch."""
        seen = self._seen(photos)
        return [
            Regions(
                tuple(
                    Region("", _box(box), float(1 / (1 + np.exp(-logit))))
                    for box, logit in zip(boxes * self._scale(size), logits, strict=True)
                ),
                size,
                self.name,
            )
            for (_, size), (boxes, logits) in zip(
                photos, self._chosen(seen["boxes"], seen["logits"], most=top), strict=True
            )
        ]

    def _seen(self, photos: Sequence[Prepared]) -> dict[str, np.ndarray]:
        """Return the maps of a batch, and ``boxes`` and ``logits`` of all anchors."""
        maps = self._encoder.run({"images": np.stack([image for image, _ in photos])}, self._maps)
        seen = dict(zip(self._maps, maps, strict=True))
        outputs = self._proposals.outputs
        return seen | dict(zip(outputs, self._proposals.run(seen, outputs), strict=True))

    def _scale(self, size: tuple[int, int]) -> np.ndarray:
        """Return what brings boxes to the pixels of a photo of that width and height, ``(4,)``."""
        return np.tile(size / np.array([self.bundle.preprocessing.width, self.bundle.preprocessing.height]), 2)

    def _chosen(self, boxes: np.ndarray, logits: np.ndarray, *, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Choose proposals from all anchors of each photo, boxes ``(B, A, 4)`` and logits ``(B, A)``, best first."""
        rules = self.bundle.localisation
        compared = rules.pre_nms_top_n * -(-most // rules.proposals)
        chosen = []
        for each, scores in zip(boxes, logits, strict=True):
            likeliest = np.argsort(-scores, kind="stable")[:compared]
            likeliest = likeliest[area(each[likeliest]) > 0]
            kept = nms(each[likeliest], scores[likeliest], iou_threshold=rules.proposal_nms_iou, max_boxes=most)
            chosen.append((each[likeliest[kept]], scores[likeliest[kept]]))
        return chosen

    def _looked_at(self, seen: dict[str, np.ndarray], boxes: np.ndarray, owners: np.ndarray) -> dict[str, np.ndarray]:
        """Run the region head, each box in the map of its size; results come in that order, ``photos`` among them."""
        rules = self.bundle.localisation
        sides = np.sqrt(area(boxes))
        level = np.floor(1 + np.log2(sides / rules.canonical_box_size) + 1e-6)
        level = np.clip(level, 0, len(rules.strides) - 1)
        places = [np.flatnonzero(level == number) for number in range(len(rules.strides))]
        feeds = dict(seen)
        for stride, chosen in zip(rules.strides, places, strict=True):
            feeds |= {f"boxes_{stride}": boxes[chosen], f"photos_{stride}": owners[chosen]}
        outputs = self._regions.outputs
        found = dict(zip(outputs, self._regions.run(feeds, outputs), strict=True))
        return found | {"photos": owners[np.concatenate(places)]}

    def _kept(self, boxes: np.ndarray, scores: np.ndarray, photos: np.ndarray, *, count: int) -> list[np.ndarray]:
        """Return the places of the final boxes of each photo, best first."""
        rules = self.bundle.localisation
        kept = []
        for photo in range(count):
            mine = np.flatnonzero((photos == photo) & (area(boxes) > 0))
            kept.append(
                mine[nms(boxes[mine], scores[mine], iou_threshold=rules.nms_iou, max_boxes=rules.max_detections)]
            )
        return kept


def distinct(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Drop regions that overlap a better one and say the same.

    Args:
        regions: best first.
    """
    kept: list[Region] = []
    for region in regions:
        same = [other.box for other in kept if other.text == region.text]
        if not same or intersection_over_smaller(np.array(same), np.array(region.box)).max() <= SAME_WORDS_OVERLAP:
            kept.append(region)
    return tuple(kept)


def _box(edges: np.ndarray) -> Box:
    left, top, right, bottom = edges.tolist()
    return left, top, right, bottom


def _checked(top: int) -> int:
    if top < 1:
        raise UsageError(f"top must be at least 1, got {top}")
    return top
