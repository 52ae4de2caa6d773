"""What the OpenAPI description says of each address: forms, answers, errors, with examples."""

from __future__ import annotations

from typing import Any

ABOUT = (
    "Says what is on photos, offline. Answers are the objects that the command line writes as JSON lines. An error is "
    "`{error, code, request_id}`: a sentence for people, a word for programs, and the id to be found in the log. "
    "Where a key is needed it is sent as `Authorization: Bearer KEY`."
)

_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "request_id": {"type": "string"}},
}

_ERRORS = {
    401: ("key_needed", "The key is missing or wrong."),
    403: ("other_site", "A page of another site asked."),
    404: ("not_found", "There is no such thing."),
    408: ("too_slow", "The upload took too long to arrive."),
    413: ("upload_too_large", "The upload has too many bytes (`upload_too_large`) or pixels (`photo_too_large`)."),
    415: ("not_a_photo", "No form (`not_a_form`), or the file is no photo of a format that is read (`not_a_photo`)."),
    421: ("unknown_host", "The server is not known by this name."),
    422: ("unusable_photo", "The form is broken or lacks something, or the photo is damaged."),
    429: ("too_many_requests", "Too many requests from one address; `Retry-After` says when to come back."),
    500: ("failed", "A fault of the server."),
    503: (
        "busy",
        "Too much to do (`busy`), or it took too long (`timed_out`, `stuck`); `Retry-After` says when to come back.",
    ),
}
_ALWAYS = (401, 403, 421, 429, 500, 503)

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": "string"}
_NUMBERS = {"type": "array", "items": {"type": "number"}}


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object; properties whose name ends in ``_`` may be absent."""
    required = [name for name in properties if not name.endswith("_")]
    return {
        "type": "object",
        "required": required,
        "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
    }


def _answer(meaning: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": schema, "example": example}}}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *_ALWAYS}):
        code, meaning = _ERRORS[status]
        example = {"error": meaning, "code": code, "request_id": "5f0c6d0e9b7c4f0f8f6f5b5f3a2b1c0d"}
        described[status] = _answer(meaning, _ERROR_SCHEMA, example)
    return described


def _form(**fields: str) -> dict[str, Any]:
    """Return the description of a form with a photo and further texts."""
    photo = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "A photo: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF.",
    }
    texts = {name: {"type": "string", "description": meaning, "minLength": 1} for name, meaning in fields.items()}
    schema = {"type": "object", "required": ["image", *fields], "properties": {"image": photo, **texts}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_WORD = _object(text=_TEXT, logprob=_NUMBER, attention_={"type": "array", "items": _NUMBERS})
_CAPTION_EXAMPLE = {
    "image": "dog.jpg",
    "caption": "a brown dog runs through the grass",
    "logprob": -6.21,
    "words": [{"text": "a", "logprob": -0.11}, {"text": "brown", "logprob": -0.74}],
    "model": "flickr8k-transformer",
}

CAPTION: dict[str, Any] = {
    "responses": {
        200: _answer(
            "The sentence, its words, and with `attention` where each came from: `(H, W)` numbers that sum to 1, over "
            "the box `covered` of the photo (left, top, right, bottom in its pixels), which has the upright `size`.",
            _object(
                image=_TEXT,
                caption=_TEXT,
                logprob=_NUMBER,
                words={"type": "array", "items": _WORD},
                model=_TEXT,
                size_=_NUMBERS,
                covered_=_NUMBERS,
            ),
            _CAPTION_EXAMPLE,
        ),
        **_errors(408, 413, 415, 422),
    },
    "openapi_extra": _form(),
}

_REGION = _object(text=_TEXT, box=_NUMBERS, score={"type": "number"})
ALIGN: dict[str, Any] = {
    "responses": {
        200: _answer(
            "The sentence cut into segments, each with its box: left, top, right, bottom in pixels of the upright "
            "photo, which has this `size`.",
            _object(
                image=_TEXT,
                sentence=_TEXT,
                regions={"type": "array", "items": _REGION},
                score={"type": "number"},
                size=_NUMBERS,
                model=_TEXT,
            ),
            {
                "image": "dog.jpg",
                "sentence": "A dog runs through the grass.",
                "regions": [
                    {"text": "a dog runs", "box": [210.5, 102.0, 530.25, 420.0], "score": 0.62},
                    {"text": "through the grass", "box": [0.0, 300.0, 640.0, 480.0], "score": 0.41},
                ],
                "score": 3.12,
                "size": [640, 480],
                "model": "flickr8k-align",
            },
        ),
        **_errors(408, 413, 415, 422),
    },
    "openapi_extra": _form(sentence="What is said of the photo."),
}

REGIONS: dict[str, Any] = {
    "responses": {
        200: _answer(
            "Boxes with phrases, the surest first: left, top, right, bottom in pixels of the upright photo, which has "
            "this `size`.",
            _object(image=_TEXT, regions={"type": "array", "items": _REGION}, size=_NUMBERS, model=_TEXT),
            {
                "image": "dog.jpg",
                "regions": [
                    {"text": "a brown and white dog", "box": [115.25, 75.0, 486.5, 467.75], "score": 0.7},
                    {"text": "a grassy field", "box": [0.0, 6.5, 640.0, 253.0], "score": 0.25},
                ],
                "size": [640, 480],
                "model": "flickr8k-dense",
            },
        ),
        **_errors(408, 413, 415, 422),
    },
    "openapi_extra": _form(),
}

_HIT = _object(image=_TEXT, score={"type": "number"}, copies={"type": "array", "items": _TEXT}, photo=_TEXT)
SEARCH: dict[str, Any] = {
    "responses": {
        200: _answer(
            "The photos, the best first; `photo` leads to a small copy.",
            _object(photos={"type": "array", "items": _HIT}),
            {
                "photos": [
                    {
                        "image": "beach.jpg",
                        "score": 0.312,
                        "copies": [],
                        "photo": "/v1/photos/0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                    }
                ]
            },
        ),
        **_errors(422),
    }
}

PHOTO: dict[str, Any] = {
    "responses": {
        200: {
            "description": "A JPEG of at most 480 pixels a side.",
            "content": {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}},
        },
        **_errors(404, 422),
    },
}

_MODEL_IF_ANY = {"oneOf": [{"type": "null"}, _object(model=_TEXT)]}
MODELS: dict[str, Any] = {
    "responses": {
        200: _answer(
            "Which models there are, and the limits.",
            _object(
                caption=_object(model=_TEXT, attention={"type": "boolean"}),
                align=_MODEL_IF_ANY,
                regions=_MODEL_IF_ANY,
                search={"type": "boolean"},
                limits={"type": "object", "additionalProperties": {"type": "integer"}},
            ),
            {
                "caption": {"model": "flickr8k-transformer", "attention": True},
                "align": {"model": "flickr8k-align"},
                "regions": {"model": "flickr8k-dense"},
                "search": False,
                "limits": {"bytes": 20971520, "pixels": 50000000, "sentence": 500},
            },
        ),
        **_errors(),
    }
}

HEALTH: dict[str, Any] = {
    "responses": {
        200: _answer("It can.", _object(status=_TEXT, inside={"type": "integer"}), {"status": "ok", "inside": 3}),
        503: _answer("It cannot.", _object(status=_TEXT, inside={"type": "integer"}), {"status": "stuck", "inside": 5}),
    }
}
