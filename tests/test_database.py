import errno
import os
import threading
from pathlib import Path

import pytest

from serving import wait_for
from vitascope.serve.database import Full, SQLite, connect


def insert(database: SQLite, name: str) -> None:
    with database.write() as execute:
        execute("INSERT INTO keys (id, name, hash, created_at) VALUES (:name, '', '', 0)", name=name)


def test_what_was_written_is_on_the_disk_and_one_flush_serves_all_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, flushed, slow = SQLite(tmp_path / "jobs.sqlite"), [], threading.Event()

    def names() -> set[str]:
        return {row["id"] for row in database.read("SELECT id FROM keys")}

    def flush(file: int) -> None:
        assert os.fstat(file).st_ino == os.stat(tmp_path / "jobs.sqlite-wal").st_ino
        flushed.append(names())
        assert slow.wait(30)

    monkeypatch.setattr("os.fdatasync", flush)
    writers = [threading.Thread(target=insert, args=(database, "first"))]
    writers[0].start()
    wait_for(lambda: flushed)
    for name in ("second", "third", "fourth"):
        writers.append(threading.Thread(target=insert, args=(database, name)))
        writers[-1].start()
    wait_for(lambda: database.committed == 4)  # nobody's transaction waits for another's flush
    assert all(writer.is_alive() for writer in writers) and flushed == [{"first"}]
    slow.set()
    for writer in writers:
        writer.join()
    assert flushed == [{"first"}, {"first", "second", "third", "fourth"}]
    database.close()


def test_a_log_that_cannot_be_flushed_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = SQLite(tmp_path / "jobs.sqlite")

    def fail(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(Full, match="No space left"):
        patched.setattr("os.fdatasync", fail)
        insert(database, "lost")
    insert(database, "kept")
    database.close()
    insert(database, "again")  # the log went with the last connection
    database.close()


def test_unknown_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="mysql"):
        connect("mysql://x")
