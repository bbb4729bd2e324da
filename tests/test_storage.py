import io
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from serving import finished, serving, settings
from vitascope.serve.storage import Files


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server of the tests' own."""
    from moto.server import ThreadedMotoServer  # slow to import, and the other stores need none

    server = ThreadedMotoServer(port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    match request.param:
        case "folder":
            return str(tmp_path / "files")
        case "memory":
            return f"memory://{tmp_path.name}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"test-{secrets.token_hex(8)}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}/videos"


@pytest.fixture
def files(root: str) -> Files:
    return Files(root)


def test_what_is_written_is_read_back_whole_and_in_ranges(files: Files) -> None:
    files.write("videos/a/x", b"0123456789")
    files.write("videos/a/y", io.BytesIO(b"stream"))
    assert files.read("videos/a/x") == b"0123456789"
    file, size = files.open("videos/a/x")
    with file:
        assert size == 10 and file.seek(3) == 3 and file.read(4) == b"3456"
    assert files.names("videos/a") == ["x", "y"] and files.names("videos/nothing") == []
    with pytest.raises(FileNotFoundError):
        files.read("videos/a/z")
    with pytest.raises(FileNotFoundError):
        files.open("videos/a/z")


def test_a_copy_survives_the_first(files: Files) -> None:
    files.write("videos/a/x", b"data")
    files.copy("videos/a/x", "videos/b/x")
    files.remove("videos/a")
    files.remove("videos/a")
    assert files.read("videos/b/x") == b"data" and files.names("videos/a") == []
    with pytest.raises(FileNotFoundError):
        files.copy("videos/a/x", "videos/c/x")


def test_files_move_in_and_come_out_as_paths(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "made.mp4"
    source.write_bytes(b"video")
    files.put(source, "videos/a/1/video.mp4")
    assert not source.exists() and files.fetch("videos/a/1/video.mp4", tmp_path).read_bytes() == b"video"


def test_a_file_that_fails_half_way_is_not_there(files: Files) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("broken")
            return super().read(3)

    with pytest.raises(OSError, match="broken"):
        files.write("videos/a/x", Broken(b"012345"))
    assert files.names("videos/a") == []


def test_a_service_keeps_all_its_files_there(root: str, tmp_path: Path) -> None:
    """Made, continued from, served in ranges, removed."""
    with serving(settings(tmp_path / "data", files=root)) as live:
        asked = {"prompt": "a cat", "size": "64x48", "seconds": "1"}
        made = finished(live, live.http.post("/v1/videos", json=asked).json()["id"])
        asked = {"prompt": "a cat", "video": {"id": made["id"]}, "seconds": "1"}
        longer = finished(live, live.http.post("/v1/videos/extensions", json=asked).json()["id"])
        assert (made["error"], longer["error"], longer["seconds"]) == (None, None, "2")
        for video in (made, longer):
            answer = live.http.get(f"/v1/videos/{video['id']}/content", headers={"Range": "bytes=4-7"})
            assert (answer.status_code, answer.content) == (206, b"ftyp")
            assert live.http.delete(f"/v1/videos/{video['id']}").status_code == 200
    assert Files(root).names("videos") == [] and not (tmp_path / "data" / "videos").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "a//b", "", "a/.hidden", "a\\b", "a\n"])
def test_names_stay_below_the_root(files: Files, name: str) -> None:
    with pytest.raises(AssertionError):
        files.read(name)


def test_a_folder_needs_no_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    Files(str(tmp_path)).write("a", b"x")
