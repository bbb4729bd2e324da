"""Webhooks: whom to tell, and the outbox that tells them until they have heard.

The job store writes an event into the outbox in the same transaction as the change that it tells of; `deliver` sends
what is due, signed as Standard Webhooks ask (`webhook-id`, `webhook-timestamp`, `webhook-signature`), and tries again
by `SCHEDULE`. The id of an event is the same in every try: a receiver that hears it twice can know.
"""

import base64
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import structlog
from standardwebhooks import Webhook

from .database import Database, Row
from .fetching import Address, check_url, is_public, open_checked
from .job import new_id

SCHEDULE = (5, 30, 300, 1800, 7200, 18_000, 36_000, 36_000)  # seconds to the next try; then the event is dropped
HOLD = 60.0  # seconds that one sender has for one try
LONGEST_URL = 2000  # characters

log = structlog.get_logger()


@dataclass(frozen=True)
class Hook:
    """One receiver."""

    id: str
    key: str  # whose videos it hears of; "*": everyone's
    url: str
    secret: str  # whsec_…
    trusted: bool
    created_at: float


class Webhooks:
    """The tables of hooks and of events not yet delivered."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database, self.clock = database, clock

    def add(self, key: str, url: str, *, trusted: bool = False) -> Hook:
        """Tell a URL of a key's videos. The operator's own (`trusted`) may lie in the private network. ValueError."""
        if len(url) > LONGEST_URL:
            raise ValueError(f"the URL is longer than {LONGEST_URL} characters")
        check_url(url, allow=_allowed(trusted))
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        hook = Hook(new_id("wh"), key, url, secret, trusted, self.clock())
        with self.database.write() as execute:
            execute(
                "INSERT INTO hooks (id, key, url, secret, trusted, created_at)"
                " VALUES (:id, :key, :url, :secret, :trusted, :created_at)",
                **{**vars(hook), "trusted": int(trusted)},
            )
        return hook

    def all(self, key: str | None = None) -> list[Hook]:
        """A key's hooks; None: all, for the operator."""
        rows = self.database.read(
            f"SELECT * FROM hooks {'' if key is None else 'WHERE key = :key'} ORDER BY created_at, id",
            **({} if key is None else {"key": key}),
        )
        return [Hook(**{**row, "trusted": bool(row["trusted"])}) for row in rows]

    def remove(self, id: str, key: str | None = None) -> bool:
        """Forget a hook and what it was still to hear. Whether there was one."""
        with self.database.write() as execute:
            gone = execute(
                f"DELETE FROM hooks WHERE id = :id {'' if key is None else 'AND key = :key'} RETURNING id",
                id=id,
                **({} if key is None else {"key": key}),
            )
            if gone:
                execute("DELETE FROM deliveries WHERE hook = :id", id=id)
            return bool(gone)

    def take(self, limit: int = 32) -> list[Row]:
        """Deliveries that are due, kept from other senders for a while."""
        now = self.clock()
        if not self.database.read("SELECT id FROM deliveries WHERE due <= :now LIMIT 1", now=now):
            return []
        with self.database.write() as execute:
            rows = execute(
                "SELECT id, hook FROM deliveries WHERE due <= :now ORDER BY due LIMIT :limit"
                f" {self.database.skip_locked}",
                now=now,
                limit=limit,
            )
            for row in rows:
                execute(
                    "UPDATE deliveries SET due = :until, tries = tries + 1 WHERE id = :id AND hook = :hook",
                    until=now + HOLD,
                    **row,
                )
            return [
                execute(
                    "SELECT deliveries.*, hooks.url, hooks.secret, hooks.trusted FROM deliveries JOIN hooks"
                    " ON hooks.id = deliveries.hook WHERE deliveries.id = :id AND deliveries.hook = :hook",
                    **row,
                )[0]
                for row in rows
            ]

    def settle(self, delivery: Row, *, heard: bool) -> None:
        """Forget a delivery that was heard, or plan its next try."""
        which = {"id": delivery["id"], "hook": delivery["hook"]}
        with self.database.write() as execute:
            if heard or delivery["tries"] > len(SCHEDULE):
                execute("DELETE FROM deliveries WHERE id = :id AND hook = :hook", **which)
            else:
                execute(
                    "UPDATE deliveries SET due = :due WHERE id = :id AND hook = :hook",
                    due=self.clock() + SCHEDULE[delivery["tries"] - 1],
                    **which,
                )

    def pending(self) -> int:
        return self.database.read("SELECT count(*) AS events FROM deliveries")[0]["events"]


def deliver(webhooks: Webhooks, client: httpx.Client, senders: ThreadPoolExecutor) -> int:
    """Send what is due now, side by side, so that a slow receiver delays nobody; how much there was."""
    due = webhooks.take()
    for delivery, heard in zip(due, senders.map(lambda delivery: _send(client, delivery), due)):
        webhooks.settle(delivery, heard=heard)
    return len(due)


def _allowed(trusted: bool) -> Callable[[Address], bool]:
    """Which addresses a hook may have."""
    return (lambda address: True) if trusted else is_public


def _send(client: httpx.Client, delivery: Row) -> bool:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(delivery["secret"]).sign(delivery["id"], now, delivery["body"]),
    }
    try:
        allow, body = _allowed(delivery["trusted"]), delivery["body"].encode()
        with open_checked(client, "POST", delivery["url"], allow=allow, headers=headers, content=body) as response:
            heard, cause = response.is_success, str(response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        heard, cause = False, f"{type(error).__name__}: {error}"
    if not heard:
        log.warning(
            "webhook not delivered",
            event_id=delivery["id"],
            hook=delivery["hook"],
            tries=delivery["tries"],
            cause=cause,
        )
    return heard
