"""What the web process does beside answering: it sends webhooks, takes jobs back from silent workers, cleans up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import structlog
from anyio import to_thread

from . import intake
from .service import Service
from .webhooks import deliver

SENDERS = 8  # webhooks at once
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
                await to_thread.run_sync(intake.sweep, service)
        except Exception as error:  # whatever it is, the next round is to come
            log.error("housekeeping failed", cause=f"{type(error).__name__}: {error}")
        await asyncio.sleep(service.settings.lease / 4)


def expire(service: Service) -> None:
    """Forget the videos whose owner gave them an end that has passed."""
    for job in service.jobs.expired():
        intake.forget(service, job.id, job.key)
