"""What can be done with an uploaded photo: made ready at once, run in batches, told as the command line tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from seetell import results
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.web.batching import Run
from seetell.web.errors import RefusalError
from seetell.web.limits import MAX_LISTED, MAX_SENTENCE
from seetell.web.uploads import Upload

Row = Callable[[Upload, tuple[int, int], Any], dict[str, Any]]
"""Takes an upload, its photo's width and height and what came of it; gives what the client is told."""


@dataclass(frozen=True)
class Task:
    """Something that is done with a photo.

    Attributes:
        name: under which its jobs are gathered and counted.
        prepare: what needs no model, on any thread.
        run: what does, for many photos.
        row: tells a result.
    """

    name: str
    prepare: Callable[[Upload], Any]
    run: Run
    row: Row


def captioning(captioner: Captioner, *, attention: bool) -> Task:
    """Return the task of saying what is on a photo and, if asked, where the model looked for each word."""

    def row(upload: Upload, size: tuple[int, int], caption: Any) -> dict[str, Any]:
        told: dict[str, Any] = results.row(upload.name, caption)
        if attention:
            covered = [round(edge, 2) for edge in captioner.bundle.preprocessing.visible_box(size)]
            told |= {"size": list(size), "covered": covered}
        return told

    return Task(
        "attention" if attention else "caption",
        lambda upload: captioner.prepare(upload.content),
        partial(captioner.predict_prepared, attention=attention),
        row,
    )


def regions(captioner: DenseCaptioner, *, top: int = MAX_LISTED) -> Task:
    """Return the task of saying what is where on a photo; of any ``top``, since it finds no more for less."""

    def row(upload: Upload, size: tuple[int, int], found: Any) -> dict[str, Any]:
        told: dict[str, Any] = results.row(upload.name, found.top(top))
        return told

    return Task(
        "regions",
        lambda upload: captioner.prepare(upload.content),
        partial(captioner.predict_prepared, top=MAX_LISTED),
        row,
    )


def aligning(aligner: PhraseGrounder) -> Task:
    """Return the task of telling where on a photo each part of the form's ``sentence`` is true."""

    def prepare(upload: Upload) -> Any:
        sentence = upload.fields.get("sentence", "")
        if not sentence.strip():
            raise RefusalError(422, "no_sentence", "expected a text in the field 'sentence' of the form")
        if len(sentence) > MAX_SENTENCE:
            raise RefusalError(422, "sentence_too_long", f"a sentence has at most {MAX_SENTENCE} letters")
        return aligner.prepare(upload.content, sentence)

    def row(upload: Upload, size: tuple[int, int], alignment: Any) -> dict[str, Any]:
        if not alignment.regions:
            raise RefusalError(422, "unknown_words", "the model knows no word of the sentence that has a place")
        return results.row(upload.name, alignment)

    return Task("align", prepare, aligner.predict_prepared, row)
