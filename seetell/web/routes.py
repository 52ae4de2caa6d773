"""The routes that are of no task: an index's, explanations, styles and the page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from seetell.errors import PhotoIndexError
from seetell.explain.style_model import StyleModel
from seetell.runtime.predictor import Predictor
from seetell.web import explaining, openapi, styling
from seetell.web.errors import ApiError, unavailable
from seetell.web.indexed_photos import IndexedPhotos
from seetell.web.limits import MAX_HITS, MAX_TEXT
from seetell.web.request_handler import RequestHandler
from seetell.web.uploads import Upload

PAGE_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def add_search(app: FastAPI, handler: RequestHandler, photos: IndexedPhotos) -> None:
    """Add the routes of an index."""

    @app.get("/v1/search", **openapi.SEARCH)
    async def search(
        request: Request,
        q: Annotated[str, Query(min_length=1, max_length=MAX_TEXT, description="What the photos should show.")],
        top: Annotated[int, Query(ge=1, le=MAX_HITS, description="Photos to return at most.")] = 20,
    ) -> JSONResponse:
        """Find photos of the index by a sentence, best match first."""
        if not q.strip():
            raise ApiError(422, "invalid", "q: expected a sentence, got blanks")
        try:
            hits = await handler.run_job(request, "search", (q, top))
        except PhotoIndexError as error:
            raise unavailable("no_index", "the index cannot be used now; the server's operator has to look") from error
        return JSONResponse({"photos": [photos.row(hit) for hit in hits], **photos.reading(q, hits)})

    @app.get("/v1/photos/{key}", **openapi.PHOTO)
    async def photo(request: Request, key: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]) -> Response:
        """Return a thumbnail of a photo that a search found."""
        content = await handler.run_in_thread(request, lambda: photos.thumbnail(key, handler.workers))
        if content is None:
            raise ApiError(404, "not_found", "no recent search found a photo with this key; search again")
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def add_explanations(app: FastAPI, handler: RequestHandler, predictors: Mapping[str, Predictor[Any, Any]]) -> None:
    """Add the route that says where predictions come from."""

    @app.post("/v1/explain", **openapi.EXPLAIN)
    async def explain(
        request: Request,
        command: Annotated[str, Query(description="Whose prediction is explained.")] = "caption",
        word: Annotated[
            list[str], Query(description="A part of it: a word of the caption, a class, an object, a phrase.")
        ] = [],  # noqa: B006
        method: Annotated[
            list[str], Query(description="A method; attention, where there is such, and occlusion if there is none.")
        ] = [],  # noqa: B006
        cells: Annotated[int, Query(ge=2, le=explaining.MAX_CELLS, description="Cells along a map of occlusion.")] = 8,
    ) -> JSONResponse:
        """Return where in an image the parts of a prediction come from."""
        asked = explaining.Asked(command, word, method, cells)

        async def work(upload: Upload) -> dict[str, Any]:
            explained = partial(explaining.explained, predictors[command], upload, asked)
            return await handler.run_on_upload(upload, explained, command)

        return JSONResponse(await handler.answer(request, work, check=lambda: explaining.check(asked, predictors)))


def add_styles(app: FastAPI, handler: RequestHandler, model: StyleModel) -> None:
    """Add the route that draws photos."""

    @app.post("/v1/style", **openapi.STYLE)
    async def style(
        request: Request,
        style: Annotated[list[str], Query(description="A style; several are mixed.")],
        weight: Annotated[
            list[Annotated[float, Field(ge=0, le=100)]],
            Query(description="Of each style beside the others; equal if there is none."),
        ] = [],  # noqa: B006
        strength: Annotated[float, Query(ge=0, le=1, description="Of the styles; 0 leaves the photo.")] = 1.0,
        side: Annotated[int, Query(ge=64, le=styling.MAX_SIDE, description="Pixels of the longer side.")] = 512,
        keep_colour: Annotated[bool, Query(description="Keep the photo's colours.")] = False,
    ) -> Response:
        """Draw an image in a mixture of styles."""
        drawing = styling.Drawing(style, weight, strength, side, keep_colour)

        async def work(upload: Upload) -> bytes:
            return await handler.run_on_upload(upload, partial(styling.drawn, model, upload, drawing), "style")

        content = await handler.answer(request, work, check=lambda: drawing.mix(model))
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def add_page(app: FastAPI) -> None:
    """Add the page, its files read once: no other file of this machine is ever sent."""
    own = (files("seetell.web") / "page").iterdir()
    common = files("seetell.drawing") / "base.css"
    contents = {file.name: file.read_bytes() for file in (*own, common) if _page_type(file.name)}
    tags = {name: f'"{hashlib.sha256(content).hexdigest()[:32]}"' for name, content in contents.items()}

    @app.get("/", include_in_schema=False)
    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(request: Request, name: str = "index.html") -> Response:
        if name not in contents:
            raise HTTPException(404)
        headers = {"ETag": tags[name], "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(contents[name], headers=headers, media_type=_page_type(name))


def _page_type(name: str) -> str | None:
    return PAGE_TYPES.get(name.rpartition(".")[2])
