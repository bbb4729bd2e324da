"""A live service on 127.0.0.1 for tests: the real application under uvicorn, and a worker that makes quick videos."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog
import uvicorn

import quick_produce
from vitascope.serve.app import create_app
from vitascope.serve.service import Service, Settings, open_service
from vitascope.serve.worker import Produce, Worker

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # tests look at answers


@dataclass(frozen=True)
class Live:
    """A service that answers at `url`."""

    service: Service
    url: str
    http: httpx.Client


@contextmanager
def serving(settings: Settings, produce: Produce | None = quick_produce.produce) -> Iterator[Live]:
    """With `produce` None there is no worker."""
    with closing(open_service(settings)) as service, closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(create_app(service), log_config=None, timeout_graceful_shutdown=1)
        server, stop = uvicorn.Server(config), threading.Event()
        threads = [threading.Thread(target=server.run, kwargs={"sockets": [listener]})]
        if produce is not None:
            threads.append(threading.Thread(target=Worker(service, produce, stop, "test").run))
        for thread in threads:
            thread.start()
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        try:
            with httpx.Client(base_url=url, timeout=30) as http:
                yield Live(service, url, http)
        finally:
            server.should_exit = True
            stop.set()
            for thread in threads:
                thread.join()


def wait_for(condition: Callable[[], object], seconds: float = 60) -> object:
    """What the condition gives once it is true."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if value := condition():
            return value
        pause.wait(0.05)
    raise AssertionError("it did not come true")


def finished(live: Live, id: str, **options: object) -> dict:
    """A video's object when it has ended."""

    def ended() -> dict | None:
        video = live.http.get(f"/v1/videos/{id}", **options).json()
        return video if video["status"] in ("completed", "failed") else None

    return wait_for(ended)


def settings(folder: Path, **more: object) -> Settings:
    return Settings(folder, **more)
