"""The aligner: images and sentences in one embedding space, and their scores.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015) compares every word with every region. Most of its successors
compare one vector of the whole image with one of the whole sentence; an aligner may use either score or the sum of
both. Letters: ``B`` images, ``N`` sentences, ``R`` regions, ``T`` words, ``H`` length of an
embedding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError, unknown
from seetell.geometry.boxes import pooling_weights, window_boxes
from seetell.language.vocabulary import UNK
from seetell.nn.backbones import Features
from seetell.nn.standardisation import Whitening
from seetell.tasks.retrieval.models.scores import WordScore, real_words, word_scores
from seetell.tasks.retrieval.models.sentences import SENTENCE_ENCODERS, create_sentence_encoder, padding_mask


@dataclass(frozen=True)
class AlignerConfig:
    """Sizes, scores and regularisation of an aligner.

    Attributes:
        similarity: ``region_word``, every word with every region (eq. 8); ``global``, the whole image with the whole
            sentence; or ``both``, whose scores add up.
        width: length ``H`` of the embeddings.
        components: principal components kept of the image's features.
        windows: regions beside the whole image: an entry n adds n × n windows that overlap by half.
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
        word_dropout: probability of replacing a word by the unknown word in training.
    """

    similarity: Literal["both", "region_word", "global"] = "both"
    width: int = 256
    components: int = 512
    windows: tuple[int, ...] = (3, 4)
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
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.sentence_encoder not in SENTENCE_ENCODERS:
            problem = unknown("sentence encoder", self.sentence_encoder, SENTENCE_ENCODERS)
            raise RecipeError(f"sentence_encoder: {problem}")
        check_sizes(self, "width", "components", "word_size", "hidden_size", "layers", "heads")
        check_probabilities(self, "dropout", "feature_dropout", "word_dropout")
        window_boxes(self.windows)


class PhotoEmbeddings(NamedTuple):
    """Images in the common space.

    Attributes:
        regions: ``(B, R, H)``, the whole image first; ``None`` where only the whole is compared.
        whole: ``(B, H)`` of length 1; ``None`` where only regions are compared.
    """

    regions: Tensor | None
    whole: Tensor | None


class SentenceEmbeddings(NamedTuple):
    """Sentences in the common space.

    Attributes:
        words: ``(N, T, H)``, any finite values in padding; ``None`` where only the whole is compared.
        lengths: words per sentence, ``(N,)``.
        whole: ``(N, H)`` of length 1; ``None`` where only words are compared.
    """

    words: Tensor | None
    lengths: Tensor
    whole: Tensor | None


class Aligner(nn.Module):
    """Embeds images and sentences, and scores every pair.

    Args:
        config: sizes and choices.
        feature_size: ``D``, length of the encoder's vectors.
        grid_size: rows and columns of its grid.
        vocabulary_size: ``V``, specials included.
    """

    pooling: Tensor

    def __init__(
        self, config: AlignerConfig, *, feature_size: int, grid_size: tuple[int, int], vocabulary_size: int
    ) -> None:
        super().__init__()
        if config.components > feature_size:
            raise RecipeError(
                f"aligner.components: the encoder's vectors have {feature_size} elements, got {config.components}"
            )
        self.config = config
        self.register_buffer("pooling", torch.from_numpy(pooling_weights(window_boxes(config.windows), grid_size)))
        self.whitening = Whitening(feature_size, config.components)
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
        self.log_scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(1 / 0.07))) for name in self.compared}
        )

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that add up: ``regions``, ``whole`` or both."""
        return {"both": ("regions", "whole"), "region_word": ("regions",), "global": ("whole",)}[self.config.similarity]

    def fit_normalisation(self, features: Features) -> None:
        """Measure the features of some training images before training begins."""
        assert features.grid is not None
        self.whitening.fit(torch.cat([features.pooled, features.grid.flatten(0, 1)]))

    def freeze_temperature(self) -> None:
        """Fix the scales of scores at 1, for losses with a margin; otherwise they are learnt."""
        for scale in self.log_scales.values():
            nn.init.zeros_(scale)
            scale.requires_grad_(False)

    @property
    def regions(self) -> int:
        """``R``: the number of regions per image, the whole image included."""
        return 1 if self.config.similarity == "global" else len(self.pooling)

    def whiten_regions(self, features: Features) -> Tensor:
        """Return the whitened features of each region, ``(B, R, components)``."""
        assert features.grid is not None
        # whitening is linear: pooling first leaves fewer vectors to whiten
        pooled = torch.cat([features.pooled[:, None], self.pooling[1 : self.regions] @ features.grid], dim=1)
        whitened: Tensor = self.whitening(pooled)
        return whitened

    def whiten_cells(self, features: Features) -> Tensor:
        """Return the whitened features of each cell of the grid, ``(B, L, components)``."""
        assert features.grid is not None
        whitened: Tensor = self.whitening(features.grid)
        return whitened

    def embed_photos(self, whitened: Tensor) -> PhotoEmbeddings:
        """Embed images, given what :meth:`whiten_regions` returned."""
        config, whole, regions = self.config, None, None
        vectors = _variational_dropout(whitened, config.feature_dropout, training=self.training)
        if config.similarity != "region_word":
            whole = F.normalize(self.photo(vectors[:, 0]), dim=1)
        if config.similarity != "global":
            regions = self.region(vectors)
            regions = F.normalize(regions, dim=2) if config.normalise_regions else regions
        return PhotoEmbeddings(regions, whole)

    def embed_sentences(self, tokens: Tensor, lengths: Tensor) -> SentenceEmbeddings:
        """Embed sentences.

        Args:
            tokens: word numbers ``(N, T)`` int64, any in padding.
            lengths: words per sentence, ``(N,)`` int64, at least 1.
        """
        config, words, whole = self.config, None, None
        if self.training and config.word_dropout:
            tokens = tokens.masked_fill(torch.rand(tokens.shape, device=tokens.device) < config.word_dropout, UNK)
        vectors = _variational_dropout(self.embedding(tokens), config.dropout, training=self.training)
        hidden = _variational_dropout(self.encoder(vectors, lengths), config.dropout, training=self.training)
        if config.similarity != "region_word":
            real = padding_mask(lengths, tokens.shape[1])[:, :, None]
            mean = (hidden * real).sum(dim=1) / lengths[:, None]
            whole = F.normalize(self.sentence(mean), dim=1)
        if config.similarity != "global":
            words = self.word(hidden)
            words = torch.relu(words) if self.encoder.rectified else words
        return SentenceEmbeddings(words, lengths, whole)

    def scores(self, photos: PhotoEmbeddings, sentences: SentenceEmbeddings) -> dict[str, Tensor]:
        """Compare all images with all sentences.

        Returns:
            A matrix ``(B, N)`` for each of :attr:`compared`, times its scale.
        """
        compared = {}
        if photos.regions is not None and sentences.words is not None:
            words, owners = real_words(sentences.words, sentences.lengths)
            count, kind = len(sentences.lengths), self.config.word_score
            compared["regions"] = word_scores(photos.regions, words, owners, sentences=count, kind=kind)
        if photos.whole is not None and sentences.whole is not None:
            compared["whole"] = photos.whole @ sentences.whole.T
        return {name: score * self.log_scales[name].exp() for name, score in compared.items()}


def _variational_dropout(vectors: Tensor, probability: float, *, training: bool) -> Tensor:
    """Zero elements of ``(N, T, D)`` in training, the same ones along the whole second axis.

    Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016. It also
    draws few random numbers, which take much time on a CPU.
    """
    if not training or not probability:
        return vectors
    return vectors * F.dropout(torch.ones_like(vectors[:, :1]), probability)
