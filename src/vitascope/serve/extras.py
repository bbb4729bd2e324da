"""Handlers of what stands beside videos: webhooks, models, longer prompts, origins, sessions."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import objects, orders, uploads
from .errors import invalid, missing
from .expansion import expand
from .fields import Reader
from .forms import sent
from .guard import COOKIE
from .order import BOUNDS
from .webhooks import LONGEST_URL

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
