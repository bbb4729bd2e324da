from collections.abc import Callable

import numpy as np
import pytest

from vitascope.safety.frames import Review, review
from vitascope.safety.policy import Policy


class Red:
    """Stands for a classifier: a frame is as bad as it is red."""
    name, version = "red", "1"

    def __init__(self) -> None:
        self.seen = 0

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        self.seen += len(frames)
        return {"violence": frames[..., 0].mean((1, 2)) / 255}


class Odd(Red):
    def __init__(self, answer: Callable[[np.ndarray], dict]) -> None:
        super().__init__()
        self.answer = answer

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        return self.answer(frames)


def clip(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 120, (frames, 24, 32, 3), dtype=np.uint8)


POLICY = Policy.load()


def test_one_bad_frame_among_many_is_found_wherever_it_is() -> None:
    for place in (0, 7, 16, 39):
        frames = clip(40)
        frames[place, ..., 0] = 255
        verdict = review(frames, POLICY, by=[("red", Red)])
        assert verdict.verdict == "block" and verdict.checks[0]["worst_frames"] == {"violence": place}
    assert review(clip(40), POLICY, by=[("red", Red)]).verdict == "allow"


def test_equal_frames_are_looked_at_once() -> None:
    frames, red = clip(20), Red()
    frames[5:15] = frames[4]
    check, = review(frames, POLICY, by=[("red", lambda: red)]).checks
    assert red.seen == check["distinct"] == 10 and check["frames"] == 20


def test_chunks_give_the_same_verdict_as_the_whole() -> None:
    frames = clip(21)
    frames[13, ..., 0] = 250
    whole, parts = (review(x, POLICY, by=[("red", Red)]) for x in (frames, np.array_split(frames, 4)))
    assert (whole.verdict, whole.categories, whole.checks) == (parts.verdict, parts.categories, parts.checks)


def missing() -> Red:
    raise ModuleNotFoundError("no weights")


@pytest.mark.parametrize(
    "by",
    [
        [("red", missing)],
        [],
        [("red", Red), ("other", missing)],
        [("odd", lambda: Odd(lambda frames: {}))],
        [("odd", lambda: Odd(lambda frames: {"violence": np.full(len(frames), np.nan)}))],
        [("odd", lambda: Odd(lambda frames: {"violence": np.zeros(1)}))],
        [("odd", lambda: Odd(lambda frames: {"rudeness": np.zeros(len(frames))}))],
        [("odd", lambda: Odd(lambda frames: 1 / 0))],
        [("odd", lambda: Odd(lambda frames: {"violence": np.full(len(frames), -1.0)}))],
    ],
)
def test_a_reviewer_that_is_missing_or_fails_blocks(by: list) -> None:
    verdict = review(clip(3), POLICY, by=by)
    assert verdict.verdict == "block" and verdict.reasons
    assert all(not check["ran"] for check in verdict.checks if check["reviewer"] != "red" or by[0][1] is missing)


def test_a_failure_in_a_later_batch_blocks_too() -> None:
    calls = []

    def fails_later(frames: np.ndarray) -> dict:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("out of memory")
        return {"violence": np.zeros(len(frames))}

    verdict = review(clip(40), POLICY, by=[("odd", lambda: Odd(fails_later))])
    assert (
        verdict.verdict == "block" and verdict.checks[0]["ran"] is False and "out of memory" in verdict.checks[0]["why"]
    )


def test_no_frame_blocks() -> None:
    assert Review(POLICY, [("red", Red)]).verdict().verdict == "block"


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 8, 8, 3)),
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 4), np.uint8),
    ],
)
def test_what_is_no_clip_is_refused(frames: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        review(frames, POLICY, by=[("red", Red)])


def test_a_policy_that_is_off_looks_at_nothing_and_says_so() -> None:
    verdict = review(clip(2), POLICY.switched_off(), by=[("red", missing)])
    assert verdict.verdict == "allow" and verdict.checks[0]["ran"] is False
