"""The OpenAPI description of each address: its form and its answers, derived from tasks and their result shapes."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from seetell.tasks.registry import Task
from seetell.web.limits import MAX_TEXT
from seetell.web.openapi_answers import (
    LOGPROB,
    NUMBER,
    NUMBERS,
    OTHER_SHAPE,
    READING,
    SHAPES,
    TEXT,
    answer,
    array_of,
    errors,
    object_of,
)

DESCRIPTION = (
    "Describes images, offline. Answers are the objects that the command line writes as JSON lines. An error is "
    "`{error, code, request_id}`: a message for people, a code for programs, and the id of the request in the log. "
    "If a key is needed it is sent as `Authorization: Bearer KEY`."
)

_IMAGE: dict[str, Any] = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "An image: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF; HEIC, JPEG XL and RAW where the "
    "server has the packages for them.",
}


_VIDEO: dict[str, Any] = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "A short video: MP4, WebM, Matroska, MOV, AVI and others that FFmpeg decodes. It is read for as "
    "long as there is time; `problem` says so where that was not enough.",
}


def _form(fields: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    """Return the description of a form."""
    form = {"type": "object", "required": required, "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


def operation(task: Task) -> dict[str, Any]:
    """Return FastAPI's description of ``POST /v1/<command>``, except its query parameters.

    Args:
        task: the task; the answer is described by its result shape.
    """
    fields: dict[str, Any] = {task.input: _VIDEO if task.input == "video" else _IMAGE}
    if task.text_input:
        fields[task.text_input] = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return {
        "summary": task.summary,
        "description": f"The same on the command line: `{task.example}`" if task.example else "",
        "responses": {200: SHAPES.get(task.result, OTHER_SHAPE), **errors(408, 413, 415, 422)},
        "openapi_extra": _form(fields, required=list(fields)),
    }


EXPLAIN: dict[str, Any] = {
    "summary": "Say where in an image the parts of a prediction come from.",
    "description": "The same on the command line: `seetell explain photo.jpg --word dog`",
    "responses": {
        200: answer(
            "The prediction in words, and those of its parts that were explained: each with the model's score for it, "
            "its `box`, if it has a place of its own, and a map by each method. The `values` of a map are rows over "
            "its `box` (left, top, right, bottom in pixels of the upright image, whose width and height are `size`), "
            "positive where the image speaks for the part.",
            object_of(
                image=TEXT,
                answer=TEXT,
                explained=array_of(
                    text=TEXT,
                    score=LOGPROB,
                    box_=NUMBERS,
                    maps=array_of(method=TEXT, box=NUMBERS, values={"type": "array", "items": NUMBERS}),
                ),
                size=NUMBERS,
                model=TEXT,
            ),
            {
                "image": "dog.jpg",
                "answer": "a brown dog",
                "explained": [
                    {
                        "text": "dog",
                        "score": -0.31,
                        "maps": [{"method": "occlusion", "box": [0, 0, 640, 480], "values": [[0.1, 1.9], [0.0, -0.2]]}],
                    }
                ],
                "size": [640, 480],
                "model": "a-captioner",
            },
        ),
        **errors(408, 413, 415, 422),
    },
    "openapi_extra": _form(
        {
            "image": _IMAGE,
            "text": {
                "type": "string",
                "maxLength": MAX_TEXT,
                "description": "What goes with the image: the sentence that is aligned with it, the search that found "
                "it, or a caption instead of the model's own.",
            },
        },
        required=["image"],
    ),
}

STYLE: dict[str, Any] = {
    "summary": "Draw an image in a mixture of styles.",
    "description": "The same on the command line: `seetell style photo.jpg waves --fast --output drawn.jpg`",
    "response_class": Response,
    "responses": {
        200: {
            "description": "A JPEG.",
            "content": {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}},
        },
        **errors(408, 413, 415, 422),
    },
    "openapi_extra": _form({"image": _IMAGE}, required=["image"]),
}

SEARCH: dict[str, Any] = {
    "responses": {
        200: answer(
            "The photos, best match first; `photo` is the address of a thumbnail. Of a film, `seconds` says which "
            "frame was found; `written` are the lines that have the words, if they are written in the photo. "
            "`unknown_words` are words of the sentence that were left out for the other photos, and `read_as` those "
            "that were read as others, if there are any.",
            object_of(
                photos=array_of(
                    image=TEXT,
                    seconds_=NUMBER,
                    score=NUMBER,
                    copies={"type": "array", "items": TEXT},
                    photo=TEXT,
                    written_=TEXT,
                ),
                **READING,
            ),
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
        **errors(422),
    }
}

PHOTO: dict[str, Any] = {
    "responses": {
        200: {
            "description": "A JPEG whose sides have at most 480 pixels.",
            "content": {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}},
        },
        **errors(404, 422),
    },
}

_TASK = object_of(
    model=TEXT,
    title=TEXT,
    summary=TEXT,
    input={"type": "string", "enum": ["image", "video"]},
    result=TEXT,
    text_input={"type": ["string", "null"]},
    written={"type": "boolean"},
    options={"type": "object", "additionalProperties": {"type": "object"}},
)
MODELS: dict[str, Any] = {
    "responses": {
        200: answer(
            "The loaded model of each task that is served, by its address under `/v1/`, with the query parameters it "
            "takes; whether there is an index to search; the methods that `/v1/explain` has for each command, the "
            "styles of `/v1/style`, and the limits.",
            object_of(
                tasks={"type": "object", "additionalProperties": _TASK},
                search={"type": "boolean"},
                explain={"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
                styles={"type": "array", "items": TEXT},
                limits={"type": "object", "additionalProperties": {"type": "integer"}},
            ),
            {
                "tasks": {
                    "regions": {
                        "model": "a-detector",
                        "title": "Dense captioning",
                        "summary": "Find regions and describe each in a phrase.",
                        "input": "image",
                        "result": "regions",
                        "text_input": None,
                        "written": False,
                        "options": {"top": {"type": "integer", "default": 10, "minimum": 1, "maximum": 100}},
                    }
                },
                "search": False,
                "explain": {"regions": ["occlusion"]},
                "styles": ["waves"],
                "limits": {"bytes": 20971520, "pixels": 50000000, "text": 500},
            },
        ),
        **errors(),
    }
}

_HEALTH_SCHEMA = object_of(status=TEXT, in_flight={"type": "integer"})
HEALTH: dict[str, Any] = {
    "responses": {
        200: answer("It can answer.", _HEALTH_SCHEMA, {"status": "ok", "in_flight": 3}),
        503: answer("It cannot.", _HEALTH_SCHEMA, {"status": "stuck", "in_flight": 5}),
    }
}
