"""The one gate: judge what is asked → make → review every frame → mark → encode → sign → record → deliver.

Nothing is written where a user can read it before the last step, and the last step is one rename. Until then all bytes
lie in memory and in a private folder of this process, which the next production removes if this one is killed. What a
production refuses or fails at leaves no file. Neither the command line nor the server writes a video that did not come
through here.

Frames go through in chunks of about two seconds: reviewed, marked, and encoded while the next are made. So memory does
not depend on how long a video is, no frame is encoded that was not reviewed, and the first bad one ends the work.

How a video is made it does not know: that is one function, `make`, called when what was asked has been judged.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .provenance import credentials, reading, records, visible, watermark
from .provenance.authority import Authority
from .provenance.credentials import NotSigned, Source, Statement
from .provenance.fingerprint import chosen, hash_frame
from .provenance.records import Record
from .provenance.swing import chunks, swing
from .safety import frames as frame_review
from .safety import prompt as prompt_review
from .safety.policy import Policy, Verdict
from .video import Stream, Video, check_output, open_video, whole_file, write_frames, write_while_made

if TYPE_CHECKING:
    from .system import System

__all__ = ["Asked", "Gate", "Model", "NotSigned", "Record", "Refused", "describe_model", "open_gate", "produce"]


@dataclass(frozen=True)
class Model:
    """What makes the videos."""
    name: str
    version: str
    hash: str  # "sha256:..." of all weights


@dataclass(frozen=True)
class Asked:
    """Everything about one request that is judged, signed or stored."""
    texts: tuple[str, ...]  # prompt, expanded prompt, cards, names of uploaded files
    negative: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)  # with the model, all that determines the frames
    task: str = "text"
    sources: tuple[Source, ...] = ()  # files that the video is made from; reviewed like its frames
    metadata: dict[str, Any] = field(default_factory=dict)  # written into the file, for everyone to read


@dataclass(frozen=True)
class Gate:
    """What an installation lets through, and with what it signs. `authority` None: an operator wants no credentials."""
    policy: Policy
    model: Model
    authority: Authority | None
    key: bytes  # of the watermark
    store: Path  # folder of records


class Refused(Exception):
    """The policy does not allow what was asked, or what came out. `verdict` says why, the message tells who asked."""

    def __init__(self, stage: str, verdict: Verdict) -> None:
        super().__init__(" ".join(verdict.reasons) or f"This was refused at the stage {stage}.")
        self.stage, self.verdict = stage, verdict


def open_gate(model: Model, *, policy: Policy | None = None, signed: bool = True, authority: Path | None = None,
              store: Path | None = None) -> tuple[Gate, bool]:
    """The gate of this installation, and whether it made its own authority just now: something to tell the user."""
    own, new = Authority.ensure(authority)
    return Gate(Policy.load() if policy is None else policy, model, own if signed else None, own.marks_key,
                records.records_folder(store)), new


def describe_model(system: "System") -> Model:
    """Name and version of a system, and the hash of its weights, part by part, in the order of their names."""
    digest = hashlib.sha256()
    for part in system.parts.values():
        for name, tensor in sorted(part.state_dict().items()):
            digest.update(name.encode() + str(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return Model(system.config.name, system.config.version, f"sha256:{digest.hexdigest()}")


def produce(asked: Asked, make: Callable[[], Stream | Video], *, out: Path, gate: Gate) -> Record:
    """Make a video, and deliver it to `out` if it passes. The same request gives the same frames, marks included.

    Refused for what the policy does not allow or holds for a person to look at. ValueError for what the user must
    change: an output of no known kind, an input whose credentials were tampered with. NotSigned if it cannot be signed
    so that it reads back as trusted; then nothing is delivered.
    """
    check_output(out)
    took: dict[str, float] = {}
    with _timed(took, "inputs"):
        inputs = [_inspect(source, gate) for source in asked.sources]
    lineage = list(dict.fromkeys([text for each in inputs for text in each.texts] + list(asked.texts)))
    with _timed(took, "prompt"):
        verdicts = {"prompt": _pass("prompt", prompt_review.judge(lineage, gate.policy, negative=asked.negative))}
    verdicts["inputs"] = {each.known["file"]: _pass("inputs", each.verdict) for each in inputs}
    with _timed(took, "make"):
        made = make()
    passage = Passage(Stream.of(made) if isinstance(made, Video) else made, asked, gate, took)
    check_output(out, frames=passage.made.count)
    with _private_folder(gate.store) as folder:
        finished = folder / (f"video{out.suffix.lower()}" if out.suffix and "%" not in out.name else "pictures")
        planned = took["make"]
        with _timed(took, "encode"):
            write_while_made(passage, finished, fps=passage.made.fps, metadata=asked.metadata)
        took["encode"] -= took["frames"] + took["watermark"] + took["make"] - planned
        verdicts["frames"] = passage.verdict
        mark, salt = f"{passage.payload:016x}", secrets.token_hex(16)
        with _timed(took, "credentials"):
            finished, signed = _sign(finished, asked, gate, mark, salt, verdicts)
        record = Record(
            id=records.new_id(), payload=mark, created=records.now(), file=out.name,
            sha256=_file_hash(finished) if finished.is_file() else "", model=asdict(gate.model),
            settings=asked.settings, task=asked.task, policy=gate.policy.record(), verdicts=verdicts,
            watermark=_look(finished, gate.key, passage.payload), credentials=signed,
            sources=[each.known for each in inputs], fingerprint=b"".join(passage.hashes).hex(), prompt_salt=salt,
            lineage=lineage, seconds={name: round(value, 4) for name, value in took.items()},
        )
        records.write(record, gate.store)
        _deliver(finished, out, asked)
    return record


# ------------------------------------------------------------------------------------------------------------ judging

@dataclass(frozen=True)
class Input:
    """A source as it was found."""
    texts: list[str]  # what it was made by, if it was made here
    known: dict[str, str]  # for the record
    verdict: Verdict  # on all its frames, with the check of its name


def _inspect(source: Source, gate: Gate) -> Input:
    """Read an input, however long, once. Refused for its name; ValueError if its credentials, or those of anything it
    was made from, were tampered with.
    """
    named = prompt_review.judge_name(source.title or source.path.name, gate.policy)
    _pass("inputs", named)
    state, digest, record = "unread", "", None
    if source.path.is_file():  # a numbered series of pictures is none, and carries no credentials
        state = _check_credentials(source.path, gate)
        digest = _file_hash(source.path)
        record = records.find_file(digest, gate.store)
    review, pixels = frame_review.begin(gate.policy, uploaded=True), hashlib.sha256()
    with open_video(source.path) as (fps, frames):
        frames = _reviewed(frames, review, pixels)
        record = record or _find_marked(frames, fps, gate)
        deque(frames, 0)
    found = review.verdict()
    return Input([] if record is None else record.lineage,
                 {"file": source.path.name, "sha256": digest or pixels.hexdigest(), "relation": source.relation,
                  "credentials": state, "record": "" if record is None else record.id},
                 replace(found, checks=(*named.checks, *found.checks)))


def _check_credentials(path: Path, gate: Gate) -> str:
    """The state of an input's credentials; ValueError if they, or those of a source of it, were tampered with."""
    if gate.authority is None:
        return "unread"
    found = credentials.read(path, gate.authority.anchor)
    if found.tainted:
        names = [origin.title for origin in found.origins if origin.state == "tampered"] or [path.name]
        raise ValueError(f"{path}: the content credentials of {', '.join(names)} were tampered with; "
                         "expected a file whose credentials are intact, or one without any")
    return found.state


def _reviewed(frames: Iterator[np.ndarray], review: frame_review.Review, pixels: Any) -> Iterator[np.ndarray]:
    """The frames of an input, reviewed, and added to the hash `pixels`."""
    while some := list(islice(frames, frame_review.BATCH)):
        review.add(np.stack(some))
        for frame in some:
            pixels.update(frame.tobytes())
            yield frame


def _find_marked(frames: Iterator[np.ndarray], fps: float, gate: Gate) -> Record | None:
    """The record that a video's mark leads to: a copy that was encoded again is still the child of its prompts."""
    readings = reading.read(frames, gate.key, fps=fps)
    return next((record for each in readings for record in records.find(f"{each.payload:016x}", gate.store)), None)


def _pass(stage: str, verdict: Verdict) -> dict:
    if not verdict.allowed:
        raise Refused(stage, verdict)
    return verdict.document()


# ------------------------------------------------------------------------------------------------------------ passing

@dataclass
class Passage:
    """The way of the frames from being made to being encoded: iterate over it, then read what was found on it."""
    made: Stream
    asked: Asked
    gate: Gate
    took: dict[str, float]  # seconds, by step; added to
    verdict: dict[str, Any] = field(default_factory=dict)
    payload: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The marked frames. Refused as soon as one is not allowed: nothing of its chunk is given."""
        count, fps, frames = self.made.count, self.made.fps, iter(self.made.frames)
        weights, hashed = swing(count, fps), set(chosen(count))
        review = frame_review.begin(self.gate.policy)
        for first, last in chunks(count, fps):
            with _timed(self.took, "make"):
                pixels = visible.draw(np.stack(list(islice(frames, last - first))), self.gate.policy.visible_mark)
            assert len(pixels) == last - first, (len(pixels), first, last, count)
            with _timed(self.took, "frames"):
                review.add(pixels)
                self.verdict = _pass("frames", review.verdict())
            with _timed(self.took, "watermark"):
                self.payload = self.payload if first else self._identify(pixels)
                pixels = watermark.mark(pixels, weights[first:last], self.payload, self.gate.key)
                self.hashes += [hash_frame(pixels[number - first]).tobytes() for number in range(first, last)
                                if number in hashed]
            yield from pixels
        assert next(frames, None) is None, count

    def _identify(self, pixels: np.ndarray) -> int:
        """The payload: it follows from the settings, the model and the first chunk."""
        return records.payload_of({"settings": self.asked.settings, "model": asdict(self.gate.model),
                                   "task": self.asked.task, "pixels": hashlib.sha256(pixels.tobytes()).hexdigest()},
                                  self.gate.key)


# ---------------------------------------------------------------------------------------------------------- finishing

def _sign(path: Path, asked: Asked, gate: Gate, mark: str, salt: str, verdicts: dict) -> tuple[Path, dict]:
    """The signed file and what is recorded of its credentials; the file as it is where there can or shall be none."""
    if gate.authority is None:
        return path, {"state": "none", "why": "switched off by the operator"}
    if path.is_dir() or not credentials.carries_credentials(path):
        kind = "a folder of pictures" if path.is_dir() else path.suffix
        return path, {"state": "none", "why": f"{kind} has no place for content credentials"}
    prompt_hash = hashlib.sha256((salt + "\n".join(asked.texts)).encode()).hexdigest()
    policy = {"name": gate.policy.name, "version": gate.policy.version, "off": gate.policy.off}
    facts = (("promptHash", f"sha256:{prompt_hash}"), ("modelVersion", gate.model.version), ("policy", policy),
             ("reviewed", _what_ran(verdicts)))
    statement = Statement(path.name, gate.model.name, gate.model.hash, asked.task, facts, mark,
                          _with_one_parent([source for source in asked.sources if source.path.is_file()]))
    signed = path.with_name(f"signed{path.suffix}")
    found = credentials.sign(path, signed, statement, gate.authority)
    return signed, {"state": found.state, "signer": found.signer, "serial": found.serial, "stamped": found.stamped,
                    "origins": [asdict(origin) for origin in found.origins]}


def _with_one_parent(sources: list[Source]) -> tuple[Source, ...]:
    """C2PA knows one parent of a file: of two videos that become one, the second is an input."""
    parent = next((source for source in sources if source.relation == "parentOf"), None)
    return tuple(source if source is parent else replace(source, relation="inputTo") for source in sources)


def _what_ran(verdicts: dict) -> list[dict]:
    """The checks of the prompt and the frames, without their scores."""
    checks = [check for stage in ("prompt", "frames") for check in verdicts[stage]["checks"]]
    return [{key: check[key] for key in ("check", "reviewer", "version", "ran", "frames") if key in check}
            for check in checks]


def _look(path: Path, key: bytes, payload: int) -> dict:
    """How the mark reads in the finished file."""
    with open_video(path) as (fps, frames):
        found = reading.detect(frames, key, fps=fps, cropped=False)
    return {"log10_p": round(found.log10_p, 2), "exact": found.payload == payload,
            "agreement": round(found.agreement, 4)}


def _deliver(finished: Path, out: Path, asked: Asked) -> None:
    """One rename: the finished bytes appear whole under the name that was asked for."""
    if finished.is_dir():
        with open_video(finished) as (fps, frames):
            write_frames(frames, out, fps=fps, metadata=asked.metadata)
        return
    with whole_file(Path(os.path.realpath(out))) as partial:
        shutil.copyfile(finished, partial)


@contextmanager
def _private_folder(store: Path) -> Iterator[Path]:
    """A folder for its owner alone, locked as long as this process lives; those of killed processes are removed."""
    parent = store.parent / "unfinished"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _locked(parent.with_suffix(".lock")):  # none is taken for abandoned before its own lock is held
            for left in parent.iterdir():
                _remove_abandoned(left)
            folder = parent / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
            stack.enter_context(_locked(folder / "lock"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove a private folder; not one that a process holds, or that is going already."""
    try:
        with _locked(folder / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return


@contextmanager
def _locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    with open(path, "a") as lock:
        fcntl.flock(lock, kind)
        yield


@contextmanager
def _timed(took: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    took[name] = took.get(name, 0.0) + time.perf_counter() - started


def _file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
