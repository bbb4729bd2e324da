"""The HTTP surface as plain programs and browsers meet it; test_openai_client.py has the official client."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Mount
from starlette.testclient import TestClient

import quick_produce
from serving import Live, finished, serving, settings, wait_for
from vitascope.safety import feedback
from vitascope.serve import app as serve_app
from vitascope.serve import folders, ingest
from vitascope.serve.job import Limits
from vitascope.serve.openapi import document
from vitascope.serve.sending import FilePart
from vitascope.serve.worker import Assignment, Worker

SMALL = {"prompt": "a cat", "size": "64x48", "seconds": "1"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(settings(tmp_path_factory.mktemp("data"))) as live:
        yield live


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Live]:
    """A service of its own, without a worker."""
    with serving(settings(tmp_path), produce=None) as live:
        yield live


@pytest.fixture(scope="module")
def made(live: Live) -> dict[str, Any]:
    return finished(live, create(live)["id"])


def create(live: Live, **fields: Any) -> dict[str, Any]:
    response = live.http.post("/v1/videos", json={**SMALL, **fields}, headers={"x-stainless-retry-count": "0"})
    assert response.status_code == 200, response.text
    return response.json()


def refusal(response: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of an error, whose form is checked."""
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"]
    return response.status_code, error["code"], error["param"]


# -------------------------------------------------------------------------------------------------------- what is sent


def test_the_same_video_by_json_form_and_multipart(idle: Live) -> None:
    fields = {"prompt": "a cat", "size": "64x48", "seconds": "2", "seed": "9", "loop": "true"}
    sent = [
        {"json": {**fields, "seed": 9, "seconds": 2, "loop": True}},
        {"data": fields},
        {"files": {name: (None, value) for name, value in fields.items()}},
    ]
    first = {"x-stainless-retry-count": "0"}
    answers = [idle.http.post("/v1/videos", **body, headers=first).json() for body in sent]
    for answer in answers:
        assert (answer["size"], answer["seconds"], answer["vitascope"]["settings"]["seed"]) == ("64x48", "2", 9)
        assert answer["vitascope"]["settings"]["loop"] is True
    assert len({answer["id"] for answer in answers}) == 3


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", {"content-type": "application/json"}, (400, "invalid_json", None)),
        (b"[]", {"content-type": "application/json"}, (400, "invalid_json", None)),
        (b"[" * 100_000, {"content-type": "application/json"}, (400, "invalid_json", None)),
        (b'{"prompt": NaN}', {"content-type": "application/json"}, (400, "invalid_json", None)),
        (b'{"prompt": "\\ud800"}', {"content-type": "application/json"}, (400, "invalid_text", None)),
        (b'{"prompt": "a\\u0000"}', {"content-type": "application/json"}, (400, "invalid_text", None)),
        (b'{"prompt": "\xff"}', {"content-type": "application/json"}, (400, "invalid_json", None)),
        (b"<x/>", {"content-type": "text/xml"}, (415, "unsupported_media_type", None)),
        (b"no boundary", {"content-type": "multipart/form-data"}, (400, "bad_request", None)),
        (b"--x\r\nnonsense", {"content-type": "multipart/form-data; boundary=x"}, (400, "missing_field", "prompt")),
        (b"", {}, (400, "missing_field", "prompt")),
        (b"prompt=a&prompt=b", {"content-type": "application/x-www-form-urlencoded"}, (400, "invalid_field", "prompt")),
        (
            b"prompt=a&prompt[x]=b",
            {"content-type": "application/x-www-form-urlencoded"},
            (400, "invalid_field", "prompt[x]"),
        ),
    ],
)
def test_malformed_bodies(idle: Live, body: bytes, headers: dict[str, str], expected: tuple) -> None:
    assert refusal(idle.http.post("/v1/videos", content=body, headers=headers)) == expected


def test_what_no_database_takes_is_refused_inside_of_documents_too(idle: Live) -> None:
    for prompt in ("\\u0000", "\\ud800"):
        fields = {"storyboard": f'[{{"prompt": "{prompt}"}}]'}
        assert refusal(idle.http.post("/v1/videos", data=fields))[:2] == (400, "invalid_text")


def test_a_remix_is_of_the_video_that_its_path_names(live: Live, made: dict) -> None:
    answer = live.http.post(f"/v1/videos/{made['id']}/remix", json={"prompt": "x", "video": {"id": "video_x"}})
    assert refusal(answer) == (400, "unknown_field", "video")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(idle: Live) -> None:
    with socket.create_connection(("127.0.0.1", int(idle.url.rsplit(":", 1)[1])), timeout=10) as connection:
        connection.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_of_unknown_length_is_counted(idle: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_app.ingest, "LIMITS", ingest.Limits(body_bytes=1000))
    with TestClient(serve_app.create_app(idle.service), base_url="http://localhost") as client:
        for headers in ({"content-type": "application/json"}, {"content-type": "multipart/form-data; boundary=x"}):
            answer = client.post("/v1/videos", content=iter([bytes(600), bytes(600)]), headers=headers)
            assert answer.status_code == 413 and answer.json()["error"]["code"] == "request_too_large"


def test_unknown_paths_and_methods_answer_in_the_same_form(idle: Live) -> None:
    assert refusal(idle.http.get("/v1/nothing"))[:2] == (404, "not_found")
    wrong = idle.http.put("/v1/videos")
    assert refusal(wrong)[:2] == (405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert refusal(idle.http.get("/v1/videos/../../etc/passwd"))[0] == 404
    assert refusal(idle.http.get("/v1/videos/%2e%2e%2fjobs.sqlite/content"))[0] == 404


def test_an_idempotency_key_makes_one_video(idle: Live) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, second = (idle.http.post("/v1/videos", json=SMALL, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"] and second.headers["idempotent-replayed"] == "true"
    other = idle.http.post("/v1/videos", json={**SMALL, "seed": 1}, headers=headers)
    assert refusal(other)[:2] == (400, "idempotency_key_reused")
    assert idle.service.files.names("videos") == [first.json()["id"]] or idle.service.files.names("videos") == []


def test_identical_requests_of_a_silent_program_are_one(idle: Live) -> None:
    ids = {idle.http.post("/v1/videos", json=SMALL).json()["id"] for _ in range(3)}
    assert len(ids) == 1 and idle.http.post("/v1/videos", json={**SMALL, "seed": 1}).json()["id"] not in ids


def test_private_addresses_are_refused_as_first_frames(idle: Live) -> None:
    for url in (
        "http://127.0.0.1/a.png",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "file:///etc/passwd",
        "ftp://a/b",
        "http://user@example.com/",
        "http://10.0.0.1:8000/",
    ):
        answer = idle.http.post("/v1/videos", json={**SMALL, "input_reference": {"image_url": url}})
        assert refusal(answer) == (400, "invalid_image_url", "input_reference")


def test_hostile_pictures_are_refused_by_their_header(idle: Live) -> None:
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    bomb += __import__("zlib").crc32(bomb[12:]).to_bytes(4, "big")
    for data in (b"", b"not a picture", bomb):
        answer = idle.http.post("/v1/videos", data=SMALL, files={"input_reference": ("a.png", data, "image/png")})
        assert refusal(answer) == (400, "invalid_file", "input_reference")
    assert idle.service.files.names("videos") == []


def test_what_is_sent_never_becomes_a_header(live: Live, made: dict) -> None:
    """Names of files, ids, variants, marks of requests: with line breaks, as text or percent-encoded."""
    evil = "a\r\nSet-Cookie: evil=1\r\n\r\n"
    picture = live.http.get(f"/v1/videos/{made['id']}/content?variant=thumbnail").content
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a%0d%0aSet-Cookie: evil=1.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--x--\r\n"
    )
    kept = live.http.post("/v1/files", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    answers = [
        kept,
        live.http.get(f"/v1/files/{kept.json()['id']}/content"),
        live.http.get(f"/v1/videos/{made['id']}/content", params={"variant": evil}),
        live.http.get(f"/v1/videos/{quote(evil, safe='')}/content"),
        live.http.get("/v1/videos", params={"after": evil, "order": evil}),
        live.http.post("/v1/videos", json={"prompt": evil, "model": evil}),
        live.http.post("/v1/videos", json={"prompt": "x", "input_reference": {"image_url": f"http://8.8.8.8/{evil}"}}),
        live.http.post("/v1/webhooks", json={"url": f"http://8.8.8.8/{evil}"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 404, 400, 400, 400, 400]
    assert not any("set-cookie" in answer.headers or "evil" in str(answer.headers) for answer in answers)


# -------------------------------------------------------------------------------------------------------- what is made


def test_connect_extend_backward_infill_and_mask(live: Live, made: dict) -> None:
    id = made["id"]
    picture = live.http.get(f"/v1/videos/{id}/content?variant=thumbnail").content
    sent = [
        (
            "/v1/videos/connections",
            {"json": {"prompt": "x", "video": id, "other": {"id": id}, "seconds": 1, "curve": "early"}},
        ),
        ("/v1/videos/extensions", {"json": {"prompt": "x", "video": id, "seconds": 1, "direction": "backward"}}),
        ("/v1/videos/edits", {"json": {"prompt": "x", "video": id, "range": "0.2-0.6"}}),
        ("/v1/videos/edits", {"data": {"prompt": "x", "video": id}, "files": {"mask": ("m.webp", picture)}}),
        (f"/v1/videos/{id}/remix", {"data": {"prompt": "x", "strength": "0.3", "size": "48x64"}}),
        ("/v1/videos/outpaintings", {"json": {"prompt": "x", "video": id, "size": "64x64"}}),
        ("/v1/videos/combinations", {"json": {"prompt": "x", "video": id, "other": id, "strength": 0.4}}),
    ]
    for path, body in sent:
        answer = live.http.post(path, **body)
        assert answer.status_code == 200, answer.text
        video = finished(live, answer.json()["id"])
        assert video["status"] == "completed" and video["vitascope"]["from"]["video"] == id


def test_a_connection_ends_as_its_other_video_was_made(live: Live, made: dict) -> None:
    other = finished(live, create(live, prompt="the end")["id"])["id"]
    body = {"prompt": "x", "video": made["id"], "other": other, "seconds": 1}
    for more, then in (({}, "the end"), ({"then": "snow"}, "snow")):
        answer = live.http.post("/v1/videos/connections", json={**body, **more}).json()
        assert answer["vitascope"]["settings"]["then"] == then


def test_a_loop_of_a_video_has_a_passage_of_the_length_asked_for(idle: Live, live: Live, made: dict) -> None:
    for more, seconds in (({}, "2"), ({"seconds": "2.5"}, "3.5")):
        answer = live.http.post(f"/v1/videos/{made['id']}/remix", json={"prompt": "x", "loop": True, **more})
        assert answer.json()["seconds"] == seconds


def test_cards_show_pictures_and_parts_of_videos(live: Live, made: dict) -> None:
    picture = live.http.get(f"/v1/videos/{made['id']}/content?variant=thumbnail").content
    file = live.http.post("/v1/files", files={"file": ("a.webp", picture)}).json()["id"]
    cards = [
        {"at": 0, "input_reference": {"file_id": file}},
        {"at": 0.25, "video": {"id": made["id"]}, "range": "0.25-0.75", "cut": True},
        {"at": 0.75, "prompt": "it snows"},
    ]
    body = {"size": "64x48", "seconds": "2", "storyboard": cards}
    video = live.http.post("/v1/videos", json=body).json()
    assert video["prompt"] == "it snows" and video["vitascope"]["from"] == {"clip-1": made["id"]}
    assert video["vitascope"]["settings"]["storyboard"] == [
        {"prompt": "", "at": 0.0, "cut": False, "shows": "card-0"},
        {"prompt": "", "at": 0.25, "cut": True, "shows": "clip-1", "range": [0.25, 0.75]},
        {"prompt": "it snows", "at": 0.75, "cut": False},
    ]
    assert finished(live, video["id"])["status"] == "completed"
    inputs = live.service.files.path(f"videos/{video['id']}/inputs")
    assert (inputs / "card-0").read_bytes() == picture and (inputs / "clip-1").stat().st_size > 0
    form = {"seconds": "2", "storyboard[0][prompt]": "a"}
    answer = live.http.post("/v1/videos", data=form, files={"storyboard[1][input_reference]": ("a.webp", picture)})
    assert answer.status_code == 200 and answer.json()["vitascope"]["settings"]["storyboard"][1]["shows"] == "card-1"


@pytest.mark.parametrize(
    ("card", "param"),
    [
        ({"at": 0}, "prompt"),
        ({"at": 3, "video": "video_x"}, "storyboard[0]"),
        ({"at": 0, "prompt": "x", "range": "0-1"}, "range"),
        ({"at": 0, "video": "video_x", "input_reference": {"file_id": "file_x"}}, "storyboard[0]"),
    ],
)
def test_cards_that_show_nothing_or_too_much_are_refused(idle: Live, card: dict, param: str) -> None:
    answer = idle.http.post("/v1/videos", json={"prompt": "x", "seconds": "2", "storyboard": [card]})
    assert refusal(answer)[::2] == (400, param)


def test_a_prompt_is_expanded(idle: Live) -> None:
    answer = idle.http.post("/v1/expansions", json={"prompt": "a dog jumps", "seed": 1}).json()
    assert answer["prompt"] == "a dog jumps" and answer["expanded_prompt"].startswith("a dog jumps ")
    made = create(idle, prompt="a dog jumps", expanded_prompt=answer["expanded_prompt"])
    assert made["prompt"] == "a dog jumps"
    assert made["vitascope"]["settings"]["expanded"] == answer["expanded_prompt"]


@pytest.mark.timeout(400)  # a process that starts from nothing, on a busy machine
def test_a_file_is_asked_where_it_comes_from(live: Live, made: dict) -> None:
    clip = live.http.get(f"/v1/videos/{made['id']}/content").content
    report = live.http.post("/v1/verify", files={"file": ("clip.mp4", clip)}, timeout=350).json()
    assert (report["object"], report["file"], report["verdict"]) == ("verification", "clip.mp4", "unknown")
    assert [step["step"] for step in report["evidence"]][:3] == ["credentials", "watermark", "fingerprint"]


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(100)])
def test_what_is_no_video_and_no_picture_is_not_examined(idle: Live, content: bytes) -> None:
    answer = idle.http.post("/v1/verify", files={"file": ("x.mp4", content)}, timeout=100)
    assert refusal(answer) == (400, "invalid_file", "file")


def test_a_video_is_reported(live: Live, idle: Live, made: dict) -> None:
    path = f"/v1/videos/{made['id']}/report"
    assert live.http.post(path, json={"category": "violence", "reason": "it hits"}).json()["category"] == "violence"
    (note,) = feedback.reports(live.service.settings.data)
    assert (note.file, note.category, note.reason) == (f"{made['id']}.mp4", "violence", "it hits")
    assert refusal(live.http.post(path, json={"reason": " "}))[::2] == (400, "reason")
    assert refusal(idle.http.post(f"/v1/videos/{create(idle)['id']}/report", json={"reason": "x"}))[0] == 400


def test_a_video_outlives_what_it_was_made_from(idle: Live, live: Live) -> None:
    source = finished(live, create(live)["id"])
    remix = live.http.post(f"/v1/videos/{source['id']}/remix", json={"prompt": "snow"}).json()
    live.http.delete(f"/v1/videos/{source['id']}")
    assert finished(live, remix["id"])["status"] == "completed"


def test_only_finished_videos_can_be_used(idle: Live) -> None:
    waiting = create(idle)["id"]
    answer = idle.http.post("/v1/videos/edits", json={"prompt": "x", "video": waiting})
    assert refusal(answer) == (400, "video_not_ready", "video")
    assert refusal(idle.http.get(f"/v1/videos/{waiting}/content"))[:2] == (400, "video_not_ready")
    assert refusal(idle.http.get(f"/v1/videos/{waiting}/preview"))[0] == 404


def test_cancel_and_retry(live: Live, idle: Live) -> None:
    waiting = create(idle)["id"]
    cancelled = idle.http.post(f"/v1/videos/{waiting}/cancel").json()
    assert (cancelled["status"], cancelled["error"]["code"]) == ("failed", "cancelled")
    again = idle.http.post(f"/v1/videos/{waiting}/retry").json()
    assert again["id"] != waiting and again["status"] == "queued"
    assert again["vitascope"]["settings"] == cancelled["vitascope"]["settings"]
    assert refusal(idle.http.post(f"/v1/videos/{again['id']}/retry"))[0] == 400


def test_a_video_has_an_end_only_if_it_was_asked_for(idle: Live) -> None:
    assert create(idle)["expires_at"] is None
    video = create(idle, expires_after=3600)
    assert 3600 <= video["expires_at"] - video["created_at"] <= 3601
    idle.http.post(f"/v1/videos/{video['id']}/cancel")
    again = idle.http.post(f"/v1/videos/{video['id']}/retry").json()
    assert 3600 <= again["expires_at"] - again["created_at"] <= 3601
    answer = idle.http.post("/v1/videos", json={**SMALL, "expires_after": 1})
    assert refusal(answer) == (400, "invalid_value", "expires_after")


def test_the_place_in_the_queue(idle: Live) -> None:
    ids = [create(idle)["id"] for _ in range(3)]
    time.sleep(1.1)  # what is told may be a second old
    places = [idle.http.get(f"/v1/videos/{id}").json()["vitascope"]["queue_position"] for id in ids]
    assert places == [0, 1, 2]


def test_deleting_removes_the_files(live: Live) -> None:
    id = finished(live, create(live)["id"])["id"]
    assert live.service.files.names(f"videos/{id}")
    assert live.http.delete(f"/v1/videos/{id}").json() == {"id": id, "object": "video.deleted", "deleted": True}
    assert not live.service.files.path(f"videos/{id}").exists()
    assert refusal(live.http.delete(f"/v1/videos/{id}"))[0] == 404


# -------------------------------------------------------------------------------------------------------- what is read


def test_ranges_of_a_file(live: Live, made: dict) -> None:
    url = f"/v1/videos/{made['id']}/content"
    whole = live.http.get(url)
    assert whole.headers["accept-ranges"] == "bytes" and whole.headers["content-type"] == "video/mp4"
    assert f"{made['id']}.mp4" in whole.headers["content-disposition"]
    part = live.http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    rest = live.http.get(url, headers={"Range": "bytes=-5", "If-Range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[-5:])
    beyond = live.http.get(url, headers={"Range": f"bytes={len(whole.content)}-"})
    assert refusal(beyond)[:2] == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    for several in ("bytes=0-1,4-5", "bytes=9-1", "lines=1-2"):
        assert live.http.get(url, headers={"Range": several}).content == whole.content
    assert live.http.get(url, headers={"Range": "bytes=10-19", "If-Range": '"old"'}).status_code == 200
    known = live.http.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    head = live.http.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    assert refusal(live.http.get(f"{url}?variant=audio")) == (400, "invalid_value", "variant")


def test_a_download_goes_on_when_its_video_is_deleted(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitascope.serve.sending.CHUNK", 100)
    made, read = finished(live, create(live, seed=9)["id"]), FilePart._pieces
    url = f"/v1/videos/{made['id']}"
    whole = live.http.get(f"{url}/content").content

    async def watched(*arguments: Any) -> AsyncIterator[bytes]:
        async for piece in read(*arguments):
            yield piece
            if live.service.forget(made["id"], "local"):
                assert not live.service.files.names(folders.of_job(made["id"]))

    monkeypatch.setattr(FilePart, "_pieces", watched)
    assert len(whole) > 100 and live.http.get(f"{url}/content").content == whole
    assert live.http.get(f"{url}/content").status_code == 404


def test_lists_refuse_what_they_do_not_know(idle: Live) -> None:
    for query, param in (
        ("limit=101", "limit"),
        ("limit=0099999999", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("after=video_x", "after"),
    ):
        assert refusal(idle.http.get(f"/v1/videos?{query}")) == (400, "invalid_value", param)
    assert idle.http.get("/v1/videos").json() == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def events(live: Live, url: str, **options: Any) -> list[tuple[int, dict]]:
    """Events of a stream up to its end."""
    found, number = [], 0
    with live.http.stream("GET", url, **options) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                found.append((number, json.loads(line[6:])))
    return found


def test_events_follow_a_video_to_its_end_and_resume(live: Live) -> None:
    id = create(live)["id"]
    seen = events(live, f"/v1/videos/{id}/events")
    assert seen[-1][1]["status"] == "completed" and {event["id"] for _, event in seen} == {id}
    assert [number for number, _ in seen] == sorted({number for number, _ in seen})
    progress = [event["progress"] for _, event in seen]
    assert progress == sorted(progress)
    last = seen[-1][0]
    assert [
        number for number, _ in events(live, f"/v1/videos/{id}/events", headers={"Last-Event-ID": str(last - 1)})
    ] == [last]


def test_who_has_seen_the_end_is_told_to_stop(live: Live, made: dict) -> None:
    url, last = f"/v1/videos/{made['id']}/events", made["vitascope"]["version"]
    assert live.http.get(url, headers={"Last-Event-ID": str(last)}).status_code == 204


def test_a_version_of_another_service_is_told_everything(live: Live, made: dict) -> None:
    seen = events(live, f"/v1/videos/{made['id']}/events", headers={"Last-Event-ID": "9" * 18})
    assert [number for number, _ in seen] == [made["vitascope"]["version"]]


def test_events_of_a_deleted_video_end(idle: Live) -> None:
    id = create(idle)["id"]
    with idle.http.stream("GET", f"/v1/videos/{id}/events") as response:
        lines = response.iter_lines()
        wait_for(lambda: next(lines).startswith("data: "))
        httpx.delete(f"{idle.url}/v1/videos/{id}")
        assert "event: deleted" in list(lines)


def test_followers_of_all_videos_hear_of_deletions(idle: Live) -> None:
    id = create(idle)["id"]
    since = idle.service.jobs.version()
    httpx.delete(f"{idle.url}/v1/videos/{id}")
    with idle.http.stream("GET", f"/v1/videos/events?since={since}") as response:
        lines = response.iter_lines()
        wait_for(lambda: next(lines) == "event: deleted")
        assert json.loads(next(lines).removeprefix("data: ")) == {"id": id}


def test_events_of_all_videos(live: Live) -> None:
    since = live.service.jobs.version()
    id = create(live)["id"]
    with live.http.stream("GET", "/v1/videos/events", headers={"Last-Event-ID": str(since)}) as response:
        for line in response.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:])["status"] == "completed":
                assert json.loads(line[6:])["id"] == id
                break


def test_previews_are_shown_while_it_is_made(live: Live, made: dict) -> None:
    assert made["vitascope"]["preview"] == 1
    preview = live.http.get(f"/v1/videos/{made['id']}/preview")
    assert preview.content[:4] == b"RIFF" and preview.headers["cache-control"] == "no-store"


def test_a_preview_outlives_the_attempt_that_showed_it(idle: Live) -> None:
    """Another attempt goes on from the journal and may never come to show one."""
    id, seen, failures = create(idle)["id"], [], [OSError("the first attempt fails")]

    def watch(given: Assignment) -> None:
        def progress(step: int, total: int) -> None:
            given.progress(step, total)
            video = idle.http.get(f"/v1/videos/{id}").json()["vitascope"]
            preview = idle.http.get(f"/v1/videos/{id}/preview")
            seen.append((video["attempt"], video["preview"], preview.status_code))
            if step > quick_produce.STEPS // 2 and failures:
                raise failures.pop()

        quick_produce.produce(replace(given, progress=progress))

    worker = Worker(idle.service, watch, threading.Event(), "w")
    assert worker.work_once() and idle.http.get(f"/v1/videos/{id}").json()["status"] == "queued"
    assert idle.http.get(f"/v1/videos/{id}/preview").status_code == 200
    assert worker.work_once() and idle.http.get(f"/v1/videos/{id}").json()["status"] == "completed"
    assert set(seen) == {(1, 0, 404), (1, 1, 200), (2, 1, 200)}
    assert idle.http.get(f"/v1/videos/{id}/preview").status_code == 200


# -------------------------------------------------------------------------------------------------------- who may come


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Live, dict[str, str], dict[str, str]]]:
    """A service with two keys, as headers."""
    with serving(settings(tmp_path)) as live:
        keys = [live.service.keys.create(name, Limits(jobs=limit)) for name, limit in (("ann", 2), ("bob", None))]
        yield live, *({"Authorization": f"Bearer {key}", "x-stainless-retry-count": "0"} for key in keys)


def test_without_a_valid_key_nothing_is_shown(guarded: tuple) -> None:
    live, ann, _ = guarded
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": ann["Authorization"][:-1] + "x"},
        {"Authorization": ann["Authorization"].replace("Bearer", "Basic")},
        {"Authorization": "Bearer \xff"},
    ):
        assert refusal(live.http.get("/v1/videos", headers=httpx.Headers(headers, encoding="latin-1")))[:2] == (
            401,
            "invalid_api_key",
        )
    assert live.http.get("/v1/videos", headers=ann).status_code == 200
    assert live.http.get("/healthz").status_code == live.http.get("/readyz").status_code == 200


def test_one_key_never_sees_anothers_things(guarded: tuple) -> None:
    live, ann, bob = guarded
    id = finished(live, live.http.post("/v1/videos", json=SMALL, headers=ann).json()["id"], headers=ann)["id"]
    clip = live.http.get(f"/v1/videos/{id}/content", headers=ann).content
    character = live.http.post(
        "/v1/videos/characters", data={"name": "Mo"}, files={"video": ("m.mp4", clip)}, headers=ann
    ).json()
    thumbnail = live.http.get(f"/v1/videos/{id}/content?variant=thumbnail", headers=ann).content
    file = live.http.post("/v1/files", files={"file": ("a.webp", thumbnail)}, headers=ann).json()
    hook = live.http.post("/v1/webhooks", json={"url": "https://example.com/x"}, headers=ann).json()
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/content"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("GET", "/preview"),
        ("GET", "/events"),
        ("POST", "/report"),
    ):
        assert refusal(live.http.request(method, f"/v1/videos/{id}{path}", headers=bob))[:2] == (404, "not_found")
    clip_of_bob = finished(live, live.http.post("/v1/videos", json=SMALL, headers=bob).json()["id"], headers=bob)["id"]
    for path, body in (
        ("/v1/videos/edits", {"prompt": "x", "video": id}),
        (f"/v1/videos/{id}/remix", {"prompt": "x"}),
        ("/v1/videos", {"prompt": "Mo", "characters": [{"id": character["id"]}]}),
        ("/v1/videos", {"prompt": "x", "input_reference": {"file_id": file["id"]}}),
        ("/v1/videos", {"prompt": "x", "storyboard": [{"at": 0, "video": id}]}),
        ("/v1/videos/combinations", {"prompt": "x", "video": clip_of_bob, "other": id}),
    ):
        assert refusal(live.http.post(path, json=body, headers=bob))[0] == 404
    assert refusal(live.http.get(f"/v1/videos/characters/{character['id']}", headers=bob))[0] == 404
    assert refusal(live.http.get(f"/v1/files/{file['id']}/content", headers=bob))[0] == 404
    assert refusal(live.http.delete(f"/v1/webhooks/{hook['id']}", headers=bob))[0] == 404
    assert live.http.delete(f"/v1/videos/{clip_of_bob}", headers=bob).status_code == 200
    assert refusal(live.http.delete(f"/v1/videos/characters/{character['id']}", headers=bob))[0] == 404
    for path in ("/v1/videos", "/v1/videos/characters", "/v1/files", "/v1/webhooks"):
        assert live.http.get(path, headers=bob).json()["data"] == []
        assert len(live.http.get(path, headers=ann).json()["data"]) == 1
    assert "secret" in hook and "secret" not in live.http.get("/v1/webhooks", headers=ann).json()["data"][0]


def test_a_key_has_its_limits(guarded: tuple) -> None:
    live, ann, bob = guarded
    answers = [live.http.post("/v1/videos", json={**SMALL, "n": 2, "seed": seed}, headers=ann) for seed in range(3)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused and refusal(refused[0])[:2] == (429, "rate_limit_exceeded") and refused[0].headers["retry-after"]
    assert live.http.post("/v1/videos", json={**SMALL, "n": 3}, headers=bob).status_code == 200


def test_the_cookie_of_a_browser(guarded: tuple) -> None:
    live, ann, _ = guarded
    with httpx.Client(base_url=live.url) as browser:
        answer = browser.post("/v1/session", headers=ann)
        assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
        assert browser.get("/v1/videos").status_code == 200
        assert refusal(browser.post("/v1/videos", json=SMALL, headers={"Origin": "https://evil.example"}))[0] == 403
        assert browser.post("/v1/videos", json=SMALL, headers={"Origin": live.url}).status_code == 200
        browser.delete("/v1/session")
        assert browser.get("/v1/videos").status_code == 401


def test_pages_of_other_sites_cannot_use_an_open_service(idle: Live) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Host": "["}, {"Origin": "null"}):
        assert refusal(idle.http.get("/v1/videos", headers=headers))[0] == 403
    assert idle.http.get("/v1/videos", headers={"Origin": idle.url}).status_code == 200


def test_headers_keep_browsers_safe(idle: Live) -> None:
    headers = idle.http.get("/v1/videos").headers
    assert (
        "frame-ancestors 'none'" in headers["content-security-policy"]
        and headers["x-content-type-options"] == "nosniff"
    )
    assert headers["x-request-id"].startswith("req_")


# ---------------------------------------------------------------------------------------------------------- the service


def test_metrics_count_requests_and_jobs(idle: Live) -> None:
    create(idle)
    families = {family.name: family for family in text_string_to_metric_families(idle.http.get("/metrics").text)}
    jobs = {sample.labels["status"]: sample.value for sample in families["vitascope_jobs"].samples}
    assert jobs == {"queued": 1, "in_progress": 0, "completed": 0, "failed": 0}
    created = [
        sample.value
        for sample in families["vitascope_requests"].samples
        if sample.labels.get("handler") == "create_video" and sample.name.endswith("_total")
    ]
    assert created == [1]


def test_a_database_that_is_away_is_said_to_be(idle: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: object, **values: object) -> None:
        raise serve_app.Unavailable("away")

    monkeypatch.setattr(type(idle.service.database), "read", away)
    assert idle.http.get("/readyz").status_code == 503
    answer = idle.http.get("/v1/videos")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert idle.http.get("/healthz").status_code == 200


def test_a_full_disk_is_said_to_be_and_leaves_nothing(idle: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(idle.service.files), "write", full)
    clip = b"\0\0\0\x18ftypmp42"
    answer = idle.http.post("/v1/videos/edits", data={"prompt": "x"}, files={"video": ("a.mp4", clip)})
    assert refusal(answer)[:2] == (507, "storage_full")
    assert idle.service.jobs.counts() == {} and idle.service.files.names("videos") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, for those who may mount one."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", tmp_path], capture_output=True)
    if made.returncode:
        pytest.skip("only root can mount a small file system")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_service_outlives_a_disk_that_is_full(small_disk: Path) -> None:
    with serving(settings(small_disk)) as live:
        first = finished(live, create(live)["id"])
        ballast = os.open(small_disk / "ballast", os.O_CREAT | os.O_WRONLY)
        with suppress(OSError):
            while True:
                os.write(ballast, bytes(4096))
        os.close(ballast)
        clip = live.http.get(f"/v1/videos/{first['id']}/content").content
        upload = {"data": {"prompt": "a dog"}, "files": {"video": ("a.mp4", clip)}}
        assert refusal(live.http.post("/v1/videos/edits", **upload))[:2] == (507, "storage_full")
        long = [live.http.post("/v1/videos", json={**SMALL, "prompt": f"{n} {'cat ' * 7000}"}) for n in range(30)]
        taken = [answer.json()["id"] for answer in long if answer.status_code == 200]  # the log had some space left
        assert {refusal(answer)[:2] for answer in long if answer.status_code != 200} == {(507, "storage_full")}
        (small_disk / "ballast").unlink()
        ends = {finished(live, id)["status"] for id in [*taken, create(live, seed=1)["id"]]}
        assert "completed" in ends and ends <= {"completed", "failed"}


def test_failures_of_handlers_tell_nothing(idle: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(idle.service.jobs), "page", broken)
    answer = idle.http.get("/v1/videos")
    assert refusal(answer)[:2] == (500, "server_error") and "secret" not in answer.text


def test_every_route_is_in_the_document_and_the_other_way_round() -> None:
    routes = {(f"/v1{route.path}", method.lower()) for route in serve_app.API for method in route.methods - {"HEAD"}}
    routes |= {(route.path, method.lower()) for route in serve_app.SERVICE for method in route.methods - {"HEAD"}}
    assert routes == {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert not any(isinstance(route, Mount) for route in serve_app.API)


def test_the_document_is_served(idle: Live) -> None:
    assert idle.http.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_the_web_process_holds_no_torch() -> None:
    import sys

    code = "import sys, vitascope.serve.web; print(sorted({'torch', 'av', 'cv2', 'numpy'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
