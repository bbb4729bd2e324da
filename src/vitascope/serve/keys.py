"""API keys: made once, shown once, stored as a hash, compared in constant time.

    vk_<8 characters that name it>_<43 random characters>

The random part carries 256 bits, so one round of SHA-256 is enough. With no key made, and only on a loopback address,
the service is open: whoever can reach it is the same local user.
"""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

from .database import Database
from .job import Limits

FORM = re.compile(r"vk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """Who asks. The id stands in logs and beside jobs; the key itself nowhere."""

    id: str
    name: str
    limits: Limits = Limits()
    created_at: float = 0.0


LOCAL = Key("local", "this machine")


class Keys:
    """The table of keys."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, name: str, limits: Limits = Limits()) -> str:
        """Make a key and return it, for the only time. ValueError for an unusable name."""
        if not 1 <= len(name) <= 80 or not name.isprintable():
            raise ValueError(f"the key's name is {name!r}; expected 1 to 80 printable characters")
        id = secrets.token_hex(4)
        key = f"vk_{id}_{secrets.token_urlsafe(32)}"
        with self.database.write() as execute:
            execute(
                "INSERT INTO keys (id, name, hash, max_jobs, max_seconds, created_at) VALUES"
                " (:id, :name, :hash, :jobs, :seconds, :now)",
                id=id,
                name=name,
                hash=_hash(key),
                jobs=limits.jobs,
                seconds=limits.seconds,
                now=time.time(),
            )
        return key

    def all(self) -> list[Key]:
        """All keys, oldest first."""
        rows = self.database.read("SELECT * FROM keys ORDER BY created_at, id")
        return [_key(row) for row in rows]

    def revoke(self, id: str) -> bool:
        """Forget a key; its jobs stay. Whether there was one."""
        with self.database.write() as execute:
            return bool(execute("DELETE FROM keys WHERE id = :id RETURNING id", id=id))

    def any(self) -> bool:
        return bool(self.database.read("SELECT id FROM keys LIMIT 1"))

    def find(self, presented: str) -> Key | None:
        """Whose key this is; None if it is nobody's."""
        match = FORM.fullmatch(presented)
        rows = self.database.read("SELECT * FROM keys WHERE id = :id", id=match[1] if match else "")
        stored = rows[0]["hash"] if rows else _hash("")
        equal = hmac.compare_digest(stored, _hash(presented))
        return _key(rows[0]) if equal and rows else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _key(row: dict) -> Key:
    return Key(row["id"], row["name"], Limits(row["max_jobs"], row["max_seconds"]), row["created_at"])
