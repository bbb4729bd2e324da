from collections.abc import Iterator
from pathlib import Path

import pytest

from vitascope.serve.database import connect
from vitascope.serve.job import Limits
from vitascope.serve.keys import FORM, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    database = connect(str(tmp_path / "keys.sqlite"))
    yield Keys(database)
    database.close()


def test_a_key_is_found_by_itself_only(keys: Keys) -> None:
    assert not keys.any()
    key, other = keys.create("ann", Limits(2, 30.0)), keys.create("bob")
    assert FORM.fullmatch(key) and keys.any()
    found = keys.find(key)
    assert found is not None and (found.name, found.limits) == ("ann", Limits(2, 30.0))
    for wrong in (
        "",
        "x",
        key[:-1],
        key + "x",
        key[:12] + other[12:],
        key.upper(),
        "vk_" + "0" * 8 + key[11:],
        "vk_\udcff",
    ):
        assert keys.find(wrong) is None


def test_keys_are_stored_hashed(keys: Keys, tmp_path: Path) -> None:
    key = keys.create("ann")
    keys.database.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key.encode() not in stored and key[12:].encode() not in stored and b"ann" in stored


def test_a_revoked_key_is_nobodys(keys: Keys) -> None:
    key = keys.create("ann")
    assert keys.revoke(keys.all()[0].id) and not keys.revoke("nothing")
    assert keys.find(key) is None


def test_names_are_printable(keys: Keys) -> None:
    for name in ("", "x" * 81, "a\nb"):
        with pytest.raises(ValueError):
            keys.create(name)
