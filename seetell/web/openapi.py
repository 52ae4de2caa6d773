"""The OpenAPI description: forms, answers and errors with examples, derived from each task and its result shape."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from seetell.tasks.registry import Task
from seetell.web.limits import MAX_TEXT

DESCRIPTION = (
    "Describes images, offline. Answers are the objects that the command line writes as JSON lines. An error is "
    "`{error, code, request_id}`: a message for people, a code for programs, and the id of the request in the log. "
    "If a key is needed it is sent as `Authorization: Bearer KEY`."
)

_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "request_id": {"type": "string"}},
}

_ERRORS = {
    401: ("unauthorized", "The key is missing or wrong."),
    403: ("cross_origin", "A page of another site sent the request."),
    404: ("not_found", "There is no such address or photo."),
    408: ("too_slow", "The upload took too long to arrive."),
    413: (
        "upload_too_large",
        "The upload has too many bytes (`upload_too_large`) or pixels (`photo_too_large`), or the video is too long "
        "(`video_too_long`).",
    ),
    415: ("not_a_photo", "Not a form (`not_a_form`), or the file is not an image in a supported format."),
    421: ("unknown_host", "The server does not accept this host name."),
    422: (
        "unusable_photo",
        "The form is broken or incomplete, a parameter is not allowed, or the image or video is damaged.",
    ),
    429: ("too_many_requests", "Too many requests from one address; `Retry-After` says when to try again."),
    500: ("failed", "An error in the server."),
    503: (
        "busy",
        "Too many requests (`busy`), no answer in time (`timed_out`, `stuck`), or none from the server that runs the "
        "model (`no_answer`); `Retry-After` says when to retry.",
    ),
}
_ALWAYS = (401, 403, 421, 429, 500, 503)

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_LOGPROB = {"type": ["number", "null"]}
_NUMBERS = {"type": "array", "items": _NUMBER}
_READING = {
    "unknown_words_": {"type": "array", "items": _TEXT},
    "read_as_": {"type": "object", "additionalProperties": _TEXT},
}


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object; properties whose name ends in ``_`` are optional."""
    required = [name for name in properties if not name.endswith("_")]
    return {
        "type": "object",
        "required": required,
        "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
    }


def _array(**properties: Any) -> dict[str, Any]:
    """Return the schema of an array of objects."""
    return {"type": "array", "items": _object(**properties)}


def _answer(meaning: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": schema, "example": example}}}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *_ALWAYS}):
        code, meaning = _ERRORS[status]
        example = {"error": meaning, "code": code, "request_id": "5f0c6d0e9b7c4f0f8f6f5b5f3a2b1c0d"}
        described[status] = _answer(meaning, _ERROR_SCHEMA, example)
    return described


SHAPES: dict[str, dict[str, Any]] = {
    "text": _answer(
        "The sentence and its words; with attention also a map per word, `(H, W)` numbers that sum to 1, over the "
        "`visible_box` of the upright image (left, top, right, bottom in pixels), whose width and height are `size`. "
        "`confidence` is the probability that everything the sentence names is there, if the model has one. With "
        "too little of it, `kind` is `tags`, a shorter reading, or `caption` is null and `reason` says why, as it does "
        "for an image that is no photo. `keywords`, if they were asked for, are what is surely there.",
        _object(
            image=_TEXT,
            caption={"type": ["string", "null"]},
            confidence={"type": ["number", "null"], "minimum": 0, "maximum": 1},
            kind_={"type": "string", "enum": ["sentence", "tags"]},
            reason_=_TEXT,
            logprob_=_LOGPROB,
            words_=_array(text=_TEXT, logprob=_LOGPROB, attention_={"type": "array", "items": _NUMBERS}),
            keywords_={"type": "array", "items": _TEXT},
            model=_TEXT,
            size_=_NUMBERS,
            visible_box_=_NUMBERS,
        ),
        {
            "image": "dog.jpg",
            "caption": "a brown dog runs through the grass",
            "confidence": 0.93,
            "kind": "sentence",
            "logprob": -6.21,
            "words": [{"text": "a", "logprob": -0.11}, {"text": "brown", "logprob": -0.74}],
            "model": "a-captioner",
        },
    ),
    "regions": _answer(
        "Texts with their boxes: left, top, right, bottom in pixels of the upright image, whose width and height are "
        "`size`. Highest score first; or, if a `sentence` was given, its phrases in order, with the `score` of the "
        "whole sentence, and `unknown_words` that were left out and words `read_as` others, if there are any. Models "
        "of key points say the `points` of each region, and in `skeleton` which of them are joined. `problem` says "
        "what is missing where there are too many lines of text.",
        _object(
            image=_TEXT,
            sentence_=_TEXT,
            regions=_array(
                text=_TEXT,
                box=_NUMBERS,
                score=_NUMBER,
                points_=_array(text=_TEXT, x=_NUMBER, y=_NUMBER, score=_NUMBER),
            ),
            skeleton_={"type": "array", "items": _NUMBERS},
            problem_=_TEXT,
            score_=_NUMBER,
            size=_NUMBERS,
            model=_TEXT,
            **_READING,
        ),
        {
            "image": "dog.jpg",
            "regions": [
                {"text": "a brown and white dog", "box": [115.25, 75.0, 486.5, 467.75], "score": 0.7},
                {"text": "a grassy field", "box": [0.0, 6.5, 640.0, 253.0], "score": 0.25},
            ],
            "size": [640, 480],
            "model": "a-detector",
        },
    ),
    "shots": _answer(
        "The shots of the video, without gaps, each from one second to another, with the sentence of the frame shown "
        "at `key_frame`; its fields are those of a caption of an image. `problem` says why the video was not read to "
        "its end, or not without loss.",
        _object(
            video=_TEXT,
            shots=_array(
                **{"from": _NUMBER, "to": _NUMBER},
                key_frame=_NUMBER,
                caption={"type": ["string", "null"]},
                confidence={"type": ["number", "null"], "minimum": 0, "maximum": 1},
                kind_={"type": "string", "enum": ["sentence", "tags"]},
                reason_=_TEXT,
                logprob_=_LOGPROB,
                words_=_array(text=_TEXT, logprob=_LOGPROB),
            ),
            size=_NUMBERS,
            fps=_NUMBER,
            frame_count={"type": "integer"},
            model=_TEXT,
            problem_=_TEXT,
        ),
        {
            "video": "walk.mp4",
            "shots": [
                {
                    "from": 0.0,
                    "to": 4.2,
                    "key_frame": 2.1,
                    "caption": "a brown dog runs through the grass",
                    "confidence": 0.93,
                    "kind": "sentence",
                    "logprob": -6.21,
                    "words": [{"text": "a", "logprob": -0.11}],
                }
            ],
            "size": [640, 360],
            "fps": 25.0,
            "frame_count": 105,
            "model": "a-captioner",
        },
    ),
    "tracks": _answer(
        "The objects that were followed, each with its number and where it is: at the frames of these indices, shown "
        "at these seconds, the boxes left, top, right, bottom in pixels of the upright frame, whose width and height "
        "are `size`. With a `line`, `crossings` say what crossed it, to its `left` or `right`. `problem` says why the "
        "video was not read to its end, or not without loss.",
        _object(
            video=_TEXT,
            tracks=_array(
                id={"type": "integer"},
                text=_TEXT,
                score=_NUMBER,
                **{"from": _NUMBER, "to": _NUMBER},
                frames=_NUMBERS,
                seconds=_NUMBERS,
                boxes={"type": "array", "items": _NUMBERS},
                scores=_NUMBERS,
                masks_={"type": "array", "items": _TEXT},
            ),
            size=_NUMBERS,
            fps=_NUMBER,
            frame_count={"type": "integer"},
            model=_TEXT,
            problem_=_TEXT,
            line_={"type": "array", "items": _NUMBERS},
            crossings_=_array(
                id={"type": "integer"}, text=_TEXT, frame={"type": "integer"}, seconds=_NUMBER, direction=_TEXT
            ),
        ),
        {
            "video": "walk.mp4",
            "tracks": [
                {
                    "id": 1,
                    "text": "person",
                    "score": 0.9,
                    "from": 0.0,
                    "to": 0.04,
                    "frames": [0, 1],
                    "seconds": [0.0, 0.04],
                    "boxes": [[10.0, 20.0, 50.0, 120.0], [12.0, 20.0, 52.0, 120.0]],
                    "scores": [0.9, 0.9],
                }
            ],
            "size": [640, 360],
            "fps": 25.0,
            "frame_count": 105,
            "model": "a-tracker",
        },
    ),
    "labels": _answer(
        "Classes with their probabilities, highest first. Models that find the object that the first label is of say "
        "its `box`: left, top, right, bottom in pixels of the upright image, whose width and height are `size`.",
        _object(image=_TEXT, labels=_array(text=_TEXT, score=_NUMBER), box_=_NUMBERS, size_=_NUMBERS, model=_TEXT),
        {
            "image": "dog.jpg",
            "labels": [{"text": "golden retriever", "score": 0.91}, {"text": "Labrador retriever", "score": 0.06}],
            "model": "a-classifier",
        },
    ),
    "masks": _answer(
        "What is there, pixel by pixel: instances, highest score first, or the classes that are there, largest `share` "
        "of the image first. `rle` is the mask as COCO's compressed run lengths, which pycocotools decodes; `box` is "
        "left, top, right, bottom in pixels of the upright image, whose width and height are `size`; `index` is the "
        "value of the pixels in a label map.",
        _object(
            image=_TEXT,
            masks=_array(
                text=_TEXT,
                score=_NUMBER,
                share=_NUMBER,
                box=_NUMBERS,
                index={"type": "integer"},
                rle=_object(size=_NUMBERS, counts=_TEXT),
            ),
            size=_NUMBERS,
            model=_TEXT,
        ),
        {
            "image": "street.jpg",
            "masks": [
                {
                    "text": "road",
                    "score": 0.97,
                    "share": 0.5,
                    "box": [0.0, 1.0, 3.0, 2.0],
                    "index": 4,
                    "rle": {"size": [2, 3], "counts": "1100000"},
                }
            ],
            "size": [3, 2],
            "model": "a-segmenter",
        },
    ),
}
_OTHER_SHAPE = _answer("The result.", _object(image=_TEXT), {"image": "dog.jpg"})


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
        "responses": {200: SHAPES.get(task.result, _OTHER_SHAPE), **_errors(408, 413, 415, 422)},
        "openapi_extra": _form(fields, required=list(fields)),
    }


EXPLAIN: dict[str, Any] = {
    "summary": "Say where in an image the parts of a prediction come from.",
    "description": "The same on the command line: `seetell explain photo.jpg --word dog`",
    "responses": {
        200: _answer(
            "The prediction in words, and those of its parts that were explained: each with the model's score for it, "
            "its `box`, if it has a place of its own, and a map by each method. The `values` of a map are rows over "
            "its `box` (left, top, right, bottom in pixels of the upright image, whose width and height are `size`), "
            "positive where the image speaks for the part.",
            _object(
                image=_TEXT,
                answer=_TEXT,
                explained=_array(
                    text=_TEXT,
                    score=_LOGPROB,
                    box_=_NUMBERS,
                    maps=_array(method=_TEXT, box=_NUMBERS, values={"type": "array", "items": _NUMBERS}),
                ),
                size=_NUMBERS,
                model=_TEXT,
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
        **_errors(408, 413, 415, 422),
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
        **_errors(408, 413, 415, 422),
    },
    "openapi_extra": _form({"image": _IMAGE}, required=["image"]),
}

SEARCH: dict[str, Any] = {
    "responses": {
        200: _answer(
            "The photos, best match first; `photo` is the address of a thumbnail. Of a film, `seconds` says which "
            "frame was found; `written` are the lines that have the words, if they are written in the photo. "
            "`unknown_words` are words of the sentence that were left out for the other photos, and `read_as` those "
            "that were read as others, if there are any.",
            _object(
                photos=_array(
                    image=_TEXT,
                    seconds_=_NUMBER,
                    score=_NUMBER,
                    copies={"type": "array", "items": _TEXT},
                    photo=_TEXT,
                    written_=_TEXT,
                ),
                **_READING,
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
        **_errors(422),
    }
}

PHOTO: dict[str, Any] = {
    "responses": {
        200: {
            "description": "A JPEG whose sides have at most 480 pixels.",
            "content": {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}},
        },
        **_errors(404, 422),
    },
}

_TASK = _object(
    model=_TEXT,
    title=_TEXT,
    summary=_TEXT,
    input={"type": "string", "enum": ["image", "video"]},
    result=_TEXT,
    text_input={"type": ["string", "null"]},
    written={"type": "boolean"},
    options={"type": "object", "additionalProperties": {"type": "object"}},
)
MODELS: dict[str, Any] = {
    "responses": {
        200: _answer(
            "The loaded model of each task that is served, by its address under `/v1/`, with the query parameters it "
            "takes; whether there is an index to search; the methods that `/v1/explain` has for each command, the "
            "styles of `/v1/style`, and the limits.",
            _object(
                tasks={"type": "object", "additionalProperties": _TASK},
                search={"type": "boolean"},
                explain={"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
                styles={"type": "array", "items": _TEXT},
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
        **_errors(),
    }
}

_HEALTH_SCHEMA = _object(status=_TEXT, in_flight={"type": "integer"})
HEALTH: dict[str, Any] = {
    "responses": {
        200: _answer("It can answer.", _HEALTH_SCHEMA, {"status": "ok", "in_flight": 3}),
        503: _answer("It cannot.", _HEALTH_SCHEMA, {"status": "stuck", "in_flight": 5}),
    }
}
