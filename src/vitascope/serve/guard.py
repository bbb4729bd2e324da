"""What every request passes before a handler sees it, as plain ASGI middleware: a name and a log line for each, the
size of its body, who sends it, and the headers that keep a browser safe.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ApiError
from .job import new_id
from .keys import LOCAL, Key
from .metrics import Metrics
from .service import LOOPBACK, Service

COOKIE = "vitascope_key"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:;"
    " connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}

log = structlog.get_logger()


class Observed:
    """Names each request, times it, counts it, logs it in one line, and adds the safety headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name, started, status = new_id("req"), time.perf_counter(), 500
        scope.setdefault("state", {})["request_id"] = name

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = name
                for header, value in HEADERS.items():
                    headers.setdefault(header, value)
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            took = time.perf_counter() - started
            handler = getattr(scope.get("endpoint"), "__name__", "none")
            self.metrics.observe(handler, scope["method"], status, took)
            key = scope["state"].get("key")
            log.info(
                "request",
                request_id=name,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(took * 1000, 1),
                key=key.id if key else None,
            )


class BodyLimit:
    """Refuses bodies larger than `limit` bytes: at once if they say so, else as soon as they are."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refusal = ApiError(413, f"The request is larger than {self.limit} bytes.", code="request_too_large")
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > self.limit:
            return await refusal.response()(scope, receive, send)
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise refusal
            return message

        await self.app(scope, receive_counted, send)


class Authenticated:
    """Finds out whose request this is. ApiErrors are answered here, since handlers are not reached."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            key = await self.service.look(identify, self.service, Headers(scope=scope), scope["method"])
        except ApiError as refusal:
            return await refusal.response()(scope, receive, send)
        scope.setdefault("state", {})["key"] = key
        await self.app(scope, receive, send)


def identify(service: Service, headers: Mapping[str, str], method: str) -> Key:
    """The key that a request carries, as a bearer token or in the studio's cookie. ApiError 401 or 403."""
    if service.settings.local and not service.keys.any():
        _check_local(headers)
        return LOCAL
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = _cookie(headers)
        if token and method not in ("GET", "HEAD"):
            _check_origin(headers)
    key = service.keys.find(token.strip()) if token else None
    if key is None:
        raise ApiError(
            401,
            "The API key is not valid." if token else "An API key is required: Authorization: Bearer KEY.",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return key


def _check_local(headers: Mapping[str, str]) -> None:
    """A service without keys must not be reachable through a page of another site that the user's browser shows."""
    host = _host(f"//{headers.get('host', '')}")
    if host not in LOOPBACK:
        raise ApiError(
            403,
            f"The host {host!r} is not this machine. Make a key to be reachable by other names.",
            code="host_not_allowed",
        )
    _check_origin(headers)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _check_origin(headers: Mapping[str, str]) -> None:
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        raise ApiError(403, f"Requests from the origin {origin[:200]!r} are not allowed.", code="origin_not_allowed")


def _cookie(headers: Mapping[str, str]) -> str:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
