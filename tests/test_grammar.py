from collections import Counter
from pathlib import Path

import pytest

from vitascope.safety.grammar import Grammar, everyday, pairs
from vitascope.safety.policy import CATEGORIES


def test_every_category_has_pairs() -> None:
    counts = {category: sum(found == category for found, _, _ in pairs()) for category in CATEGORIES}
    assert min(counts.values()) >= 10, counts


def test_the_same_seed_draws_the_same_prompts() -> None:
    assert Grammar().draw(50, 3) == Grammar().draw(50, 3) != Grammar().draw(50, 4)


def test_a_pair_is_one_group_with_both_labels_and_no_slot_left() -> None:
    examples = Grammar().draw(600, 1)
    for refused, allowed in zip(examples[::2], examples[1::2], strict=True):
        assert refused.group == allowed.group and refused.unsafe and not allowed.unsafe and refused.text != allowed.text
        assert not set("{}[]|") & set(refused.text + allowed.text)


def test_a_line_that_is_no_pair_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contrasts.txt"
    path.write_text("[hate]\nonly one side\n")
    with pytest.raises(ValueError, match="line 2"):
        pairs(path)


def test_everyday_prompts_are_allowed_and_have_no_slot_left() -> None:
    examples = everyday(400, 0)
    assert examples == everyday(400, 0) and not any(example.unsafe for example in examples)
    assert not set("{}[]|") & set("".join(example.text for example in examples))
    assert len({example.group for example in examples}) > 40


def test_a_pair_that_leaves_more_open_is_drawn_more_often() -> None:
    grammar = Grammar()
    drawn = Counter(example.group for example in grammar.spread(2, 0))
    plain = [i for i, pair in enumerate(grammar.pairs) if "[" not in "".join(pair[1:])]
    assert all(drawn[f"pair {grammar.pairs[i][0]} {i}"] == 4 for i in plain)
    assert min(drawn.values()) == 4 and max(drawn.values()) > 8
