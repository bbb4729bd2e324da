"""The service over HTTP: one table of routes, what runs beside them, and what is said when something goes wrong.

In: requests of the `openai` client, of browsers and of plain programs. Out: JSON, files, events. The handlers stand in
videos.py, keeping.py and extras.py. This process holds no model and no torch.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import chores, extras, ingest, keeping, orders, videos
from .database import Full, Unavailable
from .errors import ApiError, of_status, storage_full
from .events import Watcher
from .guard import Authenticated, BodyLimit, Observed, identify
from .metrics import Metrics
from .openapi import document
from .queue import QueueView
from .service import Service
from .videos import Handler, make

STUDIO = Path(__file__).parent / "studio"
THREADS = 16  # that wait for the database and for files

log = structlog.get_logger()

# --------------------------------------------------------------------------------------------------- for the operator


async def get_openapi(request: Request) -> Response:
    return JSONResponse(document())


async def get_metrics(request: Request) -> Response:
    service = request.state.service
    if not service.settings.local:  # figures of the whole service are for those who may use it
        await service.look(identify, service, request.headers, request.method)
    return Response(
        await to_thread.run_sync(request.state.metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


async def get_health(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def get_readiness(request: Request) -> Response:
    try:
        await request.state.service.look(request.state.service.jobs.version)
    except Unavailable:
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ready\n")


# -------------------------------------------------------------------------------------------------------------- routes


def at(path: str, **handlers: Handler) -> Route:
    """A path whose handlers are chosen by the method; any other method is told which there are."""

    async def choose(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        request.scope["endpoint"] = handler  # whose name metrics show
        return await handler(request)

    return Route(path, choose, methods=[*handlers])


API = [
    at("/videos", GET=videos.list_videos, POST=make(orders.create)),
    at("/videos/edits", POST=make(orders.edit, "video")),
    at("/videos/extensions", POST=make(orders.extend, "video")),
    at("/videos/connections", POST=make(orders.connect, "video", "other")),
    at("/videos/outpaintings", POST=make(orders.outpaint, "video")),
    at("/videos/combinations", POST=make(orders.combine, "video")),
    at("/videos/characters", GET=keeping.list_all("character"), POST=keeping.create_character),
    at("/videos/characters/{id}", GET=keeping.get("character"), DELETE=keeping.delete("character")),
    at("/videos/events", GET=videos.follow_videos),
    at("/videos/{id}", GET=videos.get_video, DELETE=videos.delete_video),
    at("/videos/{id}/content", GET=videos.get_content),
    at("/videos/{id}/remix", POST=make(orders.remix, "id")),
    at("/videos/{id}/cancel", POST=videos.cancel_video),
    at("/videos/{id}/retry", POST=videos.retry_video),
    at("/videos/{id}/preview", GET=videos.get_preview),
    at("/videos/{id}/report", POST=videos.report_video),
    at("/videos/{id}/events", GET=videos.follow_video),
    at("/expansions", POST=extras.expand_prompt),
    at("/verify", POST=extras.verify_file),
    at("/files", GET=keeping.list_all("file"), POST=keeping.create_file),
    at("/files/{id}", GET=keeping.get("file"), DELETE=keeping.delete("file")),
    at("/files/{id}/content", GET=keeping.get_file_content),
    at("/webhooks", GET=extras.list_webhooks, POST=extras.create_webhook),
    at("/webhooks/{id}", DELETE=extras.delete_webhook),
    at("/models", GET=extras.list_models),
    at("/models/{id}", GET=extras.get_model),
    at("/session", POST=extras.create_session, DELETE=extras.delete_session),
]
SERVICE = [
    at("/openapi.json", GET=get_openapi),
    at("/metrics", GET=get_metrics),
    at("/healthz", GET=get_health),
    at("/readyz", GET=get_readiness),
]


def create_app(service: Service) -> Starlette:
    """The application of one service."""
    metrics = Metrics(service.jobs, service.webhooks)
    return Starlette(
        routes=[
            *SERVICE,
            Mount("/v1", routes=API, middleware=[Middleware(Authenticated, service=service)]),
            Mount("/", StaticFiles(directory=STUDIO, html=True)),
        ],
        middleware=[Middleware(Observed, metrics=metrics), Middleware(BodyLimit, limit=ingest.LIMITS.body_bytes)],
        exception_handlers=REFUSALS,
        lifespan=lambda app: _lifespan(service, metrics),
    )


@asynccontextmanager
async def _lifespan(service: Service, metrics: Metrics) -> AsyncIterator[dict]:
    """What runs beside the handlers, and what they find in `request.state`."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    watcher = Watcher(service.jobs)
    running = [
        asyncio.create_task(chore)
        for chore in (watcher.run(), chores.send_webhooks(service), chores.keep_house(service))
    ]
    yield {
        "service": service,
        "metrics": metrics,
        "watcher": watcher,
        "queue": QueueView(service.jobs.queue),
        "examiners": CapacityLimiter(1),  # files of strangers that are looked at together
    }
    for chore in running:
        chore.cancel()
    await asyncio.gather(*running, return_exceptions=True)


# ------------------------------------------------------------------------------------------------------------ refusals


async def _say_refusal(request: Request, error: ApiError) -> Response:
    return error.response()


async def _say_http(request: Request, error: HTTPException) -> Response:
    return of_status(error.status_code, error.detail, error.headers).response()


async def _say_unavailable(request: Request, error: Unavailable) -> Response:
    log.error("database unavailable", cause=str(error))
    if isinstance(error, Full):
        return storage_full().response()
    return ApiError(
        503, "The database does not answer; try again.", code="unavailable", headers={"Retry-After": "1"}
    ).response()


async def _say_gone(request: Request, error: ClientDisconnect) -> Response:
    return ApiError(400, "The request ended before its body did.", code="incomplete_request").response()


async def _say_broken(request: Request, error: Exception) -> Response:
    log.error("handler failed", path=request.url.path, exc_info=error)
    return ApiError(500, "The server failed; the log says why.", code="server_error").response()


REFUSALS = {
    ApiError: _say_refusal,
    HTTPException: _say_http,
    Unavailable: _say_unavailable,
    ClientDisconnect: _say_gone,
    Exception: _say_broken,
}
