import numpy as np

from vitascope.safety.corpus import Corpus, away_from, cluster, part, sample, with_variants, worn
from vitascope.safety.grammar import Example


def test_twins_and_copies_are_one_cluster() -> None:
    texts = [
        "Draw a tall man opening an old red safe with a drill at night",
        "Show a tall man opening an old red safe with his key",
        "Two dogs in a park",
    ]
    a, b, c = cluster(texts)
    assert a == b != c


def test_nothing_near_a_held_out_prompt_is_learnt_from() -> None:
    def example(text: str) -> Example:
        return Example(text, "benign", False, text, "s")

    held = [example("a grey fox jumps over the stone wall at noon")]
    near, far = example("painting: a grey fox jumps over the stone wall"), example("a grey cat sleeps under a table")
    assert away_from(held, [near, far]) == [far]


def test_a_sample_takes_as_many_of_each_source_and_side() -> None:
    examples = [Example(f"{source} {i}", "hate", i % 3 == 0, "g", source) for source in "ab" for i in range(30)]
    chosen = sample(examples, 4, 0)
    assert {(s, u): sum((e.source, e.unsafe) == (s, u) for e in chosen) for s in "ab" for u in (True, False)} == {
        ("a", True): 4, ("a", False): 4, ("b", True): 4, ("b", False): 4}
    assert chosen == sample(examples, 4, 0) and len(set(chosen)) == 16


def test_a_group_is_on_one_side_only_and_sides_have_their_shares() -> None:
    sides = [part(f"group {i}") for i in range(4000)]
    assert [part(f"group {i}") for i in range(4000)] == sides
    shares = [sides.count(side) / 4000 for side in ("train", "validation", "test")]
    assert np.allclose(shares, (0.72, 0.10, 0.18), atol=0.03)


def test_variants_keep_labels_and_are_drawn_alike_from_both_sides() -> None:
    examples = [Example(f"a tall {animal} {verb} the lamp number {i}", category, category != "benign", str(i), "s")
                for i in range(150) for animal, verb, category in (("fox", "breaks", "violence"),
                                                                   ("hen", "likes", "benign"))]
    more = with_variants(examples, Corpus())
    assert more == with_variants(examples, Corpus()) and len(more) > 1.3 * len(examples)
    counts = [sum(e.unsafe is side for e in more) for side in (True, False)]
    assert abs(counts[0] - counts[1]) < 0.15 * len(examples)
    assert all(e.unsafe is (e.category == "violence") for e in more)


def test_worn_words_are_damaged_in_one_way_and_short_ones_stay() -> None:
    generator = np.random.default_rng(0)
    found = {worn("the old elephant is walking in a garden", generator) for _ in range(40)}
    assert len(found) > 10 and all(text.startswith("the old ") and " in a " in text for text in found)
