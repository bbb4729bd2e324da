"""Attacks on credentials and marks: none gets through; what is known not to be withstood is told."""

import pytest

from vitascope.redteam.measure import Row, strict_gates
from vitascope.redteam.provenance import ATTACKS, MUTATIONS, attack_provenance


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {row.attack: row for row in attack_provenance()}


def test_no_attack_gets_through(rows: dict[str, Row]) -> None:
    assert set(rows) >= {*ATTACKS, "mark made with another key", "mark moved to another video"}
    assert rows["one changed byte"].unsafe == MUTATIONS >= 200
    assert [gate for gate in strict_gates(list(rows.values()), "provenance") if not gate.passed] == []


def test_a_mark_that_is_drawn_again_is_measured_and_no_gate(rows: dict[str, Row]) -> None:
    washed = rows["drawn again by an autoencoder"]
    assert washed.unsafe == 2 and washed.note and not washed.benign
