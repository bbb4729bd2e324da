"""What the service answers: jobs, lists, characters and files as the JSON objects that clients know.

A video has the thirteen keys of the Videos API, always all of them, and one more, `vitascope`, for what only this
service can tell: the settings, the place in the queue, the time that is left.
"""

from typing import Any

from ..presets import CAMERAS, STYLES
from .complaints import COMPLAINTS
from .database import Row
from .job import Job
from .order import BOUNDS, CURVES, SAMPLERS, SIZES
from .queue import Queue
from .webhooks import Hook


def video(job: Job, queue: Queue | None = None) -> dict[str, Any]:
    """One job; with the queue, also its place and the time it needs."""
    return {
        "id": job.id,
        "object": "video",
        "model": job.model,
        "status": job.status,
        "progress": job.progress,
        "created_at": int(job.created_at),
        "completed_at": None if job.completed_at is None or job.status != "completed" else int(job.completed_at),
        "expires_at": None if job.expires_at is None else int(job.expires_at),
        "prompt": job.prompt,
        "size": job.size,
        "seconds": job.seconds,
        "remixed_from_video_id": job.source,
        "error": None if job.error_code is None else {"code": job.error_code, "message": job.error_message},
        "vitascope": extras(job, queue),
    }


def extras(job: Job, queue: Queue | None) -> dict[str, Any]:
    """What is ours: how it was asked for, where it stands."""
    order = job.request["order"]
    eta = queue.eta(job) if queue else None
    return {
        "task": order["task"],
        "settings": {
            name: _shown(order.get(name))  # what an older version had no name for is missing
            for name in (
                "seed",
                "fps",
                "negative",
                "steps",
                "guidance",
                "strength",
                "expanded",
                "style",
                "camera",
                "loop",
                "forward",
                "span",
                "curve",
                "then",
                "storyboard",
                "characters",
                "sampler",
            )
        },
        "variations": job.request["variations"],
        "from": job.request["parents"],
        "queue_position": queue.position(job) if queue else None,
        "eta_seconds": None if eta is None else round(eta, 1),
        "started_at": job.started_at,
        "attempt": job.attempt,
        "cancelling": job.cancelled and job.live,
        "preview": job.preview,
        "version": job.version,
    }


def _shown(value: Any) -> Any:
    """A setting; of cards only what is said of them."""
    if not isinstance(value, list):
        return value
    return [
        {name: said for name, said in entry.items() if said is not None} if isinstance(entry, dict) else entry
        for entry in value
    ]


def page(entries: list[dict[str, Any]], more: bool) -> dict[str, Any]:
    """A list of anything that has an id."""
    return {
        "object": "list",
        "data": entries,
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
        "has_more": more,
    }


def model(name: str, card: dict[str, Any]) -> dict[str, Any]:
    """A model's name, and what may be asked of it: the card says what it was shown."""
    offers = {
        "styles": STYLES,
        "cameras": CAMERAS,
        "curves": CURVES,
        "samplers": SAMPLERS,
        "sizes": {"sides": BOUNDS.side, "pixels": BOUNDS.area, "usual": SIZES},
        "seconds": BOUNDS.seconds,
        "report_categories": COMPLAINTS,
        "knows": card.get("knows", {}),
    }
    return {"id": name, "object": "model", "created": 0, "owned_by": "vitascope", "vitascope": offers}


def character(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "created_at": int(row["created_at"])}


def file(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "file",
        "bytes": row["size"],
        "created_at": int(row["created_at"]),
        "filename": row["name"],
        "purpose": "vision",
        "status": "processed",
    }


def hook(hook: Hook, *, secret: bool = False) -> dict[str, Any]:
    """A webhook; its secret is told once, when it is made."""
    shown = {"id": hook.id, "object": "webhook", "url": hook.url, "created_at": int(hook.created_at)}
    return {**shown, "secret": hook.secret} if secret else shown


def poll_after(job: Job, queue: Queue) -> int:
    """Milliseconds until asking again is worthwhile. The client keeps the first one that it hears."""
    eta = queue.eta(job)
    return 1000 if eta is None else int(min(max(eta * 100, 500), 5000))
