"""The aligner: images and sentences in one embedding space, and their scores.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015) compares every word with every region. Most of its successors
compare one vector of the whole image with one of the whole sentence; an aligner may use either score or the sum of
both. Several members, trained side by side from different initial weights, are averaged. Letters: ``B`` images, ``N``
sentences, ``R`` regions, ``T`` words, ``H`` length of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError, unknown
from seetell.geometry.boxes import pooling_weights, window_boxes
from seetell.nn.backbones import Features
from seetell.nn.standardisation import Standardise, Whitening
from seetell.tasks.retrieval.models.member import Member, PhotoEmbeddings, PhotoFeatures, SentenceEmbeddings
from seetell.tasks.retrieval.models.scores import WordScore, real_words, word_scores
from seetell.tasks.retrieval.models.sentences import SENTENCE_ENCODERS, padding_mask
from seetell.tasks.retrieval.models.tags import ObjectTags, pool_boxes, tag_vector
from seetell.tasks.retrieval.models.words import NORM, WordEvidence, fill_up

MAX_DEVIATIONS = 6.0
"""Standardised tags are clipped to this many standard deviations."""


@dataclass(frozen=True)
class AlignerConfig:
    """Sizes, scores and regularisation of an aligner.

    Attributes:
        similarity: ``region_word``, every word with every region (eq. 8); ``global``, the whole image with the whole
            sentence; or ``both``, whose scores add up.
        members: how many are averaged, each with its own sentence encoder and projections.
        width: length ``H`` of each member's embeddings.
        components: principal components kept of the image's features.
        windows: regions beside the whole image: an entry n adds n × n windows that overlap by half.
        imagenet_classes: classes whose logits are read; 0 where images are not tagged.
        object_classes: classes of objects that are read; 0 where images are not tagged.
        detected_words: words that word detectors know; 0 where images are not tagged.
        detections: regions beside the windows: the objects of highest score.
        word_evidence: weight of the words' evidence, which is added to the trained scores; see
            :mod:`seetell.tasks.retrieval.models.words`.
        normalise_regions: scale region vectors to length 1; the paper does not.
        word_score: ``sum`` of the words' scores (eq. 8), their ``mean``, or the sum over the ``norm`` of all words.
        sentence_encoder: ``brnn``, the paper's network, ``gru``, ``transformer`` or ``convolution``.
        word_size: length of word vectors.
        freeze_word_embeddings: keep the initial word vectors, as the paper did with pretrained ones.
        hidden_size: units of the sentence encoder.
        layers: of the Transformer.
        heads: of the Transformer; divides ``hidden_size``.
        dropout: probability of zeroing an element of word vectors and of the sentence encoder's output, the same
            elements for all words of a sentence.
        feature_dropout: probability of zeroing an element of the image's features, the same in all its regions.
        tag_dropout: probability of zeroing a tag.
        word_dropout: probability of replacing a word by the unknown word in training.
    """

    similarity: Literal["both", "region_word", "global"] = "both"
    members: int = 1
    width: int = 256
    components: int = 512
    windows: tuple[int, ...] = (3, 4)
    imagenet_classes: int = 0
    object_classes: int = 0
    detected_words: int = 0
    detections: int = 0
    word_evidence: float = 0.0
    normalise_regions: bool = True
    word_score: WordScore = "norm"
    sentence_encoder: str = "gru"
    word_size: int = 128
    freeze_word_embeddings: bool = False
    hidden_size: int = 256
    layers: int = 2
    heads: int = 4
    dropout: float = 0.3
    feature_dropout: float = 0.3
    tag_dropout: float = 0.3
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.sentence_encoder not in SENTENCE_ENCODERS:
            problem = unknown("sentence encoder", self.sentence_encoder, SENTENCE_ENCODERS)
            raise RecipeError(f"sentence_encoder: {problem}")
        check_sizes(self, "members", "width", "components", "word_size", "hidden_size", "layers", "heads")
        check_probabilities(self, "dropout", "feature_dropout", "tag_dropout", "word_dropout")
        window_boxes(self.windows)
        tags = self.imagenet_classes, self.object_classes, self.detected_words
        if min(*tags, self.detections) < 0 or any(tags) != all(tags) or (self.detections and not all(tags)):
            raise RecipeError(
                "imagenet_classes, object_classes, detected_words: expected the sizes of the tagger, or 0 for all and "
                f"for detections, got {', '.join(map(str, tags))} and {self.detections} detections"
            )
        if self.word_evidence < 0 or (self.word_evidence and (self.similarity == "region_word" or not all(tags))):
            raise RecipeError(
                "word_evidence: expected 0 or more, and 0 where images are not tagged or no whole images compared, "
                f"got {self.word_evidence}"
            )

    @property
    def reads_tags(self) -> bool:
        """Whether images are tagged."""
        return self.object_classes > 0

    @property
    def tags(self) -> int:
        """The length of :func:`~seetell.tasks.retrieval.models.tags.tag_vector`."""
        return self.imagenet_classes + 3 * self.object_classes

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that add up: ``regions``, ``whole`` or both."""
        return {"both": ("regions", "whole"), "region_word": ("regions",), "global": ("whole",)}[self.similarity]


class Aligner(nn.Module):
    """Embeds images and sentences, and scores every pair.

    Args:
        config: sizes and choices.
        feature_size: ``D``, length of the encoder's vectors.
        grid_size: rows and columns of its grid.
        vocabulary_size: ``V``, specials included.
    """

    pooling: Tensor
    members: Sequence[Member]

    def __init__(
        self, config: AlignerConfig, *, feature_size: int, grid_size: tuple[int, int], vocabulary_size: int
    ) -> None:
        super().__init__()
        if config.components > feature_size:
            raise RecipeError(
                f"aligner.components: the encoder's vectors have {feature_size} elements, got {config.components}"
            )
        self.config, self.grid_size = config, grid_size
        self.register_buffer("pooling", torch.from_numpy(pooling_weights(window_boxes(config.windows), grid_size)))
        self.whitening = Whitening(feature_size, config.components)
        if config.reads_tags:
            self.standardise = Standardise(config.tags)
        if config.word_evidence:
            self.evidence = WordEvidence(config.detected_words, vocabulary_size)
        members = (Member(config, vocabulary_size=vocabulary_size, windows=self.windows) for _ in range(config.members))
        self.members = cast("Sequence[Member]", nn.ModuleList(members))

    @property
    def windows(self) -> int:
        """The number of windows per image, the whole image included."""
        return 1 if self.config.similarity == "global" else len(self.pooling)

    def fit_normalisation(self, features: Features, tags: ObjectTags | None = None) -> None:
        """Measure the features, and the tags where they are read, of some training images before training begins."""
        assert features.grid is not None
        self.whitening.fit(torch.cat([features.pooled, features.grid.flatten(0, 1)]))
        if tags is not None:
            self.standardise.fit(tag_vector(tags))
        if tags is not None and self.config.word_evidence:
            self.evidence.fit(tags.words)

    def freeze_temperature(self) -> None:
        """Fix the scales of scores at 1, for losses with a margin; otherwise they are learnt."""
        for member in self.members:
            for scale in member.log_scales.values():
                nn.init.zeros_(scale)
                scale.requires_grad_(False)

    def prepare(self, features: Features, tags: ObjectTags | None = None) -> PhotoFeatures:
        """Return what images are embedded from; tags are needed for an aligner that reads them."""
        assert features.grid is not None
        # whitening is linear: pooling first leaves fewer vectors to whiten
        pooled = [features.pooled[:, None], self.pooling[1 : self.windows] @ features.grid]
        if tags is None:
            return PhotoFeatures.untagged(self.whitening(torch.cat(pooled, dim=1)))
        detections = tags.detections[:, : self.config.detections]
        pooled.append(pool_boxes(features.grid, detections[..., 2:], self.grid_size))
        standardised = self.standardise(tag_vector(tags)).clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS)
        evidence = self.evidence.of_images(tags.words) if self.config.word_evidence else standardised[:, :0]
        return PhotoFeatures(self.whitening(torch.cat(pooled, dim=1)), standardised, detections, evidence)

    def whiten_cells(self, features: Features) -> Tensor:
        """Return the whitened features of each cell of the grid, ``(B, L, components)``."""
        assert features.grid is not None
        whitened: Tensor = self.whitening(features.grid)
        return whitened

    def embed_photos(self, photos: PhotoFeatures) -> PhotoEmbeddings:
        """Embed images by all members, whose vectors are joined, and by the words' evidence.

        Args:
            photos: what :meth:`prepare` returned.
        """
        regions, wholes = zip(*(member.embed_photos(photos) for member in self.members), strict=True)
        whole = None
        if wholes[0] is not None:
            whole = torch.cat(wholes, dim=1) / len(wholes) ** 0.5
            whole = fill_up(torch.cat([whole, photos.evidence], dim=1)) if self.config.word_evidence else whole
        return PhotoEmbeddings(None if regions[0] is None else torch.cat(regions, dim=2), whole)

    def embed_sentences(self, tokens: Tensor, lengths: Tensor) -> SentenceEmbeddings:
        """Embed sentences by all members, whose vectors are joined and scaled; see :meth:`scores`.

        Args:
            tokens: word numbers ``(N, T)`` int64, any in padding.
            lengths: words per sentence, ``(N,)`` int64, at least 1.
        """
        each = [member.scaled(member.embed_sentences(tokens, lengths)) for member in self.members]
        words, _, wholes = zip(*each, strict=True)
        whole = None
        if wholes[0] is not None:
            whole = torch.cat(wholes, dim=1) / len(wholes) ** 0.5
            if self.config.word_evidence:
                evidence = self.evidence.of_sentences(tokens, padding_mask(lengths, tokens.shape[1]))
                whole = torch.cat([whole, self.config.word_evidence * evidence, torch.zeros_like(whole[:, :1])], dim=1)
                whole = NORM * whole
        joined = None if words[0] is None else torch.cat(words, dim=2) / len(words)
        return SentenceEmbeddings(joined, lengths, whole)

    def scores(self, photos: PhotoEmbeddings, sentences: SentenceEmbeddings) -> Tensor:
        """Compare all images with all sentences: Σ_t max_i v_i·s_t plus the product of the whole embeddings, (B, N)."""
        totals = []
        if photos.regions is not None and sentences.words is not None:
            words, owners = real_words(sentences.words, sentences.lengths)
            count = len(sentences.lengths)
            totals.append(word_scores(photos.regions, words, owners, sentences=count, kind="sum"))
        if photos.whole is not None and sentences.whole is not None:
            totals.append(photos.whole @ sentences.whole.T)
        return torch.stack(totals).sum(dim=0)
