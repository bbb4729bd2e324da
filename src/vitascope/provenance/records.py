"""What was made here: one JSON file for every delivered video, private to the operator, never changed afterwards.

A record's `payload` is what the video's watermark carries: the truncated HMAC of what identifies it (settings, model,
first pixels), so that a mark leads to its record, and a mark that was moved to other pixels leads to a record that does
not fit them. Knows nothing of policies and models; the records' contents come from `produce`.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path

from .fingerprint import BYTES, distance


@dataclass(frozen=True)
class Record:
    """One delivered video; `verdicts` and `credentials` hold what really ran."""
    id: str
    payload: str  # 16 hexadecimal digits
    created: str  # UTC, ISO 8601
    file: str  # name only
    sha256: str  # of the delivered file; "" for a folder of pictures
    model: dict[str, str]  # name, version, hash
    settings: dict[str, Any]
    task: str
    policy: dict[str, Any]
    verdicts: dict[str, Any]  # prompt, inputs, frames
    watermark: dict[str, Any]
    credentials: dict[str, Any]
    sources: list[dict[str, Any]]
    fingerprint: str  # hexadecimal, 64 digits a frame
    prompt_salt: str
    lineage: list[str] = field(default_factory=list)  # texts of the videos that this one was made from, oldest first
    seconds: dict[str, float] = field(default_factory=dict)  # what each step of the gate took

    @property
    def hashes(self) -> np.ndarray:
        """The fingerprint, uint8 (N, 32)."""
        return np.frombuffer(bytes.fromhex(self.fingerprint), np.uint8).reshape(-1, BYTES)


def records_folder(folder: Path | None = None) -> Path:
    """Where this installation keeps its records; `VITASCOPE_RECORDS` names another place."""
    return folder or Path(os.environ.get("VITASCOPE_RECORDS") or user_data_path("vitascope") / "records")


def new_id() -> str:
    return f"video_{secrets.token_hex(16)}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def payload_of(identity: dict[str, Any], key: bytes) -> int:
    """64 bits that follow from what identifies a video and a secret key: nobody else can find a video to a payload."""
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True, allow_nan=False)
    digest = hmac.new(key, b"vitascope payload 1 " + text.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big")


def write(record: Record, folder: Path | None = None) -> Path:
    """Store a record, whole and readable by its owner alone. FileExistsError if there is one of the same id."""
    folder = records_folder(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, partial = folder / f"{record.payload}-{record.id}.json", folder / f".{record.id}.partial"
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(record), file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(partial, path)
    finally:
        partial.unlink()
    return path


def find(payload: str, folder: Path | None = None) -> list[Record]:
    """The records of a payload, the oldest first."""
    assert re.fullmatch(r"[0-9a-f]{16}", payload), payload
    return sorted(map(_read, records_folder(folder).glob(f"{payload}-*.json")), key=lambda record: record.created)


def find_file(sha256: str, folder: Path | None = None) -> Record | None:
    """The record of a delivered file that was not changed by a byte."""
    return next((record for record in everything(folder) if record.sha256 == sha256), None)


def nearest(hashes: np.ndarray, folder: Path | None = None) -> tuple[Record | None, float, int]:
    """The record whose clip looks most like a fingerprint, their distance, and how many were compared."""
    best, least, count = None, 1.0, 0
    for record in everything(folder):
        count += 1
        if (found := distance(hashes, record.hashes)) < least:
            best, least = record, found
    return best, least, count


def everything(folder: Path | None = None) -> Iterator[Record]:
    """All records, in no order."""
    return map(_read, records_folder(folder).glob("*-video_*.json"))


def _read(path: Path) -> Record:
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no record: {error}") from None
