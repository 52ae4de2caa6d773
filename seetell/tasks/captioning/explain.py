"""Which words of a caption can be explained: each by its log-probability, the sentence being fixed.

The sentence is the model's own for the image, or the user's. With it fixed, a word's log-probability in another image,
given the words before it, says how much that image speaks for the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError
from seetell.explain.explained import Explained, chosen
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import UNK
from seetell.photos.opening import PhotoSource
from seetell.runtime.backends.answer import Token
from seetell.runtime.tags import Images
from seetell.tasks.captioning.answers import words_of
from seetell.tasks.captioning.captioner import Captioner
from seetell.tasks.captioning.predict import BundleCaptioner

LEAST_LOGPROB = -12.0
"""Log-probabilities below it count as it: a decoder forbids some words, and another word is then as good as another."""


@dataclass(frozen=True)
class ExplainedCaption(Explained):
    """A caption whose words are explained.

    Attributes:
        tokens: ``T`` ids of the sentence's words, or pieces of words.
        positions: of each target among the sentence's words.
    """

    tokens: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def explain(predictor: Captioner[Images], image: PhotoSource, text: str, names: Sequence[str]) -> ExplainedCaption:
    """Return the words of a caption as targets; see :data:`seetell.explain.explained.Explain`.

    Args:
        predictor: of a bundle.
        image: that is described.
        text: a sentence to explain instead of the model's own.
        names: words of the sentence; all when there are none.

    Raises:
        UsageError: the model is no bundle, a name is no word of the sentence, or the user's sentence has words that the
            model does not know.
    """
    if not isinstance(predictor, BundleCaptioner):
        raise UsageError(f"{predictor.name} gives no probabilities of words of a sentence; expected a bundle")
    vocabulary = predictor.bundle.require_vocabulary()
    tokens = _tokens_of(predictor, text) if text else predictor.sentence(image)
    pieces = vocabulary.decode(tokens)
    answer = " ".join("".join(pieces).split()) if vocabulary.pieces else " ".join(pieces)
    words = answer.split()
    places = chosen("word", words, names, whole=f"the caption {answer!r}")

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        logprobs = predictor.logprobs([predictor.prepare(image) for image in images], tokens)
        if vocabulary.pieces:
            logprobs = np.array(
                [[word.logprob for word in words_of(answer, tuple(map(Token, pieces, row)))] for row in logprobs]
            )
        return np.asarray(np.maximum(logprobs, LEAST_LOGPROB)[:, places])

    maps = {}
    if predictor.attends and not vocabulary.pieces:
        attention = predictor.attention_to(predictor.prepare(image), tokens)
        maps["attention"] = [attention[place] for place in places]
    return ExplainedCaption(
        answer, tuple(words[place] for place in places), score, maps, tokens=tuple(tokens), positions=tuple(places)
    )


def _tokens_of(predictor: BundleCaptioner, text: str) -> Sequence[int]:
    """Return the ids of a user's sentence."""
    vocabulary = predictor.bundle.require_vocabulary()
    if vocabulary.pieces:
        raise UsageError(f"{predictor.name} writes in pieces of words, so only its own captions can be explained")
    words = tokenize(text)
    tokens = vocabulary.encode(words)
    missing = list(dict.fromkeys(word for word, token in zip(words, tokens, strict=True) if token == UNK))
    if missing or not words:
        raise UsageError(f"{predictor.name} does not know {', '.join(missing) or 'any word'} of {text!r:.80}")
    return tokens
