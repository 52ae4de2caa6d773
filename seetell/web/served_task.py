"""A task with a loaded model, as the server offers it: which form and query it takes, and what it answers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from seetell.errors import UsageError
from seetell.results import Caption, row
from seetell.runtime.predictor import Predictor
from seetell.runtime.video_predictor import VideoPredictor
from seetell.tasks.registry import Option, Task
from seetell.web.errors import ApiError
from seetell.web.photo_workers import PhotoWorkers
from seetell.web.uploads import Upload
from seetell.web.videos import Sent

JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass(frozen=True)
class ServedTask:
    """A task and its loaded model.

    Attributes:
        task: the declaration.
        predictor: the model.
        defaults: of the options that have another default here than their declaration says, by name.
    """

    task: Task
    predictor: Predictor[Any, Any] | VideoPredictor[Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options that are query parameters, with their defaults here."""
        return tuple(
            replace(option, default=self.defaults.get(option.name, option.default))
            for option in self.task.options
            if option.served
        )

    def endpoint(
        self, predict: Callable[[Request, ServedTask, Mapping[str, Any]], Awaitable[dict[str, Any]]]
    ) -> Callable[..., Awaitable[Response]]:
        """Return a FastAPI endpoint with the served options as its query parameters.

        Args:
            predict: returns the row of a request, given the task and the options that have a value.
        """

        async def endpoint(request: Request, **options: Any) -> Response:
            given = {name: value for name, value in options.items() if value is not None}
            return JSONResponse(await predict(request, self, given))

        parameters = [
            inspect.Parameter(
                option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=_query(option)
            )
            for option in self.options
        ]
        request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
        endpoint.__signature__ = inspect.Signature([request, *parameters])  # type: ignore[attr-defined]
        endpoint.__name__ = self.task.command
        return endpoint

    def text_of(self, upload: Upload) -> str:
        """Return the text that goes with the image; empty if the task needs none.

        Raises:
            ApiError: it is missing or too long, the model knows no content word of it, or the form has a field that the
                task does not take.
        """
        field = self.task.text_input
        text = upload.text(field, beside=self.task.input)
        if field and not text.strip():
            raise ApiError(422, "no_text", f"expected a text in the field '{field}' of the form")
        try:
            if isinstance(self.predictor, Predictor):
                self.predictor.check_text(text)
        except UsageError as error:
            raise ApiError(422, "unknown_words", str(error)) from error
        return text

    def prepare(self, upload: Upload, workers: PhotoWorkers, max_pixels: int) -> tuple[tuple[int, int], Any]:
        """Open an upload in another process; on any thread.

        Returns:
            Width and height of the image, upright, and what the predictor makes of it; a video is not opened.

        Raises:
            ApiError: see :meth:`text_of`.
            PhotoError: the image cannot be used.
        """
        text = self.text_of(upload)
        if isinstance(self.predictor, VideoPredictor):
            return (0, 0), Sent(upload.name, upload.content)
        resizes = isinstance(self.predictor, Predictor) and self.predictor.takes_resized
        preprocessings = self.predictor.preprocessings if resizes else ()
        opened = workers.open(upload.content, max_pixels=max_pixels, preprocessings=preprocessings)
        image: Any = opened if resizes else opened.pixels
        item = self.predictor.prepare(image, text) if self.task.text_input else self.predictor.prepare(image)
        return opened.size, item

    def row(self, upload: Upload, size: tuple[int, int], result: Any) -> dict[str, Any]:
        """Return the JSON row of a result; with attention maps also ``size`` and the ``visible_box`` they lie over.

        Args:
            upload: what the client sent.
            size: the image's width and height, upright.
            result: of the predictor.
        """
        answer = row(upload.name, result, input="video" if self.task.input == "video" else "image")
        if (
            isinstance(self.predictor, Predictor)
            and isinstance(result, Caption)
            and any(word.attention is not None for word in result.words)
        ):
            box = self.predictor.visible_box(size)
            answer |= {"size": list(size), "visible_box": [round(edge, 2) for edge in box]}
        return answer

    def description(self) -> dict[str, Any]:
        """Return the task's entry of ``/v1/models``."""
        return {
            "model": self.predictor.name,
            "title": self.task.name.replace("_", " ").capitalize(),
            "summary": self.task.summary,
            "input": self.task.input,
            "result": self.task.result,
            "text_input": self.task.text_input or None,
            "written": self.task.written,
            "options": {option.name: _described(option) for option in self.options if self._takes(option)},
        }

    def _takes(self, option: Option) -> bool:
        """Return whether the model can do what an option asks for, such as attention or the highest confidence."""
        asked = True if option.type is bool else option.maximum
        try:
            self.predictor.check(**{option.name: asked} if asked is not None else {})
        except UsageError:
            return False
        return True


def _query(option: Option) -> Any:
    kind: Any = Literal[option.choices] if option.choices else option.type
    allowed = Query(description=option.help, ge=option.minimum, le=option.maximum)
    return Annotated[kind if option.default is not None else kind | None, allowed]


def _described(option: Option) -> dict[str, Any]:
    """Return an option's type, default and limits in the words of JSON Schema."""
    described = {
        "type": JSON_TYPES[option.type],
        "default": option.default,
        "minimum": option.minimum,
        "maximum": option.maximum,
        "enum": list(option.choices) or None,
    }
    return {name: value for name, value in described.items() if value is not None}
