import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vitascope.serve import chores, folders
from vitascope.serve.job import Job, Receipt, new_id
from vitascope.serve.service import Service, Settings, open_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(open_service(Settings(tmp_path))) as service:
        yield service


def add(service: Service, *, expires_at: float | None = None) -> str:
    """A job with a file; its id."""
    id, request = new_id("video"), {"order": {}, "variations": [], "parents": {}}
    job = Job(id, "local", "sora-2", "x", "64x48", "1", request, 1.0, expires_at=expires_at)
    service.jobs.create([job], Receipt(id, id))
    service.files.write(folders.input(id, "image"), b"picture")
    return id


def test_expired_videos_go_with_their_files(service: Service) -> None:
    gone, kept = add(service, expires_at=1.0), add(service, expires_at=1e12)
    chores.expire(service)
    assert service.jobs.find(gone) is None and service.files.names(folders.VIDEOS) == [kept]


def test_old_files_of_nobody_are_swept_away(service: Service) -> None:
    kept, old, young = add(service), new_id("video"), new_id("video")
    service.files.write(folders.input(old, "image"), b"picture")
    service.files.write(folders.input(young, "image"), b"picture")
    service.files.write(folders.content("file_x"), b"picture")
    for name in (folders.of_job(kept), folders.of_job(old), folders.of_asset("file_x")):
        os.utime(service.files.path(name), (0, 0))
    assert chores.sweep(service) == 2
    assert set(service.files.names(folders.VIDEOS)) == {kept, young} and service.files.names(folders.ASSETS) == []
