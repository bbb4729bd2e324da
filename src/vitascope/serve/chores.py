"""What the web process does beside answering: it sends webhooks, takes jobs back from silent workers, cleans up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic, time

import httpx
import structlog
from anyio import to_thread

from . import folders
from .service import Service
from .webhooks import deliver

SENDERS = 8  # webhooks at once
ORPHAN_AGE = 3600.0  # seconds after which a file without a job is nobody's
HOUSEKEEPING = 600.0  # seconds between looks for what has expired or belongs to nobody

log = structlog.get_logger()


async def send_webhooks(service: Service) -> None:
    """Send events as they fall due, until cancelled."""
    with httpx.Client(trust_env=False, timeout=10.0) as client, ThreadPoolExecutor(SENDERS) as senders:
        while True:
            try:
                sent = await to_thread.run_sync(deliver, service.webhooks, client, senders)
            except Exception as error:  # whatever it is, the next event is to be sent
                log.error("delivering webhooks failed", cause=f"{type(error).__name__}: {error}")
                sent = 0
            await asyncio.sleep(0 if sent else 0.5)


async def keep_house(service: Service) -> None:
    """Take jobs back from silent workers, and now and then remove what has expired or belongs to nobody."""
    swept = -HOUSEKEEPING
    while True:
        try:
            await to_thread.run_sync(service.jobs.reap)
            if monotonic() - swept > HOUSEKEEPING:
                swept = monotonic()
                await to_thread.run_sync(expire, service)
                await to_thread.run_sync(sweep, service)
        except Exception as error:  # whatever it is, the next round is to come
            log.error("housekeeping failed", cause=f"{type(error).__name__}: {error}")
        await asyncio.sleep(service.settings.lease / 4)


def expire(service: Service) -> None:
    """Forget the videos whose owner gave them an end that has passed."""
    for job in service.jobs.expired():
        service.forget(job.id, job.key)


def sweep(service: Service) -> int:
    """Remove local folders of jobs and assets that do not exist; how many there were."""
    if service.files.folder is None:
        return 0
    now, removed = time(), 0
    for parent, find in ((folders.VIDEOS, service.jobs.find), (folders.ASSETS, service.assets.find)):
        for id in service.files.names(parent):
            name = f"{parent}/{id}"
            with suppress(FileNotFoundError):  # just deleted
                if service.files.age(name, now) > ORPHAN_AGE and not find(id):
                    service.files.remove(name)
                    removed += 1
    return removed
