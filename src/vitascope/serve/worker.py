"""A worker: a process of its own that takes jobs, makes their videos and stores them.

It holds a job by a lease that a thread renews, asks at every step whether it is to stop, and writes what it made into a
folder of its own attempt; only `finish`, fenced by worker and attempt, makes that folder the job's result. Killed at
any moment it leaves nothing that is served, and the next attempt goes on from the journal. How a video is made it does
not know: that is one function, `Produce`.
"""

import errno
import io
import os
import secrets
import signal
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from . import folders, ingest, pictures
from .database import Unavailable
from .fetching import fetch
from .job import Job, Lost
from .jobs import Jobs
from .order import Order, is_picture
from .service import Service
from .storage import Files

POLL = 0.5  # seconds between looks at an empty queue
PATIENCE = 600.0  # seconds for which a finished video waits for a database that is away
MADE = 95  # percent that is told when the last sampling step is done

log = structlog.get_logger()


class Journal(Protocol):
    """What an attempt leaves to the next one: entries by number, written whole."""

    def read(self, number: int) -> bytes | None: ...
    def write(self, number: int, entry: bytes) -> None: ...


@dataclass(frozen=True)
class Assignment:
    """What is to be made, from what, and whom to tell."""

    order: Order
    inputs: dict[str, Path]  # the order's files by role
    out: Path  # where the video is to be
    journal: Journal  # what an earlier attempt had computed
    progress: Callable[[int, int], None]  # (step, total), called at every step; may raise
    preview: Callable[[bytes], None]  # takes a picture (webp) of what is seen so far, already reviewed


Produce = Callable[[Assignment], None]
"""Makes the video in the file `out`, reviewed, marked and signed: whole or not at all. Raises Refused, ValueError for
what the user must change, and anything else for what may be tried again."""


class Refused(Exception):
    """The policy does not allow what was asked for, or what came out."""


class Cancelled(Exception):
    """The user wants the job to stop."""


class Stopping(Exception):
    """This worker was told to stop; the job goes back unharmed."""


@dataclass(frozen=True)
class Worker:
    """One worker of a service. `stop` ends it after the step that it is at."""

    service: Service
    produce: Produce
    stop: threading.Event
    name: str = ""

    def run(self) -> None:
        """Take jobs until told to stop."""
        log.info("worker started", worker=self.name)
        while not self.stop.is_set():
            try:
                worked = self.work_once()
            except Unavailable as error:
                log.warning("database unavailable", cause=str(error))
                worked = False
            if not worked:
                self.stop.wait(POLL)
        log.info("worker stopped", worker=self.name)

    def work_once(self) -> bool:
        """Make the next job, if there is one."""
        job = self.service.jobs.claim(self.name, lease=self.service.settings.lease)
        if job is None:
            return False
        started = time.monotonic()
        log.info("job started", job=job.id, attempt=job.attempt, worker=self.name)
        with Hold(self.service.jobs, job, self.service.settings.lease, self.stop) as hold:
            outcome = self._settle(job, hold)
        log.info(
            "job ended", job=job.id, attempt=job.attempt, outcome=outcome, seconds=round(time.monotonic() - started, 3)
        )
        return True

    def _settle(self, job: Job, hold: "Hold") -> str:
        """Make a job and tell the store how it went."""
        jobs = self.service.jobs
        try:
            result = self._make(job, hold)
            _insist(lambda: jobs.finish(job, result))
            self._clear_journal(job)
            return "completed"
        except Lost:
            self._clear(job)
            return "lost"
        except Stopping:
            return self._close(job, lambda: jobs.release(job), "released")
        except Cancelled:
            return self._close(
                job, lambda: jobs.fail(job, "cancelled", "The job was cancelled.", again=False), "cancelled"
            )
        except Refused as error:
            message = str(error)
            return self._close(job, lambda: jobs.fail(job, "moderation_blocked", message, again=False), "refused")
        except ValueError as error:
            message = f"{str(error)[:1].upper()}{str(error)[1:500]}"
            return self._close(job, lambda: jobs.fail(job, "invalid_request", message, again=False), "invalid")
        except Exception as error:
            code, message = _cause(error)
            log.error("attempt failed", job=job.id, attempt=job.attempt, trace=traceback.format_exc())
            return self._close(job, lambda: jobs.fail(job, code, message, again=True), "failed")

    def _close(self, job: Job, tell: Callable[[], None], outcome: str) -> str:
        """Remove what this attempt wrote, then let the job go."""
        self._clear_attempt(job)
        try:
            _insist(tell)
        except Lost:
            self._clear(job)
            return "lost"
        self._clear_journal(job)
        return outcome

    def _make(self, job: Job, hold: "Hold") -> str:
        """The folder of the finished files."""
        files, order = self.service.files, Order.from_json(job.request["order"])
        result = folders.of_attempt(job)
        with tempfile.TemporaryDirectory(prefix="vitascope-") as scratch:
            inputs = self._fetch_inputs(order, Path(scratch))
            if order.follow_input:
                order = self._follow_input(job, order, inputs["video"])
            out = Path(scratch) / "video.mp4"

            def preview(picture: bytes) -> None:
                files.write(folders.preview(job.id), picture)
                hold.show_preview()

            journal = StoredJournal(files, folders.journal(job.id))
            self.produce(Assignment(order, inputs, out, journal, hold.progress, preview))
            hold.check()
            self._describe(job, order, out)
            thumbnail, spritesheet = pictures.of_video(out)
            files.write(f"{result}/thumbnail.webp", thumbnail)
            files.write(f"{result}/spritesheet.jpg", spritesheet)
            files.put(out, f"{result}/video.mp4")
        return result

    def _fetch_inputs(self, order: Order, scratch: Path) -> dict[str, Path]:
        """Every input as a file of this machine, measured before anything decodes it."""
        inputs = {}
        for role, name in order.inputs.items():
            if "://" in name:
                path = scratch / role
                path.write_bytes(fetch(name, limit=ingest.LIMITS.image_bytes))
            else:
                path = self.service.files.fetch(name, scratch)
            if is_picture(role):
                size = ingest.check_image(path.read_bytes())
                if role == "image" and size != (order.width, order.height):
                    raise ValueError(
                        f"input_reference is {size[0]}x{size[1]}; it must match size, which is {order.size}"
                    )
            else:
                ingest.check_clip(path)
            inputs[role] = path
        return inputs

    def _follow_input(self, job: Job, order: Order, clip: Path) -> Order:
        """Size and length of an uploaded video, for an order that did not name them."""
        order, total = order.following(*ingest.check_clip(clip))
        self.service.jobs.describe(job, size=order.size, seconds=f"{total:g}")
        return order

    def _describe(self, job: Job, order: Order, made: Path) -> None:
        """Correct a length that could not be known before: a clip's frames are counted when it is read."""
        if order.task != "create":
            self.service.jobs.describe(job, size=order.size, seconds=f"{round(ingest.check_clip(made)[2], 3):g}")

    def _clear_attempt(self, job: Job) -> None:
        self.service.files.remove(folders.of_attempt(job))

    def _clear_journal(self, job: Job) -> None:
        """No attempt goes on from it when the job has ended. If it cannot go now, it goes with the job."""
        try:
            now = self.service.jobs.find(job.id)
            if now is not None and not now.live:
                self.service.files.remove(folders.journal(job.id))
        except Exception as error:  # whatever it is, how the job ended is told already
            log.warning("journal not removed", job=job.id, cause=f"{type(error).__name__}: {error}")

    def _clear(self, job: Job) -> None:
        """After a job was lost: nothing of this attempt may stay, unless it is the result after all (the answer to
        `finish` was lost, not the job)."""
        now = self.service.jobs.find(job.id)
        if now is None:
            self.service.files.remove(folders.of_job(job.id))
        elif now.result != folders.of_attempt(job):
            self._clear_attempt(job)


class Hold:
    """A claimed job while it is made: a thread renews the lease, `progress` tells and asks at every step."""

    def __init__(self, jobs: Jobs, job: Job, lease: float, stop: threading.Event) -> None:
        self.jobs, self.job, self.lease, self.stop = jobs, job, lease, stop
        self.percent, self.previews = 0, 0
        self.answered = time.monotonic()  # when the store last said that the job is ours
        self.lost = self.cancelled = False
        self.released = threading.Event()
        self.thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> "Hold":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.released.set()
        self.thread.join()

    def progress(self, step: int, total: int) -> None:
        """Tell how far it is. Raises Lost, Cancelled or Stopping if it is to go no further."""
        self.percent = max(self.percent, MADE * step // max(total, 1))
        self._beat()
        self.check()

    def show_preview(self) -> None:
        self.previews += 1
        self._beat()

    def check(self) -> None:
        if self.lost or time.monotonic() - self.answered > self.lease:
            raise Lost(self.job.id)
        if self.cancelled:
            raise Cancelled
        if self.stop.is_set():
            raise Stopping

    def _beat(self) -> None:
        asked = time.monotonic()
        try:
            self.cancelled |= self.jobs.beat(
                self.job, lease=self.lease, progress=self.percent, preview=self.job.preview + self.previews
            )
            self.answered = asked
        except Lost:
            self.lost = True
        except Unavailable as error:  # another beat may come through before the lease ends
            log.warning("heartbeat failed", job=self.job.id, cause=str(error))

    def _renew(self) -> None:
        while not self.released.wait(self.lease / 4):
            self._beat()


class StoredJournal:
    """Journal entries as files of a job."""

    def __init__(self, files: Files, name: str) -> None:
        self.files, self.name = files, name

    def read(self, number: int) -> bytes | None:
        try:
            return self.files.read(f"{self.name}/{number:06d}")
        except FileNotFoundError:
            return None

    def write(self, number: int, entry: bytes) -> None:
        self.files.write(f"{self.name}/{number:06d}", io.BytesIO(entry))


def _insist(tell: Callable[[], None]) -> None:
    """Tell the store, even if it is away for a while. Lost if another has the job by then."""
    deadline, pause = time.monotonic() + PATIENCE, 0.2
    while True:
        try:
            return tell()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 10.0)


def _cause(error: Exception) -> tuple[str, str]:
    """What a user is told of a failure that is not theirs; the log has the rest."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "storage_full", "There was no space left for files."
    if isinstance(error, MemoryError):
        return "out_of_memory", "There was not enough memory."
    return "server_error", f"The video could not be made: {type(error).__name__}."


def run_worker(service: Service, produce: Produce, *, parent: int | None = None) -> None:
    """Be a worker until a signal says otherwise, or until the process that started it is gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        threading.Thread(target=_watch_parent, args=(parent, stop), daemon=True).start()
    Worker(service, produce, stop, f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}").run()


def _watch_parent(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    stop.set()
