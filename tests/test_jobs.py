from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from databases import find_server, running_server
from vitascope.serve.database import Database, Unavailable, connect
from vitascope.serve.job import Deleted, Job, LimitReached, Limits, Lost, Receipt, ReceiptMismatch, new_id
from vitascope.serve.jobs import REMEMBERED, Jobs

LEASE = 30.0


class Clock:
    """Time that passes only when told to."""

    now = 1000.0 * 86400

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator:
    if find_server() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = (
        str(tmp_path / "jobs.sqlite") if request.param == "sqlite" else request.getfixturevalue("server").new_database()
    )
    database = connect(url)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(database: Database, clock: Clock) -> Jobs:
    return Jobs(database, clock=clock)


def order(key: str = "a", *, work: float = 4.0) -> Job:
    request = {"order": {}, "variations": [], "parents": {}}
    return Job(new_id("video"), key, "sora-2", "a cat", "64x64", "4", request, work)


def add(jobs: Jobs, key: str = "a", *, limits: Limits = Limits()) -> Job:
    job = order(key)
    return jobs.create([job], Receipt(job.id, job.id), limits=limits)[0]


def hear(database: Database, key: str = "a") -> None:
    with database.write() as execute:
        execute(
            "INSERT INTO hooks (id, key, url, secret, trusted, created_at) VALUES ('h', :key, 'http://x', 's', 1, 0)",
            key=key,
        )


def heard(database: Database) -> list[str]:
    return [row["body"].split('"type": "')[1].split('"')[0] for row in database.read("SELECT body FROM deliveries")]


def test_a_job_goes_through_its_life(jobs: Jobs, database: Database, clock: Clock) -> None:
    hear(database)
    made = add(jobs)
    assert (made.status, made.progress, made.attempt) == ("queued", 0, 0)
    held = jobs.claim("w", lease=LEASE)
    assert held is not None and held.id == made.id and held.status == "in_progress" and held.attempt == 1
    assert jobs.claim("v", lease=LEASE) is None
    assert jobs.beat(held, lease=LEASE, progress=40) is False
    clock.now += 20
    jobs.finish(held, "videos/x/1")
    done = jobs.get(made.id, "a")
    assert done is not None and (done.status, done.progress, done.result) == ("completed", 100, "videos/x/1")
    assert done.completed_at == clock.now and heard(database) == ["video.completed"]


def test_jobs_are_claimed_in_the_order_of_creation(jobs: Jobs) -> None:
    made = [add(jobs).id for _ in range(5)]
    assert [jobs.claim("w", lease=LEASE).id for _ in range(5)] == made


def test_many_workers_never_share_a_job(jobs: Jobs) -> None:
    made = {add(jobs).id for _ in range(40)}
    taken: list[str] = []

    def work(name: str) -> None:
        while (job := jobs.claim(name, lease=LEASE)) is not None:
            taken.append(job.id)

    threads = [Thread(target=work, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 40 and set(taken) == made


def test_a_silent_worker_loses_its_job_and_cannot_write(jobs: Jobs, clock: Clock) -> None:
    add(jobs)
    first = jobs.claim("w", lease=LEASE)
    clock.now += LEASE + 1
    second = jobs.claim("v", lease=LEASE)
    assert second is not None and second.id == first.id and second.attempt == 2
    for write in (
        lambda: jobs.beat(first, lease=LEASE),
        lambda: jobs.finish(first, "x"),
        lambda: jobs.release(first),
        lambda: jobs.fail(first, "c", "m", again=True),
        lambda: jobs.describe(first, size="2x2", seconds="1"),
    ):
        with pytest.raises(Lost):
            write()
    jobs.finish(second, "videos/x/2")


def test_a_heartbeat_keeps_the_job(jobs: Jobs, clock: Clock) -> None:
    add(jobs)
    held = jobs.claim("w", lease=LEASE)
    for _ in range(3):
        clock.now += LEASE - 1
        jobs.beat(held, lease=LEASE)
    assert jobs.claim("v", lease=LEASE) is None


def test_two_attempts_then_failed_with_a_cause(jobs: Jobs, database: Database, clock: Clock) -> None:
    hear(database)
    made = add(jobs)
    for _ in range(2):
        assert jobs.claim("w", lease=LEASE) is not None
        clock.now += LEASE + 1
    assert jobs.claim("w", lease=LEASE) is None
    lost = jobs.get(made.id, "a")
    assert lost is not None and (lost.status, lost.error_code) == ("failed", "worker_lost")
    assert heard(database) == ["video.failed"]


def test_a_failure_is_tried_again_once_and_a_refusal_never(jobs: Jobs) -> None:
    first, second = add(jobs), add(jobs)
    jobs.fail(jobs.claim("w", lease=LEASE), "server_error", "it broke", again=True)
    again = jobs.claim("w", lease=LEASE)
    assert (again.id, again.attempt) == (first.id, 2)
    jobs.fail(again, "server_error", "it broke", again=True)
    jobs.fail(jobs.claim("w", lease=LEASE), "moderation_blocked", "no", again=False)
    assert [jobs.get(job.id, "a").error_code for job in (first, second)] == ["server_error", "moderation_blocked"]


def test_a_released_job_keeps_its_attempts_and_its_progress(jobs: Jobs) -> None:
    made = add(jobs)
    for _ in range(4):
        held = jobs.claim("w", lease=LEASE)
        jobs.beat(held, lease=LEASE, progress=30)
        jobs.release(held)
    job = jobs.get(made.id, "a")
    assert (job.status, job.attempt, job.progress) == ("queued", 0, 30)


def test_progress_never_falls(jobs: Jobs) -> None:
    made = add(jobs)
    held = jobs.claim("w", lease=LEASE)
    for progress in (10, 50, 20):
        jobs.beat(held, lease=LEASE, progress=progress)
    assert jobs.get(made.id, "a").progress == 50


def test_cancel_is_immediate_in_the_queue_and_heard_by_the_worker(jobs: Jobs) -> None:
    running, waiting = add(jobs), add(jobs)
    held = jobs.claim("w", lease=LEASE)
    assert jobs.cancel(waiting.id, "a").error_code == "cancelled"
    assert jobs.cancel(running.id, "a").status == "in_progress"
    assert jobs.beat(held, lease=LEASE) is True
    jobs.fail(held, "cancelled", "stopped", again=False)
    assert jobs.get(running.id, "a").status == "failed"
    assert jobs.cancel(running.id, "a").status == "failed"
    assert jobs.cancel("video_nothing", "a") is None


def test_a_cancelled_job_of_a_silent_worker_ends(jobs: Jobs, clock: Clock) -> None:
    made = add(jobs)
    jobs.claim("w", lease=LEASE)
    jobs.cancel(made.id, "a")
    clock.now += LEASE + 1
    assert jobs.reap() == 1 and jobs.get(made.id, "a").error_code == "cancelled"


def test_a_deleted_job_is_lost_to_its_worker(jobs: Jobs) -> None:
    made = add(jobs)
    held = jobs.claim("w", lease=LEASE)
    assert jobs.delete(made.id, "a") and not jobs.delete(made.id, "a")
    with pytest.raises(Lost):
        jobs.finish(held, "x")


def test_one_key_never_sees_anothers_jobs(jobs: Jobs) -> None:
    mine, theirs = add(jobs, "a"), add(jobs, "b")
    assert [job.id for job in jobs.page("a")[0]] == [mine.id]
    assert jobs.get(theirs.id, "a") is None and jobs.cancel(theirs.id, "a") is None and not jobs.delete(theirs.id, "a")
    assert {job.id for job in jobs.changes("a", 0)} == {mine.id}
    with pytest.raises(LookupError):
        jobs.page("a", after=theirs.id)


@pytest.mark.parametrize("way", ["asc", "desc"])
def test_pages_are_complete_and_in_order(jobs: Jobs, way: str) -> None:
    made = [add(jobs).id for _ in range(7)]
    seen, after, more = [], None, True
    while more:
        page, more = jobs.page("a", after=after, limit=3, order=way)
        seen += [job.id for job in page]
        after = seen[-1]
    assert seen == (made if way == "asc" else made[::-1])
    assert jobs.page("a", limit=0) == ([], True)


def test_followers_get_what_changed_since(jobs: Jobs) -> None:
    first, second = add(jobs), add(jobs)
    since = jobs.version()
    held = jobs.claim("w", lease=LEASE)
    jobs.beat(held, lease=LEASE, progress=10)
    changed = jobs.changes("a", since)
    assert [(job.id, job.progress) for job in changed] == [(first.id, 10)] and changed[0].version == jobs.version()
    assert [job.id for job in jobs.changes("a", 0)] == [second.id, first.id]
    jobs.beat(held, lease=LEASE, progress=10)
    assert jobs.version() == changed[0].version


def test_followers_hear_of_deletions_in_their_order_and_for_a_while(jobs: Jobs, clock: Clock) -> None:
    first, second, theirs = add(jobs), add(jobs), add(jobs, "b")
    since = jobs.version()
    jobs.delete(first.id, "a")
    jobs.cancel(second.id, "a")
    jobs.delete(theirs.id, "b")
    gone, changed = jobs.changes("a", since)
    assert (gone, changed.id) == (Deleted(first.id, since + 1), second.id)
    assert jobs.changes("a", since, id=first.id) == [gone]
    assert [job.id for job in jobs.changes("a", 0)] == [second.id]  # who knew nothing has nothing to forget
    clock.now += REMEMBERED + 1
    jobs.delete(second.id, "a")
    assert [change.id for change in jobs.changes("a", since)] == [second.id]


def test_twins_are_recognised_within_their_window(jobs: Jobs, clock: Clock) -> None:
    def create(window: float, token: str = "t") -> tuple[Job, bool]:
        return jobs.create([order()], Receipt(token, "same", window))

    first, fresh = create(0.0)
    assert fresh and create(0.0)[1]
    latest = jobs.page("a")[0][0]
    assert latest.id != first.id and create(5.0) == (latest, False)
    clock.now += 6
    assert create(5.0)[1]
    key, _ = create(float("inf"), "key")
    clock.now += 10**6
    assert create(float("inf"), "key")[0].id == key.id
    with pytest.raises(ReceiptMismatch):
        jobs.create([order()], Receipt("key", "other"))
    jobs.delete(key.id, "a")
    assert create(float("inf"), "key")[1]


def test_the_same_request_at_once_makes_one_job(jobs: Jobs) -> None:
    answers: list[str] = []
    threads = [Thread(target=lambda: answers.append(jobs.create([order()], Receipt("t", "f"))[0].id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 and len(set(answers)) == 1 and len(jobs.page("a")[0]) == 1


def test_limits_of_a_key(jobs: Jobs, clock: Clock) -> None:
    two = Limits(jobs=2)
    first = add(jobs, limits=two)
    add(jobs, limits=two)
    with pytest.raises(LimitReached, match="2 unfinished"):
        add(jobs, limits=two)
    add(jobs, "b", limits=two)
    jobs.cancel(first.id, "a")
    add(jobs, limits=two)
    assert len(jobs.page("a")[0]) == 3

    with pytest.raises(LimitReached, match="10 seconds"):
        add(jobs, limits=Limits(seconds=10))  # eight are used
    clock.now += 86400
    add(jobs, limits=Limits(seconds=10))


def test_deleting_does_not_give_seconds_back(jobs: Jobs) -> None:
    held = add(jobs)
    jobs.finish(jobs.claim("w", lease=LEASE), "x")
    jobs.delete(held.id, "a")
    with pytest.raises(LimitReached):
        add(jobs, limits=Limits(seconds=7))


def test_places_and_times_in_the_queue(jobs: Jobs, clock: Clock) -> None:
    add(jobs)
    done = jobs.claim("w", lease=LEASE)
    clock.now += 8
    jobs.finish(done, "x")  # two seconds for each second of video
    running, second, third = add(jobs), add(jobs), add(jobs)
    jobs.claim("w", lease=LEASE)
    queue = jobs.queue()
    assert [queue.position(job) for job in (second, third)] == [1, 2]
    assert queue.position(jobs.get(running.id, "a")) is None
    assert [queue.eta(jobs.get(job.id, "a")) for job in (running, second, third)] == pytest.approx([8, 16, 24])
    clock.now += 2
    jobs.beat(jobs.get(running.id, "a"), lease=LEASE, progress=50)
    assert jobs.queue().eta(jobs.get(running.id, "a")) == pytest.approx(2)


def test_the_rows_are_there_after_reopening(jobs: Jobs, database: Database) -> None:
    made = add(jobs)
    url = str(database.path) if hasattr(database, "path") else database.url
    again = connect(url)
    assert Jobs(again).get(made.id, "a") == made
    again.close()


def test_a_restarted_server_costs_no_job(server) -> None:
    """It crashes while a worker has a job; whoever asks meanwhile is told to come again."""
    database = connect(server.new_database())
    jobs = Jobs(database)
    waiting = add(jobs)
    running = jobs.claim("w", lease=LEASE)
    server.stop("immediate")
    for ask in (jobs.version, lambda: add(jobs), lambda: jobs.beat(running, lease=LEASE)):
        with pytest.raises(Unavailable):
            ask()
    server.start()
    assert jobs.beat(running, lease=LEASE) is False and add(jobs).status == "queued"
    jobs.finish(running, "x")
    assert jobs.get(waiting.id, "a").status == "completed"
    database.close()
