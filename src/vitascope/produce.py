"""The one gate: judge what is asked → make → review every frame → mark → encode → sign → record → deliver.

Nothing is written where a user can read it before the last step, and the last step is one rename. Until then all bytes
lie in memory and in a private folder of this process, which the next production removes if this one is killed. What a
production refuses or fails at leaves no file. Neither the command line nor the server writes a video that did not come
through here.

How a video is made it does not know: that is one function, `make`, called when what was asked has been judged.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .provenance import credentials, records, watermark
from .provenance.authority import Authority, authority_folder
from .provenance.credentials import NotSigned, Source, Statement
from .provenance.fingerprint import fingerprint
from .provenance.records import Record
from .safety import frames as frame_review
from .safety import prompt as prompt_review
from .safety.policy import Policy, Verdict
from .video import Video, check_output, read_video, whole_file, write_video

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
    """Name and version of a system, and the hash of its weights in the order of their names."""
    digest = hashlib.sha256()
    for part in (system.autoencoder, system.transformer, system.upsampler):
        for name, tensor in sorted(part.state_dict().items()):
            digest.update(name.encode() + str(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return Model(system.config.name, system.config.version, f"sha256:{digest.hexdigest()}")


def produce(asked: Asked, make: Callable[[], Video], *, out: Path, gate: Gate) -> Record:
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
    with _timed(took, "inputs"):
        verdicts["inputs"] = {each.known["file"]: _pass("inputs", frame_review.review(each.video.pixels, gate.policy))
                              for each in inputs}
    with _timed(took, "make"):
        video = make()
    check_output(out, frames=len(video))
    with _timed(took, "frames"):
        verdicts["frames"] = _pass("frames", frame_review.review(video.pixels, gate.policy))
    with _timed(took, "watermark"):
        identity = {"settings": asked.settings, "model": asdict(gate.model), "task": asked.task,
                    "pixels": hashlib.sha256(video.pixels.tobytes()).hexdigest()}
        payload = records.payload_of(identity, gate.key)
        video = Video(watermark.embed(video.pixels, payload, gate.key, fps=video.fps), video.fps)
        hashes = fingerprint(video.pixels)
    with _private_folder(gate.store) as folder:
        with _timed(took, "encode"):
            finished = _encode(video, folder, out, asked.metadata)
        salt = secrets.token_hex(16)
        with _timed(took, "credentials"):
            finished, signed = _sign(finished, asked, gate, f"{payload:016x}", salt, verdicts)
        record = Record(
            id=records.new_id(), payload=f"{payload:016x}", created=records.now(), file=out.name,
            sha256=_file_hash(finished) if finished.is_file() else "", model=asdict(gate.model),
            settings=asked.settings, task=asked.task, policy=gate.policy.record(), verdicts=verdicts,
            watermark=_look(finished, gate.key, payload), credentials=signed,
            sources=[each.known for each in inputs], fingerprint=hashes.tobytes().hex(), prompt_salt=salt,
            lineage=lineage, seconds={name: round(value, 4) for name, value in took.items()},
        )
        records.write(record, gate.store)
        _deliver(finished, out, video, asked)
    return record


# ------------------------------------------------------------------------------------------------------------ judging

@dataclass(frozen=True)
class Input:
    """A source as it was found."""
    video: Video
    texts: list[str]  # what it was made by, if it was made here
    known: dict[str, str]  # for the record


def _inspect(source: Source, gate: Gate) -> Input:
    """Read an input. ValueError if its credentials, or those of anything it was made from, were tampered with."""
    state = "unread"
    whole = source.path.is_file()  # a numbered series of pictures is none, and carries no credentials
    if whole and gate.authority is not None:
        found = credentials.read(source.path, gate.authority.anchor)
        if found.tainted:
            names = [origin.title for origin in found.origins if origin.state == "tampered"] or [source.path.name]
            raise ValueError(f"{source.path}: the content credentials of {', '.join(names)} were tampered with; "
                             "expected a file whose credentials are intact, or one without any")
        state = found.state
    video = read_video(source.path)
    digest = _file_hash(source.path) if whole else hashlib.sha256(video.pixels.tobytes()).hexdigest()
    record = records.find_file(digest, gate.store) or _find_marked(video, gate)
    return Input(video, [] if record is None else record.lineage,
                 {"file": source.path.name, "sha256": digest, "relation": source.relation, "credentials": state,
                  "record": "" if record is None else record.id})


def _find_marked(video: Video, gate: Gate) -> Record | None:
    """The record that a video's mark leads to: a copy that was encoded again is still the child of its prompts."""
    found = watermark.detect(video.pixels, gate.key, fps=video.fps)
    return next(iter(records.find(f"{found.payload:016x}", gate.store)), None)


def _pass(stage: str, verdict: Verdict) -> dict:
    if not verdict.allowed:
        raise Refused(stage, verdict)
    return verdict.document()


# ---------------------------------------------------------------------------------------------------------- finishing

def _encode(video: Video, folder: Path, out: Path, metadata: dict) -> Path:
    """The encoded file, or folder of pictures, in a private folder."""
    path = folder / (f"video{out.suffix.lower()}" if out.suffix and "%" not in out.name else "pictures")
    write_video(video, path, metadata)
    return path


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
                          tuple(source for source in asked.sources if source.path.is_file()))
    signed = path.with_name(f"signed{path.suffix}")
    found = credentials.sign(path, signed, statement, gate.authority)
    return signed, {"state": found.state, "signer": found.signer, "serial": found.serial,
                    "origins": [asdict(origin) for origin in found.origins]}


def _what_ran(verdicts: dict) -> list[dict]:
    """The checks of the prompt and the frames, without their scores."""
    checks = [check for stage in ("prompt", "frames") for check in verdicts[stage]["checks"]]
    return [{key: check[key] for key in ("check", "reviewer", "version", "ran", "frames") if key in check}
            for check in checks]


def _look(path: Path, key: bytes, payload: int) -> dict:
    """How the mark reads in the finished file."""
    video = read_video(path)
    found = watermark.detect(video.pixels, key, fps=video.fps, cropped=False)
    return {"log10_p": round(found.log10_p, 2), "exact": found.payload == payload,
            "agreement": round(found.agreement, 4)}


def _deliver(finished: Path, out: Path, video: Video, asked: Asked) -> None:
    """One rename: the finished bytes appear whole under the name that was asked for."""
    if finished.is_dir():
        write_video(video, out, asked.metadata)
        return
    with whole_file(Path(os.path.realpath(out))) as partial:
        shutil.copyfile(finished, partial)


@contextmanager
def _private_folder(store: Path) -> Iterator[Path]:
    """A folder for its owner alone, locked as long as this process lives; those of killed processes are removed."""
    parent = store.parent / "unfinished"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in parent.iterdir():
        _remove_abandoned(left)
    folder = parent / secrets.token_hex(8)
    folder.mkdir(mode=0o700)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove a private folder whose lock nobody holds; one without a lock is just being made."""
    try:
        with open(folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return


@contextmanager
def _timed(took: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    took[name] = time.perf_counter() - started


def _file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
