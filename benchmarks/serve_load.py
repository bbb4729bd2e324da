"""Many clients at once on a service of this machine: how long each kind of request takes, and whether any fails.

    python benchmarks/serve_load.py [--clients 200] [--rounds 2] [--jobs 10000]

Starts a server process without a worker in a temporary folder, with --jobs finished videos in its table. Every client
then does what a program written for Sora does: it creates a video, polls it once a second, downloads a finished one,
lists. All on 127.0.0.1, bounded, and gone afterwards. The clients are one process beside the server's; give each a core
of its own, or the times are those of waiting for one.
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
from contextlib import closing
from pathlib import Path

import httpx

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
POLLS, CLIP = 4, 200_000  # looks at each job; bytes of a downloaded file

Times = dict[str, list[float]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--jobs", type=int, default=10_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with closing(open_service(Settings(Path(folder)))) as service:
            finished = fill(service, given.jobs)
        server = subprocess.Popen([sys.executable, "-c", SERVER, folder], stderr=subprocess.PIPE, text=True)
        log = open(Path(folder) / "log", "w")
        try:
            url = next(line for line in server.stderr if '"serving"' in line).split('"url": "')[1].split('"')[0]
            drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)
            alone = asyncio.run(crowd(url, finished, clients=1, rounds=5))
            before, clock, own = cpu_seconds(server.pid), time.perf_counter(), time.process_time()
            together = asyncio.run(crowd(url, finished, clients=given.clients, rounds=given.rounds))
            spent, took = cpu_seconds(server.pid) - before, time.perf_counter() - clock
            own = time.process_time() - own
        finally:
            server.terminate()
            server.wait()
            drain.wait()
            log.close()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}; {given.jobs} jobs in the table")
    report("one client", alone)
    report(f"{given.clients} clients", together)
    count = sum(len(values) for kind, values in together.items() if kind != "errors")
    print(
        f"\nthe server's own processor time: {1000 * spent / count:.2f} ms a request,"
        f" so at most {count / spent:.0f} a second;"
        f"\nof {took:.1f} s by the clock it had a core for {spent / took:.0%}, the clients had one for {own / took:.0%}"
    )
    sys.exit(any(together["errors"]))


def cpu_seconds(process: int) -> float:
    """Processor time of a process so far, which other programs on the machine hardly change."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


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
                " :request, 4, 'completed', 100, :at, :at, :at, 'videos/x/1')",
                id=new_id("video"),
                request=json.dumps(request),
                at=now - DAY + number,
            )
    return job.id


async def crowd(url: str, finished: str, *, clients: int, rounds: int) -> Times:
    """Seconds of every request, by kind; errors under "errors"."""
    times: Times = defaultdict(list)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(behave(http, times, finished, number, rounds) for number in range(clients)))
    return times


async def behave(http: httpx.AsyncClient, times: Times, finished: str, number: int, rounds: int) -> None:
    """One client; they start within a second of each other."""

    async def timed(kind: str, method: str, path: str, status: int = 200, **rest: object) -> httpx.Response:
        started = time.perf_counter()
        try:
            response = await http.request(method, path, **rest)
            if response.status_code != status:
                times["errors"].append(response.status_code)
        except httpx.HTTPError as error:
            times["errors"].append(repr(error))
            raise
        times[kind].append(time.perf_counter() - started)
        return response

    await asyncio.sleep(number % 100 / 100)
    for round in range(rounds):
        fields = {"prompt": f"client {number}", "size": "1280x720", "seconds": "8", "seed": str(round)}
        id = (
            await timed("create", "POST", "/videos", files={name: (None, value) for name, value in fields.items()})
        ).json()["id"]
        for _ in range(POLLS):
            await asyncio.sleep(1)
            await timed("poll", "GET", f"/videos/{id}")
        content = await timed("download", "GET", f"/videos/{finished}/content")
        if len(content.content) != CLIP:
            times["errors"].append("short")
        await timed("list", "GET", "/videos?limit=20")
        await timed("delete", "DELETE", f"/videos/{id}")


def report(title: str, times: Times) -> None:
    """A line for each kind of request, in milliseconds."""
    print(
        f"\n{title}: {sum(map(len, times.values())) - len(times['errors'])} requests, {len(times['errors'])} errors"
        f" {times['errors'][:3] or ''}\n{'':10}{'count':>7}{'median':>9}{'p99':>9}{'longest':>9}  ms"
    )
    for kind, values in sorted(times.items()):
        if kind != "errors":
            values = sorted(1000 * value for value in values)
            print(
                f"{kind:10}{len(values):7}{values[len(values) // 2]:9.1f}"
                f"{values[int(len(values) * 0.99)]:9.1f}{values[-1]:9.1f}"
            )


if __name__ == "__main__":
    main()
