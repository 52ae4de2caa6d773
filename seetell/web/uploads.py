"""What a client sends with a photo: read into memory up to the limits, never to a disk, and looked at before use."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos.opening import photo_size
from seetell.web.errors import RefusalError
from seetell.web.limits import Limits

PHOTO_FIELD = "image"
MAX_FIELDS = 8
_OTHER_CHARSET = re.compile(r';\s*charset\s*=\s*(?!"?utf-?8\b)', re.IGNORECASE)
MAX_NAME = 255


@dataclass(frozen=True)
class Upload:
    """A photo that a client sent.

    Attributes:
        name: as the client names it.
        content: the file's.
        fields: what else the form says.
    """

    name: str
    content: bytes
    fields: Mapping[str, str]


class _InMemory(MultiPartParser):
    spool_max_size = sys.maxsize


async def read_upload(request: Request, limits: Limits) -> Upload:
    """Read a form with a photo.

    Raises:
        RefusalError: the form is too large, of another kind, broken or without a photo.
        ClientDisconnect: the client went away.
    """
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        raise RefusalError(
            415,
            "not_a_form",
            f"expected multipart/form-data with the photo in the field '{PHOTO_FIELD}', got {kind[:80] or 'nothing'!r}",
        )
    if _OTHER_CHARSET.search(kind):  # some of Python's are slow, or no text at all
        raise RefusalError(415, "not_a_form", f"expected a form in UTF-8, got {kind[:80]!r}")
    try:
        parser = _InMemory(request.headers, _limited(request, limits), max_files=1, max_fields=MAX_FIELDS)
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusalError(422, "broken_form", f"the form cannot be read: {error.message}") from error
    try:
        photo = form.get(PHOTO_FIELD)
        if not isinstance(photo, UploadFile):
            raise RefusalError(422, "no_photo", f"expected a file in the field '{PHOTO_FIELD}' of the form")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return Upload((photo.filename or "photo")[:MAX_NAME], await photo.read(), fields)
    finally:
        await form.close()


async def _limited(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > limits.max_bytes:
            raise too_many_bytes(limits)
        yield part


def too_many_bytes(limits: Limits) -> RefusalError:
    """Return the refusal of an upload that is too large."""
    return RefusalError(
        413, "upload_too_large", f"an upload has at most {limits.max_bytes:,} bytes; send a smaller photo"
    )


def checked_size(content: bytes, limits: Limits) -> tuple[int, int]:
    """Tell a photo's upright width and height from its header.

    Raises:
        RefusalError: it is no photo, is damaged or has too many pixels.
    """
    try:
        width, height = photo_size(content)
    except PhotoError as error:
        raise unusable(error) from error
    if width * height > limits.max_pixels:
        raise RefusalError(
            413, "photo_too_large", f"a photo has at most {limits.max_pixels:,} pixels; this one has {width}×{height}"
        )
    return width, height


def unusable(error: PhotoError) -> RefusalError:
    """Return the refusal of a photo that cannot be used."""
    message = str(error).removeprefix("photo: ")
    if isinstance(error, PhotoFormatError):
        return RefusalError(415, "not_a_photo", message)
    return RefusalError(422, "unusable_photo", message)
