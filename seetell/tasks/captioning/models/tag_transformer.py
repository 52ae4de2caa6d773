"""The Transformer that reads tags: what an object detector and word detectors find in the image.

Object tags (Li et al., "Oscar: Object-Semantics Aligned Pre-training", ECCV 2020) and detected words (Fang et al.,
"From Captions to Visual Concepts and Back", CVPR 2015; You et al., "Image Captioning with Semantic Attention", CVPR
2016) come into a sentence in three ways:

- as vectors beside those of the grid, which every layer attends to;
- as a bias: a word that names an object class, or is detected, is likelier the surer the detectors are. It speaks for a
  thing until the sentence has named it (coverage; Tu et al., "Modeling Coverage for Neural Machine Translation", ACL
  2016);
- as a constraint in decoding (Anderson et al., "Guided Open Vocabulary Image Captioning with Constrained Beam Search",
  EMNLP 2017): an object whose presence is below its class's threshold is not named.

Without a grid, tags alone are read beside a learned vector, so that sentences without photos can teach too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_sizes
from seetell.language.object_names import CLASSES, object_phrases
from seetell.nn.backbones import Features, Tags
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, DecoderStart, DecoderStep
from seetell.tasks.captioning.models.transformer import ImageReading, Transformer, TransformerConfig, first_position

OBJECT_RANGE, WORD_RANGE = (0.02, 0.98), (0.005, 0.98)
"""Scores of objects and probabilities of words are clamped to these before their logits are taken."""

OBJECT_OFFSET, WORD_OFFSET = 1.4, 3.0
"""Added to the logits: where tags speak neither for nor against a word, at a score of 0.2 and a probability of 0.05."""

LEAST_OBJECT_SCORE, LEAST_WORD_PROBABILITY = 0.15, 0.08
"""Weaker tags have no vector in the memory."""

FORBIDDEN = -1e4

_ALSO_NAMED = {
    "hot dog": ("dog", "dogs"),
    "teddy bear": ("bear", "bears"),
    "laptop": ("monitor",),
    "tv": ("computer", "computers"),
}
"""Words that may stand for a second class, whose tag then speaks for them too."""


@dataclass(frozen=True)
class TagTransformerConfig(TransformerConfig):
    """Sizes and regularisation of the Transformer that reads tags.

    Attributes:
        objects: object classes of the detector, ``O``.
        words: words that are detected, ``W``.
        object_tokens: the most objects of an image that are attended to.
        word_tokens: the most detected words that are.
    """

    objects: int = 80
    words: int = 520
    object_tokens: int = 8
    word_tokens: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "objects", "words", "object_tokens", "word_tokens")


class TagTransformer(Transformer):
    """Captioner that attends to the grid and to tags, and says what detectors find.

    Letters: ``O`` object classes, ``W`` detected words, ``V`` vocabulary, ``K`` tags of an image in the memory.
    """

    uses_tags = True
    vocab_parameters: tuple[str, ...] = (
        *Transformer.vocab_parameters,
        "object_of",
        "second_object_of",
        "detected_as",
        "object_gain",
        "word_gain",
    )
    config: TagTransformerConfig

    def __init__(
        self, config: TagTransformerConfig, *, feature_size: int, vocabulary_size: int, locations: int
    ) -> None:
        super().__init__(config, feature_size=feature_size, vocabulary_size=vocabulary_size, locations=locations)
        width = config.width
        self.tag_embedding = nn.Embedding(config.objects + config.words, width)
        self.tag_score = nn.Sequential(nn.Linear(3, 64), nn.GELU(), nn.Linear(64, width))
        self.tag_box = nn.Linear(7, width)
        self.tag_norm = nn.LayerNorm(width)
        self.no_tag = nn.Parameter(torch.randn(1, width) * 0.3)
        self.null_grid = nn.Parameter(torch.randn(1, width) * 0.3)
        self.null_pooled = nn.Parameter(torch.zeros(width))
        self.gains = nn.Parameter(torch.tensor([0.5, 0.5]))
        self.object_gain = nn.Parameter(torch.zeros(vocabulary_size))
        self.word_gain = nn.Parameter(torch.zeros(vocabulary_size))
        self.said_bias = nn.Parameter(torch.tensor([-1.0, -1.0]))
        for name in ("object_of", "second_object_of", "detected_as"):  # of each word, -1 for none
            self.register_buffer(name, torch.full((vocabulary_size,), -1))
        self.register_buffer("thresholds", torch.full((config.objects,), -torch.inf))

    object_of: Tensor
    second_object_of: Tensor
    detected_as: Tensor
    thresholds: Tensor

    def name_tags(self, vocabulary: Sequence[str], objects: Sequence[str], words: Sequence[str]) -> None:
        """Tell which words of the vocabulary name an object class or are detected.

        Args:
            vocabulary: ``V`` words.
            objects: ``O`` names, those of COCO's classes where synonyms are to be known.
            words: ``W`` words.
        """
        phrases, classes = object_phrases(), {name: number for number, name in enumerate(objects)}
        second = {word: name for name, also in _ALSO_NAMED.items() for word in also}
        detected = {word: number for number, word in enumerate(words)}
        for place, word in enumerate(vocabulary):
            first = classes.get(phrases.get((word,), "" if word in CLASSES else word), -1)  # "orange" is a colour, too
            self.object_of[place] = first
            self.second_object_of[place] = classes.get(second.get(word, ""), first) if first >= 0 else -1
            self.detected_as[place] = detected.get(word, -1)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`. Nothing is forbidden here."""
        tags = _tags_of(features)
        hidden = self._hidden(self._read(features), inputs)
        real = (targets != IGNORE_INDEX).flatten(0, 1)
        objects, words = (named.int().cumsum(dim=1)[real] > 0 for named in self._named(inputs.flatten(0, 1)))
        photos = torch.arange(len(inputs), device=inputs.device)[:, None, None].expand(inputs.shape).flatten(0, 1)[real]
        object_bias, word_bias = self._biases(tags)
        return self._score(hidden[real]) + self._covered(object_bias[photos], word_bias[photos], objects, words)

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            Memory: each layer's keys and values of grid and tags, ``(B, heads, L + 1 + K, width / heads)``; which of
            them are attended to, ``(B, L + 1 + K)``; the biases of objects and of words, ``(B, V)``. State: that of
            :meth:`Transformer.start`, and which objects ``(B, O)`` and words ``(B, W)`` were named, bool.
        """
        tags = _tags_of(features)
        read = self._read(features)
        assert read.mask is not None
        object_bias, word_bias = self._biases(tags)
        absent = self._highest(tags.presence - self.thresholds) < 0
        object_bias = object_bias.masked_fill(absent & (self.object_of >= 0), FORBIDDEN)
        named = torch.zeros_like(tags.objects, dtype=torch.bool), torch.zeros_like(tags.words, dtype=torch.bool)
        memory = (*itertools.chain(*read.keys_values), read.mask, object_bias, word_bias)
        return DecoderStart(memory, (self._begin(read), first_position(read), *named))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`.

        The attention is the last layer's, averaged over heads: its share on each location among that on all of them.
        """
        cache, position, objects, words = state
        *keys_values, mask, object_bias, word_bias = (part[photos] for part in memory)
        objects, words = (before | now for before, now in zip((objects, words), self._named(tokens), strict=True))
        x, cache, attention = self._next(tokens, position, cache, keys_values, mask)
        logits = self._score(x) + self._covered(object_bias, word_bias, objects, words)
        attention = attention[:, : attention.shape[1] - 1 - self._tokens]
        attention = attention / attention.sum(dim=1, keepdim=True)
        return DecoderStep(torch.log_softmax(logits, dim=1), (cache, position + 1, objects, words), attention)

    @property
    def _tokens(self) -> int:
        """``K``."""
        config = self.config
        return min(config.object_tokens, config.objects) + min(config.word_tokens, config.words)

    def _read(self, features: Features) -> ImageReading:
        """Read images: the grid, or a learned vector where there is none; a learned one for no tag; and tags."""
        tags = _tags_of(features)
        vectors, certain = self._embed_tags(tags)
        count = vectors.shape[0]  # not len(), which an export would take for a constant
        if features.grid is None:
            first, grid = self.null_pooled.expand(count, -1), self.null_grid.expand(count, 1, -1)
        else:
            first, grid = self._first_word(features.pooled), self._encode_grid(features.grid)
        memory = torch.cat([grid, self.no_tag.expand(count, 1, -1), vectors], dim=1)
        always = torch.ones_like(memory[:, : grid.shape[1] + 1, 0], dtype=torch.bool)
        return ImageReading(first, self._keys_values(memory), torch.cat([always, certain], dim=1))

    def _embed_tags(self, tags: Tags) -> tuple[Tensor, Tensor]:
        """Return the likeliest tags as vectors ``(B, K, width)``, and which are certain enough to be read, ``(B, K)``.

        A tag's vector is the sum of its name's, of one of its score and, for objects, of one of box and count.
        """
        config = self.config
        scores, objects = tags.objects.topk(min(config.object_tokens, config.objects), dim=1)
        probabilities, words = tags.words.topk(min(config.word_tokens, config.words), dim=1)
        certain = torch.cat([scores >= LEAST_OBJECT_SCORE, probabilities >= LEAST_WORD_PROBABILITY], dim=1)
        x0, y0, x1, y1, number = tags.object_boxes.gather(1, objects[..., None].expand(-1, -1, 5)).unbind(dim=2)
        across, down = x1 - x0, y1 - y0
        size = (across * down).clamp(min=0).sqrt()
        boxes = [(x0 + x1) / 2, (y0 + y1) / 2, across, down, size, (number == 2).float(), (number > 2).float()]
        box = F.pad(torch.stack(boxes, dim=2), (0, 0, 0, words.shape[1]))  # detected words have none
        both = torch.cat([scores, probabilities], dim=1)
        kind = torch.cat([torch.ones_like(scores), torch.zeros_like(probabilities)], dim=1)
        score = torch.stack([torch.logit(both.clamp(*OBJECT_RANGE)), both, kind], dim=2)
        names = self.tag_embedding(torch.cat([objects, words + config.objects], dim=1))
        return self.tag_norm(names + self.tag_score(score) + self.tag_box(box)), certain

    def _highest(self, values: Tensor) -> Tensor:
        """Return the value of the class that each word names, of two the higher: ``(B, O)`` → ``(B, V)``."""
        first, second = (values[:, classes.clamp(min=0)] for classes in (self.object_of, self.second_object_of))
        return torch.maximum(first, second)

    def _biases(self, tags: Tags) -> tuple[Tensor, Tensor]:
        """Return how far object tags and detected words speak for each word, both ``(B, V)``."""
        objects = torch.logit(self._highest(tags.objects).clamp(*OBJECT_RANGE)) + OBJECT_OFFSET
        words = torch.logit(tags.words.clamp(*WORD_RANGE))[:, self.detected_as.clamp(min=0)] + WORD_OFFSET
        objects = objects * (self.gains[0] + self.object_gain)
        words = words * (0.5 * self.gains[1] + self.word_gain) * 0.5
        return torch.where(self.object_of >= 0, objects, 0.0), torch.where(self.detected_as >= 0, words, 0.0)

    def _named(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return the object and the detected word that each word names: ``(…)`` → ``(…, O)`` and ``(…, W)`` bool."""
        config = self.config
        objects = F.one_hot(self.object_of[tokens] + 1, config.objects + 1)[..., 1:]
        words = F.one_hot(self.detected_as[tokens] + 1, config.words + 1)[..., 1:]
        return objects.bool(), words.bool()

    def _covered(self, object_bias: Tensor, word_bias: Tensor, objects: Tensor, words: Tensor) -> Tensor:
        """Return the bias of each word in sentences that have named some things.

        Args:
            object_bias: ``(N, V)``.
            word_bias: ``(N, V)``.
            objects: the classes named so far, ``(N, O)``.
            words: the detected words said so far, ``(N, W)``.
        """
        said = objects[:, self.object_of.clamp(min=0)] & (self.object_of >= 0)
        heard = words[:, self.detected_as.clamp(min=0)] & (self.detected_as >= 0)
        of_objects = torch.where(said, object_bias.clamp(max=0) + self.said_bias[0], object_bias)
        of_words = torch.where(heard, word_bias.clamp(max=0) + self.said_bias[1], word_bias)
        return of_objects + of_words


def _tags_of(features: Features) -> Tags:
    assert features.tags is not None
    return features.tags
