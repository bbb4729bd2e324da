"""The operator's own certificate authority and secrets: root → intermediate → leaf, and the key of the watermark.

    FOLDER/  authority.json  marks.key  retired/   root, intermediate, leaf, each .pem and .key

No key ships with the package: each installation makes its own, readable by its owner alone. A signature of a local
authority proves that a file was made by who holds the folder and was not changed since; it says nothing to those who
have not been given the anchor (root.pem). Knows nothing of videos; `credentials` signs with it.
"""

import json
import os
import secrets
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from platformdirs import user_data_path

from .certificates import describe_chain, describe_usage, issue, load_chain, load_key, name_of, public_bytes, to_pem

ROOT_DAYS, INTERMEDIATE_DAYS = 3650, 1825
RENEW_DAYS = 30  # of a leaf's life left when `doctor` asks for a rotation
SECRETS = ("root.key", "intermediate.key", "leaf.key", "marks.key")
CHAIN = ("leaf.pem", "intermediate.pem")


@dataclass(frozen=True)
class AuthorityConfig:
    """What authority.json holds."""
    name: str = "vitascope (local)"  # organisation in the certificates
    timestamp_server: str = ""  # URL of an RFC 3161 service
    timestamp_required: bool = True  # while it cannot be reached nothing is signed; False: signed without a time stamp
    timestamp_tries: int = 4  # requests to it for one file
    timestamp_pause: float = 1.0  # seconds before the second of them; twice as many before each that follows
    sign_command: str = ""  # a program that signs its standard input, its key kept elsewhere; raw ES256, 64 bytes
    leaf_days: float = 365.0  # that a leaf is valid, from SKEW ago; the conformance programme allows 366

    def __post_init__(self) -> None:
        if self.timestamp_tries < 1 or not 0 <= self.timestamp_pause <= 60:
            raise ValueError(f"{self.timestamp_tries} tries with pauses from {self.timestamp_pause} s on; expected at "
                             "least 1 try, and a first pause of 0 to 60 s")


@dataclass(frozen=True)
class Finding:
    """One line of what `doctor` looked at."""
    name: str
    good: bool
    detail: str


class Authority:
    """The opened folder. Build it with `create`, `adopt` or `load`."""

    def __init__(self, folder: Path, config: AuthorityConfig) -> None:
        self.folder, self.config = folder, config

    @property
    def anchor(self) -> str:
        """PEM of the root, which readers are told to trust."""
        return (self.folder / "root.pem").read_text()

    @property
    def chain(self) -> str:
        """PEM of the leaf and what links it to the root."""
        return "".join((self.folder / name).read_text() for name in CHAIN)

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / "leaf.pem").read_bytes())

    @property
    def serial(self) -> str:
        """The leaf's serial number in decimal, as readers report it."""
        return str(self.leaf.serial_number)

    @property
    def marks_key(self) -> bytes:
        """32 secret bytes from which the watermark's patterns and record numbers are drawn."""
        return bytes.fromhex((self.folder / "marks.key").read_text())

    def private_key(self) -> str:
        """PEM of the leaf's key. ValueError if it lies with a `sign_command` instead."""
        return _read_secret(self.folder / "leaf.key")

    def command_signer(self) -> Callable[[bytes], bytes]:
        """Signs by asking `sign_command`: bytes in, raw ES256 signature out."""
        arguments = shlex.split(self.config.sign_command)

        def sign(data: bytes) -> bytes:
            outcome = subprocess.run(arguments, input=data, capture_output=True, timeout=60)
            if outcome.returncode or len(outcome.stdout) != 64:
                complaint = outcome.stderr.decode(errors="replace")[-300:]
                raise ValueError(f"the signing command gave status {outcome.returncode}, {len(outcome.stdout)} bytes; "
                                 f"expected 0 and a raw ES256 signature of 64: {complaint}")
            return outcome.stdout

        return sign

    # ---------------------------------------------------------------------------------------------------------- making

    @classmethod
    def create(cls, folder: Path | None = None, config: AuthorityConfig | None = None) -> "Authority":
        """A new authority: three keys, three certificates, one secret. ValueError if the folder holds one already.

        It appears whole or not at all, so that two processes at their first use end up with the same one.
        """
        folder, config = authority_folder(folder), AuthorityConfig() if config is None else config
        if (folder / "authority.json").exists():
            raise ValueError(f"{folder} holds an authority already; `vitascope provenance rotate` renews its leaf")
        with _new_folder(folder) as partial:
            root_key, root = _issue_root(config.name)
            _write_secret(partial / "root.key", to_pem(root_key))
            (partial / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
            _issue_intermediate(partial, config.name, root_key, root)
            _issue_leaf(partial, config)
            _finish(partial, config)
        return cls.load(folder)

    @classmethod
    def adopt(cls, chain: Path, anchor: Path, *, key: Path | None = None, folder: Path | None = None,
              config: AuthorityConfig | None = None) -> "Authority":
        """An authority of certificates made elsewhere: `chain` is leaf, then intermediates; `anchor` is the root.

        The leaf's key is in `key` or behind `config.sign_command`. ValueError if a piece is missing or does not fit.
        """
        folder, config = authority_folder(folder), AuthorityConfig() if config is None else config
        if (folder / "authority.json").exists():
            raise ValueError(f"{folder} holds an authority already")
        if (key is None) == (not config.sign_command):
            raise ValueError("the leaf's key is needed in exactly one place: a key file or a signing command")
        certificates = load_chain(chain)
        with _new_folder(folder) as partial:
            (partial / "root.pem").write_bytes(anchor.read_bytes())
            (partial / "leaf.pem").write_bytes(certificates[0].public_bytes(serialization.Encoding.PEM))
            rest = (each.public_bytes(serialization.Encoding.PEM) for each in certificates[1:])
            (partial / "intermediate.pem").write_bytes(b"".join(rest))
            if key:
                _write_secret(partial / "leaf.key", to_pem(load_key(key.read_text(), key)))
            _finish(partial, config)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path | None = None) -> "Authority":
        """The authority in a folder. ValueError if there is none, or a key in it is open to other users."""
        folder = authority_folder(folder)
        try:
            config = AuthorityConfig(**json.loads((folder / "authority.json").read_text()))
        except FileNotFoundError:
            raise ValueError(f"{folder} holds no authority; `vitascope provenance init` makes one") from None
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / 'authority.json'} is damaged: {error}") from None
        for name in SECRETS:
            check_secret(folder / name)
        return cls(folder, config)

    @classmethod
    def ensure(cls, folder: Path | None = None) -> tuple["Authority", bool]:
        """The authority of this installation and whether it was made just now."""
        folder = authority_folder(folder)
        if (folder / "authority.json").exists():
            return cls.load(folder), False
        try:
            return cls.create(folder), True
        except ValueError:
            if not (folder / "authority.json").exists():
                raise
            return cls.load(folder), False  # another process was faster

    def rotate(self) -> "Authority":
        """A new leaf with a new key; the old certificate goes to retired/, its key is destroyed. The anchor stays."""
        if not (self.folder / "intermediate.key").exists():
            raise ValueError(f"{self.folder} holds no intermediate.key: the leaf comes from elsewhere")
        retired = self.folder / "retired"
        retired.mkdir(mode=0o700, exist_ok=True)
        (retired / f"{self.leaf.serial_number:x}.pem").write_bytes((self.folder / "leaf.pem").read_bytes())
        intermediate = x509.load_pem_x509_certificate((self.folder / "intermediate.pem").read_bytes())
        if intermediate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=self.config.leaf_days + 1):
            self._renew_intermediate()
        shutil.rmtree(self.folder / "renewed", ignore_errors=True)  # of a rotation that was killed
        with _new_folder(self.folder / "renewed") as partial:
            for name in ("intermediate.key", "intermediate.pem"):
                shutil.copy2(self.folder / name, partial / name)
            _issue_leaf(partial, self.config)
        for name in ("leaf.key", "leaf.pem"):  # between the two, signing fails: it never signs wrongly
            os.replace(self.folder / "renewed" / name, self.folder / name)
        shutil.rmtree(self.folder / "renewed")
        return Authority.load(self.folder)

    def _renew_intermediate(self) -> None:
        if not (self.folder / "root.key").exists():
            raise ValueError("the intermediate certificate expires before a new leaf would, and root.key is not here: "
                             "bring it back")
        root_key = load_key(_read_secret(self.folder / "root.key"), self.folder / "root.key")
        _issue_intermediate(self.folder, self.config.name, root_key,
                            x509.load_pem_x509_certificate(self.anchor.encode()))

    # -------------------------------------------------------------------------------------------------------- checking

    def examine(self) -> list[Finding]:
        """What `doctor` can tell without signing anything: permissions, keys, the chain, dates."""
        findings = [Finding(name, *_describe_secret(self.folder / name)) for name in SECRETS
                    if (self.folder / name).exists()]
        leaf, now = self.leaf, datetime.now(UTC)
        left = (leaf.not_valid_after_utc - now).days
        findings.append(Finding("leaf dates", leaf.not_valid_before_utc <= now and left >= RENEW_DAYS,
                                f"{left} days left, until {leaf.not_valid_after_utc:%Y-%m-%d}"))
        findings.append(Finding("leaf usage", *describe_usage(leaf)))
        if not self.config.sign_command:
            key = load_key(self.private_key(), self.folder / "leaf.key").public_key()
            fits = public_bytes(key) == public_bytes(leaf.public_key())
            findings.append(Finding("leaf key", fits, f"{'fits' if fits else 'does not fit'} the certificate"))
        chain = load_chain(*(self.folder / name for name in CHAIN))
        findings.append(Finding("chain", *describe_chain(chain, x509.load_pem_x509_certificate(self.anchor.encode()))))
        if (self.folder / "root.key").exists():
            findings.append(Finding("root key", True, "lies beside the leaf; better kept elsewhere: it is needed only "
                                                      "when the intermediate certificate ends"))
        return findings


def authority_folder(folder: Path | None = None) -> Path:
    """Where the authority of this installation lies; `VITASCOPE_AUTHORITY` names another place."""
    return folder or Path(os.environ.get("VITASCOPE_AUTHORITY") or user_data_path("vitascope") / "authority")


# ------------------------------------------------------------------------------------------------------- certificates

def _issue_root(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = name_of(name, "root")
    return key, issue(subject, key.public_key(), subject, key, key.public_key(), days=ROOT_DAYS, path_length=1)


def _issue_intermediate(folder: Path, name: str, root_key: ec.EllipticCurvePrivateKey, root: x509.Certificate) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue(name_of(name, "intermediate"), key.public_key(), root.subject, root_key, root_key.public_key(),
                        days=INTERMEDIATE_DAYS, path_length=0)
    _write_secret(folder / "intermediate.key", to_pem(key))
    (folder / "intermediate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _issue_leaf(folder: Path, config: AuthorityConfig) -> None:
    issuer_key = load_key(_read_secret(folder / "intermediate.key"), folder / "intermediate.key")
    issuer = x509.load_pem_x509_certificate((folder / "intermediate.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue(name_of(config.name, "video signer"), key.public_key(), issuer.subject, issuer_key,
                        issuer_key.public_key(), days=config.leaf_days, path_length=None)
    _write_secret(folder / "leaf.key", to_pem(key))
    (folder / "leaf.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


# ------------------------------------------------------------------------------------------------------------ secrets

class _new_folder:
    """A private folder filled beside its place and moved there when complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder.with_name(f".{folder.name}-{secrets.token_hex(6)}")

    def __enter__(self) -> Path:
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        self.partial.mkdir(mode=0o700)
        return self.partial

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is None:
                os.rename(self.partial, self.folder)
        except OSError as error:
            raise ValueError(f"{self.folder} cannot be made: {error.strerror}") from None
        finally:
            shutil.rmtree(self.partial, ignore_errors=True)


def _finish(folder: Path, config: AuthorityConfig) -> None:
    _write_secret(folder / "marks.key", secrets.token_hex(32))
    (folder / "authority.json").write_text(json.dumps(asdict(config), indent=2) + "\n")


def _write_secret(path: Path, text: str) -> None:
    """Created readable by its owner alone, never narrowed afterwards."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _read_secret(path: Path) -> str:
    check_secret(path)
    try:
        return path.read_text()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def check_secret(path: Path) -> None:
    """ValueError if a secret that exists can be read by others."""
    if path.exists() and not _describe_secret(path)[0]:
        raise ValueError(f"{path} can be read by other users: `chmod 600` it, and rotate if they may have")


def _describe_secret(path: Path) -> tuple[bool, str]:
    mode = stat.S_IMODE(path.stat().st_mode)
    return not mode & 0o077, f"mode {mode:04o}"
