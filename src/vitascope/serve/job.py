"""A job as a value: one row of the table, and what is said about jobs between the parts of the service."""

import secrets
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One row. Times are seconds since 1970."""

    id: str
    key: str
    model: str
    prompt: str | None
    size: str  # "1280x720"
    seconds: str  # "8"
    request: dict[str, Any]  # what the worker reads
    work: float  # seconds of video to be made
    source: str | None = None  # the video that it was remixed from
    status: str = "queued"
    progress: int = 0  # percent
    preview: int = 0  # how many preview pictures there have been
    created_at: float = 0.0
    started_at: float | None = None
    completed_at: float | None = None
    expires_at: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    result: str | None = None  # the folder of the finished files
    cancelled: bool = False
    worker: str | None = None
    attempt: int = 0
    lease: float = 0.0
    number: int = 0  # place in the order of creation
    version: int = 0

    @property
    def live(self) -> bool:
        return self.status in ("queued", "in_progress")


@dataclass(frozen=True)
class Deleted:
    """What is left of a job for its followers."""

    id: str
    version: int


@dataclass(frozen=True)
class Receipt:
    """What recognises a request that was sent twice: its token, what it said, and for how long it counts as the
    same."""

    token: str
    fingerprint: str
    window: float = float("inf")  # seconds; 0: only leaves a trace for later retries


@dataclass(frozen=True)
class Limits:
    """What one API key may use; None is no limit."""

    jobs: int | None = None  # unfinished at once
    seconds: float | None = None  # of video in a day (UTC)


class Lost(Exception):
    """The job is no longer this worker's: given to another, cancelled away or deleted."""


class LimitReached(Exception):
    """The key has used what it may."""


class ReceiptMismatch(Exception):
    """An Idempotency-Key came back with another request."""


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"
