"""Handlers of what users keep here to refer to later: characters, which are clips with a name, and pictures.

Both are read, listed and forgotten in one way; what differs is how they come in and how they are shown.
"""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import folders, objects, uploads
from .database import Row
from .errors import invalid, missing
from .fields import Reader
from .forms import sent
from .sending import send_file
from .videos import Handler

LONGEST_NAME = 80  # characters
PURPOSES = ("vision", "user_data")  # of pictures, as the client library names them
SHOWN = {"character": objects.character, "file": objects.file}  # by kind


async def create_character(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        name, clip = asked.text("name", "", LONGEST_NAME), asked.required_file("video")
        asked.done()
        if not name.strip():
            raise invalid("name", f"name is empty; expected 1 to {LONGEST_NAME} characters.", code="missing_field")
        row = await to_thread.run_sync(uploads.keep, request.state.service, request.state.key, "character", name, clip)
    return JSONResponse(objects.character(row))


async def create_file(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        asked.choice("purpose", "vision", PURPOSES)
        picture = asked.required_file("file")
        asked.done()
        row = await to_thread.run_sync(
            uploads.keep, request.state.service, request.state.key, "file", picture.filename or "file", picture
        )
    return JSONResponse(objects.file(row))


async def get_file_content(request: Request) -> Response:
    row = await _own(request, "file")
    name = folders.content(row["id"])
    return await send_file(request, request.state.service.files, name, "application/octet-stream", row["id"])


def get(kind: str) -> Handler:
    """The handler that shows one of a kind."""

    async def handler(request: Request) -> Response:
        return JSONResponse(SHOWN[kind](await _own(request, kind)))

    handler.__name__ = f"get_{kind}"
    return handler


def list_all(kind: str) -> Handler:
    """The handler that shows all of a kind."""

    async def handler(request: Request) -> Response:
        rows = await to_thread.run_sync(request.state.service.assets.all, kind, request.state.key.id)
        return JSONResponse(objects.page([SHOWN[kind](row) for row in rows], False))

    handler.__name__ = f"list_{kind}s"
    return handler


def delete(kind: str) -> Handler:
    """The handler that forgets one of a kind."""

    async def handler(request: Request) -> Response:
        id = request.path_params["id"]
        if not await to_thread.run_sync(request.state.service.discard, id, kind, request.state.key.id):
            raise missing(id, kind)
        return JSONResponse({"id": id, "object": kind, "deleted": True})

    handler.__name__ = f"delete_{kind}"
    return handler


async def _own(request: Request, kind: str) -> Row:
    id, service = request.path_params["id"], request.state.service
    row = await service.look(service.assets.get, id, kind, request.state.key.id)
    if row is None:
        raise missing(id, kind)
    return row
