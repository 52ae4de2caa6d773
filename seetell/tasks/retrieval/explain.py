"""Why an image was found: by how well it fits the words that were searched for, together and each alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seetell.errors import UsageError
from seetell.explain.explained import Explained, chosen
from seetell.photos.opening import PhotoSource
from seetell.tasks.retrieval.embedder import Embedder


def explain(predictor: Embedder[Any], image: PhotoSource, text: str, names: Sequence[str]) -> Explained:
    """Return a search and its words as targets; see :data:`seetell.explain.explained.Explain`.

    The score is that of ``seetell search``: the product of the embeddings of image and sentence.

    Args:
        predictor: any embedder of whole images.
        image: that was found.
        text: that was searched for.
        names: words of it, each then a search of its own; the whole text and each content word when there are none.

    Raises:
        UsageError: there is no text, the model knows no content word of it, or a name is none of its words.
    """
    if not text:
        raise UsageError("there is no text; expected what the image was searched by")
    reading = predictor.read(text)
    reading.require_content()
    words = [word for word in reading.content_words if word != text.strip().lower()]
    searches = [text, *words]
    targets = [searches[place] for place in chosen("word", searches, names, whole=f"the search {text!r}")]
    vectors = predictor.sentence_vectors(targets)

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        return np.asarray(predictor.embed_images(images).whole @ vectors.T, np.float64)

    return Explained(text, tuple(targets), score, note=reading.note)
