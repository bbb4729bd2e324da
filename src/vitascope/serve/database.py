"""One interface to two databases: SQLite (a file, WAL) for one machine, PostgreSQL for many.

`read` runs one query; `write` is one transaction. SQL is written once, with `:name` parameters; what the two engines
do not share stands in the class attributes below. Broken connections are replaced when they are next needed, so that a
database that was restarted costs an error to nobody who comes after. Knows nothing of jobs but the schema.
"""

import errno
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]
Execute = Callable[..., list[Row]]

# Every change of a job takes the next value of `clock`, in the order in which the changes are committed: that is what
# followers of events resume from.
SCHEMA = """
CREATE TABLE IF NOT EXISTS clock (value BIGINT NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
CREATE TABLE IF NOT EXISTS jobs (
    number {serial},
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,                -- the API key that it belongs to
    version BIGINT NOT NULL,
    model TEXT NOT NULL,
    prompt TEXT,
    size TEXT NOT NULL,
    seconds TEXT NOT NULL,
    source TEXT,                      -- the video that this one was remixed from
    request TEXT NOT NULL,            -- the order, as JSON
    work DOUBLE PRECISION NOT NULL,   -- seconds of video to be made
    status TEXT NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    preview INTEGER NOT NULL DEFAULT 0,
    created_at DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION,
    completed_at DOUBLE PRECISION,
    expires_at DOUBLE PRECISION,
    error_code TEXT,
    error_message TEXT,
    result TEXT,                      -- the folder that holds the finished files
    cancelled INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    lease DOUBLE PRECISION NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_key ON jobs (key, number);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, number);
CREATE INDEX IF NOT EXISTS jobs_by_version ON jobs (version);
CREATE TABLE IF NOT EXISTS deletions (
    id TEXT NOT NULL,                 -- a job that is gone, for followers who knew it
    key TEXT NOT NULL,
    version BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS deletions_by_version ON deletions (version);
CREATE TABLE IF NOT EXISTS receipts (
    key TEXT NOT NULL,
    token TEXT NOT NULL,              -- an Idempotency-Key, or a request's fingerprint
    fingerprint TEXT NOT NULL,
    job TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (key, token)
);
CREATE TABLE IF NOT EXISTS usage (
    key TEXT NOT NULL,
    day BIGINT NOT NULL,              -- days since 1970, UTC
    seconds DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (key, day)
);
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    max_jobs INTEGER,                 -- unfinished at once; NULL: no limit
    max_seconds DOUBLE PRECISION,     -- of video a day; NULL: no limit
    created_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE IF NOT EXISTS assets (
    number {serial},
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,               -- character or file
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,             -- bytes
    created_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE IF NOT EXISTS hooks (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    trusted INTEGER NOT NULL,         -- made by the operator: may point into the private network
    created_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT NOT NULL,                 -- of the event: the same for every hook and every try
    hook TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id, hook)
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due);
"""


class Unavailable(Exception):
    """The database cannot be reached or does not answer now; the same call may succeed later."""


class Full(Unavailable):
    """There is no space left for the database."""


class Database(Protocol):
    near: bool  # a read takes microseconds and waits for nobody, so that no thread is needed to wait for it
    skip_locked: str  # what a SELECT that takes work adds, so that others do not wait for it

    def read(self, sql: str, **values: Any) -> list[Row]: ...
    def write(self) -> AbstractContextManager[Execute]: ...
    def close(self) -> None: ...


def connect(url: str) -> Database:
    """`postgresql://…`, or the path of an SQLite file. Makes the tables that are not there yet."""
    if "://" not in url:
        return SQLite(Path(url))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgreSQL(url)
    raise ValueError(f"database {url!r} is not supported: expected postgresql://… or the path of a file")


class Pool:
    """Open connections that nobody uses now; one that failed is closed and not put back."""

    def __init__(self, open: Callable[[], Any]) -> None:
        self.open, self.idle, self.lock = open, [], threading.Lock()

    @contextmanager
    def take(self, *, fresh: bool = False) -> Iterator[Any]:
        with self.lock:
            connection = None if fresh or not self.idle else self.idle.pop()
        if connection is None:
            connection = self.open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self.lock:
            self.idle.append(connection)

    def clear(self) -> None:
        with self.lock:
            idle, self.idle = self.idle, []
        for connection in idle:
            connection.close()


class SQLite:
    """A file. One writer at a time: the threads of this process queue for a lock, other processes for the file's.

    When `write` ends, its transaction is on the disk: what was answered survives a power cut, not only a kill. But it
    is flushed after it has made room for the next one. A flush takes longer than all else, and one flush serves all
    transactions that wait for it together.
    """

    near = True
    skip_locked = ""
    PATIENCE = 30.0  # seconds that a transaction waits for other processes

    def __init__(self, path: Path) -> None:
        self.path, self.pool = path, Pool(self._open)
        self.writing, self.flushing = threading.Lock(), threading.Lock()
        self.committed = self.flushed = 0  # transactions of this process
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.pool.take() as connection:
            connection.executescript(SCHEMA.format(serial="INTEGER PRIMARY KEY AUTOINCREMENT"))

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self.PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = _as_dict
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # `_flush` does what FULL would, outside of the lock
        return connection

    def read(self, sql: str, **values: Any) -> list[Row]:
        with _availability(), self.pool.take() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def write(self) -> Iterator[Execute]:
        with _availability():
            with self.writing, self.pool.take() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield lambda sql, **values: connection.execute(sql, values).fetchall()
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
                self.committed += 1
                mine = self.committed
            self._flush(mine)

    def _flush(self, mine: int) -> None:
        """Return when the transaction of this number is on the disk."""
        with self.flushing:
            if self.flushed >= mine:
                return
            covered = self.committed
            try:
                with open(f"{self.path}-wal", "rb") as log:
                    os.fdatasync(log.fileno())
            except FileNotFoundError:
                pass  # the last connection of all has taken it into the database, flushed, and removed it
            except OSError as error:
                raise (Full if error.errno == errno.ENOSPC else Unavailable)(str(error)) from error
            self.flushed = covered

    def close(self) -> None:
        self.pool.clear()


@contextmanager
def _availability() -> Iterator[None]:
    """SQLite's errors as this file's."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorname == "SQLITE_FULL"
        raise (Full if full else Unavailable)(str(error)) from error


def _as_dict(cursor: sqlite3.Cursor, row: tuple) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row)}


class PostgreSQL:
    """A server, for workers on many machines."""

    near = False
    skip_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, url: str) -> None:
        import psycopg  # SQLite starts without it

        self.url, self.pool, self.driver = url, Pool(self._open), psycopg
        with self.write() as execute:
            execute("SELECT pg_advisory_xact_lock(4207)")  # web and workers start together
            for statement in SCHEMA.format(serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY").split(";\n"):
                execute(statement)

    def _open(self) -> Any:
        from psycopg.rows import dict_row

        return self.driver.connect(self.url, autocommit=True, row_factory=dict_row, connect_timeout=5)

    def read(self, sql: str, **values: Any) -> list[Row]:
        with self._connection() as connection:
            return _fetch(connection.execute(_dialect(sql), values))

    @contextmanager
    def write(self) -> Iterator[Execute]:
        with self._connection() as connection, connection.transaction():
            yield lambda sql, **values: _fetch(connection.execute(_dialect(sql), values))

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection that answers: one that the server dropped while it was idle is replaced, with all others."""
        try:
            try:
                with self.pool.take() as connection:
                    connection.execute("SELECT 1")
                    alive = True
            except self.driver.OperationalError:
                self.pool.clear()
                alive = False
            with self.pool.take(fresh=not alive) as connection:
                yield connection
        except (self.driver.OperationalError, self.driver.InterfaceError) as error:
            raise Unavailable(str(error)) from error

    def close(self) -> None:
        self.pool.clear()


def _dialect(sql: str) -> str:
    """`:name` → `%(name)s`."""
    return re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", sql)


def _fetch(cursor: Any) -> list[Row]:
    return cursor.fetchall() if cursor.description else []
