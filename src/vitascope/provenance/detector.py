"""Was this file made here? A ladder of four kinds of evidence, from the strongest down: credentials, mark, likeness to
what was made, and the traces that the models leave.

Goes in: a file of any kind that can be read; comes out: what each step found, with its p-value where it has one, and a
verdict that names the step it stands on. Traces are looked for where nothing else speaks, and are told without being a
verdict: their chance of a false alarm is known no further down than one in a few hundred. It never says that something
was *not* made by a model: no evidence is no evidence.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..video import Video, read_video
from . import credentials, reading, records
from .authority import Authority
from .code import BITS
from .fingerprint import distance, fingerprint, mirrored
from .traces import FRAMES, LEAST, Traces, digest

ALPHA = 1e-4  # chance of a false alarm that a verdict may have, all steps together
STEP_ALPHA = math.log10(ALPHA / 2)  # of each of the two steps that can err by chance
LIKE = 0.12  # largest distance of a fingerprint that counts as a copy
RARE, TENFOLD = 0.275, 0.087  # one of 1,000 pairs of clips is closer; ten times fewer for each such step
TRACED = -2.0  # log10 of the chance from which traces count as seen
MOVED = 0.30  # distance from which a mark does not belong to what it is in


@dataclass(frozen=True)
class Evidence:
    """What one step found. `log10_p`: chance of as much in a file made elsewhere; None where no chance is involved."""
    step: str  # credentials, watermark, fingerprint, traces
    found: bool
    detail: str
    log10_p: float | None = None
    record: str = ""  # id of the record that it leads to
    mark: str = ""  # the payload that was read, 16 hexadecimal digits


@dataclass(frozen=True)
class Report:
    """What is known of a file. `verdict`: ours, tampered (a contradiction), or unknown."""
    file: str
    verdict: str
    stands_on: str  # the step that the verdict stands on, "" for none
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return asdict(self)


STATUS = {"ours": 0, "unknown": 1, "tampered": 3}  # exit status of `vitascope verify`; 2 is for what cannot be read


def verify(path: Path, authority: Authority, *, store: Path | None = None) -> Report:
    """Walk the ladder for a file. ValueError if it cannot be read as a video or image."""
    signed = credentials.read(path, authority.anchor)
    video = read_video(path)
    steps, warnings = look(video, authority.marks_key, store=store)
    steps = [_credentials(signed), *steps]
    if signed.state == "trusted" and signed.mark and steps[1].found and signed.mark != steps[1].mark:
        warnings.append(f"the credentials name the mark {signed.mark}, the pixels carry another")
    if signed.state != "tampered" and signed.tainted:
        warnings.append("something that this was made from had been tampered with")
    stands = next((step for step in steps if step.found), None)
    if stands is None and signed.state != "tampered":
        steps.append(_traces(video.pixels))
    verdict = "tampered" if signed.state == "tampered" or warnings else "ours" if stands else "unknown"
    return Report(path.name, verdict, stands.step if stands else "", tuple(steps), tuple(warnings))


def look(video: Video, key: bytes, *, store: Path | None = None) -> tuple[list[Evidence], list[str]]:
    """The steps that need nothing but pixels, for a video whose credentials are gone; and warnings."""
    hashes = fingerprint(video.pixels)
    mark, warning = _watermark(video.pixels, video.fps, hashes, key, store)
    return [mark, _fingerprint(video.pixels, hashes, store)], [warning] if warning else []


def _credentials(signed: credentials.Credentials) -> Evidence:
    """Only credentials that are trusted and say that a model made it are evidence; all others are told."""
    says = "says" if signed.generated else "does not say"
    when = f" at {signed.stamped}" if signed.stamped else ""
    details = {"trusted": f"signed by {signed.signer}{when}, unchanged since, {says} that a model made it",
               "untrusted": f"signed by {signed.signer or 'somebody'}, whom this installation does not know; unchanged",
               "expired": f"signed by {signed.signer}, unchanged since, with a certificate that has expired",
               "tampered": f"damaged or moved from another file: {', '.join(signed.problems)}",
               "absent": "the file carries none"}
    return Evidence("credentials", signed.state == "trusted" and signed.generated, details[signed.state])


def _watermark(frames: np.ndarray, fps: float, hashes: np.ndarray, key: bytes,
               store: Path | None) -> tuple[Evidence, str]:
    """The mark in the pixels, and a warning if it leads to a record of a video that looks otherwise."""
    readings = reading.read(frames, key, fps=fps)
    known = [(each, made[0]) for each in readings if (made := records.find(f"{each.payload:016x}", store))]
    found, record = known[0] if known else (reading.choose(readings), None)
    log10_p = found.log10_p
    if record:  # a payload that chance had written would have to be one of those that were given out
        given = sum(1 for _ in records.everything(store))
        log10_p = min(log10_p, math.log10(2 * reading.READINGS * given) - BITS * math.log10(2))
    if log10_p > STEP_ALPHA:
        return Evidence("watermark", False, "none that can be told from chance", log10_p), ""
    whole = found.placement == (0.0, 0.0, 1.0, 1.0)
    cut = "" if whole else f", cut to {found.placement[2]:.0%} x {found.placement[3]:.0%}"
    mark = f"{found.payload:016x}"
    detail = f"mark {mark}{', mirrored' if found.mirrored else ''}{cut}"
    if record is None:
        detail += ", by this installation's key; no record of it here"
        return Evidence("watermark", True, detail, log10_p, mark=mark), ""
    likeness = min(distance(hashes, record.hashes), distance(mirrored(frames), record.hashes))
    warning = ""
    if whole and likeness > MOVED:
        warning = f"the mark belongs to {record.id}, which looks otherwise (distance {likeness:.2f}): it was moved here"
    return Evidence("watermark", True, f"{detail}, of {record.id}", log10_p, record.id, mark), warning


def _fingerprint(frames: np.ndarray, hashes: np.ndarray, store: Path | None) -> Evidence:
    """The record that looks most like the file, or its mirror image."""
    candidates = [records.nearest(each, store) for each in (hashes, mirrored(frames))]
    record, least, count = min(candidates, key=lambda each: each[1])
    if record is None:
        return Evidence("fingerprint", False, "there are no records to compare with")
    log10_p = min(math.log10(2 * count) - 3 - (RARE - least) / TENFOLD, 0.0)  # fitted: benchmarks/fingerprint.py
    detail = f"distance {least:.3f} to the nearest of {count} records"
    return Evidence("fingerprint", least <= LIKE and log10_p <= STEP_ALPHA, detail, log10_p, record.id)


def _traces(frames: np.ndarray) -> Evidence:
    """Whether the bundled models drew it, as far as a trained network can tell."""
    if len(frames) < FRAMES or min(frames.shape[1:3]) < LEAST:
        return Evidence("traces", False, f"not looked for: {FRAMES} frames of {LEAST} pixels to a side are needed")
    known = Traces.load()
    if known.models != digest():
        return Evidence("traces", False, "not looked for: the classifier knows other weights than the bundled ones")
    score = known.score(frames)
    log10_p = known.log10_p(score)
    beyond, others = known.beyond(score)
    detail = f"{beyond} of {others} other clips look as much as if this model had drawn them"
    return Evidence("traces", log10_p <= TRACED, detail, log10_p)
