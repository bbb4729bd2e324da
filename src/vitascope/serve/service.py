"""The parts of a service, opened from its settings: what the web process, the workers and the commands share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from anyio import to_thread

from . import folders
from .assets import Assets
from .database import Database, connect
from .job import Limits
from .jobs import Jobs
from .keys import Keys
from .storage import Files
from .webhooks import Webhooks

BUNDLED = Path(__file__).parents[1] / "weights" / "bundled"  # as in system.py, which imports torch
T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """Where a service keeps its things and whom it listens to."""

    data: Path  # folder of the database and, unless `files` says otherwise, of all files
    database: str | None = None  # postgresql://…; None: SQLite in the data folder
    files: str | None = None  # a shared folder or s3://…; None: in the data folder
    host: str = "127.0.0.1"
    model: Path | None = None  # folder of another model than the bundled one
    models: tuple[str, ...] = ("vitascope",)
    limits: Limits = Limits()  # of a service without keys
    lease: float = 30.0  # seconds after which a silent worker's job goes to another

    @property
    def card(self) -> dict[str, Any]:
        """What the model says of itself; nothing if its folder is not on this machine. The web process holds no torch,
        so it reads the card alone."""
        try:
            return json.loads(((self.model or BUNDLED) / "system.json").read_text(encoding="utf-8"))["card"]
        except (OSError, ValueError, KeyError):
            return {}

    @property
    def local(self) -> bool:
        return self.host in LOOPBACK


@dataclass(frozen=True)
class Service:
    """All stores of one service."""

    settings: Settings
    database: Database
    jobs: Jobs
    keys: Keys
    webhooks: Webhooks
    assets: Assets
    files: Files

    async def look(self, read: Callable[..., T], *arguments: Any) -> T:
        """What a short read gives. A thread would cost more than a look into a file of this machine, and might have to
        wait for those that write; another machine is waited for in a thread."""
        return read(*arguments) if self.database.near else await to_thread.run_sync(read, *arguments)

    def forget(self, id: str, key: str) -> bool:
        """Delete a key's job with all its files. Whether there was one."""
        gone = self.jobs.delete(id, key)
        if gone:
            self.files.remove(folders.of_job(id))
        return gone

    def discard(self, id: str, kind: str, key: str) -> bool:
        """Delete what a key keeps here to refer to. Whether it was there."""
        gone = self.assets.remove(id, kind, key)
        if gone:
            self.files.remove(folders.of_asset(id))
        return gone

    def close(self) -> None:
        self.database.close()


def open_service(settings: Settings) -> Service:
    """Make what is not there yet. ValueError for an unusable address."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the data folder {settings.data} cannot be made: {error.strerror}") from None
    database = connect(settings.database or str(settings.data / "jobs.sqlite"))
    return Service(
        settings,
        database,
        Jobs(database),
        Keys(database),
        Webhooks(database),
        Assets(database),
        Files(settings.files or str(settings.data)),
    )
