import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import quick_produce
from serving import wait_for
from vitascope.serve.database import Unavailable
from vitascope.serve.folders import of_job
from vitascope.serve.job import Job, Receipt, new_id
from vitascope.serve.order import Order
from vitascope.serve.service import Service, Settings, open_service
from vitascope.serve.worker import Assignment, Hold, Produce, StoredJournal, Worker
from vitascope.video import read_video

ORDER = Order("create", "a cat", "sora-2", 128, 128, 1.0, seed=5)  # x264 encodes few other sizes the same every time


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(open_service(Settings(tmp_path / "data", lease=1.0))) as service:
        yield service


def add(service: Service, order: Order = ORDER) -> Job:
    id = new_id("video")
    request = {"order": order.as_json(), "variations": [id], "parents": {}}
    job = Job(id, "a", "sora-2", order.prompt, order.size, f"{order.seconds:g}", request, order.seconds)
    return service.jobs.create([job], Receipt(id, id))[0]


def work(service: Service, produce: Produce = quick_produce.produce, stop: threading.Event | None = None) -> None:
    assert Worker(service, produce, stop or threading.Event(), "w").work_once()


def now(service: Service, job: Job) -> Job:
    return service.jobs.get(job.id, "a")


def pixels(service: Service, job: Job) -> str:
    """What is seen, as a digest."""
    return hashlib.sha256(read_video(service.files.path(f"{now(service, job).result}/video.mp4")).pixels).hexdigest()


def test_a_job_becomes_files(service: Service) -> None:
    job = add(service)
    work(service)
    done = now(service, job)
    assert (done.status, done.progress, done.preview) == ("completed", 100, 1)
    assert service.files.names(done.result) == ["spritesheet.jpg", "thumbnail.webp", "video.mp4"]
    video = read_video(service.files.path(f"{done.result}/video.mp4"))
    assert video.size == (128, 128) and len(video) == 8
    assert service.files.names(of_job(job.id)) == ["1", "preview.webp"]
    assert not Worker(service, quick_produce.produce, threading.Event(), "w").work_once()


@pytest.mark.parametrize(
    ("prompt", "code", "attempts"),
    [("forbidden", "moderation_blocked", 1), ("impossible", "invalid_request", 1), ("broken", "server_error", 2)],
)
def test_failures_have_a_code_and_leave_no_files(service: Service, prompt: str, code: str, attempts: int) -> None:
    job = add(service, replace(ORDER, prompt=prompt))
    for _ in range(attempts):
        work(service)
    ended = now(service, job)
    assert (ended.status, ended.error_code, ended.attempt, ended.result) == ("failed", code, attempts, None)
    assert service.files.names(of_job(job.id)) == []


def test_a_full_disk_fails_with_its_cause(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job = add(service)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(service.files), "put", full)
    for _ in range(2):
        work(service)
    assert now(service, job).error_code == "storage_full"
    assert service.files.names(of_job(job.id)) == ["preview.webp"]


def stopping_at(step: int, action: Callable[[], None]) -> Produce:
    """The quick production that does something in the middle."""

    def produce(given: Assignment) -> None:
        def watched(now: int, total: int) -> None:
            if now == step:
                action()
            given.progress(now, total)

        quick_produce.produce(replace(given, progress=watched))

    return produce


def test_a_cancel_is_heard_at_the_next_step(service: Service) -> None:
    job, kept = add(service), []

    def cancel() -> None:
        service.jobs.cancel(job.id, "a")
        kept.extend(service.files.names(f"{of_job(job.id)}/journal"))

    work(service, stopping_at(4, cancel))
    ended = now(service, job)
    assert (ended.status, ended.error_code) == ("failed", "cancelled") and ended.progress < 50
    assert len(kept) == 4 and service.files.names(of_job(job.id)) == []


def test_a_deleted_job_leaves_nothing(service: Service) -> None:
    job = add(service)

    def delete() -> None:
        service.jobs.delete(job.id, "a")
        service.files.remove(of_job(job.id))

    work(service, stopping_at(4, delete))
    assert now(service, job) is None and service.files.names("videos") == []


@pytest.mark.parametrize("step", [0, 3, 10])
def test_a_stopped_worker_gives_the_job_back_and_another_goes_on_exactly(service: Service, step: int) -> None:
    straight, job = add(service), add(service)
    work(service)
    stop = threading.Event()
    work(service, stopping_at(step, stop.set), stop)
    assert (now(service, job).status, now(service, job).attempt) == ("queued", 0)
    assert len(service.files.names(f"{of_job(job.id)}/journal")) == step
    work(service)
    assert pixels(service, job) == pixels(service, straight)


def test_a_worker_that_lost_its_job_writes_nothing(service: Service) -> None:
    """It stalls until its lease is over, another makes the video, then it goes on."""
    job, others = add(service), []

    def stall() -> None:
        with service.database.write() as execute:
            execute("UPDATE jobs SET lease = 0")
        others.append(Worker(service, quick_produce.produce, threading.Event(), "v").work_once())

    work(service, stopping_at(5, stall))
    done = now(service, job)
    assert others == [True] and (done.status, done.worker, done.attempt) == ("completed", "v", 2)
    assert [name for name in service.files.names(of_job(job.id)) if name.isdigit()] == ["2"]


def test_a_lost_answer_to_finish_does_not_cost_the_video(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database finished the job, but the connection broke before it could say so."""
    job, finish, calls = add(service), service.jobs.finish, []

    def finish_unheard(*arguments: object) -> None:
        calls.append(arguments)
        finish(*arguments)
        raise Unavailable("the connection broke")

    monkeypatch.setattr(type(service.jobs), "finish", lambda self, *arguments: finish_unheard(*arguments))
    work(service)
    assert len(calls) == 2 and now(service, job).status == "completed" and pixels(service, job)


def test_what_cannot_be_tidied_up_does_not_cost_the_video(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database finished the job, and is away when the worker looks whether its journal can go."""
    job = add(service)

    def away(*arguments: object) -> None:
        raise Unavailable("the connection broke")

    with monkeypatch.context() as patched:
        patched.setattr(type(service.jobs), "find", away)
        work(service)
    assert now(service, job).status == "completed" and pixels(service, job)
    assert "journal" in service.files.names(of_job(job.id))


def test_the_lease_is_renewed_while_a_step_takes_long(service: Service) -> None:
    add(service)
    job = service.jobs.claim("w", lease=0.4)
    with Hold(service.jobs, job, 0.4, threading.Event()):
        threading.Event().wait(1.2)
        assert service.jobs.claim("v", lease=1) is None


def test_a_database_that_is_away_for_a_moment_costs_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job, beat, calls = add(service), service.jobs.beat, []

    def unsteady(self: object, *arguments: object, **options: object) -> bool:
        calls.append(1)
        if len(calls) % 3:
            raise Unavailable("away")
        return beat(*arguments, **options)

    monkeypatch.setattr(type(service.jobs), "beat", unsteady)
    work(service)
    assert now(service, job).status == "completed"


def test_inputs_are_checked_before_they_are_read(service: Service) -> None:
    service.files.write("videos/x/inputs/video", b"\0\0\0\x18ftypmp42 but nothing else")
    job = add(service, replace(ORDER, task="edit", inputs={"video": "videos/x/inputs/video"}))
    work(service)
    assert (now(service, job).error_code, now(service, job).error_message) == (
        "invalid_request",
        "The file is no video that can be read",
    )


def test_an_uploaded_video_gives_its_size_and_length(service: Service) -> None:
    source = add(service, replace(ORDER, seconds=2.0))
    work(service)
    clip = f"{now(service, source).result}/video.mp4"
    for task, seconds in (("edit", "2"), ("extend", "6")):
        job = add(service, Order(task, "on", "sora-2", follow_input=True, inputs={"video": clip}))
        work(service)
        assert (now(service, job).size, now(service, job).seconds) == ("128x128", seconds)


def test_journal_entries_are_whole_or_absent(service: Service) -> None:
    journal = StoredJournal(service.files, "videos/x/journal")
    assert journal.read(3) is None
    journal.write(3, b"state")
    assert journal.read(3) == b"state"


@pytest.mark.parametrize("step", [1, 6])
def test_kill_minus_nine_and_another_worker_goes_on_exactly(service: Service, step: int) -> None:
    """A real process, killed at a step; the video is the same as without the kill."""
    straight, job = add(service), add(service)
    work(service)
    process = start_worker(service, pace=0.2)
    try:
        wait_for(lambda: len(service.files.names(f"{of_job(job.id)}/journal")) >= step)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    kept = len(service.files.names(f"{of_job(job.id)}/journal"))
    assert now(service, job).status == "in_progress" and step <= kept < quick_produce.STEPS
    wait_for(lambda: service.jobs.reap() or now(service, job).status == "queued")
    work(service)
    assert now(service, job).attempt == 2 and pixels(service, job) == pixels(service, straight)


def test_a_terminated_process_gives_its_job_back(service: Service) -> None:
    job = add(service)
    process = start_worker(service, pace=0.2)
    wait_for(lambda: len(service.files.names(f"{of_job(job.id)}/journal")) >= 2)
    process.terminate()
    assert process.wait(20) == 0
    assert (now(service, job).status, now(service, job).attempt) == ("queued", 0)


def start_worker(service: Service, *, pace: float) -> subprocess.Popen:
    command = [sys.executable, quick_produce.__file__, str(service.settings.data), str(pace)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def test_workers_take_turns_without_doubling(service: Service) -> None:
    service = replace(service, settings=replace(service.settings, lease=60.0))  # a busy machine may forget a thread
    jobs = [add(service) for _ in range(12)]
    stop = threading.Event()
    threads = [
        threading.Thread(target=Worker(service, quick_produce.produce, stop, f"w{number}").run)
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(now(service, job).status == "completed" for job in jobs))
    stop.set()
    for thread in threads:
        thread.join()
    assert {now(service, job).attempt for job in jobs} == {1}
