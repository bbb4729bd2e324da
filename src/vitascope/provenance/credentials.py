"""Content credentials (C2PA 2.4): a signed statement inside a file of what made it and from what.

Goes in: a finished file and a `Statement`; comes out: a signed copy. `read` says what a file's credentials are worth to
who trusts one anchor, and walks the files that it was made from: a source that had been tampered with does not lower
the state of what was made from it, so readers that ask for the state alone never learn of it. Knows nothing of how a
video is made.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import sleep
from typing import Any

import c2pa

from .. import __version__
from .authority import Authority

FORMATS = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".gif": "image/gif",
           ".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
           ".avif": "image/avif"}  # WebM has no place for them
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ACTIONS, DISCLOSURE, MARK = "c2pa.actions.v2", "c2pa.ai-disclosure", "c2pa.soft-binding"
FACTS = "org.vitascope.generation"  # our own assertion
MARK_ALGORITHM = "org.vitascope.spread-spectrum.1"
DEPTH = 16  # generations of sources that are walked
EXPIRED, UNTRUSTED = "signingCredential.expired", "signingCredential.untrusted"


@dataclass(frozen=True)
class Source:
    """A file that a video is made from."""
    path: Path
    relation: str  # parentOf: the video that is changed or continued; inputTo: a picture or video that only guides
    title: str = ""


@dataclass(frozen=True)
class Statement:
    """What is said of a file."""
    title: str
    model: str  # name
    model_hash: str  # "sha256:..." of the weights
    task: str = "text"
    facts: tuple[tuple[str, Any], ...] = ()  # of the assertion FACTS: names and what JSON can hold
    mark: str = ""  # the watermark's payload, 16 hexadecimal digits; "" if it has none
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Origin:
    """What is known of one source of a file: its state when it was used, by the word of who signed the file."""
    title: str
    relation: str
    state: str
    problems: tuple[str, ...]
    depth: int  # 1: of the file itself, 2: of its source, ...


@dataclass(frozen=True)
class Credentials:
    """What a reader makes of a file: trusted, untrusted (intact, another signer), expired, tampered or absent."""
    state: str
    signer: str = ""
    serial: str = ""  # of the signing certificate, decimal
    stamped: str = ""  # when, by the word of a time-stamp server
    problems: tuple[str, ...] = ()  # the codes of C2PA, or the reader's complaint
    generated: bool = False  # says that a model made it
    facts: tuple[tuple[str, Any], ...] = ()
    mark: str = ""
    origins: tuple[Origin, ...] = ()

    @property
    def tainted(self) -> bool:
        """Whether the file or anything it was made from was tampered with."""
        return self.state == "tampered" or any(origin.state == "tampered" for origin in self.origins)


class NotSigned(RuntimeError):
    """A file could not be signed, or not so that it reads back as trusted; it must not be delivered."""


def carries_credentials(path: Path) -> bool:
    """Whether files of this kind can be signed."""
    return path.suffix.lower() in FORMATS


# ------------------------------------------------------------------------------------------------------------ signing

def sign(path: Path, out: Path, statement: Statement, authority: Authority) -> Credentials:
    """Write a signed copy of `path` to `out`, read it back, return what was read. NotSigned unless that is trusted, and
    has a time stamp where the authority requires one.
    """
    assert carries_credentials(path), path
    if authority.config.timestamp_server:
        _write_stamped(path, out, statement, authority)
    else:
        _write(path, out, statement, authority)
    found = read(out, authority.anchor)
    if found.state != "trusted" or found.serial != authority.serial or found.mark != statement.mark:
        raise NotSigned(f"the signed file reads back as {found.state} ({', '.join(found.problems)}), certificate "
                        f"{found.serial}, mark {found.mark or 'none'}; expected trusted, {authority.serial}, "
                        f"{statement.mark or 'none'}")
    return found


def _write_stamped(path: Path, out: Path, statement: Statement, authority: Authority) -> None:
    """A signed copy with a time stamp, asked for a few times with growing pauses; without one if the server stays away
    and the authority's settings allow that.
    """
    config = authority.config
    for attempt in range(config.timestamp_tries):
        if attempt:
            sleep(config.timestamp_pause * 2**(attempt - 1))
        try:
            return _write(path, out, statement, authority, server=config.timestamp_server)
        except NotSigned as error:
            complaint = error
        _write(path, out, statement, authority)  # fails as well unless it is the server that is to blame
    if config.timestamp_required:
        out.unlink()
        raise NotSigned(f"no time stamp came from {config.timestamp_server} in {config.timestamp_tries} tries, and the "
                        f"authority requires one; {complaint}")


def _write(path: Path, out: Path, statement: Statement, authority: Authority, *, server: str = "") -> None:
    """A signed copy, with a time stamp if a server for it is given."""
    kind = FORMATS[path.suffix.lower()]
    try:
        with (c2pa.Builder(_manifest(statement), _context(authority.anchor)) as builder,
              _signer(authority, server) as signer, open(path, "rb") as source, open(out, "w+b") as target):
            for name, each in _name(statement.sources):
                with open(each.path, "rb") as stream:
                    told = {"title": each.title or each.path.name, "relationship": each.relation, "label": name}
                    form = FORMATS.get(each.path.suffix.lower(), "application/octet-stream")
                    builder.add_ingredient(told, form, stream)
            builder.sign(signer, kind, source, target)
    except (c2pa.C2paError, ValueError) as error:
        raise NotSigned(f"signing failed: {' '.join(str(error).split())}") from None  # theirs has several lines


def _manifest(statement: Statement) -> dict:
    """The definition that the builder takes; the first of its actions must be created or opened."""
    software = {"name": "vitascope", "version": __version__}
    names = {relation: [name for name, each in _name(statement.sources) if each.relation == relation]
             for relation in ("parentOf", "inputTo")}
    inputs = {"parameters": {"ingredientIds": names["inputTo"]}} if names["inputTo"] else {}
    made = {"digitalSourceType": GENERATED, "softwareAgent": software, "description": statement.task, **inputs}
    if names["parentOf"]:
        actions = [{"action": "c2pa.opened", "parameters": {"ingredientIds": names["parentOf"]}},
                   {"action": "c2pa.edited", **made}]
    else:
        actions = [{"action": "c2pa.created", **made}]
    assertions = [
        {"label": DISCLOSURE, "data": {"modelType": "c2pa.types.model.pytorch", "modelName": statement.model,
                                       "modelIdentifier": statement.model_hash,
                                       "contentProfile": {"humanOversightLevel": "prompt_guided"}}},
        {"label": FACTS, "data": {"task": statement.task, "model": statement.model, "modelHash": statement.model_hash,
                                  **dict(statement.facts)}},
    ]
    if statement.mark:
        actions.append({"action": "c2pa.watermarked.bound", "softwareAgent": software})
        blocks = [{"scope": {}, "value": statement.mark}]
        assertions.append({"label": MARK, "data": {"alg": MARK_ALGORITHM, "blocks": blocks}})
    actions_assertion = {"label": ACTIONS, "data": {"allActionsIncluded": True, "actions": actions}}
    return {"title": statement.title, "assertions": [actions_assertion, *assertions]}


def _name(sources: tuple[Source, ...]) -> list[tuple[str, Source]]:
    return [(f"source-{number}", source) for number, source in enumerate(sources)]


def _signer(authority: Authority, server: str) -> c2pa.Signer:
    if authority.config.sign_command:
        return c2pa.Signer.from_callback(authority.command_signer(), c2pa.C2paSigningAlg.ES256, authority.chain,
                                         server or None)
    information = c2pa.C2paSignerInfo("es256", authority.chain.encode(), authority.private_key().encode(),
                                      server.encode() or None)
    return c2pa.Signer.from_info(information)


@lru_cache(maxsize=8)
def _context(anchor: str) -> c2pa.Context:
    """Trusts one anchor and none of the library's own; fetches nothing; writes no thumbnail and no action by itself."""
    unasked = {"auto_created_action": {"enabled": False}, "auto_opened_action": {"enabled": False},
               "auto_placed_action": {"enabled": False}}
    return c2pa.Context.from_dict({
        "trust": {"trust_anchors": anchor},
        "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "builder": {"thumbnail": {"enabled": False}, "actions": unasked,
                    "claim_generator_info": {"name": "vitascope", "version": __version__, "specVersion": "2.4"}},
    })


# ------------------------------------------------------------------------------------------------------------ reading

def read(path: Path, anchor: str) -> Credentials:
    """What the credentials of a file are worth to who trusts `anchor` (PEM) alone. OSError if it cannot be opened."""
    kind = FORMATS.get(path.suffix.lower()) or _sniff(path)
    if kind is None:
        return Credentials("absent")
    try:
        with open(path, "rb") as stream:
            reader = c2pa.Reader.try_create(kind, stream, context=_context(anchor))
            if reader is None:
                return Credentials("absent")
            with reader:
                document = json.loads(reader.json())
    except c2pa.C2paError as error:
        return Credentials("tampered", problems=(str(error),))
    return _judge(document)


def _sniff(path: Path) -> str | None:
    """The kind of a file of another name, by its first bytes."""
    with open(path, "rb") as file:
        head = file.read(16)
    starts = {b"\x89PNG": "image/png", b"GIF8": "image/gif", b"\xff\xd8\xff": "image/jpeg"}
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def _judge(document: dict) -> Credentials:
    problems = _failures(document.get("validation_results", {}).get("activeManifest", {}))
    manifest = document["manifests"].get(document.get("active_manifest"))
    if manifest is None:
        return Credentials("tampered", problems=problems or ("manifest.inaccessible",))
    signature = manifest.get("signature_info", {})
    assertions = {each["label"]: each["data"] for each in manifest.get("assertions", [])}
    trusted = document.get("validation_state") == "Trusted" and not problems
    blocks = assertions.get(MARK, {}).get("blocks", [])
    actions = assertions.get(ACTIONS, {}).get("actions", [])
    return Credentials(
        state="trusted" if trusted else _state(problems),
        signer=signature.get("issuer", ""),
        serial=signature.get("cert_serial_number", ""),
        stamped=signature.get("time") or "",
        problems=problems,
        generated=any(each.get("digitalSourceType") == GENERATED for each in actions),
        facts=tuple(assertions.get(FACTS, {}).items()),
        mark=blocks[0]["value"] if blocks and assertions[MARK].get("alg") == MARK_ALGORITHM else "",
        origins=tuple(_walk(document["manifests"], manifest, 1)),
    )


def _walk(manifests: dict, manifest: dict, depth: int) -> list[Origin]:
    """The sources of a manifest, theirs, and so on."""
    origins = []
    for each in manifest.get("ingredients", []):
        label = each.get("active_manifest")
        problems = _failures(each.get("validation_results", {}).get("activeManifest", {}))
        problems += tuple(item["code"] for item in each.get("validation_status", []) if item["code"] not in problems)
        state = "absent" if label is None and not problems else _state(problems) if problems else "intact"
        origins.append(Origin(each.get("title", ""), each.get("relationship", ""), state, problems, depth))
        if label in manifests and depth < DEPTH:
            origins += _walk(manifests, manifests[label], depth + 1)
    return origins


def _failures(results: dict) -> tuple[str, ...]:
    return tuple(item["code"] for item in results.get("failure", []))


def _state(problems: tuple[str, ...]) -> str:
    """The state of credentials that are not trusted: who signed matters less than whether the bytes are intact."""
    rest = set(problems) - {UNTRUSTED, EXPIRED}
    if rest:
        return "tampered"
    return "expired" if EXPIRED in problems else "untrusted"
