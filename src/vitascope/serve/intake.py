"""From a checked request to a durable job: its inputs stored under the job's own name, then the job itself.

A job depends on nothing that can be deleted later: what it starts from is linked or copied into its own folder,

    videos/ID/inputs/ROLE          what it starts from
    videos/ID/journal/…            what a killed attempt had computed
    videos/ID/preview.webp         what was seen last while it was made, in whichever attempt
    videos/ID/ATTEMPT/…            video.mp4, thumbnail.webp, spritesheet.jpg

so that deleting the folder deletes everything of it. A file without a job (the process died in between) is swept away.
"""

import errno
import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from ..safety import feedback
from . import assets, ingest, verification
from .errors import ApiError, invalid, missing, storage_full
from .forms import Fields
from .job import Job, LimitReached, Receipt, ReceiptMismatch, new_id
from .keys import LOCAL, Key
from .order import Order
from .orders import Asset, Link, Made, Source, Sources
from .service import Service

RETRY_WINDOW = 900.0  # seconds in which a request that says it is a retry finds its first
TWIN_WINDOW = 5.0  # seconds in which an identical request of a program that says nothing counts as a retry
ORPHAN_AGE = 3600.0  # seconds after which a file without a job is nobody's


def is_picture(role: str) -> bool:
    """Whether an input of this role is a still; all others are clips."""
    return role in ("image", "mask") or role.startswith("card-")


def folder(id: str) -> str:
    return f"videos/{id}"


def preview_of(id: str) -> str:
    return f"{folder(id)}/preview.webp"


def submit(
    service: Service,
    key: Key,
    order: Order,
    sources: Sources,
    *,
    receipt: Receipt,
    count: int = 1,
    source: Job | None = None,
) -> tuple[Job, bool]:
    """Store the inputs and queue `count` jobs with rising seeds. (The first, whether it is new). ApiError."""
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
            )
            for place, id in enumerate(ids)
        ]
        limits = service.settings.limits if key.id == LOCAL.id else key.limits
        job, fresh = service.jobs.create(jobs, receipt, limits=limits)
    except BaseException as error:
        _remove(service, ids)
        raise _as_answer(error) from error
    if not fresh:
        _remove(service, ids)
    return job, fresh


def again(service: Service, key: Key, job: Job) -> Job:
    """A finished job's order once more, as a new job."""
    id = new_id("video")
    order = Order.from_json(job.request["order"])
    try:
        inputs = {role: name if "://" in name else f"{folder(id)}/inputs/{role}" for role, name in order.inputs.items()}
        for role, name in inputs.items():
            if "://" not in name:
                service.files.copy(order.inputs[role], name)
        limits = service.settings.limits if key.id == LOCAL.id else key.limits
        request = {
            "order": replace(order, inputs=inputs).as_json(),
            "variations": [id],
            "parents": job.request["parents"],
        }
        copy = Job(id, key.id, job.model, job.prompt, job.size, job.seconds, request, job.work, job.source)
        return service.jobs.create([copy], Receipt(id, id), limits=limits)[0]
    except BaseException as error:
        _remove(service, [id])
        raise _as_answer(error) from error


def receipt(headers: Any, path: str, fields: Fields) -> Receipt:
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


def sweep(service: Service) -> int:
    """Remove local folders of jobs and assets that do not exist; how many there were."""
    if service.files.folder is None:
        return 0
    now, removed = time.time(), 0
    for parent, find in (("videos", service.jobs.find), ("assets", service.assets.find)):
        for id in service.files.names(parent):
            name = f"{parent}/{id}"
            if service.files.age(name, now) > ORPHAN_AGE and not find(id):
                service.files.remove(name)
                removed += 1
    return removed


def keep(service: Service, key: Key, kind: str, name: str, upload: UploadFile) -> Any:
    """Keep a file to refer to later; its row."""
    id = new_id(assets.PREFIXES[kind])
    try:
        size = _store_upload(service, upload, "image" if kind == "file" else "video", f"{assets.place(id)}/content")
        return service.assets.add(id, kind, key.id, name, size)
    except BaseException as error:
        service.files.remove(assets.place(id))
        raise _as_answer(error) from error


def forget(service: Service, id: str, key: str) -> bool:
    """Delete a job of a key with all its files. Whether there was one."""
    gone = service.jobs.delete(id, key)
    if gone:
        service.files.remove(folder(id))
    return gone


def discard(service: Service, id: str, kind: str, key: str) -> bool:
    """Delete a kept file of a key. Whether there was one."""
    gone = service.assets.remove(id, kind, key)
    if gone:
        service.files.remove(assets.place(id))
    return gone


def examine(upload: UploadFile) -> dict[str, Any]:
    """Where a file comes from, as far as this installation can tell."""
    limit = ingest.LIMITS.clip_bytes
    if not upload.size or upload.size > limit:
        raise invalid("file", f"The file has {upload.size or 0} bytes; expected 1 to {limit}.", code="invalid_file")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "file"
        upload.file.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file)
        try:
            return {**verification.verify(path), "file": upload.filename or "file"}
        except ValueError as error:
            raise invalid("file", f"{str(error)[:1].upper()}{str(error)[1:300]}.", code="invalid_file") from None


def report(service: Service, job: Job, *, category: str, reason: str) -> None:
    """Note what somebody says of a finished video, in the data folder. ApiError 400 for one that is not finished."""
    if job.status != "completed":
        raise invalid("id", f"The video is {job.status}; expected a completed one.", code="video_not_ready")
    with tempfile.TemporaryDirectory() as scratch:
        named = Path(scratch) / f"{job.id}.mp4"  # the note tells a file's name
        named.symlink_to(service.files.fetch(f"{job.result}/video.mp4", Path(scratch)).absolute())
        feedback.store(named, reason=reason, category=category, folder=service.settings.data)


def _job(order: Order, id: str, key: Key, source: Job | None, ids: list[str], parents: dict[str, str]) -> Job:
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
    )


def _store_inputs(
    service: Service, key: Key, order: Order, sources: Sources, ids: list[str]
) -> tuple[Order, dict[str, str]]:
    """Put every input into the folders of all jobs; the order with their names, and the videos it descends from."""
    inputs, parents = {}, {}
    for role, source in sources.items():
        name = f"{folder(ids[0])}/inputs/{role}"
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
            _store_upload(service, source, role, name, size=size)
        case Link(url) if not url[:5].lower() == "data:":
            try:
                ingest.check_url(url)
            except ValueError as error:
                raise invalid("input_reference", f"image_url: {error}.", code="invalid_image_url") from None
            if len(url) > 4000:
                raise invalid("input_reference", "image_url is longer than 4000 characters.", code="invalid_image_url")
            return url
        case Link(url):
            try:
                data = ingest.fetch(url, limit=ingest.LIMITS.image_bytes)
            except ValueError as error:
                raise invalid("input_reference", f"image_url: {error}.", code="invalid_image_url") from None
            _check_picture(data, "input_reference", size)
            service.files.write(name, data)
        case Asset(id, kind):
            row = service.assets.get(id, kind, key.id)
            if row is None:
                raise missing(id, kind)
            if kind == "file":
                _check_picture(service.files.read(f"{assets.place(id)}/content"), "input_reference", size)
            service.files.copy(f"{assets.place(id)}/content", name)
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


def _store_upload(
    service: Service, upload: UploadFile, role: str, name: str, *, size: tuple[int, int] | None = None
) -> int:
    """Write an uploaded file after a look at its header; its bytes."""
    param = "input_reference" if role == "image" else role
    limit = ingest.LIMITS.image_bytes if is_picture(role) else ingest.LIMITS.clip_bytes
    if not upload.size or upload.size > limit:
        raise invalid(param, f"The file has {upload.size or 0} bytes; expected 1 to {limit}.", code="invalid_file")
    upload.file.seek(0)
    if is_picture(role):
        _check_picture(upload.file.read(), param, size)
    elif not ingest.looks_like_clip(upload.file.read(16)):
        raise invalid(param, "The file is no MP4, QuickTime, WebM or GIF video.", code="invalid_file")
    upload.file.seek(0)
    service.files.write(name, upload.file)
    return upload.size


def _check_picture(data: bytes, param: str, size: tuple[int, int] | None) -> None:
    try:
        found = ingest.check_image(data)
    except ValueError as error:
        raise invalid(param, f"{str(error).capitalize()}.", code="invalid_file") from None
    if size is not None and found != size:
        raise invalid(
            param,
            f"The picture is {found[0]}x{found[1]}; it must match size, which is {size[0]}x{size[1]}.",
            code="size_mismatch",
        )


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
        service.files.remove(folder(id))


def _as_answer(error: BaseException) -> BaseException:
    """What a store's own error means to a user; any other as it is."""
    match error:
        case LimitReached():
            return ApiError(429, str(error), code="rate_limit_exceeded", headers={"Retry-After": "30"})
        case ReceiptMismatch():
            return ApiError(400, "The Idempotency-Key was used with another request.", code="idempotency_key_reused")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return storage_full()
        case FileNotFoundError():
            return ApiError(404, "A file that the request refers to is no longer there.", code="not_found")
    return error
