"""The durable queue: one table of jobs with leases. A job that was accepted is never lost, doubled or stuck.

    queued ──claim──▶ in_progress ──finish──▶ completed
      ▲                 │  │ └──────fail─────▶ failed      (a second failure, a refusal, a cancel)
      └──release, lost──┘  └─beat: I am alive, so far have I come; am I to stop?

A worker holds a job by a lease that it renews. Every write of a worker is fenced: it names the worker and the attempt,
and raises `Lost` if the job has since been given to another, cancelled away or deleted. Every change takes a `version`,
the next tick of one clock in the order of commits, so that followers resume where they left off.

In: orders as JSON, keys, names of workers. Out: `Job`. Knows no HTTP, no files and no model. In each transaction the
row of a job is locked before the row of the clock, so that two never wait for each other.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import accumulate
from typing import Any

from .database import Database, Execute, Row
from .job import Deleted, Job, LimitReached, Limits, Lost, Receipt, ReceiptMismatch, new_id
from .queue import Queue

ATTEMPTS = 2  # how often a job is tried; what a worker gave back unharmed does not count
PACE_SAMPLE = 20  # finished jobs that estimates of time rest on
DAY = 86400
REMEMBERED = 7 * DAY  # seconds for which followers that were away are told of a deletion


class Jobs:
    """The store. Every method is one transaction and may be called from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database, self.clock = database, clock

    # ------------------------------------------------------------------------------------------------- what clients do

    def create(self, batch: Sequence[Job], receipt: Receipt, *, limits: Limits = Limits()) -> tuple[Job, bool]:
        """Queue jobs of one request. (The first, True), or (what an earlier twin of the request made, False).

        LimitReached, ReceiptMismatch; nothing is stored then.
        """
        first, now = batch[0], self.clock()
        with self.database.write() as execute:
            fresh = execute(
                "INSERT INTO receipts (key, token, fingerprint, job, at)"
                " VALUES (:key, :token, :fingerprint, :job, :now)"
                " ON CONFLICT (key, token) DO UPDATE SET job = :job, at = :now, fingerprint = :fingerprint"
                " WHERE receipts.at <= :since RETURNING job",
                key=first.key,
                token=receipt.token,
                fingerprint=receipt.fingerprint,
                job=first.id,
                now=now,
                since=max(now - receipt.window, 0.0),
            )
            if not fresh:
                return self._twin(execute, first.key, receipt), False
            self._charge(execute, first.key, sum(job.work for job in batch), len(batch), limits, now)
            rows = [
                execute(
                    "INSERT INTO jobs (id, key, version, model, prompt, size, seconds, source, request, work, status,"
                    " created_at, expires_at) VALUES (:id, :key, :version, :model, :prompt, :size, :seconds, :source,"
                    " :request, :work, 'queued', :now, :expires_at) RETURNING *",
                    id=job.id,
                    key=job.key,
                    version=self._tick(execute),  # nobody waits for a row that is not there yet
                    model=job.model,
                    prompt=job.prompt,
                    size=job.size,
                    seconds=job.seconds,
                    source=job.source,
                    request=json.dumps(job.request),
                    work=job.work,
                    now=now,
                    expires_at=job.expires_at,
                )[0]
                for job in batch
            ]
            return _job(rows[0]), True

    def get(self, id: str, key: str) -> Job | None:
        rows = self.database.read("SELECT * FROM jobs WHERE id = :id AND key = :key", id=id, key=key)
        return _job(rows[0]) if rows else None

    def page(
        self, key: str, *, after: str | None = None, limit: int = 20, order: str = "desc"
    ) -> tuple[list[Job], bool]:
        """A page in the order of creation, and whether there is more. LookupError if `after` is not one of the
        key's."""
        sign, way = ("<", "DESC") if order == "desc" else (">", "ASC")
        start: dict[str, Any] = {}
        if after is not None:
            found = self.get(after, key)
            if found is None:
                raise LookupError(after)
            start = {"number": found.number}
        rows = self.database.read(
            f"SELECT * FROM jobs WHERE key = :key {f'AND number {sign} :number' if start else ''}"
            f" ORDER BY number {way} LIMIT :limit",
            key=key,
            limit=limit + 1,
            **start,
        )
        return [_job(row) for row in rows[:limit]], len(rows) > limit

    def changes(self, key: str, since: int, *, id: str | None = None) -> list[Job | Deleted]:
        """What became of the key's jobs (or of one of them) after a version, in the order of their last change. Who
        knows nothing yet (`since` 0) is told of no deletion."""
        one, known = "AND id = :id" if id else "", "AND :since > 0"
        rows = self.database.read(
            "SELECT changed.version AS change, changed.id AS changed_id, jobs.* FROM ("
            f" SELECT version, id FROM jobs WHERE key = :key AND version > :since {one}"
            f" UNION ALL SELECT version, id FROM deletions WHERE key = :key AND version > :since {one or known}"
            " ORDER BY version LIMIT 200) AS changed LEFT JOIN jobs ON jobs.id = changed.id ORDER BY change",
            key=key,
            since=since,
            **({"id": id} if id else {}),
        )
        return [_change(row) for row in rows]

    def version(self) -> int:
        """The newest version of all."""
        return self.database.read("SELECT value FROM clock")[0]["value"]

    def cancel(self, id: str, key: str) -> Job | None:
        """Stop a job: at once if it waits, at the worker's next step if it runs; a finished one stays as it is."""
        with self.database.write() as execute:
            rows = execute(
                "UPDATE jobs SET cancelled = 1 WHERE id = :id AND key = :key AND status IN"
                " ('queued', 'in_progress') RETURNING *",
                id=id,
                key=key,
            )
            if rows and rows[0]["status"] == "queued":
                self._end(execute, _job(rows[0]), "cancelled", "The job was cancelled.")
        return self.get(id, key)

    def delete(self, id: str, key: str) -> bool:
        """Forget a job; a worker that makes it is told so by its next write."""
        with self.database.write() as execute:
            gone = execute("DELETE FROM jobs WHERE id = :id AND key = :key RETURNING id", id=id, key=key)
            if gone:
                now = self.clock()
                execute("DELETE FROM receipts WHERE job = :id", id=id)
                execute("DELETE FROM deletions WHERE at < :old", old=now - REMEMBERED)
                execute(
                    "INSERT INTO deletions (id, key, version, at) VALUES (:id, :key, :version, :now)",
                    id=id,
                    key=key,
                    version=self._tick(execute),
                    now=now,
                )
            return bool(gone)

    def expired(self) -> list[Job]:
        """Jobs whose owner gave them an end that has passed."""
        return [_job(row) for row in self.database.read("SELECT * FROM jobs WHERE expires_at < :now", now=self.clock())]

    # ------------------------------------------------------------------------------------------------- what workers do

    def claim(self, worker: str, *, lease: float) -> Job | None:
        """The oldest job that waits, held for `lease` seconds; None if there is none."""
        self.reap()
        if not self.database.read("SELECT id FROM jobs WHERE status = 'queued' LIMIT 1"):
            return None  # an idle worker disturbs no writer
        with self.database.write() as execute:
            rows = execute(
                f"SELECT id FROM jobs WHERE status = 'queued' ORDER BY number LIMIT 1 {self.database.skip_locked}"
            )
            if not rows:
                return None
            id, now = rows[0]["id"], self.clock()
            execute(
                "UPDATE jobs SET status = 'in_progress', worker = :worker, attempt = attempt + 1, lease = :until,"
                " started_at = :now WHERE id = :id",
                worker=worker,
                until=now + lease,
                now=now,
                id=id,
            )
            self._stamp(execute, id)
            return _job(execute("SELECT * FROM jobs WHERE id = :id", id=id)[0])

    def beat(self, job: Job, *, lease: float, progress: int = 0, preview: int = 0) -> bool:
        """Renew the lease and tell the progress, which never falls. True if the job is to stop. Lost."""
        with self.database.write() as execute:
            before = self._own(execute, job)
            execute("UPDATE jobs SET lease = :until WHERE id = :id", until=self.clock() + lease, id=job.id)
            if progress > before.progress or preview > before.preview:
                execute(
                    "UPDATE jobs SET progress = :progress, preview = :preview WHERE id = :id",
                    id=job.id,
                    progress=max(progress, before.progress),
                    preview=max(preview, before.preview),
                )
                self._stamp(execute, job.id)
            return before.cancelled

    def describe(self, job: Job, *, size: str, seconds: str) -> None:
        """Correct what only an upload's own header could tell. Lost."""
        with self.database.write() as execute:
            self._own(execute, job)
            execute(
                "UPDATE jobs SET size = :size, seconds = :seconds WHERE id = :id", size=size, seconds=seconds, id=job.id
            )
            self._stamp(execute, job.id)

    def finish(self, job: Job, result: str) -> None:
        """The files in the folder `result` are whole. Lost."""
        with self.database.write() as execute:
            self._own(execute, job)
            execute(
                "UPDATE jobs SET status = 'completed', progress = 100, result = :result, completed_at = :now, lease = 0"
                " WHERE id = :id",
                result=result,
                now=self.clock(),
                id=job.id,
            )
            self._announce(execute, job, "video.completed")
            self._stamp(execute, job.id)

    def fail(self, job: Job, code: str, message: str, *, again: bool) -> None:
        """It could not be made. With `again` it returns to the queue, unless it was tried often enough. Lost."""
        with self.database.write() as execute:
            self._own(execute, job)
            if again and job.attempt < ATTEMPTS:
                self._requeue(execute, job.id)
            else:
                self._end(execute, job, code, message)

    def release(self, job: Job) -> None:
        """Give a job back unharmed, as a worker that is told to stop does; this attempt does not count. Lost."""
        with self.database.write() as execute:
            self._own(execute, job)
            execute("UPDATE jobs SET attempt = attempt - 1 WHERE id = :id", id=job.id)
            self._requeue(execute, job.id)

    def reap(self) -> int:
        """Take the jobs back whose worker fell silent: to the queue, or to their end; how many there were."""
        if not self.database.read(
            "SELECT id FROM jobs WHERE status = 'in_progress' AND lease < :now LIMIT 1", now=self.clock()
        ):
            return 0
        with self.database.write() as execute:
            rows = execute(
                f"SELECT * FROM jobs WHERE status = 'in_progress' AND lease < :now {self.database.skip_locked}",
                now=self.clock(),
            )
            for job in map(_job, rows):
                if job.cancelled:
                    self._end(execute, job, "cancelled", "The job was cancelled.")
                elif job.attempt < ATTEMPTS:
                    self._requeue(execute, job.id)
                else:
                    self._end(execute, job, "worker_lost", f"The worker stopped without a word, {job.attempt} times.")
            return len(rows)

    # ---------------------------------------------------------------------------------------------- what watchers read

    def find(self, id: str) -> Job | None:
        """A job, whosever it is."""
        rows = self.database.read("SELECT * FROM jobs WHERE id = :id", id=id)
        return _job(rows[0]) if rows else None

    def queue(self) -> Queue:
        """The whole queue now."""
        waiting = self.database.read("SELECT number, work FROM jobs WHERE status = 'queued' ORDER BY number")
        running = self.database.read("SELECT id, work, progress, started_at FROM jobs WHERE status = 'in_progress'")
        done = self.database.read(
            "SELECT work, completed_at - started_at AS took FROM jobs WHERE status = 'completed'"
            " ORDER BY number DESC LIMIT :sample",
            sample=PACE_SAMPLE,
        )
        work = sum(row["work"] for row in done)
        return Queue(
            [row["number"] for row in waiting],
            list(accumulate(row["work"] for row in waiting)),
            running,
            sum(row["took"] for row in done) / work if work else None,
            self.clock(),
        )

    def counts(self) -> dict[str, int]:
        """Jobs by status."""
        rows = self.database.read("SELECT status, count(*) AS jobs FROM jobs GROUP BY status")
        return {row["status"]: row["jobs"] for row in rows}

    def oldest(self) -> float:
        """Seconds that the first job of the queue has waited; 0 if none does."""
        rows = self.database.read("SELECT min(created_at) AS at FROM jobs WHERE status = 'queued'")
        return self.clock() - rows[0]["at"] if rows[0]["at"] is not None else 0.0

    # ------------------------------------------------------------------------------------------ pieces of transactions

    def _own(self, execute: Execute, job: Job) -> Job:
        """The fence: the job's row as it is, locked, if it is still this worker's in this attempt."""
        rows = execute(
            "UPDATE jobs SET worker = worker WHERE id = :id AND worker = :worker AND attempt = :attempt"
            " AND status = 'in_progress' RETURNING *",
            id=job.id,
            worker=job.worker,
            attempt=job.attempt,
        )
        if not rows:
            raise Lost(job.id)
        return _job(rows[0])

    def _stamp(self, execute: Execute, id: str) -> None:
        """Always last, as `_tick` is."""
        execute("UPDATE jobs SET version = :version WHERE id = :id", version=self._tick(execute), id=id)

    def _tick(self, execute: Execute) -> int:
        """The next version; it holds the clock until the commit."""
        return execute("UPDATE clock SET value = value + 1 RETURNING value")[0]["value"]

    def _requeue(self, execute: Execute, id: str) -> None:
        execute("UPDATE jobs SET status = 'queued', worker = NULL, lease = 0 WHERE id = :id", id=id)
        self._stamp(execute, id)

    def _end(self, execute: Execute, job: Job, code: str, message: str) -> None:
        """Failed for good: say why, give back what it was charged, tell the hooks."""
        now = self.clock()
        execute(
            "UPDATE jobs SET status = 'failed', error_code = :code, error_message = :message, completed_at = :now,"
            " lease = 0 WHERE id = :id",
            code=code,
            message=message,
            now=now,
            id=job.id,
        )
        execute(
            "UPDATE usage SET seconds = seconds - :work WHERE key = :key AND day = :day",
            work=job.work,
            key=job.key,
            day=int(job.created_at // DAY),
        )
        self._announce(execute, job, "video.failed")
        self._stamp(execute, job.id)

    def _announce(self, execute: Execute, job: Job, kind: str) -> None:
        """Put the event into the outbox of every hook: with the change itself or not at all."""
        event, now = new_id("evt"), self.clock()
        body = {"id": event, "object": "event", "created_at": int(now), "type": kind, "data": {"id": job.id}}
        execute(
            "INSERT INTO deliveries (id, hook, body, due, created_at) SELECT :event, hooks.id, :body, :now, :now"
            " FROM hooks WHERE hooks.key IN (:key, '*')",
            event=event,
            body=json.dumps(body),
            now=now,
            key=job.key,
        )

    def _twin(self, execute: Execute, key: str, receipt: Receipt) -> Job:
        row = execute(
            "SELECT jobs.*, receipts.fingerprint FROM receipts JOIN jobs ON jobs.id = receipts.job"
            " WHERE receipts.key = :key AND receipts.token = :token",
            key=key,
            token=receipt.token,
        )[0]
        if row.pop("fingerprint") != receipt.fingerprint:
            raise ReceiptMismatch(receipt.token)
        return _job(row)

    def _charge(self, execute: Execute, key: str, work: float, jobs: int, limits: Limits, now: float) -> None:
        """Count the seconds; the row of the day makes the creations of one key wait for each other."""
        used = execute(
            "INSERT INTO usage (key, day, seconds) VALUES (:key, :day, :work) ON CONFLICT (key, day)"
            " DO UPDATE SET seconds = usage.seconds + :work RETURNING seconds",
            key=key,
            day=int(now // DAY),
            work=work,
        )[0]["seconds"]
        if limits.seconds is not None and used > limits.seconds:
            raise LimitReached(
                f"This key may make {limits.seconds:g} seconds of video a day, and has made or ordered {used - work:g}."
            )
        if limits.jobs is not None:
            live = execute(
                "SELECT count(*) AS jobs FROM jobs WHERE key = :key AND status IN ('queued', 'in_progress')", key=key
            )[0]["jobs"]
            if live + jobs > limits.jobs:
                raise LimitReached(f"This key may have {limits.jobs} unfinished jobs at once, and has {live}.")


COLUMNS = {column.name for column in fields(Job)}


def _change(row: Row) -> Job | Deleted:
    version, id = row.pop("change"), row.pop("changed_id")
    return Deleted(id, version) if row["id"] is None else _job(row)


def _job(row: Row) -> Job:
    assert row.keys() == COLUMNS, f"the table jobs and the class Job differ in {row.keys() ^ COLUMNS}"
    return Job(**{**row, "request": json.loads(row["request"]), "cancelled": bool(row["cancelled"])})
