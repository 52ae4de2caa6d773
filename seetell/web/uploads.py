"""Uploaded images: read into memory up to the limits, never to a disk, and checked before use."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from seetell.errors import PhotoError, PhotoFormatError, PhotoMemoryError, unknown
from seetell.web.errors import ApiError, unavailable
from seetell.web.limits import MAX_TEXT, Limits
from seetell.web.photo_workers import TooManyPixelsError

IMAGE_FIELD, VIDEO_FIELD = "image", "video"
NOUNS = {IMAGE_FIELD: "photo", VIDEO_FIELD: "video"}
"""What people call the file that a form has, by its field."""

MAX_FIELDS = 8
MAX_NAME = 255
_OTHER_CHARSET = re.compile(r';\s*charset\s*=\s*(?!"?utf-?8\b)', re.IGNORECASE)


@dataclass(frozen=True)
class Upload:
    """An image or a video that a client sent.

    Attributes:
        name: the client's name of the file.
        content: of the file.
        fields: the other fields of the form.
    """

    name: str
    content: bytes
    fields: Mapping[str, str]

    def text(self, field: str = "", *, beside: str = IMAGE_FIELD) -> str:
        """Return a text that was sent; empty if there is none.

        Args:
            field: that may have it; empty if none may.
            beside: the field of the file, for the message.

        Raises:
            ApiError: it is too long, or the form has another field.
        """
        for name in self.fields.keys() - {field}:
            raise ApiError(422, "invalid", unknown("form field", name, [beside, *filter(None, [field])]))
        text = self.fields.get(field, "")
        if len(text) > MAX_TEXT:
            raise ApiError(422, "text_too_long", f"the {field} has at most {MAX_TEXT} characters, got {len(text)}")
        return text


class _InMemory(MultiPartParser):
    spool_max_size = sys.maxsize


async def read_upload(request: Request, limits: Limits, field: str = IMAGE_FIELD) -> Upload:
    """Read a form with an image or a video.

    Args:
        request: with the form.
        limits: of its size.
        field: that has the file, ``image`` or ``video``.

    Raises:
        ApiError: the form is too large, of another content type, broken or without the file.
        ClientDisconnect: the client went away.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise ApiError(
            415,
            "not_a_form",
            f"expected multipart/form-data with the {NOUNS[field]} in the field '{field}', "
            f"got {content_type[:80] or 'nothing'!r}",
        )
    if _OTHER_CHARSET.search(content_type):  # some of Python's are slow, or not for text at all
        raise ApiError(415, "not_a_form", f"expected a form in UTF-8, got {content_type[:80]!r}")
    try:
        parser = _InMemory(request.headers, _limited(request, limits), max_files=1, max_fields=MAX_FIELDS)
        form = await parser.parse()
    except MultiPartException as error:
        raise ApiError(422, "broken_form", f"the form cannot be read: {error.message}") from error
    try:
        file = form.get(field)
        if not isinstance(file, UploadFile):
            raise ApiError(422, f"no_{NOUNS[field]}", f"expected a file in the field '{field}' of the form")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return Upload((file.filename or NOUNS[field])[:MAX_NAME], await file.read(), fields)
    finally:
        await form.close()


async def _limited(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > limits.max_bytes:
            raise upload_too_large(limits)
        yield part


def upload_too_large(limits: Limits) -> ApiError:
    """Return the error for an upload with too many bytes."""
    return ApiError(413, "upload_too_large", f"an upload has at most {limits.max_bytes:,} bytes; send a smaller file")


def unusable(error: PhotoError) -> ApiError:
    """Return the error for an image that cannot be used."""
    message = str(error).removeprefix("photo: ")
    if isinstance(error, TooManyPixelsError):
        return ApiError(413, "photo_too_large", message)
    if isinstance(error, PhotoMemoryError):
        return unavailable("no_memory", f"{message}; try again later")
    if isinstance(error, PhotoFormatError):
        return ApiError(415, "not_a_photo", message)
    return ApiError(422, "unusable_photo", message)
