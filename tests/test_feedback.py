import hashlib
import stat
from pathlib import Path

import pytest

from vitascope.safety.feedback import reports, store


def test_reports_are_numbered_and_kept(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"not really a film")
    first = store(video, reason="looks like my aunt", category="public_figures", folder=tmp_path / "data")
    second = store(video, reason="fine after all", folder=tmp_path / "data")
    assert [first.number, second.number] == [1, 2] and reports(tmp_path / "data") == [first, second]
    assert stat.S_IMODE((tmp_path / "data" / "feedback.jsonl").stat().st_mode) == 0o600
    assert first.sha256 == hashlib.sha256(b"not really a film").hexdigest()


def test_a_reason_with_other_line_ends_is_read_back(tmp_path: Path) -> None:
    """A separator that some readers take for the end of a line must not hide what comes after."""
    video = tmp_path / "clip.mp4"
    video.touch()
    notes = [store(video, reason=f"one{end}two", folder=tmp_path) for end in "\n\r\u2028\u0085\x0b"]
    assert reports(tmp_path) == notes and [note.number for note in notes] == [1, 2, 3, 4, 5]


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    with pytest.raises(ValueError, match="cannot be read"):
        store(video, reason="x", folder=tmp_path)
    video.touch()
    with pytest.raises(ValueError, match="category 'ugly' is not one of"):
        store(video, reason="x", category="ugly", folder=tmp_path)
    with pytest.raises(ValueError, match="0 characters"):
        store(video, reason="  ", folder=tmp_path)
