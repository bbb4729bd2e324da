"""Progress as server-sent events: the present state of each job that changed, numbered by its version.

A follower that comes back with `Last-Event-ID` gets what changed since, as it is now; so nothing is missed and nothing
has to be kept. One watcher asks the store for its newest version a few times a second, however many follow.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from anyio import to_thread

from .database import Unavailable
from .job import Deleted, Job
from .jobs import Jobs
from .queue import Queue

ALIVE = 15.0  # seconds between signs of life, which keep proxies from hanging up
INTERVAL = 0.25  # seconds between looks at the store


class Watcher:
    """Wakes followers when any job has changed."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs, self.changed, self.followers = jobs, asyncio.Event(), 0

    async def run(self) -> None:
        """Until cancelled. A database that is away for a while only delays the news."""
        seen = -1
        while True:
            await asyncio.sleep(INTERVAL)
            if not self.followers:
                continue
            try:
                version = await to_thread.run_sync(self.jobs.version)
            except Unavailable:
                continue
            if version != seen:
                seen, changed, self.changed = version, self.changed, asyncio.Event()
                changed.set()

    async def follow(
        self, key: str, since: int, *, id: str | None, queue: Callable[[], Queue], show: Callable[[Job, Queue], dict]
    ) -> AsyncIterator[str]:
        """Events of all of a key's jobs, or of one until it has ended. A version that this service has not come to yet
        is another service's, or that of lost data: everything is told anew."""
        self.followers += 1
        try:
            yield "retry: 1000\n\n"
            since = since if since <= await to_thread.run_sync(self.jobs.version) else 0
            while True:
                changed = self.changed  # taken before the look, so that nothing falls in between
                jobs, now = await to_thread.run_sync(lambda: (self.jobs.changes(key, since, id=id), queue()))
                for job in jobs:
                    since, gone = job.version, isinstance(job, Deleted)
                    kind, data = ("deleted", {"id": job.id}) if gone else ("video", show(job, now))
                    yield f"id: {since}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
                    if id is not None and (gone or not job.live):
                        return
                if not jobs:
                    try:
                        await asyncio.wait_for(changed.wait(), ALIVE)
                    except TimeoutError:
                        yield ": still here\n\n"
        except Unavailable:
            return  # the browser comes back with the id of the last event
        finally:
            self.followers -= 1
