"""The ladder: every step finds what it should, and each contradiction is told."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from vitascope.produce import Asked, Gate, Model, open_gate, produce
from vitascope.provenance.commands import app, provenance
from vitascope.provenance.credentials import Statement, sign
from vitascope.provenance.detector import verify
from vitascope.provenance.watermark import embed
from vitascope.safety.policy import Policy
from vitascope.video import Video, read_video, write_video


def make_video(seed: int) -> Video:
    draw = np.random.default_rng(seed)
    ground = cv2.resize(draw.uniform(30, 220, (7, 9, 3)).astype(np.float32), (256, 144), interpolation=cv2.INTER_CUBIC)
    clip = np.stack([np.clip(ground, 0, 255).astype(np.uint8)] * 17)
    for number, frame in enumerate(clip):
        cv2.circle(frame, (40 + 10 * number, 72), 20, (200, 30, 60), -1)
    return Video(clip, 8.0)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    home = tmp_path_factory.mktemp("home")
    return open_gate(Model("nano", "1", "sha256:0"), policy=Policy.load().switched_off(), authority=home / "authority",
                     store=home / "records")[0]


@pytest.fixture(scope="module")
def made(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "clip.mp4"
    produce(Asked(("a ball",), settings={"seed": 1}), lambda: make_video(1), out=path, gate=gate)
    return path


def found(path: Path, gate: Gate, store: Path | None = None) -> tuple[str, str, list[bool]]:
    report = verify(path, gate.authority, store=store or gate.store)
    return report.verdict, report.stands_on, [each.found for each in report.evidence]


def test_delivered_file_passes_on_every_step(made: Path, gate: Gate) -> None:
    assert found(made, gate)[:2] == ("ours", "credentials")
    report = verify(made, gate.authority, store=gate.store)
    assert all(each.found for each in report.evidence[:2]) and report.evidence[1].record.startswith("video_")


def test_mark_speaks_when_the_credentials_are_gone(made: Path, gate: Gate, tmp_path: Path) -> None:
    video = read_video(made)
    write_video(Video(video.pixels[:, :, ::-1].copy(), video.fps), tmp_path / "mirrored.webm")
    assert found(tmp_path / "mirrored.webm", gate)[:2] == ("ours", "watermark")


def test_mark_speaks_without_a_record(made: Path, gate: Gate, tmp_path: Path) -> None:
    write_video(read_video(made), tmp_path / "copy.mp4")
    report = verify(tmp_path / "copy.mp4", gate.authority, store=tmp_path / "none")
    assert report.verdict == "ours" and "no record" in report.evidence[1].detail


def test_likeness_speaks_when_the_mark_is_gone(made: Path, gate: Gate, tmp_path: Path) -> None:
    """A copy from which the mark was taken, as who knew the key could do."""
    write_video(make_video(1), tmp_path / "clean.mp4")
    assert found(tmp_path / "clean.mp4", gate)[:2] == ("ours", "fingerprint")


def test_foreign_video_is_unknown(made: Path, gate: Gate, tmp_path: Path) -> None:
    write_video(make_video(2), tmp_path / "foreign.mp4")
    assert found(tmp_path / "foreign.mp4", gate) == ("unknown", "", [False, False, False, False])


def test_changed_file_is_tampered_with(made: Path, gate: Gate, tmp_path: Path) -> None:
    data = bytearray(made.read_bytes())
    data[data.find(b"mdat") + 40] ^= 1
    (tmp_path / "changed.mp4").write_bytes(data)
    assert found(tmp_path / "changed.mp4", gate)[0] == "tampered"


def test_mark_that_was_moved_to_another_video_is_told(made: Path, gate: Gate, tmp_path: Path) -> None:
    """A forger who can write marks, with the payload of a video that looks otherwise."""
    payload = int(next(gate.store.glob("*.json")).name[:16], 16)
    other = make_video(3)
    write_video(Video(embed(other.pixels, payload, gate.key), 8.0), tmp_path / "forged.mp4")
    report = verify(tmp_path / "forged.mp4", gate.authority, store=gate.store)
    assert report.verdict == "tampered" and "was moved here" in report.warnings[0]


def test_signed_video_with_another_mark_is_told(made: Path, gate: Gate, tmp_path: Path) -> None:
    marked = embed(make_video(4).pixels, 12345, gate.key)
    out = tmp_path / "two.mp4"
    produce(Asked(("x",)), lambda: make_video(4), out=out, gate=gate)
    write_video(Video(marked, 8.0), tmp_path / "plain.mp4")
    sign(tmp_path / "plain.mp4", out, Statement("x", "nano", "sha256:0", mark="00000000000000aa"), gate.authority)
    assert "carry another" in " ".join(verify(out, gate.authority, store=gate.store).warnings)


# ------------------------------------------------------------------------------------------------------------- commands

def test_verify_tells_by_its_status_and_as_json(made: Path, gate: Gate, tmp_path: Path) -> None:
    write_video(make_video(2), tmp_path / "foreign.mp4")
    options = ["--folder", str(gate.authority.folder), "--records", str(gate.store), "--json"]
    ours, foreign = (CliRunner().invoke(app, [str(path), *options]) for path in (made, tmp_path / "foreign.mp4"))
    assert (ours.exit_code, json.loads(ours.stdout)["verdict"]) == (0, "ours")
    assert (foreign.exit_code, json.loads(foreign.stdout)["verdict"]) == (1, "unknown")
    plain = CliRunner().invoke(app, [str(made), *options[:-1]])
    assert "made here (credentials)" in plain.stdout and "watermark: mark" in plain.stdout


def test_authority_commands(tmp_path: Path) -> None:
    run, folder = CliRunner().invoke, ["--folder", str(tmp_path / "authority")]
    assert run(provenance, ["init", "--name", "Test works", *folder]).exit_code == 0
    checked = run(provenance, ["doctor", "--json", *folder])
    assert checked.exit_code == 0 and {each["good"] for each in json.loads(checked.stdout)} == {True}
    assert run(provenance, ["rotate", *folder]).exit_code == 0
    assert run(provenance, ["export-anchor", "--out", str(tmp_path / "anchor.pem"), *folder]).exit_code == 0
    assert "BEGIN CERTIFICATE" in (tmp_path / "anchor.pem").read_text()
    (tmp_path / "authority" / "leaf.pem").write_bytes((tmp_path / "authority" / "intermediate.pem").read_bytes())
    assert run(provenance, ["doctor", *folder]).exit_code == 1


def test_gate_without_credentials_is_still_marked(gate: Gate, tmp_path: Path) -> None:
    produce(Asked(("z",)), lambda: make_video(6), out=tmp_path / "a.webm", gate=replace(gate, authority=None))
    assert found(tmp_path / "a.webm", gate)[:2] == ("ours", "watermark")
