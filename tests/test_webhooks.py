import http.server
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import openai
import pytest

from serving import serving, settings, wait_for
from vitascope.serve.service import Service, open_service
from vitascope.serve.webhooks import SCHEDULE, deliver


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it hears; down while `server.down`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.down:
            self.server.heard.append((dict(self.headers), body))
        self.send_response(503 if self.server.down else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.heard, server.down = [], False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(receiver: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{receiver.server_port}/hook"


def test_events_arrive_signed_as_the_client_library_checks(
    tmp_path: Path, receiver: http.server.ThreadingHTTPServer
) -> None:
    with serving(settings(tmp_path)) as live:
        secret = live.service.webhooks.add("*", address(receiver), trusted=True).secret
        ids = [
            live.http.post("/v1/videos", json={"prompt": prompt, "size": "64x48", "seconds": 1}).json()["id"]
            for prompt in ("a cat", "forbidden")
        ]
        wait_for(lambda: len(receiver.heard) == 2)
    client = openai.OpenAI(api_key="x", webhook_secret=secret)
    told = {}
    for headers, body in receiver.heard:
        client.webhooks.verify_signature(body, headers)
        event = json.loads(body)
        assert event["id"] == {name.lower(): value for name, value in headers.items()}["webhook-id"]
        told[event["data"]["id"]] = event["type"]
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(body.replace(b"video", b"audio"), headers)
    client.close()
    assert told == {ids[0]: "video.completed", ids[1]: "video.failed"}


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(open_service(settings(tmp_path))) as service:
        service.webhooks.clock = Clock()
        yield service


def announce(service: Service) -> None:
    """Put one event into the outbox."""
    with service.database.write() as execute:
        execute(
            "INSERT INTO deliveries (id, hook, body, due, created_at) SELECT 'evt_1', id, '{}', :now, :now FROM hooks",
            now=service.webhooks.clock(),
        )


def send(service: Service) -> int:
    with httpx.Client(trust_env=False, timeout=5) as client, ThreadPoolExecutor(2) as senders:
        return deliver(service.webhooks, client, senders)


def test_a_receiver_that_was_down_hears_it_once_later(
    service: Service, receiver: http.server.ThreadingHTTPServer
) -> None:
    service.webhooks.add("*", address(receiver), trusted=True)
    announce(service)
    receiver.down = True
    for pause in SCHEDULE[:3]:
        assert send(service) == 1 and send(service) == 0
        service.webhooks.clock.now += pause + 1
    receiver.down = False
    assert send(service) == 1 and send(service) == 0
    assert [headers["webhook-id"] for headers, _ in receiver.heard] == ["evt_1"] and service.webhooks.pending() == 0


def test_an_event_that_nobody_ever_hears_is_dropped(service: Service) -> None:
    service.webhooks.add("*", "http://127.0.0.1:9/", trusted=True)
    announce(service)
    tries = 0
    while service.webhooks.pending():
        tries += send(service)
        service.webhooks.clock.now += 40_000
    assert tries == len(SCHEDULE) + 1


def test_two_senders_share_the_work(service: Service) -> None:
    service.webhooks.add("*", "http://127.0.0.1:9/", trusted=True)
    announce(service)
    assert len(service.webhooks.take()) == 1 and service.webhooks.take() == []


def test_users_hooks_stay_on_the_public_network(service: Service, receiver: http.server.ThreadingHTTPServer) -> None:
    with pytest.raises(ValueError, match="not on the public network"):
        service.webhooks.add("a", address(receiver))
    service.webhooks.add("a", address(receiver).replace("127.0.0.1", "localhost"))  # known only when it is sent
    announce(service)
    assert send(service) == 1 and receiver.heard == [] and service.webhooks.pending() == 1


@pytest.mark.parametrize("url", ["nonsense", "file:///etc/passwd", "http://", f"http://127.0.0.1/{'x' * 2000}"])
def test_the_operators_hooks_need_a_url_too(service: Service, url: str) -> None:
    with pytest.raises(ValueError):
        service.webhooks.add("*", url, trusted=True)


def test_a_removed_hook_hears_nothing_more(service: Service) -> None:
    hook = service.webhooks.add("a", "https://example.com/")
    announce(service)
    assert not service.webhooks.remove(hook.id, "b") and service.webhooks.remove(hook.id, "a")
    assert service.webhooks.pending() == 0 and service.webhooks.all() == []
