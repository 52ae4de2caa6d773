"""What a prediction may get besides its row; see :mod:`seetell.cli.side_outputs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from seetell.bulk.items import Item


class SideOutput:
    """A file, or files, that the user asked for by an option.

    Args:
        option: its name on the command line, such as ``--report``.
        value: what was given.

    Attributes:
        options: of the predictor, which it needs.
        skips: whether images that have it from an earlier run are skipped, unless they are to be done again.
        whole_run: whether it shows all images of a run together, so that a run that is resumed cannot make it.
        changes_results: whether :meth:`change` returns other results, so that they do not mix with others in a file.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    skips: ClassVar[bool] = False
    whole_run: ClassVar[bool] = False
    changes_results: ClassVar[bool] = False

    def __init__(self, option: str, value: Any) -> None:
        self.option = option
        self.value = value

    def defaults(self, model: str) -> Mapping[str, Any]:
        """Return options of the predictor for which the user gave no value, and the output needs one.

        Args:
            model: as the user named it; it need not exist.
        """
        return {}

    def check(self, others: Sequence[SideOutput], options: Mapping[str, Any]) -> None:
        """Raise a ``UsageError`` if it cannot be written; called before any work.

        Args:
            others: all that was asked for, this one included.
            options: of the predictor, as they were given.
        """

    def select(self, items: Iterator[Item]) -> Iterator[Item]:
        """Return the images, with their texts, that are to be processed; called before any work."""
        return items

    def is_there(self, image: str) -> bool:
        """Return whether an image has it already, from an earlier run."""
        return False

    def open(self, predictor: Any, opened: ExitStack) -> None:
        """Begin; called when the model is loaded.

        Args:
            predictor: the model.
            opened: closed when all images are done, with the error where one ends the run.
        """

    def change(self, image: str, result: Any) -> Any:
        """Return the result of an image, or what takes its place in the row and in all outputs.

        Args:
            image: its path.
            result: see :meth:`add`.

        Raises:
            PhotoError: the image cannot be used; it then counts as failed.
        """
        return result

    def add(self, image: str, result: Any, files: dict[str, str]) -> None:
        """Take the result of an image.

        Args:
            image: its path.
            result: what was predicted, or the ``PhotoError`` that it failed with.
            files: paths of the files written for it, by their kind; may be added to.

        Raises:
            PhotoError: its file cannot be made; the image then counts as failed.
        """
        raise NotImplementedError
