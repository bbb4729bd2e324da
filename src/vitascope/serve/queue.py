"""The queue at one moment: which place a job has, and how long it will take."""

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from .database import Row
from .job import Job


@dataclass(frozen=True)
class Queue:
    """The queue at one moment, to tell places and times from."""

    numbers: list[int]  # of queued jobs, rising
    work: list[float]  # cumulated, of the queued jobs
    running: list[Row]  # id, work, progress, started_at
    pace: float | None  # seconds that a second of video takes; None: nothing was finished yet
    at: float = field(default_factory=time.time)

    def position(self, job: Job) -> int | None:
        """How many jobs come first; None if it does not wait."""
        return len(self.running) + bisect_left(self.numbers, job.number) if job.status == "queued" else None

    def eta(self, job: Job) -> float | None:
        """Seconds until it is done, about; None if it is finished or nothing is known."""
        if job.status == "in_progress":
            return self._left(job.work, job.progress, job.started_at)
        if job.status != "queued" or self.pace is None:
            return None
        place = bisect_left(self.numbers, job.number)
        ahead = sum(self._left(r["work"], r["progress"], r["started_at"]) or 0.0 for r in self.running)
        waiting = self.pace * (self.work[place - 1] if place else 0.0)
        return (ahead + waiting) / max(len(self.running), 1) + self.pace * job.work

    def _left(self, work: float, progress: int, started_at: float | None) -> float | None:
        spent = self.at - (started_at or self.at)
        if progress >= 5:
            return spent * (100 - progress) / progress
        return None if self.pace is None else max(self.pace * work - spent, 0.0)


class QueueView:
    """The queue as it was at most a second ago."""

    def __init__(self, look: Callable[[], Queue]) -> None:
        self.look, self.queue, self.until = look, None, 0.0

    @property
    def fresh(self) -> bool:
        return time.monotonic() < self.until

    def read(self) -> Queue:
        if not self.fresh:
            self.queue, self.until = self.look(), time.monotonic() + 1.0
        return self.queue
