"""What can be done with an uploaded photo: made ready at once, run in batches, told as the command line tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from seetell.runtime.captioner import Captioner
from seetell.web.batching import Run
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
        told: dict[str, Any] = caption.to_row(upload.name)
        if attention:
            covered = [round(edge, 2) for edge in captioner.bundle.preprocessing.covered(size)]
            told |= {"size": list(size), "covered": covered}
        return told

    return Task(
        "attention" if attention else "caption",
        lambda upload: captioner.prepare(upload.content),
        partial(captioner.caption_prepared, attention=attention),
        row,
    )
