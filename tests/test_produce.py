"""The gate: what passes is delivered with everything that was promised, what does not leaves nothing."""

import hashlib
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from vitascope import produce as gate_module
from vitascope.produce import Asked, Gate, Model, NotSigned, Refused, open_gate, produce
from vitascope.provenance import credentials, reading, records, watermark
from vitascope.provenance.credentials import Source
from vitascope.provenance.fingerprint import fingerprint
from vitascope.safety.frames import Review
from vitascope.safety.policy import Policy, Verdict
from vitascope.video import ENCODERS, Stream, Video, read_video, write_video

MODEL = Model("nano", "1", "sha256:00")
ASKED = Asked(("a red ball", "a red ball on the grass"), settings={"prompt": "a red ball", "seed": 7},
              metadata={"settings": {"seed": 7}})
BLOCKED = Verdict("block", {"violence": 0.9}, ("This was refused.",), ({"check": "fake", "ran": True},), 1.0)


def make_video() -> Video:
    ramp = np.add.outer(np.arange(96), np.arange(128))[None, :, :, None] + 2 * np.arange(9)[:, None, None, None]
    return Video((ramp * np.array([1, 0.5, 0.2]) % 200 + 20).astype(np.uint8), 8.0)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate whose policy checks nothing: what the checks do is tested beside them."""
    nothing = Policy.load().switched_off()
    return open_gate(MODEL, policy=nothing, authority=tmp_path / "authority", store=tmp_path / "records")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def left(gate: Gate, folder: Path) -> list[Path]:
    """Every file that a production left: delivered, recorded or half-made."""
    return [path for parent in (folder, gate.store, gate.store.parent / "unfinished") for path in parent.rglob("*")]


def test_delivered_file_has_all_that_was_promised(gate: Gate, folder: Path) -> None:
    record = produce(ASKED, make_video, out=folder / "ball.mp4", gate=gate)
    found = credentials.read(folder / "ball.mp4", gate.authority.anchor)
    facts = dict(found.facts)
    assert (found.state, found.generated, found.mark) == ("trusted", True, record.payload)
    assert record.watermark["exact"] and record.watermark["log10_p"] < -6
    assert record.sha256 == hashlib.sha256((folder / "ball.mp4").read_bytes()).hexdigest()
    assert facts["policy"]["off"] is True and facts["modelHash"] == MODEL.hash
    expected = hashlib.sha256((record.prompt_salt + "\n".join(ASKED.texts)).encode()).hexdigest()
    assert facts["promptHash"] == f"sha256:{expected}" and "red ball" not in json.dumps(facts)
    stored = records.find(record.payload, gate.store)
    assert [json.dumps(asdict(each)) for each in stored] == [json.dumps(asdict(record))]
    assert stat.S_IMODE(next(gate.store.glob("*.json")).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["ball.mp4"]
    assert not list((gate.store.parent / "unfinished").iterdir())


def test_same_request_gives_the_same_frames(gate: Gate, folder: Path) -> None:
    first = produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    second = produce(ASKED, make_video, out=folder / "b.mp4", gate=gate)
    assert np.array_equal(read_video(folder / "a.mp4").pixels, read_video(folder / "b.mp4").pixels)
    assert first.payload == second.payload and first.id != second.id


def test_payload_follows_from_settings_pixels_and_key(gate: Gate, folder: Path) -> None:
    one = produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    other = produce(replace(ASKED, settings={"seed": 8}), make_video, out=folder / "b.mp4", gate=gate)
    shifted = Video(make_video().pixels[:, ::-1].copy(), 8.0)
    third = produce(ASKED, lambda: shifted, out=folder / "c.mp4", gate=gate)
    fourth = produce(ASKED, make_video, out=folder / "d.mp4", gate=replace(gate, key=bytes(32)))
    assert len({one.payload, other.payload, third.payload, fourth.payload}) == 4


@pytest.mark.parametrize(("name", "state"), [("a.gif", "trusted"), ("a.webp", "trusted"), ("a.webm", "none"),
                                             ("frames", "none")])
def test_every_kind_of_file_is_marked_and_signed_if_it_can_be(name: str, state: str, gate: Gate, folder: Path) -> None:
    record = produce(ASKED, make_video, out=folder / name, gate=gate)
    assert record.credentials["state"] == state and (state == "trusted" or "no place" in record.credentials["why"])
    assert len(read_video(folder / name)) == 9 and record.watermark["exact"]


def test_credentials_can_be_switched_off_and_that_is_recorded(gate: Gate, folder: Path) -> None:
    record = produce(ASKED, make_video, out=folder / "a.mp4", gate=replace(gate, authority=None))
    assert record.credentials == {"state": "none", "why": "switched off by the operator"}
    assert credentials.read(folder / "a.mp4", gate.authority.anchor).state == "absent"


def test_a_mark_that_everyone_sees_is_drawn_if_the_operator_wants_it(gate: Gate, folder: Path) -> None:
    worded = replace(gate, policy=replace(gate.policy, visible_mark="made by a model"))
    record = produce(ASKED, make_video, out=folder / "a.mp4", gate=worded)
    changed = np.abs(read_video(folder / "a.mp4").pixels.astype(int) - make_video().pixels).mean((0, 3))
    assert changed[84:92, 60:120].mean() > 30 > 5 > changed[:72].mean()
    assert record.policy["visible_mark"] == "made by a model" and record.watermark["exact"]


# ----------------------------------------------------------------------------------------------------------- refusals

def test_refused_prompt_makes_nothing(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module.prompt_review, "judge", lambda texts, policy, negative: BLOCKED)
    with pytest.raises(Refused) as refusal:
        produce(ASKED, lambda: pytest.fail("it was made"), out=folder / "a.mp4", gate=gate)
    assert refusal.value.stage == "prompt" and left(gate, folder) == []


def test_held_prompt_makes_nothing(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = replace(BLOCKED, verdict="hold")
    monkeypatch.setattr(gate_module.prompt_review, "judge", lambda texts, policy, negative: held)
    with pytest.raises(Refused):
        produce(ASKED, lambda: pytest.fail("it was made"), out=folder / "a.mp4", gate=gate)


def test_no_byte_of_a_refused_clip_is_written(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, encoded = see_all(monkeypatch, from_frame=0), []
    monkeypatch.setitem(ENCODERS, ".mp4", lambda path, frames, fps, document: encoded.extend(frames))
    with pytest.raises(Refused) as refusal:
        produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    assert refusal.value.stage == "frames" and sum(seen) == 9 and not encoded and left(gate, folder) == []


def test_a_bad_frame_late_in_a_long_clip_ends_the_work(gate: Gate, folder: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after its chunk is never made, nothing of its chunk is encoded, and nothing is left of what was."""
    made, encoded = [], []
    see_all(monkeypatch, from_frame=20)
    monkeypatch.setitem(ENCODERS, ".mp4", lambda path, frames, fps, document: encoded.extend(frames))
    with pytest.raises(Refused):
        produce(ASKED, lambda: stream(64, made), out=folder / "a.mp4", gate=gate)
    assert len(made) == 32 and len(encoded) == 16 and left(gate, folder) == []


def see_all(monkeypatch: pytest.MonkeyPatch, *, from_frame: int) -> list[int]:
    """A review that blocks once it has seen more frames than that; gives the sizes of the chunks that it saw."""
    class Seeing(Review):
        def add(self, frames: np.ndarray) -> None:
            seen.append(len(frames))

        def verdict(self) -> Verdict:
            return BLOCKED if sum(seen) > from_frame else super().verdict()

    seen: list[int] = []
    monkeypatch.setattr(gate_module.frame_review, "begin", lambda policy, **_: Seeing(policy, []))
    return seen


def stream(count: int, made: list[int]) -> Stream:
    """A moving ramp, 8 frames a second; `made` gets the number of each frame when it is asked for."""
    ramp = make_video().pixels[0]

    def frames() -> Iterator[np.ndarray]:
        for number in range(count):
            made.append(number)
            yield np.roll(ramp, 2 * number, 1)

    return Stream(frames(), count, 8.0)


def test_a_stream_is_encoded_while_it_is_made_and_marked_as_at_once(gate: Gate, folder: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    made, behind = [], []
    write = ENCODERS[".mp4"]

    def watched(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
        write(path, (behind.append(len(made)) or frame for frame in frames), fps, document)

    monkeypatch.setitem(ENCODERS, ".mp4", watched)
    record = produce(ASKED, lambda: stream(70, made), out=folder / "a.mp4", gate=gate)
    assert len(made) == 70 and behind[0] < 40 and record.watermark["exact"] and record.watermark["log10_p"] < -6
    plain = np.stack(list(stream(70, []).frames))
    marked = watermark.embed(plain, int(record.payload, 16), gate.key, fps=8.0)
    assert fingerprint(marked).tobytes().hex() == record.fingerprint
    assert len(read_video(folder / "a.mp4")) == 70


def test_broken_reviewer_delivers_nothing(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(policy: Policy, **_: bool) -> Review:
        raise RuntimeError("the reviewer broke")

    monkeypatch.setattr(gate_module.frame_review, "begin", fail)
    with pytest.raises(RuntimeError):
        produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    assert left(gate, folder) == []


def test_unsigned_file_is_not_delivered(gate: Gate, folder: Path) -> None:
    (gate.authority.folder / "leaf.key").write_text("no key")
    with pytest.raises(NotSigned):
        produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    assert left(gate, folder) == []


def test_earlier_file_stays_when_a_new_one_is_refused(gate: Gate, folder: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.mp4").write_bytes(b"before")
    see_all(monkeypatch, from_frame=0)
    with pytest.raises(Refused):
        produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    assert (folder / "a.mp4").read_bytes() == b"before"


KILLED = """
import os, signal, sys
from operator import attrgetter
from pathlib import Path
sys.path[:0] = [sys.argv[3]]
from test_produce import ASKED, MODEL, make_video
from vitascope import produce as gate_module
from vitascope.safety.policy import Policy
place, name = sys.argv[2].rsplit(".", 1)
owner = gate_module if place == "gate" else attrgetter(place)(gate_module)
real = getattr(owner, name)
def die(*arguments, **options):
    real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
home = Path(sys.argv[1])
nothing = Policy.load().switched_off()
gate, _ = gate_module.open_gate(MODEL, policy=nothing, authority=home / "authority", store=home / "records")
gate_module.produce(ASKED, make_video, out=home / "out" / "a.mp4", gate=gate)
"""


@pytest.mark.parametrize("after", ["frame_review.Review.add", "watermark.mark", "gate.write_while_made",
                                   "credentials.sign", "records.write"])
def test_killed_production_delivers_nothing_and_the_next_one_cleans_up(after: str, gate: Gate, folder: Path) -> None:
    """Killed right after a step: what lies in the private folder is nobody's to read, and goes with the next one."""
    command = [sys.executable, "-c", KILLED, str(gate.store.parent), after, str(Path(__file__).parent)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert list(folder.iterdir()) == []
    unfinished = gate.store.parent / "unfinished"
    assert not unfinished.exists() or stat.S_IMODE(unfinished.stat().st_mode) == 0o700
    produce(ASKED, make_video, out=folder / "b.mp4", gate=gate)
    assert [path.name for path in folder.iterdir()] == ["b.mp4"] and list(unfinished.iterdir()) == []


def test_many_productions_that_start_at_once_keep_their_folders(gate: Gate) -> None:
    def start(_: int) -> bool:
        with gate_module._private_folder(gate.store) as mine:
            (mine / "half").write_bytes(b"bytes")
            return (mine / "half").exists()

    (gate.store.parent / "unfinished" / "left by one that was killed at once").mkdir(parents=True)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(start, range(80)))
    assert list((gate.store.parent / "unfinished").iterdir()) == []


def test_production_that_runs_is_left_alone(gate: Gate, folder: Path) -> None:
    """Two at once: the second must not clear away what the first is working on."""
    def make_inside() -> Video:
        with gate_module._private_folder(gate.store) as other:
            (other / "half").write_bytes(b"bytes")
            produce(ASKED, make_video, out=folder / "inner.mp4", gate=gate)
            assert (other / "half").exists()
        return make_video()

    produce(ASKED, make_inside, out=folder / "outer.mp4", gate=gate)


# ------------------------------------------------------------------------------------------------------------- inputs

def test_lineage_of_an_edit_is_judged_together(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of a video's whole descent come before its own, also when the parent was encoded again meanwhile."""
    produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    write_video(read_video(folder / "a.mp4"), folder / "copy.mp4")
    judged = []
    judge = gate_module.prompt_review.judge
    monkeypatch.setattr(gate_module.prompt_review, "judge",
                        lambda texts, policy, negative: judged.append(texts) or judge(texts, policy, negative=negative))
    edit = Asked(("make it blue",), task="remix", sources=(Source(folder / "copy.mp4", "parentOf"),))
    record = produce(edit, make_video, out=folder / "b.mp4", gate=gate)
    assert judged == [[*ASKED.texts, "make it blue"]] and record.lineage == judged[0]
    again = replace(edit, texts=("and larger",), sources=(Source(folder / "b.mp4", "parentOf"),))
    produce(again, make_video, out=folder / "c.mp4", gate=gate)
    assert judged[1] == [*ASKED.texts, "make it blue", "and larger"]


def test_lineage_is_found_by_whatever_reading_of_the_mark_leads_to_a_record(gate: Gate, folder: Path,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a damaged copy another payload may seem likelier than its own."""
    record = produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    frames, read = read_video(folder / "a.mp4").pixels, reading.read
    likelier = reading.Detection(-400.0, 1, (0.0, 0.0, 1.0, 1.0), False, 1.0)
    monkeypatch.setattr(reading, "read", lambda *given, **options: [likelier, *read(*given, **options)])
    assert gate_module._find_marked(iter(frames), 8.0, gate).id == record.id


def test_a_file_may_not_be_named_so(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(make_video(), folder / "naked_girl.mp4")
    judging = replace(gate, policy=Policy.load())
    monkeypatch.setattr(gate_module.frame_review, "begin", lambda policy, **_: pytest.fail("it was opened"))
    with pytest.raises(Refused) as refusal:
        produce(replace(ASKED, sources=(Source(folder / "naked_girl.mp4", "parentOf"),)), make_video,
                out=folder / "a.mp4", gate=judging)
    assert refusal.value.stage == "inputs" and not (folder / "a.mp4").exists()


def test_what_somebody_brings_is_reviewed_as_an_upload(gate: Gate, folder: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, begin = [], gate_module.frame_review.begin

    def watched(policy: Policy, *, uploaded: bool = False) -> Review:
        uploads.append(uploaded)
        return begin(policy, uploaded=uploaded)

    monkeypatch.setattr(gate_module.frame_review, "begin", watched)
    write_video(make_video(), folder / "mine.mp4")
    produce(replace(ASKED, sources=(Source(folder / "mine.mp4", "inputTo"),)), make_video, out=folder / "a.mp4",
            gate=gate)
    assert uploads == [True, False]


def test_edit_names_its_source_in_its_credentials(gate: Gate, folder: Path) -> None:
    produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    edit = replace(ASKED, task="extend", sources=(Source(folder / "a.mp4", "parentOf"),))
    record = produce(edit, make_video, out=folder / "b.mp4", gate=gate)
    assert [(each["title"], each["relation"], each["state"]) for each in record.credentials["origins"]] == [
        ("a.mp4", "parentOf", "intact")]
    assert record.sources[0]["credentials"] == "trusted"


@pytest.mark.parametrize("second", ["b.mp4", "a.mp4"])
def test_of_two_videos_that_become_one_the_first_is_the_parent(gate: Gate, folder: Path, second: str) -> None:
    for name in {"a.mp4", second}:
        produce(ASKED, make_video, out=folder / name, gate=gate)
    sources = tuple(Source(folder / name, "parentOf") for name in ("a.mp4", second))
    record = produce(replace(ASKED, task="connect", sources=sources), make_video, out=folder / "c.mp4", gate=gate)
    assert [(each["title"], each["relation"]) for each in record.credentials["origins"] if each["depth"] == 1] == [
        ("a.mp4", "parentOf"), (second, "inputTo")]


def test_tampered_input_is_refused_also_behind_an_honest_edit(gate: Gate, folder: Path) -> None:
    produce(ASKED, make_video, out=folder / "a.mp4", gate=gate)
    data = bytearray((folder / "a.mp4").read_bytes())
    data[data.find(b"mdat") + 40] ^= 1
    (folder / "changed.mp4").write_bytes(data)
    source = Source(folder / "changed.mp4", "parentOf")
    with pytest.raises(ValueError, match="changed.mp4 were tampered with"):
        produce(replace(ASKED, sources=(source,)), make_video, out=folder / "b.mp4", gate=gate)
    statement = credentials.Statement("child.mp4", "x", "sha256:0", sources=(source,))
    credentials.sign(folder / "a.mp4", folder / "child.mp4", statement, gate.authority)
    with pytest.raises(ValueError, match="changed.mp4 were tampered with"):
        asked = replace(ASKED, sources=(Source(folder / "child.mp4", "parentOf"),))
        produce(asked, make_video, out=folder / "b.mp4", gate=gate)
    assert not (folder / "b.mp4").exists()


def test_pictures_of_inputs_are_reviewed(gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(Video(make_video().pixels[:1]), folder / "style.png")
    see_all(monkeypatch, from_frame=0)
    asked = replace(ASKED, sources=(Source(folder / "style.png", "inputTo"),))
    with pytest.raises(Refused) as refusal:
        produce(asked, lambda: pytest.fail("it was made"), out=folder / "a.mp4", gate=gate)
    assert refusal.value.stage == "inputs"


def test_first_use_makes_an_authority_and_says_so(tmp_path: Path) -> None:
    options = {"authority": tmp_path / "authority", "store": tmp_path / "records"}
    assert open_gate(MODEL, **options)[1] and not open_gate(MODEL, **options)[1]
