from vitascope.redteam.suites import SUITES, wordings
from vitascope.safety.corpus import away_from
from vitascope.safety.grammar import Example, Grammar, everyday
from vitascope.safety.policy import CATEGORIES


def test_free_wordings_are_of_both_sides_of_every_category() -> None:
    requests = SUITES["wordings"](0, 1000)
    assert {(request.category, request.unsafe) for request in requests} == {
        (category, side) for category in CATEGORIES for side in (True, False)}
    assert wordings(0, 7) == requests[:7]


def test_no_free_wording_is_learnt_from() -> None:
    held = [Example(r.texts[0], r.category, r.unsafe, "w", "wordings") for r in wordings(0, 1000)]
    drawn = Grammar().spread(1, 0) + everyday(400, 0)
    assert away_from(held, drawn) == drawn
