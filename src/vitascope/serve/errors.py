"""What the service says when it says no, in the form that programs written for the Videos API read.

{"error": {"message": …, "type": …, "param": …, "code": …}}   with a status of 400 or more
"""

import errno
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from .job import LimitReached, ReceiptMismatch

TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """One line for the user. `param` names the field that it is about, `code` is for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.headers = status, message, code, param, headers

    def response(self) -> JSONResponse:
        kind = TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        body = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return JSONResponse({"error": body}, self.status, self.headers)


def invalid(param: str, message: str, *, code: str | None = None) -> ApiError:
    """What was given for a field cannot be used."""
    return ApiError(400, message, code=code or "invalid_value", param=param)


def missing(id: str, kind: str) -> ApiError:
    """There is no such thing, or it is another key's: the answer is the same."""
    return ApiError(404, f"No {kind} with id {id!r} was found.", code="not_found", param="id")


def storage_full() -> ApiError:
    return ApiError(507, "There is no space left for files.", code="storage_full")


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ApiError:
    """For what the framework refuses: an unknown path, a wrong method, a malformed body."""
    return ApiError(status, detail, code=HTTPStatus(status).phrase.lower().replace(" ", "_"), headers=headers)


def as_answer(error: BaseException) -> BaseException:
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
