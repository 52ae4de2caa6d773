"""Which phrases of a sentence can be explained: each, and the sentence, by how well they fit the image.

A phrase's score is its part of the sentence's: the sum over its words of the product with the region that fits best
(Karpathy & Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", CVPR 2015, equation 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import UsageError
from seetell.explain.explained import Explained, chosen
from seetell.language.phrases import BETA, segment_sentence
from seetell.language.vocabulary import detokenise
from seetell.photos.opening import PhotoSource
from seetell.runtime.predictor import Predictor
from seetell.tasks.grounding.predict import PhraseGrounder, Prepared


def explain(predictor: Predictor[Prepared, object], image: PhotoSource, text: str, names: Sequence[str]) -> Explained:
    """Return the phrases of a sentence and the sentence as targets; see :data:`seetell.explain.explained.Explain`.

    Args:
        predictor: of a bundle.
        image: with which the sentence is aligned.
        text: the sentence.
        names: phrases or words of the sentence, or the sentence itself; its phrases and itself when there are none.

    Raises:
        UsageError: the model is no bundle, there is no sentence, the model knows no content word of it, or a name is no
            part of it.
    """
    if not isinstance(predictor, PhraseGrounder):
        raise UsageError(f"{predictor.name} does not score regions with words; expected a bundle")
    if not text:
        raise UsageError("there is no text; expected the sentence that is aligned with the image")
    note, embedder = predictor.check_text(text), predictor.embedder
    reading, sentences = embedder.read(text), embedder.embed_sentences([text])
    tokens = reading.tokens
    words = predictor.word_scores(embedder.embed_images([image]), sentences)[0]
    phrases = segment_sentence(tokens, words, known=reading.known, beta=BETA)
    single = [(place, place + 1) for place, known in enumerate(reading.known) if known]
    spans: list[tuple[int, int] | None] = [*phrases, None, *(span for span in single if span not in phrases)]
    texts = [text if span is None else detokenise(tokens[slice(*span)]) for span in spans]
    places = chosen("phrase", texts, names, whole=f"the sentence {text!r}") if names else range(len(phrases) + 1)

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        embedded = embedder.embed_images(images)
        best = (embedded.regions @ sentences.words.T).max(axis=1)  # (N, T)
        whole = predictor.embedder.score(embedded, sentences)[:, 0]
        columns = [whole if (span := spans[place]) is None else best[:, slice(*span)].sum(axis=1) for place in places]
        return np.stack(columns, axis=1).astype(np.float64)

    return Explained(text, tuple(texts[place] for place in places), score, note=note)
