"""Credentials: what is signed reads back as trusted, and nothing else ever does."""

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest

from vitascope.provenance import certificates
from vitascope.provenance.authority import Authority, AuthorityConfig
from vitascope.provenance.credentials import NotSigned, Source, Statement, carries_credentials, read, sign
from vitascope.video import Video, read_video, write_video

STATEMENT = Statement("clip.mp4", "vitascope", "sha256:00", mark="0123456789abcdef", facts=(("promptHash", "ab"),))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("home") / "authority", AuthorityConfig("Test works"))


@pytest.fixture(scope="module")
def video() -> Video:
    ramp = np.add.outer(np.arange(64), np.arange(64))[None, :, :, None] + np.arange(9)[:, None, None, None] * 3
    return Video((ramp * np.array([1, 2, 3]) % 256).astype(np.uint8), 8.0)


@pytest.fixture(scope="module")
def signed(authority: Authority, video: Video, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    write_video(video, folder / "plain.mp4")
    sign(folder / "plain.mp4", folder / "clip.mp4", STATEMENT, authority)
    return folder / "clip.mp4"


@pytest.mark.parametrize("kind", [".mp4", ".gif", ".webp", ".png", ".jpg"])
def test_signed_file_is_trusted_and_still_plays(kind: str, authority: Authority, video: Video, tmp_path: Path) -> None:
    video = Video(video.pixels[:1]) if kind in (".png", ".jpg") else video
    write_video(video, tmp_path / f"plain{kind}")
    found = sign(tmp_path / f"plain{kind}", tmp_path / f"signed{kind}", STATEMENT, authority)
    assert (found.state, found.generated, found.mark) == ("trusted", True, STATEMENT.mark)
    assert found.serial == authority.serial
    assert dict(found.facts)["promptHash"] == "ab"
    assert np.array_equal(read_video(tmp_path / f"signed{kind}").pixels, read_video(tmp_path / f"plain{kind}").pixels)


def test_webm_has_no_place_for_credentials() -> None:
    assert not carries_credentials(Path("a.webm"))


def test_name_of_the_file_does_not_matter(signed: Path, authority: Authority, tmp_path: Path) -> None:
    shutil.copy(signed, tmp_path / "video.bin")
    assert read(tmp_path / "video.bin", authority.anchor).state == "trusted"


def test_remuxed_file_has_no_credentials(signed: Path, authority: Authority, video: Video, tmp_path: Path) -> None:
    write_video(video, tmp_path / "again.mp4")
    assert read(tmp_path / "again.mp4", authority.anchor).state == "absent"


def test_impostor_of_the_same_name_is_not_trusted(authority: Authority, signed: Path, tmp_path: Path) -> None:
    impostor = Authority.create(tmp_path / "impostor", authority.config)
    sign(signed, tmp_path / "fake.mp4", STATEMENT, impostor)
    found = read(tmp_path / "fake.mp4", authority.anchor)
    assert (found.state, found.signer) == ("untrusted", "Test works")


def test_leaf_with_one_purpose_is_found_out(authority: Authority, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "CLAIM_SIGNING", certificates.ExtendedKeyUsageOID.CODE_SIGNING)
    weak = Authority.create(tmp_path / "weak")
    monkeypatch.undo()
    assert [finding.name for finding in weak.examine() if not finding.good] == ["leaf usage"]


def test_mutations_are_never_trusted(signed: Path, authority: Authority, tmp_path: Path) -> None:
    """240 changes of one bit, cuts and doubled pieces: none is trusted with other pixels or another statement.

    The standard leaves a few bytes outside of the hash (the header of the box that holds the credentials, and the
    padding of the signature), where nothing lies that anyone reads: these few stay trusted, and rightly so.
    """
    data, draw, states = signed.read_bytes(), random.Random(0), []
    original, pixels = read(signed, authority.anchor), read_video(signed).pixels
    path = tmp_path / "changed.mp4"
    for number in range(240):
        at = draw.randrange(32, len(data) - 64)
        match number % 4:
            case 0 | 1:
                path.write_bytes(data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1:])
            case 2:
                path.write_bytes(data[:at] + data[at + draw.randrange(1, 64):])
            case _:
                path.write_bytes(data[:at] + data[at - 16:at] + data[at:])
        found = read(path, authority.anchor)
        states.append(found.state)
        if found.state == "trusted":
            assert found == original and np.array_equal(read_video(path).pixels, pixels), (number, at)
    assert states.count("trusted") <= 20 and states.count("tampered") >= 215


def test_manifest_of_another_file_does_not_fit(signed: Path, authority: Authority, video: Video,
                                               tmp_path: Path) -> None:
    """Credentials transplanted onto other pixels of the same length."""
    write_video(Video(255 - video.pixels, 8.0), tmp_path / "other.mp4")
    sign(tmp_path / "other.mp4", tmp_path / "donor.mp4", STATEMENT, authority)
    donor, host = (tmp_path / "donor.mp4").read_bytes(), signed.read_bytes()
    first, second = donor.find(b"mdat"), host.find(b"mdat")
    (tmp_path / "mixed.mp4").write_bytes(donor[:first] + host[second:])
    assert read(tmp_path / "mixed.mp4", authority.anchor).state == "tampered"


def assertions(path: Path) -> dict[str, dict]:
    """Of the active manifest, by label, as any reader sees them."""
    with open(path, "rb") as stream, c2pa.Reader("video/mp4", stream) as reader:
        document = json.loads(reader.json())
    return {each["label"]: each["data"] for each in document["manifests"][document["active_manifest"]]["assertions"]}


def test_new_video_says_that_a_model_made_it_and_that_it_is_marked(signed: Path) -> None:
    said = assertions(signed)
    actions = said["c2pa.actions.v2"]["actions"]
    assert [each["action"] for each in actions] == ["c2pa.created", "c2pa.watermarked.bound"]
    assert actions[0]["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert said["c2pa.actions.v2"]["allActionsIncluded"] is True
    assert {"c2pa.ai-disclosure", "c2pa.soft-binding"} <= set(said)


def test_edited_video_was_opened_first(signed: Path, authority: Authority, video: Video, tmp_path: Path) -> None:
    write_video(video, tmp_path / "plain.mp4")
    statement = replace(STATEMENT, sources=(Source(signed, "parentOf"),))
    sign(tmp_path / "plain.mp4", tmp_path / "edit.mp4", statement, authority)
    opened, edited, _ = assertions(tmp_path / "edit.mp4")["c2pa.actions.v2"]["actions"]
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert "digitalSourceType" not in opened and edited["digitalSourceType"].endswith("/trainedAlgorithmicMedia")


def test_an_appended_free_box_changes_nothing_that_is_said_or_shown(signed: Path, authority: Authority,
                                                                    tmp_path: Path) -> None:
    """The standard leaves such boxes out of the hash."""
    (tmp_path / "longer.mp4").write_bytes(signed.read_bytes() + b"\0\0\0\x10free12345678")
    assert read(tmp_path / "longer.mp4", authority.anchor) == read(signed, authority.anchor)
    assert np.array_equal(read_video(tmp_path / "longer.mp4").pixels, read_video(signed).pixels)


def test_edit_names_its_parent_and_pictures(signed: Path, authority: Authority, video: Video, tmp_path: Path) -> None:
    write_video(Video(video.pixels[:1]), tmp_path / "style.png")
    write_video(video, tmp_path / "plain.mp4")
    sources = (Source(signed, "parentOf"), Source(tmp_path / "style.png", "inputTo"))
    statement = replace(STATEMENT, task="remix", sources=sources)
    found = sign(tmp_path / "plain.mp4", tmp_path / "edit.mp4", statement, authority)
    assert [(each.title, each.relation, each.state) for each in found.origins] == [
        ("clip.mp4", "parentOf", "intact"), ("style.png", "inputTo", "absent")]
    assert not found.tainted


def test_tampered_parent_shows_two_generations_later(signed: Path, authority: Authority, video: Video,
                                                     tmp_path: Path) -> None:
    data = bytearray(signed.read_bytes())
    data[data.find(b"mdat") + 300] ^= 1
    (tmp_path / "parent.mp4").write_bytes(data)
    write_video(video, tmp_path / "plain.mp4")
    for name, parent in (("child.mp4", "parent.mp4"), ("grandchild.mp4", "child.mp4")):
        source = Source(tmp_path / parent, "parentOf")
        found = sign(tmp_path / "plain.mp4", tmp_path / name, replace(STATEMENT, sources=(source,)), authority)
    assert found.state == "trusted" and found.tainted
    assert [(each.title, each.state, each.depth) for each in found.origins] == [
        ("child.mp4", "intact", 1), ("parent.mp4", "tampered", 2)]


def test_rotation_keeps_old_files_trusted(authority: Authority, signed: Path, video: Video, tmp_path: Path) -> None:
    shutil.copytree(authority.folder, tmp_path / "authority")
    other = Authority.load(tmp_path / "authority")
    before = other.serial
    other.rotate()
    write_video(video, tmp_path / "plain.mp4")
    found = sign(tmp_path / "plain.mp4", tmp_path / "new.mp4", STATEMENT, other)
    assert found.serial != before and read(signed, other.anchor).state == "trusted"
    assert len(list((other.folder / "retired").glob("*.pem"))) == 1 and all(finding.good for finding in other.examine())


def test_expired_leaf(video: Video, tmp_path: Path) -> None:
    """A file is trusted until its leaf expires, `expired` afterwards, and nothing more is signed with it."""
    life = 5  # seconds
    write_video(video, tmp_path / "plain.mp4")
    config = AuthorityConfig(leaf_days=(certificates.SKEW.total_seconds() + life) / 86400)
    short = Authority.create(tmp_path / "authority", config)
    assert sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, short).state == "trusted"
    time.sleep(max(short.leaf.not_valid_after_utc.timestamp() + 1.5 - time.time(), 0))  # its last second is included
    assert read(tmp_path / "signed.mp4", short.anchor).state == "expired"
    with pytest.raises(NotSigned):
        sign(tmp_path / "plain.mp4", tmp_path / "late.mp4", STATEMENT, short)


def test_key_behind_a_command(authority: Authority, video: Video, tmp_path: Path) -> None:
    """The leaf's key lies with another program: here a script, elsewhere a key management service."""
    (tmp_path / "chain.pem").write_text(authority.chain)
    script = tmp_path / "kms.py"
    script.write_text(f"""
import sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
key = serialization.load_pem_private_key(open({str(authority.folder / "leaf.key")!r}, "rb").read(), None)
r, s = decode_dss_signature(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256())))
sys.stdout.buffer.write(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
""")
    config = AuthorityConfig("Test works", sign_command=f"{sys.executable} {script}")
    adopted = Authority.adopt(tmp_path / "chain.pem", authority.folder / "root.pem", folder=tmp_path / "adopted",
                              config=config)
    write_video(video, tmp_path / "plain.mp4")
    assert sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, adopted).state == "trusted"
    assert not (adopted.folder / "leaf.key").exists()
    script.write_text("raise SystemExit('the vault is sealed')")
    with pytest.raises(NotSigned):
        sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, adopted)


class Stamps(BaseHTTPRequestHandler):
    """A time-stamp server: turns away as many requests as `away` says, then answers like RFC 3161, or with `junk`."""
    away, asked, junk, folder = 0, 0, b"", Path()

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["content-length"]))
        type(self).asked += 1
        gone = self.asked <= self.away
        self.send_response(503 if gone else 200)
        self.send_header("content-type", "application/timestamp-reply")
        self.end_headers()
        self.wfile.write(b"" if gone else self.junk or self._stamp(question))

    def _stamp(self, question: bytes) -> bytes:
        (self.folder / "question").write_bytes(question)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "question", "-out", "reply"]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "reply").read_bytes()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stamps(tmp_path: Path) -> Iterator[tuple[type[Stamps], str]]:
    """A time-stamp server that can be told how to behave, and its address."""
    kind = type("Told", (Stamps,), {"folder": tmp_path})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kind, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def stamping(folder: Path, server: str, **settings: Any) -> Authority:
    config = AuthorityConfig("Test works", timestamp_server=server, timestamp_pause=0.01, **settings)
    return Authority.create(folder / "authority", config)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that signing waits, which pass at once."""
    waited: list[float] = []
    monkeypatch.setattr("vitascope.provenance.credentials.sleep", waited.append)
    return waited


def test_time_stamp_server_that_stays_away_fails_closed(video: Video, tmp_path: Path, pauses: list[float]) -> None:
    write_video(video, tmp_path / "plain.mp4")
    authority = stamping(tmp_path, "http://127.0.0.1:9/tsa", timestamp_tries=4)
    with pytest.raises(NotSigned, match="no time stamp came from http://127.0.0.1:9/tsa in 4 tries") as refusal:
        sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, authority)
    assert pauses == [0.01, 0.02, 0.04] and "\n" not in str(refusal.value)
    assert not (tmp_path / "signed.mp4").exists()


def test_or_signs_without_a_time_stamp_where_the_operator_said_so(video: Video, tmp_path: Path, pauses: list[float],
                                                                   stamps: tuple[type[Stamps], str]) -> None:
    write_video(video, tmp_path / "plain.mp4")
    server, address = stamps
    server.junk = b"this is no time stamp"
    authority = stamping(tmp_path, address, timestamp_tries=3, timestamp_required=False)
    found = sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, authority)
    assert (found.state, found.stamped) == ("trusted", "") and server.asked == 3 and len(pauses) == 2


def test_key_that_fails_is_not_asked_again_because_of_the_server(video: Video, tmp_path: Path, pauses: list[float],
                                                                  stamps: tuple[type[Stamps], str]) -> None:
    write_video(video, tmp_path / "plain.mp4")
    authority = stamping(tmp_path, stamps[1])
    authority.config = replace(authority.config, sign_command="false")
    with pytest.raises(NotSigned, match="signing failed"):
        sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, authority)
    assert pauses == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl plays the time-stamp server")
def test_time_stamp_that_comes_at_the_third_try(video: Video, tmp_path: Path, pauses: list[float],
                                                stamps: tuple[type[Stamps], str]) -> None:
    write_video(video, tmp_path / "plain.mp4")
    (tmp_path / "serial").write_text("01")
    (tmp_path / "tsa.cnf").write_text(TSA)
    key = ["-config", "tsa.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        ["req", "-x509", *key, "-extensions", "root", "-keyout", "root.key", "-out", "root.pem"],
        ["req", "-new", *key, "-subj", "/O=Stamps/CN=clock", "-keyout", "tsa.key", "-out", "tsa.csr"],
        ["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2",
         "-extfile", "tsa.cnf", "-extensions", "clock", "-out", "tsa.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=tmp_path, check=True, capture_output=True)
    server, address = stamps
    server.away = 2
    found = sign(tmp_path / "plain.mp4", tmp_path / "signed.mp4", STATEMENT, stamping(tmp_path, address))
    assert found.state == "trusted" and found.stamped and server.asked == 3 and pauses == [0.01, 0.02]


TSA = """
[req]
distinguished_name = name
prompt = no
[name]
O = Stamps
CN = root
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[clock]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@pytest.mark.parametrize("settings", [{"timestamp_tries": 0}, {"timestamp_pause": -1.0}, {"timestamp_pause": 1e6}])
def test_tries_and_pauses_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected at least"):
        AuthorityConfig(**settings)
