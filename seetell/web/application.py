"""The server's addresses, and what stands behind each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import seetell
from seetell.errors import PhotoIndexError
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.predict import TOP, DenseCaptioner
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.web import openapi
from seetell.web.batching import Batcher, Run
from seetell.web.errors import RefusalError, busy
from seetell.web.indexed_photos import Album
from seetell.web.limits import MAX_LISTED, MAX_SENTENCE, Limits
from seetell.web.metrics import CONTENT_TYPE, Measures
from seetell.web.middleware import Access, Gate
from seetell.web.page_files import PageFiles
from seetell.web.request_handler import Answering
from seetell.web.tasks import Task, aligning, captioning, regions


@dataclass(frozen=True)
class Models:
    """What a server answers with.

    Attributes:
        captioner: for ``/v1/caption``.
        aligner: for ``/v1/align``.
        album: for ``/v1/search``.
        region_captioner: for ``/v1/regions``.
    """

    captioner: Captioner
    aligner: PhraseGrounder | None = None
    album: Album | None = None
    region_captioner: DenseCaptioner | None = None

    def tasks(self) -> dict[str, Task]:
        """Return what can be done with a photo, by name."""
        tasks = [captioning(self.captioner, attention=False)]
        if self.captioner.attends:
            tasks.append(captioning(self.captioner, attention=True))
        if self.aligner is not None:
            tasks.append(aligning(self.aligner))
        if self.region_captioner is not None:
            tasks.append(regions(self.region_captioner))
        return {task.name: task for task in tasks}


def application(models: Models, *, limits: Limits | None = None, access: Access | None = None) -> FastAPI:
    """Make the server's ASGI application.

    Args:
        models: loaded.
        limits: how much it takes; the usual limits when absent.
        access: who may ask; this machine only, without a key, when absent.
    """
    limits, access, measures = limits or Limits(), access or Access(), Measures()
    tasks, album, region_captioner, page = models.tasks(), models.album, models.region_captioner, PageFiles()
    runs: dict[str, Run] = {name: task.run for name, task in tasks.items()}
    if album is not None:
        runs["search"] = album.search
    ending = album.close if album is not None else lambda: None
    batcher = Batcher(
        runs, batch_size=limits.batch_size, observe=measures.batch, patience=limits.seconds, ending=ending
    )
    answering = Answering(batcher, limits, threads=models.captioner.threads)
    measures.watch("seetell_inside", "Requests being read, waiting or worked on.", lambda: answering.inside)
    measures.watch("seetell_waiting", "Jobs waiting for a model.", lambda: len(batcher))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(batcher.close)
        answering.close()

    app = FastAPI(
        title="seetell",
        version=seetell.__version__,
        description=openapi.ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            RefusalError: _refused,
            HTTPException: _not_served,
            RequestValidationError: _invalid,
            ClientDisconnect: _gone,
        },
    )

    @app.post("/v1/caption", **openapi.CAPTION)
    async def caption(
        request: Request,
        attention: Annotated[bool, Query(description="Tell with every word where the model looked.")] = False,
    ) -> JSONResponse:
        """Say what is on a photo."""
        if attention and "attention" not in tasks:
            raise RefusalError(422, "invalid", f"{models.captioner.name} cannot tell where a word came from")
        return JSONResponse(await answering.photo(request, tasks["attention" if attention else "caption"]))

    if "align" in tasks:

        @app.post("/v1/align", **openapi.ALIGN)
        async def align(request: Request) -> JSONResponse:
            """Tell where on a photo each part of a sentence is true."""
            return JSONResponse(await answering.photo(request, tasks["align"]))

    if region_captioner is not None:

        @app.post("/v1/regions", **openapi.REGIONS)
        async def find_regions(
            request: Request,
            top: Annotated[int, Query(ge=1, le=MAX_LISTED, description="The most regions to list.")] = TOP,
        ) -> JSONResponse:
            """Say what is where on a photo, the surest first."""
            return JSONResponse(await answering.photo(request, regions(region_captioner, top=top)))

    if album is not None:

        @app.get("/v1/search", **openapi.SEARCH)
        async def search(
            request: Request,
            q: Annotated[str, Query(min_length=1, max_length=MAX_SENTENCE, description="What photos should show.")],
            top: Annotated[int, Query(ge=1, le=MAX_LISTED, description="The most photos to list.")] = 20,
        ) -> JSONResponse:
            """Find photos of the index by what they show, the best first."""
            if not q.strip():
                raise RefusalError(422, "invalid", "q: expected a sentence, got blanks")
            try:
                hits = await answering.job(request, "search", (q, top))
            except PhotoIndexError as error:
                raise busy("no_index", "the index cannot be used now; the server's operator has to look") from error
            return JSONResponse({"photos": [album.row(hit) for hit in hits]})

        @app.get("/v1/photos/{key}", **openapi.PHOTO)
        async def photo(request: Request, key: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]) -> Response:
            """Give a small copy of a photo that a search found."""
            content = await answering.apart(request, lambda: album.small_copy(key))
            if content is None:
                raise RefusalError(404, "not_found", "no search found a photo of this key, or long ago; search again")
            return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/v1/models", **openapi.MODELS)
    async def list_models() -> dict[str, Any]:
        """Tell what this server can do."""
        captioner = models.captioner
        return {
            "caption": {"model": captioner.name, "attention": captioner.attends},
            "align": None if models.aligner is None else {"model": models.aligner.name},
            "regions": None if region_captioner is None else {"model": region_captioner.name},
            "search": album is not None,
            "limits": {"bytes": limits.max_bytes, "pixels": limits.max_pixels, "sentence": MAX_SENTENCE},
        }

    @app.get("/healthz", **openapi.HEALTH)
    async def health() -> JSONResponse:
        """Tell whether the server can answer."""
        state = batcher.state
        return JSONResponse({"status": state, "inside": answering.inside}, 200 if state == "ok" else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(measures.text(), media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(request: Request, name: str = "index.html") -> Response:
        response = page.response(name, request.headers.get("if-none-match"))
        if response is None:
            raise HTTPException(404)
        return response

    app.add_middleware(Gate, access=access, limits=limits, count=measures.request)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    return app


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RefusalError)
    return refusal.response(request.state.request_id)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "invalid")
    message = f"there is no {request.method} {request.url.path}; /openapi.json tells what there is"
    refusal = RefusalError(error.status_code, code, message, error.headers)
    return refusal.response(request.state.request_id)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return RefusalError(422, "invalid", f"{first['loc'][-1]}: {first['msg']}").response(request.state.request_id)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
