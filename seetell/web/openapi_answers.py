"""What the OpenAPI description says of answers, by the shape of a result, and of errors; with examples."""

from __future__ import annotations

from typing import Any

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

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
LOGPROB = {"type": ["number", "null"]}
NUMBERS = {"type": "array", "items": NUMBER}
READING = {
    "unknown_words_": {"type": "array", "items": TEXT},
    "read_as_": {"type": "object", "additionalProperties": TEXT},
}


def object_of(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object; properties whose name ends in ``_`` are optional."""
    required = [name for name in properties if not name.endswith("_")]
    return {
        "type": "object",
        "required": required,
        "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
    }


def array_of(**properties: Any) -> dict[str, Any]:
    """Return the schema of an array of objects."""
    return {"type": "array", "items": object_of(**properties)}


def answer(meaning: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": schema, "example": example}}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *_ALWAYS}):
        code, meaning = _ERRORS[status]
        example = {"error": meaning, "code": code, "request_id": "5f0c6d0e9b7c4f0f8f6f5b5f3a2b1c0d"}
        described[status] = answer(meaning, _ERROR_SCHEMA, example)
    return described


SHAPES: dict[str, dict[str, Any]] = {
    "text": answer(
        "The sentence and its words; with attention also a map per word, `(H, W)` numbers that sum to 1, over the "
        "`visible_box` of the upright image (left, top, right, bottom in pixels), whose width and height are `size`. "
        "`confidence` is the probability that everything the sentence names is there, if the model has one. With "
        "too little of it, `kind` is `tags`, a shorter reading, or `caption` is null and `reason` says why, as it does "
        "for an image that is no photo. `keywords`, if they were asked for, are what is surely there.",
        object_of(
            image=TEXT,
            caption={"type": ["string", "null"]},
            confidence={"type": ["number", "null"], "minimum": 0, "maximum": 1},
            kind_={"type": "string", "enum": ["sentence", "tags"]},
            reason_=TEXT,
            logprob_=LOGPROB,
            words_=array_of(text=TEXT, logprob=LOGPROB, attention_={"type": "array", "items": NUMBERS}),
            keywords_={"type": "array", "items": TEXT},
            model=TEXT,
            size_=NUMBERS,
            visible_box_=NUMBERS,
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
    "regions": answer(
        "Texts with their boxes: left, top, right, bottom in pixels of the upright image, whose width and height are "
        "`size`. Highest score first; or, if a `sentence` was given, its phrases in order, with the `score` of the "
        "whole sentence, and `unknown_words` that were left out and words `read_as` others, if there are any. Models "
        "of key points say the `points` of each region, and in `skeleton` which of them are joined. `problem` says "
        "what is missing where there are too many lines of text.",
        object_of(
            image=TEXT,
            sentence_=TEXT,
            regions=array_of(
                text=TEXT,
                box=NUMBERS,
                score=NUMBER,
                points_=array_of(text=TEXT, x=NUMBER, y=NUMBER, score=NUMBER),
            ),
            skeleton_={"type": "array", "items": NUMBERS},
            problem_=TEXT,
            score_=NUMBER,
            size=NUMBERS,
            model=TEXT,
            **READING,
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
    "shots": answer(
        "The shots of the video, without gaps, each from one second to another, with the sentence of the frame shown "
        "at `key_frame`; its fields are those of a caption of an image. `problem` says why the video was not read to "
        "its end, or not without loss.",
        object_of(
            video=TEXT,
            shots=array_of(
                **{"from": NUMBER, "to": NUMBER},
                key_frame=NUMBER,
                caption={"type": ["string", "null"]},
                confidence={"type": ["number", "null"], "minimum": 0, "maximum": 1},
                kind_={"type": "string", "enum": ["sentence", "tags"]},
                reason_=TEXT,
                logprob_=LOGPROB,
                words_=array_of(text=TEXT, logprob=LOGPROB),
            ),
            size=NUMBERS,
            fps=NUMBER,
            frame_count={"type": "integer"},
            model=TEXT,
            problem_=TEXT,
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
    "tracks": answer(
        "The objects that were followed, each with its number and where it is: at the frames of these indices, shown "
        "at these seconds, the boxes left, top, right, bottom in pixels of the upright frame, whose width and height "
        "are `size`. With a `line`, `crossings` say what crossed it, to its `left` or `right`. `problem` says why the "
        "video was not read to its end, or not without loss.",
        object_of(
            video=TEXT,
            tracks=array_of(
                id={"type": "integer"},
                text=TEXT,
                score=NUMBER,
                **{"from": NUMBER, "to": NUMBER},
                frames=NUMBERS,
                seconds=NUMBERS,
                boxes={"type": "array", "items": NUMBERS},
                scores=NUMBERS,
                masks_={"type": "array", "items": TEXT},
            ),
            size=NUMBERS,
            fps=NUMBER,
            frame_count={"type": "integer"},
            model=TEXT,
            problem_=TEXT,
            line_={"type": "array", "items": NUMBERS},
            crossings_=array_of(
                id={"type": "integer"}, text=TEXT, frame={"type": "integer"}, seconds=NUMBER, direction=TEXT
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
    "labels": answer(
        "Classes with their probabilities, highest first. Models that find the object that the first label is of say "
        "its `box`: left, top, right, bottom in pixels of the upright image, whose width and height are `size`.",
        object_of(image=TEXT, labels=array_of(text=TEXT, score=NUMBER), box_=NUMBERS, size_=NUMBERS, model=TEXT),
        {
            "image": "dog.jpg",
            "labels": [{"text": "golden retriever", "score": 0.91}, {"text": "Labrador retriever", "score": 0.06}],
            "model": "a-classifier",
        },
    ),
    "masks": answer(
        "What is there, pixel by pixel: instances, highest score first, or the classes that are there, largest `share` "
        "of the image first. `rle` is the mask as COCO's compressed run lengths, which pycocotools decodes; `box` is "
        "left, top, right, bottom in pixels of the upright image, whose width and height are `size`; `index` is the "
        "value of the pixels in a label map.",
        object_of(
            image=TEXT,
            masks=array_of(
                text=TEXT,
                score=NUMBER,
                share=NUMBER,
                box=NUMBERS,
                index={"type": "integer"},
                rle=object_of(size=NUMBERS, counts=TEXT),
            ),
            size=NUMBERS,
            model=TEXT,
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
OTHER_SHAPE = answer("The result.", object_of(image=TEXT), {"image": "dog.jpg"})
