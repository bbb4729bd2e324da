"""A stored file as an answer: whole, the range of it that is asked for, or nothing if the client has it already.

Ranges as RFC 9110 has them: one that is malformed, and several at once, are answered with the whole file; one that
begins after the end is refused. Knows no video.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from .errors import ApiError
from .storage import CHUNK, Files

RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


async def send_file(request: Request, files: Files, name: str, kind: str, filename: str | None = None) -> Response:
    """The file `name` with the media type `kind`. With a `filename` to be saved under it never changes and may be kept
    by the client; without one it may be another by the next request. ApiError 404, 416."""
    etag = f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"'
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
    if filename:
        headers |= {"Cache-Control": "private, no-cache", "ETag": etag}
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
    try:
        file, size = await to_thread.run_sync(files.open, name)
    except FileNotFoundError:
        raise ApiError(404, "The file is no longer there.", code="file_missing") from None
    asked = request.headers.get("range", "") if request.headers.get("if-range", etag) == etag else ""
    try:
        extent = find_range(asked, size)
    except ApiError:
        file.close()
        raise
    first, last = extent or (0, size)
    headers["Content-Length"] = str(last - first)
    if extent:
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    return FilePart(file, first, last if request.method == "GET" else first, 206 if extent else 200, headers, kind)


class FilePart(StreamingResponse):
    """The bytes of an open file from `first` up to `last`, read in threads. The file is closed at the end."""

    def __init__(
        self, file: BinaryIO, first: int, last: int, status: int, headers: dict[str, str], media_type: str
    ) -> None:
        super().__init__(self._pieces(first, last), status, headers, media_type)
        self.file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.file:
            await super().__call__(scope, receive, send)

    async def _pieces(self, first: int, last: int) -> AsyncIterator[bytes]:
        self.file.seek(first)
        while first < last and (piece := await to_thread.run_sync(self.file.read, min(CHUNK, last - first))):
            yield piece
            first += len(piece)


def find_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last + 1 byte; None for what asks for no single range. ApiError 416 for what lies outside."""
    match = RANGE.fullmatch(header.strip())
    if match is None or match[2] and int(match[2]) < int(match[1]):
        return None
    if match[3]:
        first, last = max(size - int(match[3]), 0), size
    else:
        first, last = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    if first >= last:
        raise ApiError(
            416,
            f"The range {header[:80]!r} lies outside of the file, which has {size} bytes.",
            code="range_not_satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return first, last
