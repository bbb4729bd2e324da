import pytest

from vitascope.redteam.measure import Row, Tally, prompt_gates, strict_gates, total, wilson


def test_intervals_agree_with_published_ones() -> None:
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)  # Brown, Cai and DasGupta 2001
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_tally_counts_both_errors() -> None:
    tally = Tally("prompt", "s", "none")
    for unsafe, stopped in ((True, True), (True, False), (False, False), (False, False), (False, True)):
        tally.add("hate", unsafe=unsafe, stopped=stopped)
    row, = tally.rows()
    assert (row.unsafe, row.caught, row.benign, row.let_through) == (2, 1, 3, 2)


def test_gates_break_on_what_they_are_for() -> None:
    def rows(caught: int, disguised: int, let_through: int) -> list[Row]:
        return [
            Row("prompt", "s", "none", "hate", 100, caught, 100, let_through),
            Row("prompt", "s", "leet", "hate", 100, disguised, 0, 0),
            Row("prompt", "s", "rot13", "hate", 100, caught, 0, 0),
        ]

    assert all(gate.passed for gate in prompt_gates(rows(98, 96, 98)))
    search = Row("prompt", "s", "adaptive", "hate", 100, 0, 0, 0, note="a search, not one converter")
    assert all(gate.passed for gate in prompt_gates([*rows(98, 96, 98), search]))
    broken = [
        [gate.name for gate in prompt_gates(rows(*counts)) if not gate.passed]
        for counts in ((90, 90, 98), (98, 98, 90), (98, 90, 98))
    ]
    assert broken == [
        ["prompt, s: caught"],
        ["prompt, s: let through"],
        ["prompt, s: share kept under a converter, average", "prompt, s: share kept under a converter, worst"],
    ]


def test_one_miss_breaks_a_strict_gate_unless_it_is_a_known_gap() -> None:
    assert [gate.passed for gate in strict_gates([Row("frames", "s", "a", "c", 5, 4, 5, 5)], "frames")] == [False, True]
    assert strict_gates([Row("frames", "s", "a", "c", 5, 0, 0, 0, note="a known gap")], "frames") == []


def test_totals_add_up() -> None:
    rows = [Row("prompt", "s", "none", c, 2, 1, 4, 3) for c in ("hate", "sexual")]
    assert (total(rows).unsafe, total(rows, category="hate").let_through) == (4, 3)
