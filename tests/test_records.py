"""Records: private, whole, found again by mark, file and likeness."""

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vitascope.provenance import records
from vitascope.provenance.records import Record


def make_record(number: int, payload: str = "00000000000000ff") -> Record:
    hashes = np.random.default_rng(number).integers(0, 256, (3, 32), dtype=np.uint8)
    return Record(f"video_{number:032x}", payload, f"2026-11-0{number + 1}", "a.mp4", f"{number:064x}",
                  {"name": "nano"}, {"seed": number}, "text", {}, {}, {}, {}, [], hashes.tobytes().hex(), "salt",
                  ["a dog"])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for number in range(3):
        records.write(make_record(number, f"{number % 2:016x}"), tmp_path / "records")
    return tmp_path / "records"


def test_records_are_private_and_read_back(store: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.iterdir()} == {0o600}
    assert sorted(each.id for each in records.everything(store)) == [make_record(number).id for number in range(3)]


def test_payload_finds_all_its_videos_the_oldest_first(store: Path) -> None:
    assert [each.settings["seed"] for each in records.find(f"{0:016x}", store)] == [0, 2]
    assert records.find("f" * 16, store) == []


def test_file_and_likeness_find_a_record(store: Path) -> None:
    assert records.find_file(f"{1:064x}", store).settings == {"seed": 1}
    assert records.find_file("0" * 63 + "9", store) is None
    record, distance, count = records.nearest(make_record(2).hashes, store)
    assert (record.settings["seed"], distance, count) == (2, 0.0, 3)


def test_record_is_never_overwritten(store: Path) -> None:
    with pytest.raises(FileExistsError):
        records.write(make_record(0, f"{0:016x}"), store)
    assert not list(store.glob(".*"))


def test_payload_depends_on_every_setting_and_on_the_key() -> None:
    settings = {"prompt": "a dog", "seed": 1}
    payloads = {records.payload_of(settings, b"k" * 32), records.payload_of(settings | {"seed": 2}, b"k" * 32),
                records.payload_of(settings, b"l" * 32)}
    assert len(payloads) == 3 and all(0 <= payload < 2**64 for payload in payloads)
    assert records.payload_of(dict(reversed(settings.items())), b"k" * 32) in payloads


def test_empty_store(tmp_path: Path) -> None:
    assert records.nearest(make_record(0).hashes, tmp_path / "none") == (None, 1.0, 0)


def test_damaged_record_is_named(store: Path) -> None:
    path = next(store.glob("*.json"))
    path.write_text("{}")
    with pytest.raises(ValueError, match=path.name):
        list(records.everything(store))


def test_hashes_come_back_as_they_were(store: Path) -> None:
    record = make_record(0)
    assert replace(record, fingerprint=record.hashes.tobytes().hex()) == record
