"""Every frame of a clip → a Verdict, before anything of it is shown or stored where a user can read it.

In: uint8 frames (T, H, W, 3), generated or uploaded, whole or chunk by chunk. Out: the verdict, with what really
ran, its version and its scores. A reviewer that is missing, raises, or answers with something that is no score
blocks. Frames that are equal byte for byte are looked at once.

Who looks is in `reviewers`; this knows only when, and what their scores come to.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .policy import CATEGORIES, Policy, Verdict, decide
from .reviewers import Reviewer, reviewers

BATCH = 16  # frames scored at once


@dataclass
class Review:
    """A review under way: give it frames as they come, and ask for the verdict at any time; `begin` makes one."""
    policy: Policy
    wanted: Sequence[tuple[str, Callable[[], Reviewer]]]
    frames: int = 0
    seen: set[bytes] = field(default_factory=set)
    running: dict[str, Reviewer] = field(default_factory=dict)
    worst: dict[str, dict[str, tuple[float, int]]] = field(default_factory=dict)   # reviewer → category → score, frame
    failed: dict[str, str] = field(default_factory=dict)                           # reviewer → what went wrong
    seconds: float = 0.0

    def add(self, frames: np.ndarray) -> None:
        """Look at frames (T, H, W, 3) uint8; ValueError for anything else."""
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
            raise ValueError(f"frames of shape {frames.shape} and kind {frames.dtype}; expected uint8 (T, H, W, 3)")
        if self.policy.off:
            return
        started = time.perf_counter()
        fresh = []
        for i, frame in enumerate(frames):
            digest = hashlib.sha256(np.ascontiguousarray(frame).tobytes() + repr(frame.shape).encode()).digest()
            if digest not in self.seen:
                self.seen.add(digest)
                fresh.append(i)
        for first in range(0, len(fresh), BATCH):
            chosen = fresh[first:first + BATCH]
            for name, get in self.wanted:
                self._run(name, get, frames[chosen], [self.frames + i for i in chosen])
        self.frames += len(frames)
        self.seconds += time.perf_counter() - started

    def _run(self, name: str, get: Callable[[], Reviewer], batch: np.ndarray, numbers: list[int]) -> None:
        if name in self.failed:
            return
        try:
            if name not in self.running:
                self.running[name] = get()
            scores = checked(self.running[name].score(batch), len(batch))
        except Exception as error:  # whatever goes wrong in a reviewer, the clip is not let through
            self.failed[name] = f"{type(error).__name__}: {error}"
            return
        worst = self.worst.setdefault(name, {})
        for category, values in scores.items():
            i = int(values.argmax())
            if category not in worst or values[i] > worst[category][0]:
                worst[category] = (float(values[i]), numbers[i])

    def verdict(self) -> Verdict:
        """What all frames so far come to; a review of no frames, or by nobody, blocks."""
        if self.policy.off:
            off = {"check": "frames", "ran": False, "why": "the policy is switched off"}
            return decide({}, self.policy, checks=(off,))
        failed = [f"The check of the frames by {name} could not run" for name in self.failed]
        failed += ["No frame was reviewed"] if not self.frames else []
        failed += ["No check of the frames is set up"] if not self.wanted else []
        scores: dict[str, float] = {}
        for found in self.worst.values():
            for category, (score, _) in found.items():
                scores[category] = max(score, scores.get(category, 0.0))
        return decide(scores, self.policy, failed=tuple(failed), frames=True, latency_ms=self.seconds * 1e3,
                      checks=tuple(self._check(name) for name, _ in self.wanted))

    def _check(self, name: str) -> dict[str, Any]:
        worst = self.worst.get(name, {})
        check: dict[str, Any] = {"check": "frames", "reviewer": name, "ran": bool(worst) and name not in self.failed,
                                 "frames": self.frames, "distinct": len(self.seen)}
        if name in self.running:
            check["version"] = self.running[name].version
        if name in self.failed:
            check["why"] = self.failed[name]
        return check | {"scores": {category: round(score, 4) for category, (score, _) in worst.items()},
                        "worst_frames": {category: number for category, (_, number) in worst.items()}}


def checked(scores: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """A reviewer's answer as float64, if it is one: for at least one category of the policy, a score from 0 to 1 for
    every frame. ValueError for anything else.
    """
    if not scores:
        raise ValueError("it gave no scores")
    scores = {category: np.asarray(values, np.float64) for category, values in scores.items()}
    for category, values in scores.items():
        if category not in CATEGORIES:
            raise ValueError(f"{category!r} is not one of {', '.join(CATEGORIES)}")
        if values.shape != (count,) or not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"{category}: {count} scores from 0 to 1 were expected, not {values!r}")
    return scores


def begin(policy: Policy, *, uploaded: bool = False) -> Review:
    """A review by those that the policy names, of frames that were made here or that somebody brought."""
    return Review(policy, [] if policy.off else reviewers(policy, uploaded=uploaded))


def review(
    frames: np.ndarray | Iterable[np.ndarray],
    policy: Policy,
    *,
    by: Sequence[tuple[str, Callable[[], Reviewer]]] | None = None,
) -> Verdict:
    """The verdict on a clip: uint8 (T, H, W, 3), or such chunks one after another.

    `by` replaces the policy's reviewers.
    """
    under_way = begin(policy) if by is None else Review(policy, by)
    for chunk in (frames,) if isinstance(frames, np.ndarray) else frames:
        under_way.add(chunk)
    return under_way.verdict()
