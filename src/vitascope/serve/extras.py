"""Handlers of what stands beside videos: characters, pictures, webhooks, models, longer prompts, origins, sessions."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import folders, objects, orders, uploads
from .database import Row
from .errors import invalid, missing
from .expansion import expand
from .fields import Reader
from .forms import sent
from .guard import COOKIE
from .order import BOUNDS
from .sending import send_file
from .webhooks import LONGEST_URL

LONGEST_NAME = 80  # characters
PURPOSES = ("vision", "user_data")  # of pictures, as the client library names them

# ----------------------------------------------------------------------------------------- what users keep to refer to


async def create_character(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        name, clip = asked.text("name", "", LONGEST_NAME), asked.required_file("video")
        asked.done()
        if not name.strip():
            raise invalid("name", f"name is empty; expected 1 to {LONGEST_NAME} characters.", code="missing_field")
        row = await to_thread.run_sync(uploads.keep, request.state.service, request.state.key, "character", name, clip)
    return JSONResponse(objects.character(row))


async def get_character(request: Request) -> Response:
    return JSONResponse(objects.character(await _asset(request, "character")))


async def list_characters(request: Request) -> Response:
    return JSONResponse(objects.page([objects.character(row) for row in await _assets(request, "character")], False))


async def delete_character(request: Request) -> Response:
    return await _delete_asset(request, "character")


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


async def get_file(request: Request) -> Response:
    return JSONResponse(objects.file(await _asset(request, "file")))


async def list_files(request: Request) -> Response:
    return JSONResponse(objects.page([objects.file(row) for row in await _assets(request, "file")], False))


async def get_file_content(request: Request) -> Response:
    row = await _asset(request, "file")
    name = folders.content(row["id"])
    return await send_file(request, request.state.service.files, name, "application/octet-stream", row["id"])


async def delete_file(request: Request) -> Response:
    return await _delete_asset(request, "file")


async def _asset(request: Request, kind: str) -> Row:
    id, service = request.path_params["id"], request.state.service
    row = await service.look(service.assets.get, id, kind, request.state.key.id)
    if row is None:
        raise missing(id, kind)
    return row


async def _assets(request: Request, kind: str) -> list[Row]:
    return await to_thread.run_sync(request.state.service.assets.all, kind, request.state.key.id)


async def _delete_asset(request: Request, kind: str) -> Response:
    id = request.path_params["id"]
    if not await to_thread.run_sync(request.state.service.discard, id, kind, request.state.key.id):
        raise missing(id, kind)
    return JSONResponse({"id": id, "object": kind, "deleted": True})


# ------------------------------------------------------------------------------------------------------- whom to tell


async def create_webhook(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        url = asked.text("url", "", LONGEST_URL)
        asked.done()
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


# ------------------------------------------------------------------------------------- models, longer prompts, origins


async def list_models(request: Request) -> Response:
    settings = request.state.service.settings
    names = (*settings.models, *orders.SORA)
    return JSONResponse({"object": "list", "data": [objects.model(name, settings.card) for name in names]})


async def get_model(request: Request) -> Response:
    name, settings = request.path_params["id"], request.state.service.settings
    if not orders.is_model(name, settings.models):
        raise missing(name, "model")
    return JSONResponse(objects.model(name, settings.card))


async def expand_prompt(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        prompt, seed = orders.read_prompt(asked), asked.integer("seed", 0, BOUNDS.seed)
        asked.done()
    knows = request.state.service.settings.card.get("knows", {})
    return JSONResponse({"object": "expansion", "prompt": prompt, "expanded_prompt": expand(prompt, knows, seed=seed)})


async def verify_file(request: Request) -> Response:
    async with sent(request) as fields:
        asked = Reader(fields)
        upload = asked.required_file("file")
        asked.done()
        async with request.state.examiners:
            report = await to_thread.run_sync(uploads.examine, upload)
    return JSONResponse({"object": "verification", **report})


# ------------------------------------------------------------------------------------------------------------ sessions


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
