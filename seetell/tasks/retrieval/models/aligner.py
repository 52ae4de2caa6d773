"""The aligner: photos and sentences as vectors of one space, and how well they fit each other.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015) compares every word with every region. Beside that stands
what most of its successors compare, one vector of the whole photo with one of the whole sentence; an aligner may use
either or the sum of both. Letters: ``B`` photos, ``N`` sentences, ``R`` regions, ``T`` words, ``H`` length of an
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
from seetell.language.vocabulary import UNK
from seetell.nn.backbones import Features
from seetell.tasks.retrieval.models.scores import WordScore, real_words, word_scores
from seetell.tasks.retrieval.models.sentences import SENTENCE_ENCODERS, create_sentence_encoder, padding_mask
from seetell.tasks.retrieval.models.whitening import Whitening
from seetell.tasks.retrieval.models.windows import pooling_weights, window_boxes


@dataclass(frozen=True)
class AlignerConfig:
    """Sizes, scores and regularisation of an aligner.

    Attributes:
        similarity: ``region_word``, every word with every region (eq. 8); ``global``, the whole image with the whole
            sentence; or ``both``, whose scores add up.
        width: length ``H`` of the embeddings.
        components: principal components kept of the photo's features.
        windows: regions beside the whole photo: an entry n lays n × n windows that overlap by half.
        normalise_regions: scale region vectors to length 1; the paper does not.
        word_score: ``sum`` of the words' scores (eq. 8), their ``mean``, or the sum over the ``norm`` of all words.
        sentence: ``brnn``, the paper's network, ``gru``, ``transformer`` or ``convolution``.
        word_size: length of word vectors.
        freeze_word_embeddings: keep word vectors as they begin, as the paper did with those of another source.
        hidden_size: units of the sentence encoder.
        layers: of the Transformer.
        heads: of the Transformer; divides ``hidden_size``.
        dropout: probability of zeroing an element of word vectors and of what the sentence encoder makes of them, the
            same elements of all words of a sentence.
        feature_dropout: probability of zeroing an element of the photo's features, the same in all regions of a photo.
        word_dropout: probability of reading an unknown word instead of a word, while training.
    """

    similarity: Literal["both", "region_word", "global"] = "both"
    width: int = 256
    components: int = 512
    windows: tuple[int, ...] = (3, 4)
    normalise_regions: bool = True
    word_score: WordScore = "norm"
    sentence: str = "gru"
    word_size: int = 128
    freeze_word_embeddings: bool = False
    hidden_size: int = 256
    layers: int = 2
    heads: int = 4
    dropout: float = 0.3
    feature_dropout: float = 0.3
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.sentence not in SENTENCE_ENCODERS:
            raise RecipeError(f"aligner.sentence: {unknown('sentence encoder', self.sentence, SENTENCE_ENCODERS)}")
        check_sizes(self, "width", "components", "word_size", "hidden_size", "layers", "heads", of="aligner")
        check_probabilities(self, "dropout", "feature_dropout", "word_dropout", of="aligner")
        window_boxes(self.windows)


class PhotoEmbeddings(NamedTuple):
    """Photos in the common space.

    Attributes:
        regions: ``(B, R, H)``, the whole photo first; ``None`` where only the whole is compared.
        whole: ``(B, H)`` of length 1; ``None`` where only regions are compared.
    """

    regions: Tensor | None
    whole: Tensor | None


class SentenceEmbeddings(NamedTuple):
    """Sentences in the common space.

    Attributes:
        words: ``(N, T, H)``, anything finite in padding; ``None`` where only the whole is compared.
        lengths: words of each sentence, ``(N,)``.
        whole: ``(N, H)`` of length 1; ``None`` where only words are compared.
    """

    words: Tensor | None
    lengths: Tensor
    whole: Tensor | None


class Aligner(nn.Module):
    """Embeds photos and sentences, and scores how well they fit.

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
            config.sentence,
            inputs=config.word_size,
            hidden=config.hidden_size,
            layers=config.layers,
            heads=config.heads,
        )
        if config.similarity != "global":
            self.region = nn.Linear(config.components, config.width)
            self.word = nn.Linear(self.encoder.width, config.width)
            if not config.normalise_regions:
                nn.init.uniform_(self.region.weight, -1, 1)  # products v·s that a margin of 1 can tell apart
                self.region.weight.data.div_((config.components * config.width) ** 0.5)
        if config.similarity != "region_word":
            self.photo = nn.Linear(config.components, config.width)
            self.sentence = nn.Linear(self.encoder.width, config.width)
        self.log_scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(1 / 0.07))) for name in self.compared}
        )

    @property
    def compared(self) -> tuple[str, ...]:
        """Which scores add up: ``regions``, ``whole`` or both."""
        return {"both": ("regions", "whole"), "region_word": ("regions",), "global": ("whole",)}[self.config.similarity]

    def fit_normalisation(self, features: Features) -> None:
        """Measure the features of some training photos before training begins."""
        assert features.grid is not None
        self.whitening.fit(torch.cat([features.pooled, features.grid.flatten(0, 1)]))

    def freeze_temperature(self) -> None:
        """Let scores stand as they are, for losses with a margin; otherwise their scales are learnt."""
        for scale in self.log_scales.values():
            nn.init.zeros_(scale)
            scale.requires_grad_(False)

    @property
    def regions(self) -> int:
        """``R``: how many regions of a photo it looks at, the whole photo included."""
        return 1 if self.config.similarity == "global" else len(self.pooling)

    def whiten_regions(self, features: Features) -> Tensor:
        """Return what is known of each region before anything is learnt, ``(B, R, components)``."""
        assert features.grid is not None
        # Means of a linear map: pooled first, there is less to whiten.
        pooled = torch.cat([features.pooled[:, None], self.pooling[1 : self.regions] @ features.grid], dim=1)
        described: Tensor = self.whitening(pooled)
        return described

    def whiten_cells(self, features: Features) -> Tensor:
        """Return what is known of each cell of the grid before anything is learnt, ``(B, L, components)``."""
        assert features.grid is not None
        described: Tensor = self.whitening(features.grid)
        return described

    def embed_photos(self, described: Tensor) -> PhotoEmbeddings:
        """Embed photos by what :meth:`whiten_regions` says of their regions."""
        config, whole, regions = self.config, None, None
        vectors = self._dropped(described, config.feature_dropout)
        if config.similarity != "region_word":
            whole = F.normalize(self.photo(vectors[:, 0]), dim=1)
        if config.similarity != "global":
            regions = self.region(vectors)
            regions = F.normalize(regions, dim=2) if config.normalise_regions else regions
        return PhotoEmbeddings(regions, whole)

    def embed_sentences(self, tokens: Tensor, lengths: Tensor) -> SentenceEmbeddings:
        """Embed sentences.

        Args:
            tokens: word numbers ``(N, T)`` int64, anything in padding.
            lengths: words of each sentence, ``(N,)`` int64, at least 1.
        """
        config, words, whole = self.config, None, None
        if self.training and config.word_dropout:
            tokens = tokens.masked_fill(torch.rand(tokens.shape, device=tokens.device) < config.word_dropout, UNK)
        hidden = self._dropped(
            self.encoder(self._dropped(self.embedding(tokens), config.dropout), lengths), config.dropout
        )
        if config.similarity != "region_word":
            real = padding_mask(lengths, tokens.shape[1])[:, :, None]
            mean = (hidden * real).sum(dim=1) / lengths[:, None]
            whole = F.normalize(self.sentence(mean), dim=1)
        if config.similarity != "global":
            words = self.word(hidden)
            words = torch.relu(words) if self.encoder.rectified else words
        return SentenceEmbeddings(words, lengths, whole)

    def _dropped(self, vectors: Tensor, probability: float) -> Tensor:
        """Zero elements of ``(N, T, D)`` while training, the same ones all along the second axis.

        So it regularises sequences (Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent
        Neural Networks", 2016), and draws few random numbers, which cost a processor much time.
        """
        if not self.training or not probability:
            return vectors
        return vectors * F.dropout(torch.ones_like(vectors[:, :1]), probability)

    def scores(self, photos: PhotoEmbeddings, sentences: SentenceEmbeddings) -> dict[str, Tensor]:
        """Compare all photos with all sentences.

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
