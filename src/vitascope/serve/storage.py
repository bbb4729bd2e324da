"""Files by name, in a folder or in S3-compatible storage: written whole or not at all, read in ranges.

Names are made here in the service (`videos/video_…/1/video.mp4`), never by users. A folder is served and read in place;
any other address (`s3://bucket/prefix`, `memory://…`) goes through fsspec, and is fetched before a program needs a
path.
"""

import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

CHUNK = 256 * 1024  # bytes that are copied or sent at once
BLOCK = 4 * 2**20  # bytes that are asked for at once from another machine
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Files:
    """All files of the service below one root."""

    def __init__(self, root: str) -> None:
        self.folder = Path(root) if "://" not in root else None  # None: not a folder of this machine
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        else:
            self.remote, self.prefix = _open_remote(root)

    def path(self, name: str) -> Path:
        """Where a file of a local root lies."""
        assert self.folder is not None and NAME.fullmatch(name), name
        return self.folder / name

    def write(self, name: str, data: bytes | BinaryIO) -> None:
        """Make a file that appears whole."""
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        if self.folder is None:
            with tempfile.NamedTemporaryFile() as whole:
                shutil.copyfileobj(source, whole, CHUNK)
                whole.flush()
                self.remote.put_file(whole.name, self._key(name))
            return
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".partial", delete=False) as partial:
            try:
                shutil.copyfileobj(source, partial, CHUNK)
                partial.flush()
                os.fsync(partial.fileno())
                os.replace(partial.name, path)
            except BaseException:
                Path(partial.name).unlink(missing_ok=True)
                raise

    def put(self, source: Path, name: str) -> None:
        """Take in a finished file of this machine; it is not at its own place any more."""
        if self.folder is None:
            self.remote.put_file(str(source), self._key(name))
        else:
            with source.open("rb") as file:  # it may lie in another file system, and was never flushed
                self.write(name, file)
        source.unlink()

    def copy(self, name: str, other: str) -> None:
        """A second name for a file's content, which survives the first; a hard link in a folder."""
        if self.folder is None:
            self.remote.cp_file(self._key(name), self._key(other))
            return
        target = self.path(other)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self.path(name), target)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without hard links
            shutil.copyfile(self.path(name), target)

    def fetch(self, name: str, into: Path) -> Path:
        """A path on this machine that holds the file: its own place, or a copy in the folder `into`."""
        if self.folder is not None:
            return self.path(name)
        target = into / name.rsplit("/", maxsplit=1)[-1]
        self.remote.get_file(self._key(name), str(target))
        return target

    def read(self, name: str) -> bytes:
        """FileNotFoundError."""
        return self.path(name).read_bytes() if self.folder is not None else self.remote.cat_file(self._key(name))

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """A file to be read, which in a folder stays whole if it is removed meanwhile; and its bytes.
        FileNotFoundError."""
        if self.folder is not None:
            file = self.path(name).open("rb")
            return file, os.fstat(file.fileno()).st_size
        file = self.remote.open(self._key(name), "rb", block_size=BLOCK)
        return file, file.size

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder, sorted; nothing if there is no such folder."""
        try:
            if self.folder is not None:
                return sorted(name for name in os.listdir(self.path(folder)) if not name.startswith("."))
            return sorted(
                path.rstrip("/").rsplit("/", maxsplit=1)[-1]
                for path in self.remote.ls(self._key(folder), detail=False, refresh=True)
            )
        except FileNotFoundError:
            return []

    def remove(self, folder: str) -> None:
        """A folder and all that is in it, if it is there."""
        if self.folder is not None:
            shutil.rmtree(self.path(folder), ignore_errors=True)
        elif self.remote.exists(self._key(folder)):
            self.remote.rm(self._key(folder), recursive=True)

    def age(self, folder: str, now: float) -> float:
        """Seconds since a folder of a local root was changed; FileNotFoundError."""
        return now - self.path(folder).stat().st_mtime

    def _key(self, name: str) -> str:
        assert NAME.fullmatch(name), name
        return f"{self.prefix}/{name}"


def _open_remote(root: str) -> tuple[Any, str]:
    import fsspec  # with its driver for the address: s3fs, gcsfs …

    # what other machines write is seen at once
    remote, prefix = fsspec.core.url_to_fs(root, use_listings_cache=False)
    return remote, prefix.rstrip("/")
