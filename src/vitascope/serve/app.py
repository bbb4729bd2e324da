"""The Videos API over HTTP: one table of routes; a handler parses, calls, responds.

In: requests of the `openai` client, of browsers and of plain programs. Out: JSON, files, events. What to make is
decided in orders.py, what is stored in intake.py, what is answered in objects.py. This process holds no model and no
torch.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import httpx
import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import assets, ingest, intake, objects, orders
from .database import Unavailable
from .errors import ApiError, invalid, missing, of_status
from .events import Watcher
from .expansion import expand
from .forms import Fields, sent
from .guard import COOKIE, Authenticated, BodyLimit, Observed, identify
from .jobs import Job, Queue
from .metrics import Metrics
from .openapi import document
from .service import Service
from .webhooks import deliver

STUDIO = Path(__file__).parent / "studio"
VARIANTS = {
    "video": ("video.mp4", "video/mp4"),
    "thumbnail": ("thumbnail.webp", "image/webp"),
    "spritesheet": ("spritesheet.jpg", "image/jpeg"),
}
SENDERS = 8  # webhooks at once
HOUSEKEEPING = 600.0  # seconds between looks for what has expired or belongs to nobody

log = structlog.get_logger()

# -------------------------------------------------------------------------------------------------------------- making


async def create_video(request: Request) -> Response:
    async with sent(request) as fields:
        order, sources = orders.create(fields, request.state.service.settings.models)
        return await _submit(request, fields, order, sources)


async def remix_video(request: Request) -> Response:
    source = await _own_job(request)
    async with sent(request) as fields:
        order, sources = orders.remix(fields, request.state.service.settings.models, source)
        return await _submit(request, fields, order, sources, source=source)


async def edit_video(request: Request) -> Response:
    async with sent(request) as fields:
        source = await _named_job(request, fields)
        order, sources = orders.edit(fields, request.state.service.settings.models, source)
        return await _submit(request, fields, order, sources, source=source)


async def extend_video(request: Request) -> Response:
    async with sent(request) as fields:
        source = await _named_job(request, fields)
        order, sources = orders.extend(fields, request.state.service.settings.models, source)
        return await _submit(request, fields, order, sources, source=source)


async def connect_videos(request: Request) -> Response:
    async with sent(request) as fields:
        source, other = await _named_job(request, fields), await _named_job(request, fields, "other")
        order, sources = orders.connect(fields, request.state.service.settings.models, source, other)
        return await _submit(request, fields, order, sources, source=source)


async def outpaint_video(request: Request) -> Response:
    async with sent(request) as fields:
        source = await _named_job(request, fields)
        order, sources = orders.outpaint(fields, request.state.service.settings.models, source)
        return await _submit(request, fields, order, sources, source=source)


async def combine_videos(request: Request) -> Response:
    async with sent(request) as fields:
        source = await _named_job(request, fields)
        order, sources = orders.combine(fields, request.state.service.settings.models, source)
        return await _submit(request, fields, order, sources, source=source)


async def retry_video(request: Request) -> Response:
    job = await _own_job(request)
    if job.live:
        raise invalid("id", f"The video is {job.status}; only a finished one can be made again.")
    return await _answer(request, await to_thread.run_sync(intake.again, request.state.service, request.state.key, job))


async def _submit(
    request: Request, fields: Fields, order: orders.Order, sources: orders.Sources, *, source: Job | None = None
) -> Response:
    service, key, count = request.state.service, request.state.key, orders.variations(fields)
    receipt = await to_thread.run_sync(intake.receipt, request.headers, request.url.path, fields)
    job, fresh = await to_thread.run_sync(
        lambda: intake.submit(service, key, order, sources, receipt=receipt, count=count, source=source)
    )
    return await _answer(request, job, {} if fresh else {"idempotent-replayed": "true"})


# ------------------------------------------------------------------------------------------------------------- reading


async def get_video(request: Request) -> Response:
    return await _answer(request, await _own_job(request))


async def list_videos(request: Request) -> Response:
    after, limit, order = _paging(request)
    try:
        jobs, more = await to_thread.run_sync(
            lambda: request.state.service.jobs.page(request.state.key.id, after=after, limit=limit, order=order)
        )
    except LookupError:
        raise invalid("after", f"after is {after[:80]!r}; expected the id of a video.") from None
    queue = await request.state.queue.now()
    return JSONResponse(objects.page([objects.video(job, queue) for job in jobs], more))


async def delete_video(request: Request) -> Response:
    id, service = request.path_params["id"], request.state.service
    if not await to_thread.run_sync(service.jobs.delete, id, request.state.key.id):
        raise missing(id, "video")
    await to_thread.run_sync(service.files.remove, intake.folder(id))
    return JSONResponse({"id": id, "object": "video.deleted", "deleted": True})


async def cancel_video(request: Request) -> Response:
    id = request.path_params["id"]
    job = await to_thread.run_sync(request.state.service.jobs.cancel, id, request.state.key.id)
    if job is None:
        raise missing(id, "video")
    return await _answer(request, job)


async def get_content(request: Request) -> Response:
    job, variant = await _own_job(request), request.query_params.get("variant", "video")
    if variant not in VARIANTS:
        raise invalid("variant", f"variant is {variant[:80]!r}; expected one of {', '.join(VARIANTS)}.")
    if job.status != "completed":
        raise ApiError(
            400, f"The video is {job.status}; its content is there when it is completed.", code="video_not_ready"
        )
    name, kind = VARIANTS[variant]
    return await _send_file(request, f"{job.result}/{name}", kind, f"{job.id}{Path(name).suffix}")


async def get_preview(request: Request) -> Response:
    job = await _own_job(request)
    if not job.preview:
        raise ApiError(404, "There is no preview yet.", code="not_found")
    return await _send_file(request, f"{intake.folder(job.id)}/{job.attempt}/preview.webp", "image/webp", None)


async def follow_video(request: Request) -> Response:
    return _events(request, (await _own_job(request)).id)


async def follow_videos(request: Request) -> Response:
    return _events(request, None)


def _events(request: Request, id: str | None) -> Response:
    last = request.headers.get("last-event-id", request.query_params.get("since", "0"))
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else 0
    watcher, queue = request.state.watcher, request.state.queue
    stream = watcher.follow(request.state.key.id, since, id=id, queue=queue.read, show=objects.video)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


# -------------------------------------------------------------------------------------- characters, files and webhooks


async def create_character(request: Request) -> Response:
    async with sent(request) as fields:
        name, clip = orders.character(fields)
        row = await to_thread.run_sync(intake.keep, request.state.service, request.state.key, "character", name, clip)
    return JSONResponse(objects.character(row))


async def get_character(request: Request) -> Response:
    return JSONResponse(objects.character(await _asset(request, "character")))


async def list_characters(request: Request) -> Response:
    rows = await to_thread.run_sync(request.state.service.assets.all, "character", request.state.key.id)
    return JSONResponse(objects.page([objects.character(row) for row in rows], False))


async def delete_character(request: Request) -> Response:
    return await _delete_asset(request, "character")


async def create_file(request: Request) -> Response:
    async with sent(request) as fields:
        picture = orders.picture(fields)
        row = await to_thread.run_sync(
            intake.keep, request.state.service, request.state.key, "file", picture.filename or "file", picture
        )
        return JSONResponse(objects.file(row))


async def list_files(request: Request) -> Response:
    rows = await to_thread.run_sync(request.state.service.assets.all, "file", request.state.key.id)
    return JSONResponse(objects.page([objects.file(row) for row in rows], False))


async def get_file(request: Request) -> Response:
    return JSONResponse(objects.file(await _asset(request, "file")))


async def get_file_content(request: Request) -> Response:
    row = await _asset(request, "file")
    return await _send_file(request, f"{assets.place(row['id'])}/content", "application/octet-stream", row["id"])


async def delete_file(request: Request) -> Response:
    return await _delete_asset(request, "file")


async def create_webhook(request: Request) -> Response:
    async with sent(request) as fields:
        url = orders.url(fields)
    try:
        hook = await to_thread.run_sync(request.state.service.webhooks.add, request.state.key.id, url)
    except ValueError as error:
        raise invalid("url", f"url: {error}.") from None
    return JSONResponse(objects.hook(hook, secret=True))


async def list_webhooks(request: Request) -> Response:
    hooks = await to_thread.run_sync(request.state.service.webhooks.all, request.state.key.id)
    return JSONResponse(objects.page([objects.hook(hook) for hook in hooks], False))


async def delete_webhook(request: Request) -> Response:
    id = request.path_params["id"]
    if not await to_thread.run_sync(request.state.service.webhooks.remove, id, request.state.key.id):
        raise missing(id, "webhook")
    return JSONResponse({"id": id, "object": "webhook", "deleted": True})


async def list_models(request: Request) -> Response:
    settings = request.state.service.settings
    names = (*settings.models, "sora-2", "sora-2-pro")
    return JSONResponse({"object": "list", "data": [objects.model(name, settings.card) for name in names]})


async def expand_prompt(request: Request) -> Response:
    async with sent(request) as fields:
        prompt, seed = orders.expansion(fields)
    knows = request.state.service.settings.card.get("knows", {})
    return JSONResponse({"object": "expansion", "prompt": prompt, "expanded_prompt": expand(prompt, knows, seed=seed)})


# ------------------------------------------------------------------------------------------- where a file comes from


async def verify_file(request: Request) -> Response:
    async with sent(request) as fields:
        upload = orders.unknown_file(fields)
        async with request.state.examiners:
            report = await to_thread.run_sync(intake.examine, upload)
    return JSONResponse({"object": "verification", **report})


async def report_video(request: Request) -> Response:
    job = await _own_job(request)
    async with sent(request) as fields:
        category, reason = orders.report(fields)
    await to_thread.run_sync(
        lambda: intake.report(request.state.service, job, category=category, reason=reason)
    )
    return JSONResponse({"object": "report", "video": job.id, "category": category})


# --------------------------------------------------------------------------------------------------------- the service


async def create_session(request: Request) -> Response:
    """A cookie for browsers, whose <video> and EventSource cannot send a header."""
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    response = JSONResponse({"object": "session", "key": request.state.key.name})
    if token:
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/v1"
        )
    return response


async def delete_session(request: Request) -> Response:
    response = JSONResponse({"object": "session", "deleted": True})
    response.delete_cookie(COOKIE, path="/v1", httponly=True, samesite="strict")
    return response


async def get_openapi(request: Request) -> Response:
    return JSONResponse(document())


async def get_metrics(request: Request) -> Response:
    service = request.state.service
    if not service.settings.local:  # figures of the whole service are for those who may use it
        await to_thread.run_sync(identify, service, request.headers, request.method)
    return Response(
        await to_thread.run_sync(request.state.metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


async def get_health(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def get_readiness(request: Request) -> Response:
    try:
        await to_thread.run_sync(request.state.service.jobs.version)
    except Unavailable:
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ready\n")


# -------------------------------------------------------------------------------------------------- pieces of handlers


class QueueView:
    """The queue as it was at most a second ago."""

    def __init__(self, service: Service) -> None:
        self.service, self.queue, self.until = service, None, 0.0

    def read(self) -> Queue:
        if monotonic() >= self.until:
            self.queue, self.until = self.service.jobs.queue(), monotonic() + 1.0
        return self.queue

    async def now(self) -> Queue:
        return self.queue if monotonic() < self.until else await to_thread.run_sync(self.read)


async def _answer(request: Request, job: Job, headers: dict[str, str] | None = None) -> Response:
    queue = await request.state.queue.now()
    polling = {"openai-poll-after-ms": str(objects.poll_after(job, queue))}
    return JSONResponse(objects.video(job, queue), headers={**polling, **(headers or {})})


async def _own_job(request: Request, id: str | None = None) -> Job:
    id = request.path_params["id"] if id is None else id
    job = await to_thread.run_sync(request.state.service.jobs.get, id, request.state.key.id)
    if job is None:
        raise missing(id, "video")
    return job


async def _named_job(request: Request, fields: Fields, name: str = "video") -> Job | None:
    """The job that a field names; None if it is an upload."""
    id = orders.made_here(fields, name)
    return None if id is None else await _own_job(request, id)


async def _asset(request: Request, kind: str) -> dict:
    id = request.path_params["id"]
    row = await to_thread.run_sync(request.state.service.assets.get, id, kind, request.state.key.id)
    if row is None:
        raise missing(id, kind)
    return row


async def _delete_asset(request: Request, kind: str) -> Response:
    id, service = request.path_params["id"], request.state.service
    if not await to_thread.run_sync(service.assets.remove, id, kind, request.state.key.id):
        raise missing(id, kind)
    await to_thread.run_sync(service.files.remove, assets.place(id))
    return JSONResponse({"id": id, "object": kind, "deleted": True})


def _paging(request: Request) -> tuple[str | None, int, str]:
    query = request.query_params
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not (limit.isascii() and limit.isdigit() and int(limit[:4]) <= 100):
        raise invalid("limit", f"limit is {limit[:80]!r}; expected a whole number from 0 to 100.")
    if order not in ("asc", "desc"):
        raise invalid("order", f"order is {order[:80]!r}; expected asc or desc.")
    return query.get("after") or None, int(limit), order


async def _send_file(request: Request, name: str, kind: str, filename: str | None) -> Response:
    """A stored file, or the range of it that is asked for. Finished files never change."""
    files = request.state.service.files
    etag = f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag} if filename else {"Cache-Control": "no-store"}
    try:
        size = await to_thread.run_sync(files.size, name)
        if files.folder is not None:
            path = files.path(name)
            stat = await to_thread.run_sync(path.stat)
            return FileResponse(path, media_type=kind, filename=filename, headers=headers, stat_result=stat)
    except FileNotFoundError:
        raise ApiError(404, "The file is no longer there.", code="file_missing") from None
    first, last = _range(request.headers.get("range"), size)
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(last - first)}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if request.headers.get("range"):
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    return StreamingResponse(
        files.chunks(name, first, last), 206 if request.headers.get("range") else 200, headers, kind
    )


def _range(header: str | None, size: int) -> tuple[int, int]:
    """First and last + 1 of a single range. ApiError 416 for any other."""
    if header is None:
        return 0, size
    first, _, last = header.removeprefix("bytes=").partition("-")
    with suppress(ValueError):
        start, end = (
            (max(size - int(last), 0), size) if not first else (int(first), min(int(last or size) + bool(last), size))
        )
        if header.startswith("bytes=") and 0 <= start < end:
            return start, end
    raise ApiError(
        416,
        f"The range {header[:80]!r} cannot be satisfied.",
        code="range_not_satisfiable",
        headers={"Content-Range": f"bytes */{size}"},
    )


# -------------------------------------------------------------------------------------------------------------- routes

VIDEOS = [
    Route("/videos", create_video, methods=["POST"]),
    Route("/videos", list_videos, methods=["GET"]),
    Route("/videos/edits", edit_video, methods=["POST"]),
    Route("/videos/extensions", extend_video, methods=["POST"]),
    Route("/videos/connections", connect_videos, methods=["POST"]),
    Route("/videos/outpaintings", outpaint_video, methods=["POST"]),
    Route("/videos/combinations", combine_videos, methods=["POST"]),
    Route("/videos/characters", create_character, methods=["POST"]),
    Route("/videos/characters", list_characters, methods=["GET"]),
    Route("/videos/characters/{id}", get_character, methods=["GET"]),
    Route("/videos/characters/{id}", delete_character, methods=["DELETE"]),
    Route("/videos/events", follow_videos, methods=["GET"]),
    Route("/videos/{id}", get_video, methods=["GET"]),
    Route("/videos/{id}", delete_video, methods=["DELETE"]),
    Route("/videos/{id}/content", get_content, methods=["GET"]),
    Route("/videos/{id}/remix", remix_video, methods=["POST"]),
    Route("/videos/{id}/cancel", cancel_video, methods=["POST"]),
    Route("/videos/{id}/retry", retry_video, methods=["POST"]),
    Route("/videos/{id}/preview", get_preview, methods=["GET"]),
    Route("/videos/{id}/report", report_video, methods=["POST"]),
    Route("/videos/{id}/events", follow_video, methods=["GET"]),
    Route("/expansions", expand_prompt, methods=["POST"]),
    Route("/verify", verify_file, methods=["POST"]),
    Route("/files", create_file, methods=["POST"]),
    Route("/files", list_files, methods=["GET"]),
    Route("/files/{id}", get_file, methods=["GET"]),
    Route("/files/{id}", delete_file, methods=["DELETE"]),
    Route("/files/{id}/content", get_file_content, methods=["GET"]),
    Route("/webhooks", create_webhook, methods=["POST"]),
    Route("/webhooks", list_webhooks, methods=["GET"]),
    Route("/webhooks/{id}", delete_webhook, methods=["DELETE"]),
    Route("/models", list_models, methods=["GET"]),
    Route("/session", create_session, methods=["POST"]),
    Route("/session", delete_session, methods=["DELETE"]),
]
SERVICE = [
    Route("/openapi.json", get_openapi, methods=["GET"]),
    Route("/metrics", get_metrics, methods=["GET"]),
    Route("/healthz", get_health, methods=["GET"]),
    Route("/readyz", get_readiness, methods=["GET"]),
]


def create_app(service: Service) -> Starlette:
    """The application of one service."""
    metrics = Metrics(service.jobs, service.webhooks)
    studio = [Mount("/", StaticFiles(directory=STUDIO, html=True))] if STUDIO.is_dir() else []
    app = Starlette(
        routes=[
            *SERVICE,
            Mount("/v1", routes=VIDEOS, middleware=[Middleware(Authenticated, service=service)]),
            *studio,
        ],
        middleware=[Middleware(Observed, metrics=metrics), Middleware(BodyLimit, limit=ingest.LIMITS.body_bytes)],
        exception_handlers=HANDLERS,
        lifespan=lambda app: _lifespan(service, metrics),
    )
    return app


@asynccontextmanager
async def _lifespan(service: Service, metrics: Metrics) -> AsyncIterator[dict]:
    """What runs beside the handlers, and what they find in `request.state`."""
    to_thread.current_default_thread_limiter().total_tokens = 16
    watcher = Watcher(service.jobs)
    chores = [asyncio.create_task(chore) for chore in (watcher.run(), _deliver(service), _keep_house(service))]
    yield {
        "service": service,
        "metrics": metrics,
        "watcher": watcher,
        "queue": QueueView(service),
        "examiners": CapacityLimiter(1),  # files of strangers that are looked at together
    }
    for chore in chores:
        chore.cancel()
    await asyncio.gather(*chores, return_exceptions=True)


async def _deliver(service: Service) -> None:
    """Send webhooks as they fall due."""
    with httpx.Client(trust_env=False, timeout=10.0) as client, ThreadPoolExecutor(SENDERS) as senders:
        while True:
            try:
                sent = await to_thread.run_sync(deliver, service.webhooks, client, senders)
            except Exception as error:  # whatever it is, the next event is to be sent
                log.error("delivering webhooks failed", cause=f"{type(error).__name__}: {error}")
                sent = 0
            await asyncio.sleep(0 if sent else 0.5)


async def _keep_house(service: Service) -> None:
    """Take jobs back from silent workers, and now and then remove what has expired or belongs to nobody."""
    swept = -HOUSEKEEPING
    while True:
        try:
            await to_thread.run_sync(service.jobs.reap)
            if monotonic() - swept > HOUSEKEEPING:
                swept = monotonic()
                await to_thread.run_sync(_expire, service)
                await to_thread.run_sync(intake.sweep, service)
        except Exception as error:  # whatever it is, the next round is to come
            log.error("housekeeping failed", cause=f"{type(error).__name__}: {error}")
        await asyncio.sleep(service.settings.lease / 4)


def _expire(service: Service) -> None:
    for job in service.jobs.expired():
        if service.jobs.delete(job.id, job.key):
            service.files.remove(intake.folder(job.id))


async def _say_refusal(request: Request, error: ApiError) -> Response:
    return error.response()


async def _say_http(request: Request, error: HTTPException) -> Response:
    return of_status(error.status_code, error.detail, error.headers).response()


async def _say_unavailable(request: Request, error: Unavailable) -> Response:
    log.error("database unavailable", cause=str(error))
    return ApiError(
        503, "The database does not answer; try again.", code="unavailable", headers={"Retry-After": "1"}
    ).response()


async def _say_gone(request: Request, error: ClientDisconnect) -> Response:
    return ApiError(400, "The request ended before its body did.", code="incomplete_request").response()


async def _say_broken(request: Request, error: Exception) -> Response:
    log.error("handler failed", path=request.url.path, exc_info=error)
    return ApiError(500, "The server failed; the log says why.", code="server_error").response()


HANDLERS = {
    ApiError: _say_refusal,
    HTTPException: _say_http,
    Unavailable: _say_unavailable,
    ClientDisconnect: _say_gone,
    Exception: _say_broken,
}
