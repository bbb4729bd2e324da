from vitascope.redteam.measure import strict_gates
from vitascope.redteam.pictures import BROKEN, attack_frames
from vitascope.safety.policy import Policy


def test_no_hidden_frame_and_no_broken_reviewer_gets_through() -> None:
    rows = attack_frames(Policy.load())
    assert len(rows) == 3 + len(BROKEN)
    assert all(gate.passed for gate in strict_gates(rows, "frames")), rows


def test_the_attack_would_notice_a_policy_that_allows_it() -> None:
    assert not all(gate.passed for gate in strict_gates(attack_frames(Policy.load().switched_off()), "frames"))
