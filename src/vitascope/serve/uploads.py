"""Uploaded files: stored or examined after a look at their header, and no further. Refusals are ApiErrors."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from . import folders, ingest, verification
from .assets import PREFIXES
from .database import Row
from .errors import as_answer, invalid
from .job import new_id
from .keys import Key
from .order import is_picture
from .service import Service
from .storage import Files


def store(files: Files, upload: UploadFile, role: str, name: str, *, size: tuple[int, int] | None = None) -> int:
    """Write an input of a role, a picture of the size that it must have; its bytes."""
    param = "input_reference" if role == "image" else role
    limit = ingest.LIMITS.image_bytes if is_picture(role) else ingest.LIMITS.clip_bytes
    if not upload.size or upload.size > limit:
        raise invalid(param, f"The file has {upload.size or 0} bytes; expected 1 to {limit}.", code="invalid_file")
    upload.file.seek(0)
    if is_picture(role):
        check_picture(upload.file.read(), param, size)
    elif not ingest.looks_like_clip(upload.file.read(16)):
        raise invalid(param, "The file is no MP4, QuickTime, WebM or GIF video.", code="invalid_file")
    upload.file.seek(0)
    files.write(name, upload.file)
    return upload.size


def check_picture(data: bytes, param: str, size: tuple[int, int] | None) -> None:
    """A picture that may be decoded, of this size if there is one."""
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


def keep(service: Service, key: Key, kind: str, name: str, upload: UploadFile) -> Row:
    """Keep a file of a kind (file: a picture, or character: a clip) to refer to later; its row."""
    id = new_id(PREFIXES[kind])
    try:
        size = store(service.files, upload, "image" if kind == "file" else "video", folders.content(id))
        return service.assets.add(id, kind, key.id, name, size)
    except BaseException as error:
        service.files.remove(folders.of_asset(id))
        raise as_answer(error) from error


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
