"""What is in an image: object tags, the classes of ImageNet, caption words and presence, for models that read them.

A bundle that has the graph ``detector`` tags its images:

- *object tags* (Li et al., "Oscar", ECCV 2020) are what an object detector finds, one score and box for each class;
- *word detectors* (Fang et al., "From Captions to Visual Concepts and Back", CVPR 2015) give the probability of each of
  some hundred words that captions use;
- *presence* is how likely each object class is there, all considered, as a logit.

The detector, the graphs of the ImageNet classifier (``tag_encoder`` and ``tag_classifier``) and ``word_detectors`` are
graphs like others; all but the detector may be absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from seetell.geometry.boxes import nms_per_class
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph

TAGGING_GRAPHS = ("detector", "tag_encoder", "tag_classifier", "word_detectors")

COUNTED_SCORE = 0.35
"""Detections of at least this score are counted."""

MIN_DETECTION_SCORE = 0.05
"""Least score of detections for models that weigh them by their scores."""

MAX_COUNT = 10
NMS_IOU = 0.5

MAX_DETECTIONS = 100
"""Most detections that are kept of an image."""

DETECTIONS, MAX_DETECTION_ROWS = "detections", 20
"""Name and number of the rows of detections among the features of an image; see :meth:`ImageTags.named`."""

DETECTION_COLUMNS = 6
"""Columns of :meth:`Detections.rows`: class, score and the four sides of the box."""

Images = Mapping[Preprocessing, np.ndarray]
"""The same image resized for several networks, ``(H, W, 3)`` uint8 for each; or images, ``(B, 3, H, W)`` float32."""


class Detections(NamedTuple):
    """Objects found in one image, the highest score first.

    Attributes:
        labels: ``(K,)`` numbers of their classes.
        scores: ``(K,)`` from 0 to 1.
        boxes: ``(K, 4)`` xyxy normalised to [0, 1] over the detector's input.
    """

    labels: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray

    def rows(self, count: int) -> np.ndarray:
        """Return the first detections as rows of class, score and box, ``(count, 6)`` float32, filled up with zeros."""
        rows = np.zeros((count, DETECTION_COLUMNS), np.float32)
        found = min(count, len(self.labels))
        rows[:found, 0], rows[:found, 1], rows[:found, 2:] = (part[:found] for part in self)
        return rows


@dataclass(frozen=True, eq=False)
class ImageTags:
    """What a tagger found in ``B`` images.

    Attributes:
        features: arrays by name, float32. ``objects`` ``(B, O)``: the highest score of each object class;
            ``object_boxes`` ``(B, O, 5)``: its box, xyxy normalised to [0, 1] over the input, and how many of the class
            there are, counted from a score of :data:`COUNTED_SCORE` on. Where the bundle has graphs for them,
            ``imagenet`` ``(B, 1000)``: logits; ``words`` ``(B, W)``: probabilities; ``presence`` ``(B, O)``: logits.
        detections: of each image.
    """

    features: Mapping[str, np.ndarray]
    detections: Sequence[Detections]

    def named(self) -> dict[str, np.ndarray]:
        """Return the features and, as ``detections`` ``(B, 20, 6)``, the rows of the first detections."""
        rows = [found.rows(MAX_DETECTION_ROWS) for found in self.detections]
        return {**self.features, DETECTIONS: np.stack(rows)}


class ImageTagger:
    """The graphs of a bundle that tag images.

    Attributes:
        objects: names of the object classes.
        words: the words that are detected.
        preprocessings: how images are prepared for its networks; each differs from the others.

    Args:
        bundle: has the graph ``detector``.
        threads: processor threads to compute with.
        min_score: least score of detections.
        max_detections: most detections of an image, unless more are counted.

    Raises:
        BundleError: a graph is damaged or absent, or has other inputs and outputs than expected.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int,
        min_score: float = COUNTED_SCORE,
        max_detections: int = MAX_DETECTIONS,
    ) -> None:
        self.objects: tuple[str, ...] = bundle.setting("objects", _names)
        self.words: tuple[str, ...] = bundle.setting("words", _names) if "word_detectors" in bundle.graphs else ()
        self._min_score, self._max_detections = min_score, max_detections
        self._detector = _Sighted(bundle, "detector", threads=threads)
        self._detector.graph.require(inputs=["images"], outputs=["scores", "boxes"], columns={"scores": self.objects})
        self._encoder = self._classifier = self._word_detectors = None
        if "tag_encoder" in bundle.graphs:
            self._encoder = _Sighted(bundle, "tag_encoder", threads=threads)
            self._encoder.graph.require(inputs=["images"], outputs=["pooled"])
            self._classifier = Graph.open(bundle, "tag_classifier", threads=threads)
            self._classifier.require(inputs=["pooled"], outputs=["logits"])
        if "word_detectors" in bundle.graphs:
            self._word_detectors = Graph.open(bundle, "word_detectors", threads=threads)
            known = ["pooled", "objects", "object_boxes", *(["imagenet"] if self._encoder else [])]
            named = {"words": self.words, "presence": self.objects}
            self._word_detectors.require(inputs=known, outputs=[*named], columns=named)
        sighted = (self._detector, self._encoder)
        self.preprocessings = tuple(dict.fromkeys(each.preprocessing for each in sighted if each is not None))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the features that it gives; see :class:`ImageTags`."""
        return (
            "objects",
            "object_boxes",
            *(["imagenet"] if self._encoder else []),
            *(["words", "presence"] if self._word_detectors else []),
        )

    def __call__(self, images: Images, pooled: np.ndarray | None = None) -> ImageTags:
        """Tag images.

        Args:
            images: prepared in each of :attr:`preprocessings`.
            pooled: ``(B, D)``, what the bundle's encoder makes of them, for word detectors; without it, there are none.
        """
        seen = self._see(images)
        return seen if pooled is None else self._with_words(seen, pooled)

    def beside_encoder(
        self, images: Images, encode: Callable[[], dict[str, np.ndarray]], *, at_once: bool
    ) -> tuple[dict[str, np.ndarray], ImageTags]:
        """Tag images that an encoder reads, too.

        Args:
            images: see :meth:`__call__`.
            encode: runs the encoder; returns its features by name, ``pooled`` among them.
            at_once: whether both see the images at the same time, which takes less time where a thread has nothing to
                do.

        Returns:
            The features of the encoder, and the tags.
        """
        if not at_once:
            encoded = encode()
            return encoded, self(images, encoded["pooled"])
        with ThreadPoolExecutor(1, thread_name_prefix="seetell-encoder") as beside:
            encoding = beside.submit(encode)
            seen = self._see(images)
            encoded = encoding.result()
        return encoded, self._with_words(seen, encoded["pooled"])

    def _see(self, images: Images) -> ImageTags:
        """Tag images but for the words, for which an encoder is needed."""
        min_score = min(self._min_score, COUNTED_SCORE)
        found = self._detector.graph.run_each(
            images[self._detector.preprocessing],
            ["scores", "boxes"],
            lambda scores, boxes: found_in(
                scores[0], boxes[0], min_score=min_score, max_detections=self._max_detections
            ),
        )
        features = {
            "objects": np.stack([best[:, 0] for best, _ in found]),
            "object_boxes": np.stack([best[:, 1:] for best, _ in found]),
        }
        if self._encoder is not None and self._classifier is not None:
            (encoded,) = self._encoder.graph.run_in_parts(images[self._encoder.preprocessing], ["pooled"])
            (features["imagenet"],) = self._classifier.run({"pooled": encoded}, ["logits"])
        return ImageTags(features, [_above(detections, self._min_score) for _, detections in found])

    def _with_words(self, seen: ImageTags, pooled: np.ndarray) -> ImageTags:
        """Return tags with those of the word detectors, where there are any."""
        if self._word_detectors is None:
            return seen
        names = ["words", "presence"]
        words = self._word_detectors.run({**seen.features, "pooled": pooled}, names)
        return replace(seen, features={**seen.features, **dict(zip(names, words, strict=True))})


class _Sighted:
    """A graph that sees images, and how they are prepared for it."""

    def __init__(self, bundle: Bundle, name: str, *, threads: int) -> None:
        self.graph = Graph.open(bundle, name, threads=threads, images_alone=True)
        self.preprocessing = bundle.graphs[name].preprocessing or bundle.preprocessing


def tagger_of(
    bundle: Bundle, *, threads: int, min_score: float = COUNTED_SCORE, max_detections: int = MAX_DETECTIONS
) -> ImageTagger | None:
    """Return the tagger of a bundle; ``None`` where it does not tag images. See :class:`ImageTagger`.

    Raises:
        BundleError: a graph of the tagger is damaged.
    """
    if "detector" not in bundle.graphs:
        return None
    return ImageTagger(bundle, threads=threads, min_score=min_score, max_detections=max_detections)


def found_in(
    scores: np.ndarray, boxes: np.ndarray, *, min_score: float, max_detections: int = MAX_DETECTIONS
) -> tuple[np.ndarray, Detections]:
    """Return the object tags of an image, and its detections after non-maximum suppression class by class.

    Args:
        scores: ``(N, O)`` of each place and class.
        boxes: ``(N, 4)`` xyxy of each place, in shares of the image.
        min_score: least score of detections.
        max_detections: most of them, unless more are counted; see :data:`COUNTED_SCORE`.

    Returns:
        For each class score, box and count ``(O, 6)`` float32, see :class:`ImageTags`; and the detections.
    """
    places = scores.argmax(axis=0)
    classes = np.arange(scores.shape[1])
    detections = detect(scores, boxes, min_score=min_score, max_detections=max_detections)
    counted = detections.labels[detections.scores >= COUNTED_SCORE]
    counts = np.bincount(counted, minlength=len(classes)).clip(max=MAX_COUNT)
    best = np.column_stack([scores[places, classes], boxes[places], counts]).astype(np.float32)
    return best, detections


def detect(
    scores: np.ndarray, boxes: np.ndarray, *, min_score: float, max_detections: int = MAX_DETECTIONS
) -> Detections:
    """Return the objects of an image: its places of high score, less those that overlap a better one of their class.

    Args:
        scores: ``(N, O)`` of each place and class.
        boxes: ``(N, 4)`` xyxy of each place, in shares of the image.
        min_score: least score.
        max_detections: see :func:`found_in`.
    """
    counted = int(np.count_nonzero(scores >= COUNTED_SCORE))  # before suppression, so that none of them is left out
    most = min(MAX_DETECTIONS, max(max_detections, counted))
    places, labels = nms_per_class(boxes, scores, threshold=min_score, iou_threshold=NMS_IOU, max_boxes=most)
    return Detections(labels, scores[places, labels], boxes[places])


def stacked(images: Sequence[Images], preprocessings: Sequence[Preprocessing]) -> Images:
    """Return images that were resized one by one, ``(H, W, 3)`` uint8, as normalised batches, in some of the ways."""
    return {way: way.normalise(np.stack([image[way] for image in images])) for way in preprocessings}


def _above(detections: Detections, min_score: float) -> Detections:
    kept = detections.scores >= min_score
    return Detections(*(part[kept] for part in detections))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("expected a list of names")
    return tuple(value)
