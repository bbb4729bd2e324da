"""Credentials and marks under attack: stripped, moved to another file, changed, signed by somebody of the same name,
out of date; forged, and washed out. Out: Rows.

Every attack makes files that must not read as trusted ("unsafe"), beside honest ones that must. An attack counts as
stopped when the reader answers anything but trusted; a tampered parent when the file made from it is called
tainted; a mark that was put on another video when `verify` tells that it does not belong there.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..produce import Asked, Gate, Model, produce
from ..provenance.authority import Authority, AuthorityConfig
from ..provenance.certificates import SKEW
from ..provenance.credentials import Source, Statement, read, sign
from ..provenance.detector import verify
from ..provenance.reading import detect
from ..provenance.watermark import embed
from ..safety.policy import Policy
from ..system import BUNDLED, PARTS, load_part
from ..video import Video, from_unit, read_video, to_unit, write_video
from .measure import Row, Tally

MUTATIONS = 200            # single changed bytes of a signed file
STATEMENT = Statement("clip.mp4", "red team", "sha256:00")
SURE = -6.0                # log10 of the chance that an unmarked clip looks marked
LIFE = 3.0                 # seconds that the leaf which is to expire lives


class Bench:
    """A signed clip, another one, and the authority that signed them, in a folder of their own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.generator = folder, np.random.default_rng(seed)
        self.authority = Authority.create(folder / "authority", AuthorityConfig("Red team"))
        self.clips = [self._clip(phase) for phase in (0.0, 2.0)]
        self.signed = [self._sign(f"clip{i}", clip) for i, clip in enumerate(self.clips)]

    def _clip(self, phase: float) -> Video:
        y, x, t = np.mgrid[0:96, 0:128, 0:9].astype(np.float32)
        waves = [
            128 + 60 * np.sin((x * a + y * b) / 17 + t / 3 + phase) + 30 * np.cos(x * y / 900 + phase)
            for a, b in ((1, 2), (2, 1), (1, -1))
        ]
        return Video(np.stack(waves, -1).transpose(2, 0, 1, 3).clip(0, 255).astype(np.uint8), 8.0)

    def _sign(
        self, name: str, clip: Video, authority: Authority | None = None, sources: tuple[Source, ...] = ()
    ) -> Path:
        plain, out = self.folder / f"{name}-plain.mp4", self.folder / f"{name}.mp4"
        write_video(clip, plain)
        statement = STATEMENT if not sources else Statement("clip.mp4", "red team", "sha256:00", sources=sources)
        sign(plain, out, statement, authority or self.authority)
        return out

    def state(self, path: Path) -> str:
        return read(path, self.authority.anchor).state


def strip(bench: Bench) -> Iterator[str]:
    """Decoded and encoded again."""
    path = bench.folder / "stripped.mp4"
    write_video(read_video(bench.signed[0]), path)
    yield bench.state(path)


def transplant(bench: Bench) -> Iterator[str]:
    """One file's credentials in front of another file's pictures."""
    donor, other = (path.read_bytes() for path in (bench.signed[0], bench.folder / "clip1-plain.mp4"))
    path = bench.folder / "transplant.mp4"
    boxes = list(_boxes(donor))
    manifest = b"".join(donor[start:end] for kind, start, end in boxes if kind == b"uuid")
    head = next(end for kind, _, end in _boxes(other) if kind == b"ftyp")
    path.write_bytes(other[:head] + manifest + other[head:])
    yield bench.state(path)


def tampered_bytes(bench: Bench) -> Iterator[str]:
    """One byte changed. Padding lies outside the signature.

    A change there that leaves every pixel as it was does not count.
    """
    original = bench.signed[0].read_bytes()
    pixels = read_video(bench.signed[0]).pixels
    path, counted = bench.folder / "mutated.mp4", 0
    while counted < MUTATIONS:
        place = int(bench.generator.integers(len(original)))
        path.write_bytes(
            original[:place] + bytes([original[place] ^ int(bench.generator.integers(1, 256))]) + original[place + 1 :]
        )
        state = bench.state(path)
        if state != "trusted" or not np.array_equal(read_video(path).pixels, pixels):
            counted += 1
            yield state


def truncated(bench: Bench) -> Iterator[str]:
    """Cut off at several places."""
    original = bench.signed[0].read_bytes()
    path = bench.folder / "cut.mp4"
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(original[:int(len(original) * share)])
        yield bench.state(path)


def impostor(bench: Bench) -> Iterator[str]:
    """An authority of the same name with another key."""
    other = Authority.create(bench.folder / "impostor", AuthorityConfig("Red team"))
    yield bench.state(bench._sign("forged", bench.clips[0], other))


def tampered_parent(bench: Bench) -> Iterator[str]:
    """An honest extension of a file that was changed: trusted by itself, so its origins have to tell."""
    changed = bytearray(bench.signed[0].read_bytes())
    place = changed.find(b"mdat") + 40
    changed[place] ^= 0xFF
    parent = bench.folder / "parent.mp4"
    parent.write_bytes(changed)
    child = bench._sign("child", bench.clips[1], sources=(Source(parent, "parentOf"),))
    yield "tampered" if read(child, bench.authority.anchor).tainted else "trusted"


def expired_leaf(bench: Bench) -> Iterator[str]:
    """A file without a time stamp, when its leaf has run out."""
    config = AuthorityConfig("Red team", leaf_days=(SKEW.total_seconds() + LIFE) / 86400)
    brief = Authority.create(bench.folder / "brief", config)
    path = bench._sign("late", bench.clips[0], brief)
    time.sleep(max(brief.leaf.not_valid_after_utc.timestamp() + 1.5 - time.time(), 0))  # its last second is included
    yield read(path, brief.anchor).state


ATTACKS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "strip by encoding again": strip,
    "transplant": transplant,
    "one changed byte": tampered_bytes,
    "truncated": truncated,
    "impostor authority": impostor,
    "tampered parent": tampered_parent,
    "expired leaf": expired_leaf,
}


def attack_provenance(*, seed: int = 0) -> list[Row]:
    """Every attack on credentials, and the forging of marks."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), seed)
        rows = []
        for attack, states in ATTACKS.items():
            tally = Tally("provenance", "credentials", attack)
            for state in states(bench):
                tally.add("credentials", unsafe=True, stopped=state != "trusted")
            for path in bench.signed:
                tally.add("credentials", unsafe=False, stopped=bench.state(path) != "trusted")
            rows += tally.rows()
        return rows + _forged_marks(bench) + _moved_mark(bench) + _washed_mark(bench)


def _forged_marks(bench: Bench) -> list[Row]:
    """A mark made with another key must not read as ours; ours must."""
    ours, theirs = bytes(range(32)), bytes(range(1, 33))
    tally = Tally("provenance", "watermark", "mark made with another key")
    for clip in bench.clips:
        for key, unsafe in ((theirs, True), (ours, False)):
            found = detect(embed(clip.pixels, 0x0123456789ABCDEF, key), ours)
            tally.add("watermark", unsafe=unsafe, stopped=found.log10_p > SURE)
    return tally.rows()


def _moved_mark(bench: Bench) -> list[Row]:
    """The mark of a delivered video on another one, by somebody who could even write it: its record looks otherwise."""
    store = bench.folder / "records"
    gate = Gate(Policy.load().switched_off(), Model("red team", "1", "sha256:00"), bench.authority,
                bench.authority.marks_key, store)
    record = produce(Asked(("waves",)), lambda: bench.clips[0], out=bench.folder / "own.mp4", gate=gate)
    tally = Tally("provenance", "watermark", "mark moved to another video")
    for clip, unsafe in ((bench.clips[1], True), (bench.clips[0], False)):
        path = bench.folder / "moved.mp4"
        write_video(Video(embed(clip.pixels, int(record.payload, 16), gate.key, fps=clip.fps), clip.fps), path)
        tally.add("watermark", unsafe=unsafe, stopped=verify(path, bench.authority, store=store).verdict != "ours")
    return tally.rows()


def _washed_mark(bench: Bench) -> list[Row]:
    """Marked clips that are drawn again by the bundled autoencoder: the mark is still found, or washed out."""
    key = bench.authority.marks_key
    autoencoder = load_part(BUNDLED / "autoencoder", *PARTS["autoencoder"]).eval().requires_grad_(False)
    tally = Tally("provenance", "watermark", "drawn again by an autoencoder")
    for clip in bench.clips:
        video = to_unit(embed(clip.pixels, 0x0123456789ABCDEF, key))[None]
        found = detect(from_unit(autoencoder.decode(autoencoder.encode(video))[0]), key)
        tally.add("watermark", unsafe=True, stopped=found.log10_p <= SURE)
    return tally.rows(note="measured, not demanded: an autoencoder may wash a mark out")


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the outermost boxes of an MP4 (ISO 14496-12)."""
    start = 0
    while start + 8 <= len(data):
        size, kind = int.from_bytes(data[start:start + 4], "big"), data[start + 4:start + 8]
        end = start + (int.from_bytes(data[start + 8:start + 16], "big") if size == 1 else size or len(data) - start)
        yield kind, start, end
        start = end
