import numpy as np

from vitascope.safety.ngrams import BUCKETS, buckets


def test_buckets_are_distinct_and_in_range() -> None:
    found = buckets("a red car and a red bus")
    assert (
        found.dtype == np.int64
        and len(set(found.tolist())) == len(found)
        and 0 <= found.min()
        and found.max() < BUCKETS
    )


def test_word_order_matters_and_spaces_do_not() -> None:
    assert set(buckets("red car")) != set(buckets("car red"))
    assert np.array_equal(buckets("red  car!"), buckets("red car"))


def test_an_empty_text_has_no_buckets() -> None:
    assert len(buckets("")) == 0
