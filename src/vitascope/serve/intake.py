"""From a checked request to a durable job: its inputs stored under the job's own name, then the job itself.

A job depends on nothing that can be deleted later: what it starts from is linked or copied into its own folder. A file
without a job (the process died in between) is swept away by chores.py.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import UploadFile

from . import folders, ingest, uploads
from .errors import ApiError, as_answer, invalid, missing
from .fetching import check_url, fetch
from .forms import Fields
from .job import Job, Limits, Receipt, new_id
from .keys import LOCAL, Key
from .order import Order
from .orders import Asset, Link, Made, Source, Sources
from .service import Service

RETRY_WINDOW = 900.0  # seconds in which a request that says it is a retry finds its first
TWIN_WINDOW = 5.0  # seconds in which an identical request of a program that says nothing counts as a retry


def submit(
    service: Service,
    key: Key,
    order: Order,
    sources: Sources,
    *,
    receipt: Receipt,
    count: int = 1,
    lifetime: float | None = None,
    source: Job | None = None,
) -> tuple[Job, bool]:
    """Store the inputs and queue `count` jobs with rising seeds, to be removed after `lifetime` seconds (None: never).
    (The first, whether it is new). ApiError."""
    ids = [new_id("video") for _ in range(count)]
    try:
        order, parents = _store_inputs(service, key, order, sources, ids)
        if order.task == "create":
            order = _name_characters(service, key, order, sources)
        jobs = [
            _job(
                replace(
                    order,
                    seed=order.seed + place,
                    inputs={role: name.replace(ids[0], id) for role, name in order.inputs.items()},
                ),
                id,
                key,
                source,
                ids,
                parents,
                lifetime,
            )
            for place, id in enumerate(ids)
        ]
        job, fresh = service.jobs.create(jobs, receipt, limits=_limits(service, key))
    except BaseException as error:
        _remove(service, ids)
        raise as_answer(error) from error
    if not fresh:
        _remove(service, ids)
    return job, fresh


def again(service: Service, key: Key, job: Job) -> Job:
    """A finished job's order once more, as a new job."""
    id = new_id("video")
    order = Order.from_json(job.request["order"])
    try:
        inputs = {role: name if "://" in name else folders.input(id, role) for role, name in order.inputs.items()}
        for role, name in inputs.items():
            if "://" not in name:
                service.files.copy(order.inputs[role], name)
        request = {
            "order": replace(order, inputs=inputs).as_json(),
            "variations": [id],
            "parents": job.request["parents"],
        }
        copy = Job(
            id,
            key.id,
            job.model,
            job.prompt,
            job.size,
            job.seconds,
            request,
            job.work,
            job.source,
            expires_at=_end(None if job.expires_at is None else job.expires_at - job.created_at),
        )
        return service.jobs.create([copy], Receipt(id, id), limits=_limits(service, key))[0]
    except BaseException as error:
        _remove(service, [id])
        raise as_answer(error) from error


def receipt(headers: Mapping[str, str], path: str, fields: Fields) -> Receipt:
    """How a repetition of this request is recognised: by its Idempotency-Key; by saying that it is a retry, as the
    client library does; or, from programs that say neither, by being identical within seconds."""
    fingerprint = hashlib.sha256(json.dumps([path, fields], sort_keys=True, default=_digest).encode()).hexdigest()
    token, retries = headers.get("idempotency-key"), headers.get("x-stainless-retry-count")
    if token:
        if len(token) > 255:
            raise ApiError(400, "The Idempotency-Key is longer than 255 characters.", code="invalid_idempotency_key")
        return Receipt(f"key:{token}", fingerprint)
    window = TWIN_WINDOW if retries is None else 0.0 if retries == "0" else RETRY_WINDOW
    return Receipt(f"same:{fingerprint}", fingerprint, window)


def _limits(service: Service, key: Key) -> Limits:
    """What a key may use; who needs none has the service's own limits."""
    return service.settings.limits if key.id == LOCAL.id else key.limits


def _end(lifetime: float | None) -> float | None:
    return None if lifetime is None else time.time() + lifetime


def _job(
    order: Order,
    id: str,
    key: Key,
    source: Job | None,
    ids: list[str],
    parents: dict[str, str],
    lifetime: float | None,
) -> Job:
    seconds = order.total(float(source.seconds)) if source else order.seconds
    request = {"order": order.as_json(), "variations": ids, "parents": parents}
    return Job(
        id,
        key.id,
        order.model,
        order.title,
        order.size,
        f"{seconds:g}",
        request,
        order.seconds,
        source.id if source and order.task == "edit" else None,
        expires_at=_end(lifetime),
    )


def _store_inputs(
    service: Service, key: Key, order: Order, sources: Sources, ids: list[str]
) -> tuple[Order, dict[str, str]]:
    """Put every input into the folders of all jobs; the order with their names, and the videos it descends from."""
    inputs, parents = {}, {}
    for role, source in sources.items():
        name = folders.input(ids[0], role)
        inputs[role] = _store(service, key, order, role, source, name)
        if isinstance(source, Made):
            parents[role] = source.id
        for id in ids[1:] if inputs[role] == name else []:
            service.files.copy(name, name.replace(ids[0], id))
    return replace(order, inputs=inputs), parents


def _store(service: Service, key: Key, order: Order, role: str, source: Source, name: str) -> str:
    """Store one input and return its name; a URL is left for the worker to fetch."""
    size = (order.width, order.height) if role == "image" else None  # a first frame has to fit, all others are fitted
    match source:
        case UploadFile():
            uploads.store(service.files, source, role, name, size=size)
        case Link(url) if not url[:5].lower() == "data:":
            try:
                check_url(url)
            except ValueError as error:
                raise invalid("input_reference", f"image_url: {error}.", code="invalid_image_url") from None
            if len(url) > 4000:
                raise invalid("input_reference", "image_url is longer than 4000 characters.", code="invalid_image_url")
            return url
        case Link(url):
            try:
                data = fetch(url, limit=ingest.LIMITS.image_bytes)
            except ValueError as error:
                raise invalid("input_reference", f"image_url: {error}.", code="invalid_image_url") from None
            uploads.check_picture(data, "input_reference", size)
            service.files.write(name, data)
        case Asset(id, kind):
            row = service.assets.get(id, kind, key.id)
            if row is None:
                raise missing(id, kind)
            if kind == "file":
                uploads.check_picture(service.files.read(folders.content(id)), "input_reference", size)
            service.files.copy(folders.content(id), name)
        case Made(id):
            made = service.jobs.get(id, key.id)
            if made is None:
                raise missing(id, "video")
            if made.status != "completed":
                raise invalid(
                    role, f"The video {id} is {made.status}; expected a completed one.", code="video_not_ready"
                )
            service.files.copy(f"{made.result}/video.mp4", name)
    return name


def _name_characters(service: Service, key: Key, order: Order, sources: Sources) -> Order:
    """The characters' names, which the prompt must mention."""
    named = []
    for asset in (source for source in sources.values() if isinstance(source, Asset) and source.kind == "character"):
        name = service.assets.get(asset.id, "character", key.id)["name"]
        if not any(name.casefold() in text.casefold() for text in order.texts):
            raise invalid(
                "characters", f"The prompt does not mention the character {name!r}.", code="character_not_in_prompt"
            )
        named.append({"id": asset.id, "name": name})
    return replace(order, characters=tuple(named))


def _digest(value: Any) -> str:
    """An uploaded file in a fingerprint."""
    assert isinstance(value, UploadFile), value
    value.file.seek(0)
    digest = hashlib.file_digest(value.file, "sha256").hexdigest()
    value.file.seek(0)
    return digest


def _remove(service: Service, ids: list[str]) -> None:
    for id in ids:
        service.files.remove(folders.of_job(id))
