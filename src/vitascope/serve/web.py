"""The web process as a whole: what `vitascope serve` runs, with workers beside it that start again if they die."""

import logging
import os
import socket
import subprocess
import sys
import threading

import structlog
import uvicorn

from .app import create_app
from .service import Service, Settings

KEPT = 75  # seconds that an idle connection is kept: longer than clients do, so that none sends into a closing one
GRACE = 3  # seconds that open connections have at the end
CALM = 30.0  # seconds between two starts of the same worker, after the second

log = structlog.get_logger()


def run_web(service: Service, *, port: int, workers: int) -> None:
    """Serve until a signal says otherwise. ValueError if the address cannot be had or must not be open."""
    settings = service.settings
    configure_log()
    _say_who_may_come(service)
    listener = _listen(settings.host, port)
    supervisors = [Supervisor(worker_command(settings)) for _ in range(workers)]
    config = uvicorn.Config(
        create_app(service),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=KEPT,
        backlog=2048,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
    )
    for supervisor in supervisors:
        supervisor.start()
    try:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{listener.getsockname()[1]}/v1"
        log.info("serving", url=url, data=str(settings.data), workers=workers)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        for supervisor in supervisors:
            supervisor.end()


def worker_command(settings: Settings) -> list[str]:
    """What starts a worker of the same service."""
    options = {
        "--data": settings.data,
        "--database": settings.database,
        "--files": settings.files,
        "--model": settings.model,
    }
    given = [part for name, value in options.items() if value is not None for part in (name, str(value))]
    return [sys.executable, "-m", "vitascope", "worker", *given]


class Supervisor(threading.Thread):
    """Keeps one worker process alive. A worker that dies at once is started again only after a pause."""

    def __init__(self, command: list[str]) -> None:
        super().__init__(daemon=True)
        self.command, self.ending, self.process = command, threading.Event(), None

    def run(self) -> None:
        pause = 0.0
        while not self.ending.wait(pause):
            self.process = subprocess.Popen([*self.command, "--parent", str(os.getpid())])
            if self.ending.is_set():  # it was set after the wait, and `end` did not see this process
                self.process.terminate()
            status = self.process.wait()
            if not self.ending.is_set():
                log.error("worker ended", status=status)
            pause = min(max(pause * 2, 1.0), CALM)

    def end(self) -> None:
        """Ask the worker to give its job back and go."""
        self.ending.set()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()


def configure_log() -> None:
    """One JSON object a line, to standard error; libraries' warnings too."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format='{"level": "%(levelname)s", "logger": "%(name)s", "event": "%(message)s"}',
    )


def _say_who_may_come(service: Service) -> None:
    """Refuse to be open to a network without keys, and say what the address means."""
    settings, guarded = service.settings, service.keys.any()
    if not settings.local and not guarded:
        raise ValueError(
            f"--host {settings.host} can be reached from other machines and there is no API key; make one "
            f"first: vitascope key create --data {settings.data}"
        )
    if not guarded:
        log.warning("no API key was made: every program on this machine may use this service, with any key")
    if not settings.local:
        log.warning(
            "this address can be reached from other machines, unencrypted: put a proxy with TLS before it",
            host=settings.host,
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # connections inherit it: an answer is two writes, and the second would wait for the client's delayed
        # acknowledgement of the first, 40 ms; asyncio sets it only for sockets that name their protocol
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ValueError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener
