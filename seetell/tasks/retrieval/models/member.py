"""One member of an aligner: its own sentence encoder and projections into its own space.

Letters: ``B`` images, ``N`` sentences, ``R`` regions, ``T`` words, ``H`` length of an embedding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.vocabulary import UNK
from seetell.tasks.retrieval.models.scores import real_words, word_scores
from seetell.tasks.retrieval.models.sentences import create_sentence_encoder, padding_mask
from seetell.tasks.retrieval.models.tags import detection_vectors, is_detection

if TYPE_CHECKING:
    from seetell.tasks.retrieval.models.aligner import AlignerConfig


class PhotoFeatures(NamedTuple):
    """What images are embedded from. Where they are not tagged, all but :attr:`regions` are empty.

    Attributes:
        regions: whitened features of the windows, the whole image first, and of the detections,
            ``(B, R, components)``.
        tags: standardised, ``(B, tags)``.
        detections: ``(B, K, 6)``; see :class:`~seetell.tasks.retrieval.models.tags.ObjectTags`.
        evidence: of words, ``(B, W + 1)``; see :mod:`seetell.tasks.retrieval.models.words`.
    """

    regions: Tensor
    tags: Tensor
    detections: Tensor
    evidence: Tensor

    @classmethod
    def untagged(cls, regions: Tensor) -> PhotoFeatures:
        """Return the features of images that are not tagged, from their regions alone."""
        empty = regions[:, 0, :0]  # (B, 0)
        return cls(regions, empty, empty[:, :, None], empty)


class PhotoEmbeddings(NamedTuple):
    """Images in the common space.

    Attributes:
        regions: ``(B, R, H)``, the whole image first, the detections last, zeros where there are fewer; ``None`` where
            only the whole is compared.
        whole: ``(B, H)`` of length 1; ``None`` where only regions are compared.
    """

    regions: Tensor | None
    whole: Tensor | None


class SentenceEmbeddings(NamedTuple):
    """Sentences in the common space.

    Attributes:
        words: ``(N, T, H)``, zeros in padding; ``None`` where only the whole is compared.
        lengths: words per sentence, ``(N,)``.
        whole: ``(N, H)``; ``None`` where only words are compared.
    """

    words: Tensor | None
    lengths: Tensor
    whole: Tensor | None


class Member(nn.Module):
    """Embeds images and sentences, and scores every pair.

    Args:
        config: the aligner's.
        vocabulary_size: ``V``, specials included.
        windows: regions of each image that are windows, the whole image first.
    """

    whole_tags: nn.Linear
    regions_tags: nn.Linear

    def __init__(self, config: AlignerConfig, *, vocabulary_size: int, windows: int) -> None:
        super().__init__()
        self.config, self.windows = config, windows
        self.embedding = nn.Embedding(vocabulary_size, config.word_size)
        self.embedding.requires_grad_(not config.freeze_word_embeddings)
        self.encoder = create_sentence_encoder(
            config.sentence_encoder,
            inputs=config.word_size,
            hidden=config.hidden_size,
            layers=config.layers,
            heads=config.heads,
        )
        if config.similarity != "global":
            self.region = nn.Linear(config.components, config.width)
            self.word = nn.Linear(self.encoder.width, config.width)
            if not config.normalise_regions:
                nn.init.uniform_(self.region.weight, -1, 1)  # gives products v·s the scale of the margin of 1
                self.region.weight.data.div_((config.components * config.width) ** 0.5)
        if config.similarity != "region_word":
            self.photo = nn.Linear(config.components, config.width)
            self.sentence = nn.Linear(self.encoder.width, config.width)
        if config.reads_tags:
            self.tag_scale = (config.components / config.tags) ** 0.5  # of vectors as long as the whitened ones
            for name in config.compared:
                setattr(self, f"{name}_tags", _zeroed(nn.Linear(config.tags, config.width, bias=False)))
            if config.similarity != "global":
                self.detection = _zeroed(nn.Linear(config.object_classes + 5, config.width))
        self.log_scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(1 / 0.07))) for name in config.compared}
        )

    def embed_photos(self, photos: PhotoFeatures) -> PhotoEmbeddings:
        """Embed images."""
        config, whole, regions = self.config, None, None
        vectors = _variational_dropout(photos.regions, config.feature_dropout, training=self.training)
        tags = F.dropout(photos.tags, config.tag_dropout, self.training)
        if config.similarity != "region_word":
            whole = self.photo(vectors[:, 0])
            whole = whole + self.whole_tags(tags * self.tag_scale) if config.reads_tags else whole
            whole = F.normalize(whole, dim=1)
        if config.similarity != "global":
            regions = self.region(vectors)
            regions = self._with_tags(regions, tags, photos.detections) if config.reads_tags else regions
            regions = F.normalize(regions, dim=2) if config.normalise_regions else regions
            if config.detections:  # no word fits a detection that is none
                there = F.pad(is_detection(photos.detections), (0, 0, self.windows, 0), value=1.0)
                regions = regions * there
        return PhotoEmbeddings(regions, whole)

    def _with_tags(self, regions: Tensor, tags: Tensor, detections: Tensor) -> Tensor:
        """Add tags to the projected whole image, and their labels and boxes to detections."""
        image, windows, objects = torch.split(regions, [1, self.windows - 1, detections.shape[1]], dim=1)
        image = image + self.regions_tags(tags * self.tag_scale)[:, None]
        objects = objects + self.detection(detection_vectors(detections, self.config.object_classes))
        return torch.cat([image, windows, objects], dim=1)

    def embed_sentences(self, tokens: Tensor, lengths: Tensor) -> SentenceEmbeddings:
        """Embed sentences, whole ones with length 1.

        Args:
            tokens: word numbers ``(N, T)`` int64, any in padding.
            lengths: words per sentence, ``(N,)`` int64, at least 1.
        """
        config, words, whole = self.config, None, None
        if self.training and config.word_dropout:
            tokens = tokens.masked_fill(torch.rand(tokens.shape, device=tokens.device) < config.word_dropout, UNK)
        vectors = _variational_dropout(self.embedding(tokens), config.dropout, training=self.training)
        hidden = _variational_dropout(self.encoder(vectors, lengths), config.dropout, training=self.training)
        real = padding_mask(lengths, tokens.shape[1])[:, :, None]
        if config.similarity != "region_word":
            mean = (hidden * real).sum(dim=1) / lengths[:, None]
            whole = F.normalize(self.sentence(mean), dim=1)
        if config.similarity != "global":
            words = self.word(hidden)
            words = (torch.relu(words) if self.encoder.rectified else words) * real
        return SentenceEmbeddings(words, lengths, whole)

    def scores(self, photos: PhotoEmbeddings, sentences: SentenceEmbeddings) -> dict[str, Tensor]:
        """Compare all images with all sentences.

        Returns:
            A matrix ``(B, N)`` for each of the scores that are compared, times its scale.
        """
        compared = {}
        if photos.regions is not None and sentences.words is not None:
            words, owners = real_words(sentences.words, sentences.lengths)
            count, kind = len(sentences.lengths), self.config.word_score
            compared["regions"] = word_scores(photos.regions, words, owners, sentences=count, kind=kind)
        if photos.whole is not None and sentences.whole is not None:
            compared["whole"] = photos.whole @ sentences.whole.T
        return {name: score * self.log_scales[name].exp() for name, score in compared.items()}

    def scaled(self, sentences: SentenceEmbeddings) -> SentenceEmbeddings:
        """Return embeddings of which every score is a plain sum of products: Σ_t max_i v_i·s_t and v·s."""
        words, lengths, whole = sentences
        if words is not None:
            if self.config.word_score == "norm":
                words = words / (words.square().sum(dim=(1, 2)) + 1e-12).sqrt()[:, None, None]
            elif self.config.word_score == "mean":
                words = words / lengths[:, None, None]
            words = words * self.log_scales["regions"].exp()
        whole = whole if whole is None else whole * self.log_scales["whole"].exp()
        return SentenceEmbeddings(words, lengths, whole)


def _zeroed(linear: nn.Linear) -> nn.Linear:
    """Return a layer that adds nothing before it is trained."""
    for parameter in linear.parameters():
        nn.init.zeros_(parameter)
    return linear


def _variational_dropout(vectors: Tensor, probability: float, *, training: bool) -> Tensor:
    """Zero elements of ``(N, T, D)`` in training, the same ones along the whole second axis.

    Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016. It also
    draws few random numbers, which take much time on a CPU.
    """
    if not training or not probability:
        return vectors
    return vectors * F.dropout(torch.ones_like(vectors[:, :1]), probability)
