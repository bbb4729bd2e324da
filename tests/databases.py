"""Databases for tests: an SQLite file, and a PostgreSQL server of the test's own on a socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # Debian's; not on the path


def find_server() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = shutil.which("postgres")
    return PLACES[-1] if PLACES else Path(found).parent if found else None


class Server:
    """A PostgreSQL server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.folder = find_server(), folder
        assert self.programs is not None
        # the server refuses to run as root
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.user:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        self.run(
            "initdb", "-D", folder / "cluster", "-U", "test", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"
        )
        self.schemas, self.url = 0, f"postgresql://test@/postgres?host={folder}"
        self.start()

    def run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [*self.user, self.programs / program, *map(str, arguments)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )

    def start(self) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off -c shared_buffers=16MB"
        )
        self.run("pg_ctl", "-D", self.folder / "cluster", "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is the crash of a server."""
        self.run("pg_ctl", "-D", self.folder / "cluster", "-w", "-m", mode, "stop")

    def new_database(self) -> str:
        """The URL of an empty schema."""
        self.schemas += 1
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA test{self.schemas}")
        return f"{self.url}&options=-csearch_path%3Dtest{self.schemas}"


@contextmanager
def running_server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="vitascope-pg-"))
    server = None
    try:
        server = Server(folder)
        yield server
    finally:
        if server is not None:
            server.stop("immediate")
        shutil.rmtree(folder)
