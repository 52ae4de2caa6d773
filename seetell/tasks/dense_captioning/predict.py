"""Regions of images, each with a phrase, from a bundle, on ONNX Runtime.

>>> import seetell
>>> for region in seetell.load("regions").predict("photo.jpg", top=5):
...     print(region.box, region.text)

Letters: ``B`` images, ``A`` anchors of an image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from seetell.errors import PhotoError
from seetell.geometry.boxes import Box, intersection_over_smaller
from seetell.language.decoding import Decoding, Hypothesis
from seetell.language.vocabulary import detokenise
from seetell.logistic import sigmoid
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_count, check_share
from seetell.runtime.resized_images import resize_all_with_size
from seetell.runtime.tags import Detections, Images, ImageTagger, stacked
from seetell.tasks.captioning.decoder import Decoder
from seetell.tasks.dense_captioning.confidence import Confidence
from seetell.tasks.dense_captioning.localiser import Localisation, Localiser
from seetell.tasks.dense_captioning.object_agreement import (
    DETECTED_SCORE,
    ObjectAgreement,
    least_evidence,
    shares_place,
)
from seetell.tasks.dense_captioning.phrase_search import PhraseSearch

TOP = 10
DUPLICATE_OVERLAP = 0.4
"""Of two regions with the same phrase, that of lower score goes if more than this of the smaller is in the other."""

Prepared = tuple[Images, tuple[int, int]]
"""The image at the sizes of the networks that see it, ``(H, W, 3)`` uint8 each, and its width and height."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A described region before it is scored.

    Attributes:
        text: the phrase.
        box: ``(4,)`` xyxy normalised to [0, 1].
        objectness: of the box.
        hypothesis: the phrase as it was found.
        likeness: how alike it is expected to be to a phrase drawn from the model.
        disputed: it does not agree with what the detector found, and no other phrase of the region does.
    """

    text: str
    box: np.ndarray
    objectness: float
    hypothesis: Hypothesis
    likeness: float
    disputed: bool


class DenseCaptioner(BundlePredictor[Prepared, Regions]):
    """A loaded dense captioner; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Where its bundle has an object detector, phrases agree with what it finds.

    Attributes:
        localiser: chooses and describes boxes.
        phrases: searches and chooses the phrases of regions.
        agreement: what phrases may name, given what the detector found; ``None`` without one.
        confidence: how it scores regions; ``None`` for objectness and the probability of the words.
    """

    task = "dense_captioning"
    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        rules = bundle.setting("localisation", Localisation.from_dict)
        self.confidence = (
            bundle.setting("confidence", Confidence.from_dict) if "confidence" in bundle.settings else None
        )
        self._decoder = Decoder(bundle, threads=self.threads)
        features = self._decoder.features
        self.localiser = Localiser(bundle, rules, precision=precision, threads=self.threads, features=features)
        vocabulary = bundle.require_vocabulary()
        self.agreement: ObjectAgreement | None = None
        if "detector" in bundle.graphs:
            self.tagger = ImageTagger(bundle, threads=1, min_score=DETECTED_SCORE)
            objects = self.tagger.objects
            least = bundle.setting("agreement", lambda setting: least_evidence(setting, objects))
            self.agreement = ObjectAgreement(objects, vocabulary, least)
        self.phrases = PhraseSearch(
            self._decoder,
            bundle.setting("decoding", Decoding.from_dict),
            bundle.setting("phrases", lambda setting: float(setting["temperature"])),
            words=vocabulary.words,
            agreement=self.agreement,
        )

    @property
    def threshold(self) -> float:
        """The least score of the regions that are told by default."""
        return 0.0 if self.confidence is None else self.confidence.threshold

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return resize_all_with_size(image, self.preprocessings)

    def bind(self, *, top: int = TOP, threshold: float | None = None) -> BatchFn[Prepared, Regions]:
        """Return the function that finds and describes the regions of a batch.

        Args:
            top: maximum number of regions per image.
            threshold: least score, from 0 to 1; when absent the model's own, and regions whose phrase does not agree
                with what the detector found are not told.

        Raises:
            UsageError: ``top`` is below 1, or ``threshold`` not from 0 to 1.
        """
        if threshold is not None:
            check_share("threshold", threshold)
        check_count("top", top)
        return partial(self._predict, top=top, threshold=threshold)

    def propose_many(self, images: Iterable[PhotoSource], *, top: int) -> Iterator[Regions | PhotoError]:
        """Return the region proposals of many images, before the region head sees them; for measuring recall.

        As :meth:`predict_many`, but the texts are empty, and ``top`` is the maximum number of proposals per image.
        """
        check_count("top", top)
        propose = partial(self._propose, top=top)
        return self._stream(images, propose)

    def _predict(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int, threshold: float | None
    ) -> list[Regions]:
        least = self.threshold if threshold is None else threshold
        results = []
        for (_, size), (candidates, found) in zip(batch, self.candidates(batch), strict=True):
            scores = self._scores(candidates)
            agreeing = [place for place, each in enumerate(candidates) if not each.disputed]
            usual = [place for place in agreeing if scores[place] >= self.threshold]
            extra = [] if found is None else self._untold(found, [candidates[place] for place in usual])
            detected = [box for _, box, _ in extra]
            replaced = [place for place in agreeing if shares_place(candidates[place].box, detected)]
            asked = agreeing if threshold is None else range(len(candidates))
            described = [
                (candidates[place].text, candidates[place].box, float(scores[place]))
                for place in asked
                if place not in replaced
            ]
            scale = np.tile(size, 2)
            regions = [
                Region(text, _box(box * scale), score) for text, box, score in (*described, *extra) if score >= least
            ]
            ranked = sorted(regions, key=lambda region: -region.score)
            results.append(Regions(drop_duplicate_captions(ranked)[:top], size, self.name))
        return results

    def candidates(self, batch: Sequence[Prepared]) -> list[tuple[list[Candidate], Detections | None]]:
        """Return the described regions of each image before they are scored, and what the object detector found.

        Args:
            batch: from :meth:`prepare`.
        """
        found = self.detect(batch)
        head, kept = self.localiser(self._images(batch))
        rows = np.concatenate(kept)
        owners = np.repeat(np.arange(len(batch)), list(map(len, kept)))
        boxes, objectness = head["boxes"][rows].astype(np.float64) / self.localiser.input_size, head["scores"][rows]
        features = {name: head[name][rows] for name in self._decoder.features}
        chosen, disputed = self.phrases(features, boxes, owners, found)
        candidates: list[list[Candidate]] = [[] for _ in batch]
        for row, one in chosen.items():
            text, score = self._text(one.hypothesis), float(objectness[row])
            candidates[owners[row]].append(Candidate(text, boxes[row], score, *one, row in disputed))
        return list(zip(candidates, [None] * len(batch) if found is None else found, strict=True))

    def detect(self, batch: Sequence[Prepared]) -> list[Detections] | None:
        """Return what the object detector finds in each image; ``None`` without one.

        Args:
            batch: from :meth:`prepare`.
        """
        if self.tagger is None:
            return None
        images = stacked([images for images, _ in batch], self.tagger.preprocessings)
        return list(self.tagger(images).detections)

    def phrase_logprobs(
        self, batch: Sequence[Prepared], boxes: np.ndarray, phrases: Sequence[Sequence[int]]
    ) -> np.ndarray:
        """Return the log-probability of a phrase for each of some boxes, in each image.

        Args:
            batch: ``N`` images from :meth:`prepare`.
            boxes: ``(R, 4)`` xyxy normalised to [0, 1].
            phrases: word ids of each, without START and END.

        Returns:
            ``(N, R)`` float64: the sum over its words.

        Raises:
            PhotoMemoryError: memory does not suffice for an image.
        """

        def compute(part: Sequence[Prepared]) -> np.ndarray:
            maps, _, _ = self.localiser.anchors(self._images(part))
            everywhere = np.tile(boxes * self.localiser.input_size, (len(part), 1)).astype(np.float32)
            head = self.localiser.region_head(maps, everywhere, np.repeat(np.arange(len(part)), len(boxes)))
            logprobs = np.empty((len(part), len(boxes)))
            for place, tokens in enumerate(phrases):
                own = head["order"] % len(boxes) == place
                features = {name: head[name][own] for name in self._decoder.features}
                logprobs[head["photos"][own], place] = self._decoder.logprobs(features, tokens).sum(axis=1)
            return logprobs

        return self.rows(batch, compute)

    def _images(self, batch: Sequence[Prepared]) -> np.ndarray:
        """Return the encoder's input, ``(B, 3, H, W)``."""
        way = self.bundle.preprocessing
        return stacked([images for images, _ in batch], (way,))[way]

    def _scores(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """Return the score of each region, ``(N,)``."""
        objectness = np.array([each.objectness for each in candidates])
        logprobs = np.array([each.hypothesis.mean_logprob for each in candidates])
        if self.confidence is None:
            scores: np.ndarray = objectness * np.exp(self.localiser.rules.caption_confidence_weight * logprobs)
            return scores
        return self.confidence.of_regions(objectness, logprobs, np.array([each.likeness for each in candidates]))

    def _untold(self, found: Detections, told: Sequence[Candidate]) -> list[tuple[str, np.ndarray, float]]:
        """Return phrase, normalised box and score for each confident detection that none of some regions tells."""
        agreement = self.agreement
        if agreement is None or self.confidence is None:
            return []
        boxes = np.array([each.box for each in told]).reshape(-1, 4)
        untold = agreement.untold(found, boxes)
        labels, scores, detected = found
        sure = self.confidence.of_detections(scores[untold]).tolist()
        return [
            (agreement.phrase(int(labels[one])), detected[one], score) for one, score in zip(untold, sure, strict=True)
        ]

    def _text(self, hypothesis: Hypothesis) -> str:
        return detokenise(self.bundle.require_vocabulary().decode(hypothesis.tokens))

    def _propose(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Regions]:
        proposals = self.localiser.propose(self._images(batch), max_proposals=top)
        return [
            Regions(
                tuple(
                    Region("", _box(box), score)
                    for box, score in zip(
                        boxes / self.localiser.input_size * np.tile(size, 2), sigmoid(logits).tolist(), strict=True
                    )
                ),
                size,
                self.name,
            )
            for (_, size), (boxes, logits) in zip(batch, proposals, strict=True)
        ]


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
