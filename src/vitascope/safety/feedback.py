"""Reports on videos: what a person says about one, kept in an append-only file beside the installation's data.

In: a file, a reason and a category. Out: a numbered note in `feedback.jsonl`, with the file's digest and not the
file, for the operator alone to read. One program after another writes its line whole, so that two may report at once.
"""

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from .policy import CATEGORIES

LONGEST_REASON = 4000  # characters


@dataclass(frozen=True)
class Note:
    """One report."""
    number: int
    time: str          # UTC, ISO 8601
    file: str          # name only
    sha256: str
    category: str
    reason: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def store(video: Path, *, reason: str, category: str = "other", folder: Path | None = None) -> Note:
    """Append a report; ValueError for a file that is not there, an empty reason, an unknown category."""
    if category not in (*CATEGORIES, "other"):
        raise ValueError(f"category {category!r} is not one of {', '.join(CATEGORIES)}, other")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise ValueError(f"the reason has {len(reason.strip())} characters; 1 to {LONGEST_REASON} are expected")
    try:
        with video.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{video} cannot be read: {error}") from error
    path = (folder or user_data_path("vitascope")) / "feedback.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        note = Note(sum(1 for _ in file) + 1, datetime.now(UTC).isoformat(timespec="seconds"), video.name, digest,
                    category, reason.strip())
        file.write(json.dumps(note.document()) + "\n")  # as ASCII: some readers take other characters for line ends
        file.flush()
        os.fsync(file.fileno())
    return note


def reports(folder: Path | None = None) -> list[Note]:
    """Every report, oldest first."""
    path = (folder or user_data_path("vitascope")) / "feedback.jsonl"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [Note(**json.loads(line)) for line in file]
