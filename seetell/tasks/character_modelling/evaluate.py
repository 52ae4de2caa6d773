"""How well a model of characters predicts a text."""

from __future__ import annotations

from seetell.errors import DataError
from seetell.tasks.character_modelling.predict import CharacterSampler
from seetell.tasks.character_modelling.text import MOST, encode, read_text
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress


def evaluate(
    predictor: CharacterSampler, data: DataOptions, *, split: str = "val", progress: Progress | None = None
) -> Evaluation:
    """Measure the bits per character of a text; see :mod:`seetell.tasks.evaluation`.

    Args:
        predictor: the model.
        data: a file of text in UTF-8.
        split: ``val`` for the end of the text, as large a share of it as the model was validated on in its own;
            ``train`` for what stands before, ``test`` for the whole text.
        progress: called as characters are read.

    Returns:
        The score, and ``characters``, the number of those read.

    Raises:
        DataError: the text cannot be read, or has characters that the model does not know.
    """
    text = read_text(data.path, validation_share=predictor.validation_share, most=MOST)
    numbers, unknown = encode(text.characters, predictor.characters)
    if unknown:
        named = ", ".join(map(repr, unknown[:5]))
        raise DataError(f"{data.path}: {predictor.name} does not know {named}; take these out of the text first")
    codes = numbers[{"train": text.train, "val": text.val}.get(split, text.codes)]
    bits = predictor.bits_per_character(
        codes, progress=lambda done, total: progress("reading", done, total) if progress else None
    )
    return Evaluation({"bits_per_character": bits, "characters": len(codes)})
