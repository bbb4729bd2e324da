"""Many clients at once on a service of this machine: how long each kind of request takes, and whether any fails.

    python benchmarks/serve_load.py [--clients 200] [--rounds 5] [--jobs 10000] [--pause 1]

Starts a server process without a worker in a temporary folder, with --jobs finished videos in its table. Every client
has a connection of its own and does, again and again, what a program written for Sora does: it creates a video (a form,
as the `openai` client sends it), polls it four times with --pause seconds before each, downloads a finished one, lists
and deletes. They do not start together but spread over the time that one round takes, as programs that know nothing of
each other do. `--pause 0` has every client ask again as soon as it is answered: what one process can do at most, where
every request waits for those of all other clients.

Times are taken twice. A client's is from the first byte sent to the last byte received; all clients are one process,
and what that one is late by itself is shown too. The server's own is from the head of the request to the last byte of
the answer, read from its metrics as a mean. All on 127.0.0.1, bounded, and gone afterwards.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from vitascope.serve.job import Job, Receipt, new_id
from vitascope.serve.jobs import DAY
from vitascope.serve.order import Order
from vitascope.serve.service import Service, Settings, open_service

SERVER = """
import sys
from pathlib import Path
from vitascope.serve.service import Settings, open_service
from vitascope.serve.web import run_web
run_web(open_service(Settings(Path(sys.argv[1]))), port=0, workers=0)
"""
POLLS, CLIP, TOOK = 4, 200_000, 60.0  # looks at each job; bytes of a downloaded file; seconds that its making took
HANDLERS = {  # by kind of request, as the metrics name them
    "create": "create_video",
    "poll": "get_video",
    "download": "get_content",
    "list": "list_videos",
    "delete": "delete_video",
}
TICK = 0.01  # seconds between looks at how late the clients' own process is

Times = dict[str, list[float]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--jobs", type=int, default=10_000)
    options.add_argument("--pause", type=float, default=1.0)
    given = options.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        with closing(open_service(Settings(Path(folder)))) as service:
            finished = fill(service, given.jobs)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}; {given.jobs} jobs in the table")
        with serving(folder) as (url, process):
            for clients in (1, given.clients):
                before = read(url, process)
                times = asyncio.run(crowd(url, finished, clients, given.rounds, given.pause))
                report(clients, times, before, read(url, process))
                failed |= bool(times["errors"])
    sys.exit(failed)


@contextmanager
def serving(folder: str) -> Iterator[tuple[str, int]]:
    """The address of a server on a data folder, and its process."""
    log = Path(folder) / "log"
    with log.open("w") as errors:
        server = subprocess.Popen([sys.executable, "-c", SERVER, folder], stderr=errors)
    try:
        while '"serving"' not in (said := log.read_text()):
            if server.poll() is not None:
                sys.exit(said)
            time.sleep(0.1)
        yield said.split('"url": "')[1].split('/v1"')[0], server.pid
    finally:
        server.terminate()
        server.wait()


def fill(service: Service, count: int) -> str:
    """Finished jobs of the local user; the id of one whose file is there."""
    request = {"order": Order("create", "x", "sora-2").as_json(), "variations": [], "parents": {}}
    job = Job(new_id("video"), "local", "sora-2", "x", "64x64", "4", request, 4.0)
    service.jobs.create([job], Receipt(job.id, job.id))
    held = service.jobs.claim("w", lease=60)
    service.files.write(f"videos/{job.id}/1/video.mp4", os.urandom(CLIP))
    service.jobs.finish(held, f"videos/{job.id}/1")
    now = time.time()
    with service.database.write() as execute:
        for number in range(count - 1):
            execute(
                "INSERT INTO jobs (id, key, version, model, prompt, size, seconds, request, work, status, progress,"
                " created_at, started_at, completed_at, result) VALUES (:id, 'local', 0, 'sora-2', 'x', '64x64', '4',"
                " :request, 4, 'completed', 100, :at, :at, :at + :took, 'videos/x/1')",
                id=new_id("video"),
                request=json.dumps(request),
                at=now - DAY + number,
                took=TOOK,
            )
    return job.id


# ------------------------------------------------------------------------------------------------------------- clients


class Client:
    """One connection, kept open. As little as HTTP asks for, so that little of what is measured is the client's."""

    def __init__(self, url: str, times: Times) -> None:
        self.host, self.times = urlsplit(url), times

    async def connect(self) -> None:
        self.incoming, self.outgoing = await asyncio.open_connection(self.host.hostname, self.host.port)

    async def ask(self, kind: str, method: str, path: str, fields: dict[str, str] | None = None) -> bytes:
        """Send a request and time it; the body of the answer. OSError for any status but 200."""
        head, body = f"{method} /v1/videos{path} HTTP/1.1\r\nHost: {self.host.netloc}\r\n", b""
        if fields:
            body = form(fields)
            head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n"
        started = time.perf_counter()
        self.outgoing.write(f"{head}\r\n".encode() + body)
        status, *headers = (await self.incoming.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next(int(line[15:]) for line in headers if line.startswith("content-length:"))
        answer = await self.incoming.readexactly(length)
        self.times[kind].append(time.perf_counter() - started)
        if status.split()[1] != "200":
            raise OSError(f"{method} {path}: {status}")
        return answer

    async def live(self, finished: str, number: int, *, rounds: int, pause: float) -> None:
        """Make, watch, fetch, list, delete."""
        for round in range(rounds):
            fields = {"prompt": f"client {number}", "size": "1280x720", "seconds": "8", "seed": str(round)}
            id = json.loads(await self.ask("create", "POST", "", fields))["id"]
            for _ in range(POLLS):
                await asyncio.sleep(pause)
                await self.ask("poll", "GET", f"/{id}")
            if len(await self.ask("download", "GET", f"/{finished}/content")) != CLIP:
                raise OSError("the download is short")
            await self.ask("list", "GET", "?limit=20")
            await self.ask("delete", "DELETE", f"/{id}")


BOUNDARY = "a3f9c06d51b84e27"


def form(fields: dict[str, str]) -> bytes:
    """Fields as multipart/form-data, RFC 7578."""
    part = '--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    return ("".join(part.format(BOUNDARY, *field) for field in fields.items()) + f"--{BOUNDARY}--\r\n").encode()


async def crowd(url: str, finished: str, clients: int, rounds: int, pause: float) -> Times:
    """Seconds of every request by kind; "late": how late this process was by itself; "errors": what went wrong."""
    times: Times = defaultdict(list)

    async def one(number: int) -> None:
        try:
            client = Client(url, times)
            await client.connect()
            await asyncio.sleep(POLLS * pause * number / clients)
            await client.live(finished, number, rounds=rounds, pause=pause)
            client.outgoing.close()
        except (OSError, EOFError) as error:
            times["errors"].append(repr(error))

    watch = asyncio.create_task(be_punctual(times["late"]))
    await asyncio.gather(*map(one, range(clients)))
    watch.cancel()
    return times


async def be_punctual(late: list[float]) -> None:
    """Seconds by which this process came too late to what it meant to do now."""
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - due)


# -------------------------------------------------------------------------------------------------------------- report


@dataclass(frozen=True)
class Reading:
    """Where the clocks stand."""

    clock: float  # seconds by the wall, all below too
    server: float  # of processor time
    clients: float  # of processor time
    handlers: dict[str, tuple[float, float]]  # by name: seconds in it, requests


def read(url: str, process: int) -> Reading:
    """The clocks of a server, by its process and its metrics, and of this process."""
    seconds, requests = {}, {}
    kept = {"vitascope_request_seconds_sum": seconds, "vitascope_request_seconds_count": requests}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", trust_env=False).text):
        for sample in family.samples:
            if sample.name in kept:
                kept[sample.name][sample.labels["handler"]] = sample.value
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    spent = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    handlers = {name: (seconds[name], requests[name]) for name in requests}
    return Reading(time.perf_counter(), spent, time.process_time(), handlers)


def report(clients: int, times: Times, before: Reading, after: Reading) -> None:
    """A line for each kind of request, in milliseconds, and what the two processes had of a core."""
    count, took = sum(len(times[kind]) for kind in HANDLERS), after.clock - before.clock
    spent, own = after.server - before.server, after.clients - before.clients
    errors = f"{len(times['errors'])} errors {times['errors'][:3] or ''}"
    print(f"\n{clients} client(s): {count} requests in {took:.1f} s, {errors}")
    print(f"{'':10}{'count':>7}{'median':>9}{'p99':>9}{'longest':>9}{'server':>9}  ms")
    for kind, handler in HANDLERS.items():
        then = before.handlers.get(handler, (0.0, 0.0))
        seconds, requests = (late - early for late, early in zip(after.handlers[handler], then))
        print(f"{kind:10}{quantiles(times[kind])}{1000 * seconds / requests:9.1f}")
    print(
        f"{'late':10}{quantiles(times['late'])}\nthe server's processor time: {1000 * spent / count:.2f} ms a request;"
        f" it had {spent / took:.0%} of a core, the clients {own / took:.0%}"
    )


def quantiles(seconds: list[float]) -> str:
    """Count, median, 99 of 100 and the longest, in milliseconds."""
    values = sorted(1000 * value for value in seconds)
    chosen = (values[len(values) // 2], values[int(len(values) * 0.99)], values[-1])
    return f"{len(values):7}" + "".join(f"{value:9.1f}" for value in chosen)


if __name__ == "__main__":
    main()
