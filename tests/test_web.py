"""The processes: what the commands start, how they end, and what a service survives."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

import quick_produce
from serving import wait_for
from vitascope.serve import web
from vitascope.serve.commands import app
from vitascope.serve.service import Service, Settings, open_service
from vitascope.serve.web import Supervisor, run_web, worker_command

SERVER = """
import sys
from pathlib import Path
from vitascope.serve import web
from vitascope.serve.service import Settings, open_service
web.worker_command = lambda settings: [sys.executable, sys.argv[2], str(settings.data), "0.1"]
web.run_web(open_service(Settings(Path(sys.argv[1]), lease=1.0)), port=0, workers=1)
"""


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    key = run("key", "create", "ann", "--max-jobs", 3, "--data", tmp_path)
    id = key.split("_")[1]
    assert run("key", "list", "--data", tmp_path) == f"{id}  ann  (jobs 3, seconds a day any)"
    run("key", "revoke", id, "--data", tmp_path)
    assert run("key", "list", "--data", tmp_path) == ""
    with pytest.raises(ValueError, match="no key"):
        run("key", "revoke", id, "--data", tmp_path)


def test_webhooks_are_added_listed_and_removed(tmp_path: Path) -> None:
    assert run("webhook", "add", "http://127.0.0.1:9/x", "--data", tmp_path).startswith("whsec_")
    shown = run("webhook", "list", "--data", tmp_path)
    assert "http://127.0.0.1:9/x" in shown
    run("webhook", "remove", shown.split()[0], "--data", tmp_path)
    assert run("webhook", "list", "--data", tmp_path) == ""
    with pytest.raises(ValueError, match="no webhook"):
        run("webhook", "remove", "wh_x", "--data", tmp_path)


def service(folder: Path, host: str = "127.0.0.1") -> Service:
    return open_service(Settings(folder, host=host))


def test_a_network_address_without_keys_is_refused(tmp_path: Path) -> None:
    opened = service(tmp_path, "0.0.0.0")
    with pytest.raises(ValueError, match="vitascope key create"):
        run_web(opened, port=0, workers=0)
    opened.close()


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_first_part() -> None:
    with web._listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        with listener.accept()[0] as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    opened = service(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ValueError, match="cannot listen on 127.0.0.1"):
        run_web(opened, port=taken.getsockname()[1], workers=0)
    opened.close()


def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be made"):
        service(tmp_path / "file" / "data")


def test_workers_are_started_with_the_services_settings(tmp_path: Path) -> None:
    settings = Settings(tmp_path, "postgresql://x", "s3://bucket", model=Path("m"))
    assert worker_command(settings)[1:] == [
        "-m",
        "vitascope",
        "worker",
        "--data",
        str(tmp_path),
        "--database",
        "postgresql://x",
        "--files",
        "s3://bucket",
        "--model",
        "m",
    ]


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor([sys.executable, "-c", f"open({str(tmp_path / 'log')!r}, 'a').write('x')"])
    supervisor.start()
    wait_for(lambda: (tmp_path / "log").exists() and len((tmp_path / "log").read_text()) >= 2)
    supervisor.end()
    supervisor.join()


class Running:
    """A server process with its worker process."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, folder, quick_produce.__file__], stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stderr.readline, "")), daemon=True).start()
        line = wait_for(lambda: next((line for line in list(self.lines) if '"serving"' in line), None))
        self.http = httpx.Client(base_url=line.split('"url": "')[1].split('"')[0].removesuffix("/v1"), timeout=30)

    def workers(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task")
        children = [child for task in path.iterdir() for child in (task / "children").read_text().split()]
        return [int(child) for child in children]

    def end(self, number: int = signal.SIGTERM) -> None:
        self.http.close()
        self.process.send_signal(number)
        self.process.wait(40)
        self.process.stderr.close()


def make(running: Running, seed: int = 0) -> str:
    fields = {"prompt": "a cat", "size": "128x128", "seconds": 1, "seed": seed}
    return running.http.post("/v1/videos", json=fields, headers={"x-stainless-retry-count": "0"}).json()["id"]


def state(running: Running, id: str) -> dict:
    return running.http.get(f"/v1/videos/{id}").json()


def test_a_service_survives_the_kill_of_its_worker_of_itself_and_of_both(tmp_path: Path) -> None:
    """No job is lost, doubled or stuck, and its second attempt goes on where the first one was."""
    running = Running(tmp_path)
    assert any("no API key was made" in line for line in running.lines)
    ids = [make(running, seed) for seed in range(3)]
    wait_for(lambda: state(running, ids[0])["progress"] >= 20)
    os.kill(running.workers()[0], signal.SIGKILL)
    wait_for(lambda: state(running, ids[0])["status"] == "completed")
    assert state(running, ids[0])["vitascope"]["attempt"] == 2

    wait_for(lambda: state(running, ids[1])["progress"] >= 20)
    worker = running.workers()[0]
    running.end(signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{worker}").exists())  # it gives its job back and goes

    running = Running(tmp_path)
    wait_for(lambda: state(running, ids[2])["progress"] >= 20)
    os.kill(running.workers()[0], signal.SIGKILL)
    running.end(signal.SIGKILL)

    running = Running(tmp_path)
    wait_for(lambda: all(state(running, id)["status"] == "completed" for id in ids))
    assert running.http.get("/v1/videos").json()["data"][-1]["id"] == ids[0]
    assert [state(running, id)["vitascope"]["attempt"] for id in ids] == [2, 1, 2]
    for id in ids:
        assert running.http.get(f"/v1/videos/{id}/content").content[4:8] == b"ftyp"
    started = time.monotonic()
    running.end()
    assert running.process.returncode in (0, -signal.SIGTERM) and time.monotonic() - started < 20


def test_the_tests_that_the_documents_name_are_there() -> None:
    text = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) > 15
    for file, name in named:
        assert f"def {name}(" in Path(__file__).with_name(file).read_text(encoding="utf-8"), (file, name)
