"""What a command line of a task names: images, each with the text that goes with it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from contextlib import nullcontext

from seetell.bulk.items import Item, Shard
from seetell.cli.inputs import STANDARD_INPUT, Besides, at_least_one, expand, standard_input
from seetell.errors import UsageError
from seetell.tasks.registry import Task


class NamedItems:
    """Images and texts, looked for each time they are gone through, so that millions need no memory.

    Args:
        task: that they are for.
        words: images and, last, the text if the task has one.
        captions: a file of both instead.
        shard: the part of them that is wanted.

    Attributes:
        once: whether they can be gone through only once, since standard input lists them.
        besides: what the last time found besides.
        without_caption: rows of the file that the last time left out, as they have no caption.

    Raises:
        UsageError: a text that is needed is missing; or, when gone through, there is no image, or the file is wrong.
    """

    def __init__(self, task: Task, words: tuple[str, ...], captions: str | None, shard: Shard) -> None:
        self._paths, self._text, self._captions, self._shard = list(words), "", captions, shard
        self.besides, self.without_caption = Besides(), 0
        if captions is not None:
            if words:
                raise UsageError(f"name photos and a {task.text_input}, or --captions, but not both")
        elif task.text_input:
            if len(words) < 2 or not words[-1].strip():
                raise UsageError(f"name a photo and a {task.text_input}, or --captions; for example: {task.example}")
            *self._paths, self._text = words
        self.once = STANDARD_INPUT in (captions, *self._paths)

    def __iter__(self) -> Iterator[Item]:
        self.besides.skipped_files.clear()
        self.without_caption = 0
        return self._shard.of(self._all())

    def _all(self) -> Iterator[Item]:
        if self._captions is not None:
            return self._captions_of(self._captions)
        images = expand(self._paths, standard_input(), self.besides)
        return (Item(image, self._text) for image in at_least_one(images, self._paths, self.besides))

    def _captions_of(self, file: str) -> Iterator[Item]:
        """Yield images and their captions; rows with an error, or whose caption is withheld, are counted.

        Raises:
            UsageError: the file cannot be read, or a line is not such an object.
        """
        try:
            with nullcontext(standard_input()) if file == STANDARD_INPUT else open(file, "rb") as lines:
                for number, line in enumerate(lines, 1):
                    line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                    if not line.strip():
                        continue
                    try:
                        content = json.loads(line)
                        image, caption = content["image"], None if "error" in content else content["caption"]
                        if not isinstance(image, str) or not isinstance(caption, str | None):
                            raise TypeError("not text")
                    except (ValueError, TypeError, KeyError, RecursionError) as error:
                        raise UsageError(
                            f"--captions {file}, line {number}: expected a JSON object with image and caption"
                        ) from error
                    if caption is None:
                        self.without_caption += 1
                    else:
                        yield Item(image, caption)
        except OSError as error:
            raise UsageError(f"--captions {file}: cannot be read ({error.strerror})") from error
