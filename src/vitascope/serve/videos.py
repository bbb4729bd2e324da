"""Handlers of videos: parse, call, respond.

What to make is decided in orders.py, what is stored in intake.py, what is answered in objects.py.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..safety.feedback import LONGEST_REASON
from . import complaints, folders, intake, objects, orders
from .errors import ApiError, invalid, missing
from .fields import Reader
from .forms import Fields, sent
from .job import Job
from .queue import Queue
from .sending import send_file

VARIANTS = {
    "video": ("video.mp4", "video/mp4"),
    "thumbnail": ("thumbnail.webp", "image/webp"),
    "spritesheet": ("spritesheet.jpg", "image/jpeg"),
}

Handler = Callable[[Request], Awaitable[Response]]

# -------------------------------------------------------------------------------------------------------------- making


def make(ordered: orders.Ordered, *names: str) -> Handler:
    """The handler of one kind of request, a function of orders.py. `names` are the fields that may name videos made
    here, the one that the new video comes from first."""

    async def handler(request: Request) -> Response:
        async with sent(request) as fields:
            jobs = [await _named_job(request, fields, name) for name in names]
            order, sources = ordered(fields, request.state.service.settings.models, *jobs)
            return await _submit(request, fields, order, sources, source=jobs[0] if jobs else None)

    handler.__name__ = f"{ordered.__name__}_video"
    return handler


async def retry_video(request: Request) -> Response:
    job = await _own_job(request, request.path_params["id"])
    if job.live:
        raise invalid("id", f"The video is {job.status}; only a finished one can be made again.")
    return await _answer(request, await to_thread.run_sync(intake.again, request.state.service, request.state.key, job))


async def _submit(
    request: Request, fields: Fields, order: orders.Order, sources: orders.Sources, *, source: Job | None
) -> Response:
    service, key = request.state.service, request.state.key
    count, lifetime = orders.variations(fields), orders.lifetime(fields)

    def store() -> tuple[Job, bool]:
        receipt = intake.receipt(request.headers, request.url.path, fields)
        return intake.submit(
            service, key, order, sources, receipt=receipt, count=count, lifetime=lifetime, source=source
        )

    job, fresh = await to_thread.run_sync(store)
    return await _answer(request, job, {} if fresh else {"idempotent-replayed": "true"})


# ------------------------------------------------------------------------------------------------------------- reading


async def get_video(request: Request) -> Response:
    return await _answer(request, await _own_job(request, request.path_params["id"]))


async def list_videos(request: Request) -> Response:
    after, limit, order = _paging(request)
    service = request.state.service
    try:
        jobs, more = await service.look(
            lambda: service.jobs.page(request.state.key.id, after=after, limit=limit, order=order)
        )
    except LookupError:
        raise invalid("after", f"after is {after[:80]!r}; expected the id of a video.") from None
    queue = await _queue(request)
    return JSONResponse(objects.page([objects.video(job, queue) for job in jobs], more))


async def delete_video(request: Request) -> Response:
    id = request.path_params["id"]
    if not await to_thread.run_sync(request.state.service.forget, id, request.state.key.id):
        raise missing(id, "video")
    return JSONResponse({"id": id, "object": "video.deleted", "deleted": True})


async def cancel_video(request: Request) -> Response:
    id = request.path_params["id"]
    job = await to_thread.run_sync(request.state.service.jobs.cancel, id, request.state.key.id)
    if job is None:
        raise missing(id, "video")
    return await _answer(request, job)


async def get_content(request: Request) -> Response:
    job = await _own_job(request, request.path_params["id"])
    variant = request.query_params.get("variant") or "video"
    if variant not in VARIANTS:
        raise invalid("variant", f"variant is {variant[:80]!r}; expected one of {', '.join(VARIANTS)}.")
    if job.status != "completed":
        raise ApiError(
            400, f"The video is {job.status}; its content is there when it is completed.", code="video_not_ready"
        )
    name, kind = VARIANTS[variant]
    saved = f"{job.id}{Path(name).suffix}"
    return await send_file(request, request.state.service.files, f"{job.result}/{name}", kind, saved)


async def get_preview(request: Request) -> Response:
    job = await _own_job(request, request.path_params["id"])
    if not job.preview:
        raise ApiError(404, "There is no preview yet.", code="not_found")
    return await send_file(request, request.state.service.files, folders.preview(job.id), "image/webp")


async def follow_video(request: Request) -> Response:
    job = await _own_job(request, request.path_params["id"])
    if not job.live and job.version == _since(request):
        return Response(status_code=204)  # a browser that has seen the end stops coming back
    return _events(request, job.id)


async def follow_videos(request: Request) -> Response:
    return _events(request, None)


def _events(request: Request, id: str | None) -> Response:
    watcher, queue = request.state.watcher, request.state.queue
    stream = watcher.follow(request.state.key.id, _since(request), id=id, queue=queue.read, show=objects.video)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def report_video(request: Request) -> Response:
    job = await _own_job(request, request.path_params["id"])
    async with sent(request) as fields:
        asked = Reader(fields)
        category = asked.choice("category", "other", complaints.COMPLAINTS)
        reason = asked.text("reason", "", LONGEST_REASON)
        asked.done()
    if not reason.strip():
        raise invalid("reason", f"reason is required: 1 to {LONGEST_REASON} characters.", code="missing_field")
    await to_thread.run_sync(lambda: complaints.note(request.state.service, job, category=category, reason=reason))
    return JSONResponse({"object": "report", "video": job.id, "category": category})


# -------------------------------------------------------------------------------------------------- pieces of handlers


async def _answer(request: Request, job: Job, headers: dict[str, str] | None = None) -> Response:
    queue = await _queue(request)
    polling = {"openai-poll-after-ms": str(objects.poll_after(job, queue))}
    return JSONResponse(objects.video(job, queue), headers={**polling, **(headers or {})})


async def _queue(request: Request) -> Queue:
    view = request.state.queue
    return view.read() if view.fresh else await request.state.service.look(view.read)


async def _own_job(request: Request, id: str) -> Job:
    service = request.state.service
    job = await service.look(service.jobs.get, id, request.state.key.id)
    if job is None:
        raise missing(id, "video")
    return job


async def _named_job(request: Request, fields: Fields, name: str) -> Job | None:
    """The job that the path or a field names; None if it is an upload."""
    id = request.path_params.get(name) or orders.made_here(fields, name)
    return None if id is None else await _own_job(request, id)


def _since(request: Request) -> int:
    """The version that a follower has seen last."""
    last = request.headers.get("last-event-id", request.query_params.get("since", "0"))
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else 0


def _paging(request: Request) -> tuple[str | None, int, str]:
    query = request.query_params
    limit, order = Reader(dict(query)).integer("limit", 20, (0, 100)), query.get("order") or "desc"
    if order not in ("asc", "desc"):
        raise invalid("order", f"order is {order[:80]!r}; expected asc or desc.")
    return query.get("after") or None, limit, order
