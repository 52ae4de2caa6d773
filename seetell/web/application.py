"""The application: an address for each loaded task, those of :mod:`~seetell.web.routes`, models, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import seetell
from seetell.errors import UsageError, unknown
from seetell.explain.style_model import StyleModel
from seetell.runtime.predictor import Predictor
from seetell.runtime.video_predictor import VideoPredictor
from seetell.tasks.registry import find_task
from seetell.web import explaining, openapi
from seetell.web.access import Access
from seetell.web.batching import Batcher, Run, do_each
from seetell.web.errors import ApiError
from seetell.web.indexed_photos import IndexedPhotos
from seetell.web.limits import MAX_TEXT, Limits
from seetell.web.metrics import CONTENT_TYPE, ServerMetrics
from seetell.web.middleware import AccessMiddleware
from seetell.web.request_handler import WORK, RequestHandler
from seetell.web.routes import add_explanations, add_page, add_search, add_styles
from seetell.web.served_task import ServedTask
from seetell.web.videos import video_run

RESERVED = ("explain", "models", "photos", "search", "style")
"""Addresses under ``/v1/`` that no task can have."""


def application(
    predictors: Mapping[str, Predictor[Any, Any] | VideoPredictor[Any]],
    *,
    photos: IndexedPhotos | None = None,
    limits: Limits | None = None,
    access: Access | None = None,
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
    explain: bool = True,
    styles: StyleModel | None = None,
) -> FastAPI:
    """Return the server's ASGI application.

    Args:
        predictors: the loaded model of each task to serve, by the task's command.
        photos: an index to search.
        limits: of requests; the defaults of :class:`Limits` when absent.
        access: who may use the server; this machine only, without a key, when absent.
        defaults: values of options, by command and name, that hold where a request says nothing of them.
        explain: whether clients may ask where predictions come from.
        styles: a model that draws photos.

    Raises:
        UsageError: a command is of no task, or its address is taken.
    """
    limits, access, metrics = limits or Limits(), access or Access(), ServerMetrics()
    served = {
        command: ServedTask(find_task(command), predictor, (defaults or {}).get(command, {}))
        for command, predictor in predictors.items()
    }
    for command in served.keys() & {*RESERVED}:
        raise UsageError(f"a task cannot be served as {command!r}: /v1/{command} is an address of the server's own")
    of_images = {command: each for command, each in predictors.items() if not isinstance(each, VideoPredictor)}
    explainers = explaining.explainable(
        {**of_images, **({} if photos is None else {"search": photos.embedder})} if explain else {}
    )
    batchers = _batchers(predictors, photos, limits, metrics, styles)
    handler = RequestHandler(batchers, limits, threads=max((each.threads for each in predictors.values()), default=1))
    metrics.add_gauge("seetell_in_flight", "Requests being read, waiting or processed.", lambda: handler.in_flight)
    metrics.add_gauge("seetell_waiting", "Jobs waiting for a model.", lambda: sum(map(len, {*batchers.values()})))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        handler.workers.start()
        yield
        handler.close()
        for batcher in {*batchers.values()}:
            await asyncio.to_thread(batcher.close)

    app = FastAPI(
        title="seetell",
        version=seetell.__version__,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_only_known_parameters)],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            RequestValidationError: _invalid,
            ClientDisconnect: _client_gone,
        },
    )

    for command, task in served.items():
        app.post(f"/v1/{command}", **openapi.operation(task.task))(task.endpoint(handler.predict))
    if photos is not None:
        add_search(app, handler, photos)
    if explainers:
        add_explanations(app, handler, explainers)
    if styles is not None:
        add_styles(app, handler, styles)

    videos = any(task.task.input == "video" for task in served.values())
    of_videos = {"video_seconds": limits.video_seconds} if videos else {}

    @app.get("/v1/models", **openapi.MODELS)
    async def list_models() -> dict[str, Any]:
        """List the loaded models and the limits."""
        return {
            "tasks": {command: task.description() for command, task in served.items()},
            "search": photos is not None,
            "explain": {command: list(explaining.methods_of(each)) for command, each in explainers.items()},
            "styles": [] if styles is None else list(styles.styles),
            "limits": {"bytes": limits.max_bytes, "pixels": limits.max_pixels, "text": MAX_TEXT, **of_videos},
        }

    @app.get("/healthz", **openapi.HEALTH)
    async def health() -> JSONResponse:
        """Return whether the server can answer."""
        states = {batcher.state for batcher in batchers.values()}
        state = next((state for state in ("stopping", "stuck") if state in states), "ok")
        return JSONResponse({"status": state, "in_flight": handler.in_flight}, 200 if state == "ok" else 503)

    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    add_page(app)
    app.add_middleware(AccessMiddleware, access=access, limits=limits, count=metrics.count_request)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    return app


def _batchers(
    predictors: Mapping[str, Predictor[Any, Any] | VideoPredictor[Any]],
    photos: IndexedPhotos | None,
    limits: Limits,
    metrics: ServerMetrics,
    styles: StyleModel | None,
) -> dict[str, Batcher]:
    """Return what runs the jobs of each command, of ``search`` and of ``style``.

    It is one for all models that compute here, which would only slow each other down, and one for each that computes
    elsewhere, or for videos.
    """

    def batcher(runs: Mapping[str, Run], *, size: int = limits.batch_size, **options: Any) -> dict[str, Batcher]:
        made = Batcher(
            {**runs, WORK: do_each}, batch_size=size, observe=metrics.count_batch, timeout=limits.seconds, **options
        )
        return dict.fromkeys(runs, made)

    of_videos = {
        command: video_run(find_task(command), each, limits)
        for command, each in predictors.items()
        if isinstance(each, VideoPredictor)
    }
    of_images = {command: each for command, each in predictors.items() if not isinstance(each, VideoPredictor)}
    remote = [command for command, each in of_images.items() if isinstance(each, Predictor) and each.remote]
    runs: dict[str, Run] = {
        command: each.predict_prepared for command, each in of_images.items() if command not in remote
    }
    if photos is not None:
        runs["search"] = photos.search
    if styles is not None:
        runs["style"] = do_each
    batchers = batcher(runs, on_close=photos.close if photos is not None else lambda: None) if runs else {}
    if of_videos:  # on a thread of their own: one takes as long as hundreds of photos
        batchers |= batcher(of_videos, size=1)
    for command in remote:
        predictor = of_images[command]
        batchers |= batcher({command: predictor.predict_prepared}, size=1, threads=predictor.batch_size)
    return batchers


async def _only_known_parameters(request: Request) -> None:
    """Refuse query parameters that an address of the API does not take."""
    route = request.scope["route"]
    known = [parameter.alias for parameter in route.dependant.query_params]
    for name in request.query_params:
        if route.include_in_schema and name not in known:
            raise ApiError(422, "invalid", unknown("query parameter", name, known))


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response(request.state.request_id)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid")
    message = f"there is no {request.method} {request.url.path}; /openapi.json lists all addresses"
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    return ApiError(error.status_code, code, message, headers).response(request.state.request_id)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    parameter = next(part for part in reversed(first["loc"]) if isinstance(part, str))  # numbers are places in a list
    return ApiError(422, "invalid", f"{parameter}: {first['msg']}").response(request.state.request_id)


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
