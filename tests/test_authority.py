"""The authority: made whole, private, once."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vitascope.provenance.authority import SECRETS, Authority


def test_secrets_are_private(tmp_path: Path) -> None:
    made = Authority.create(tmp_path / "authority")
    assert {stat.S_IMODE((made.folder / name).stat().st_mode) for name in SECRETS} == {0o600}
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert all(finding.good for finding in made.examine()) and len(made.marks_key) == 32


def test_open_key_is_refused(tmp_path: Path) -> None:
    made = Authority.create(tmp_path / "authority")
    os.chmod(made.folder / "leaf.key", 0o640)
    with pytest.raises(ValueError, match="leaf.key can be read by other users"):
        Authority.load(made.folder)


def test_first_use_by_many_at_once_makes_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Authority.ensure(tmp_path / "authority"), range(8)))
    assert len({each.serial for each, _ in made}) == 1 and sum(new for _, new in made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["authority"]


def test_the_reason_why_none_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "authority").mkdir()
    (tmp_path / "authority" / "something").touch()
    with pytest.raises(ValueError, match="cannot be made: Directory not empty"):
        Authority.ensure(tmp_path / "authority")


def test_a_rotation_that_was_killed_does_not_hinder_the_next(tmp_path: Path) -> None:
    made = Authority.create(tmp_path / "authority")
    (made.folder / "renewed").mkdir()
    (made.folder / "renewed" / "leaf.pem").write_text("half")
    before = made.serial
    assert made.rotate().serial != before and not (made.folder / "renewed").exists()
    assert all(finding.good for finding in made.examine())


def test_second_creation_is_refused(tmp_path: Path) -> None:
    Authority.create(tmp_path / "authority")
    with pytest.raises(ValueError, match="holds an authority already"):
        Authority.create(tmp_path / "authority")


def test_absent_authority_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="provenance init"):
        Authority.load(tmp_path / "none")


def test_key_of_another_leaf_is_found_out(tmp_path: Path) -> None:
    made, other = Authority.create(tmp_path / "a"), Authority.create(tmp_path / "b")
    (made.folder / "leaf.key").write_text(other.private_key())
    assert [finding.name for finding in made.examine() if not finding.good] == ["leaf key"]


def test_leaf_of_another_chain_is_found_out(tmp_path: Path) -> None:
    made, other = Authority.create(tmp_path / "a"), Authority.create(tmp_path / "b")
    for name in ("leaf.key", "leaf.pem"):
        (made.folder / name).write_bytes((other.folder / name).read_bytes())
    assert [finding.name for finding in made.examine() if not finding.good] == ["chain"]


def test_leaf_lives_no_longer_than_the_conformance_programme_allows(tmp_path: Path) -> None:
    leaf = Authority.create(tmp_path / "authority").leaf
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 366
