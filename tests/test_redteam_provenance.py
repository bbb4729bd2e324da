from vitascope.redteam.measure import strict_gates
from vitascope.redteam.provenance import ATTACKS, MUTATIONS, attack_provenance


def test_no_attack_on_credentials_gets_through() -> None:
    rows = attack_provenance()
    assert {row.attack for row in rows} >= set(ATTACKS)
    assert next(row for row in rows if row.attack == "one changed byte").unsafe == MUTATIONS >= 200
    broken = [gate for gate in strict_gates(rows, "provenance") if not gate.passed]
    assert not broken
