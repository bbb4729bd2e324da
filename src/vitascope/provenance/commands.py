"""`vitascope provenance …` and `vitascope verify`: the authority of this installation, and the question whether a file
is ours.

cli.py mounts `provenance` and takes `verify`; nothing heavy is imported before a command runs.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .authority import Authority, Finding
    from .detector import Report

provenance = typer.Typer(no_args_is_help=True, help="The authority that signs this installation's videos.")
app = typer.Typer()

Folder = Annotated[Path | None, typer.Option("--folder", help="Of the authority; VITASCOPE_AUTHORITY or the user's own "
                                                              "if not given.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@provenance.command()
def init(
    name: Annotated[str | None, typer.Option(help="Organisation that the certificates name.")] = None,
    timestamp_server: Annotated[str, typer.Option(help="URL of an RFC 3161 service: files then stay trusted after the "
                                                       "leaf expires.")] = "",
    timestamp_required: Annotated[bool, typer.Option("--timestamp-required/--timestamp-if-possible",
                                                     help="With --timestamp-server: while it is away deliver nothing, "
                                                          "or files without a time stamp.")] = True,
    chain: Annotated[Path | None, typer.Option(help="PEM of certificates made elsewhere, leaf first, instead of own "
                                                    "ones.")] = None,
    anchor: Annotated[Path | None, typer.Option(help="With --chain: PEM of its root.")] = None,
    key: Annotated[Path | None, typer.Option(help="With --chain: PEM of the leaf's key.")] = None,
    sign_command: Annotated[str, typer.Option(help="With --chain: a program that signs its standard input with a key "
                                                   "kept elsewhere; raw ES256 on its standard output.")] = "",
    folder: Folder = None,
) -> None:
    """Make this installation's authority: root, intermediate and leaf, and the key of the watermark."""
    from .authority import Authority, AuthorityConfig

    own = {} if name is None else {"name": name}
    config = AuthorityConfig(timestamp_server=timestamp_server, timestamp_required=timestamp_required,
                             sign_command=sign_command, **own)
    if chain is None and (anchor or key or sign_command):
        raise ValueError("--anchor, --key and --sign-command belong to --chain, which is missing")
    if chain is None:
        made = Authority.create(folder, config)
    elif anchor is None:
        raise ValueError("--chain needs --anchor, the certificate that its last one is signed by")
    else:
        made = Authority.adopt(chain, anchor, key=key, folder=folder, config=config)
    print(f"made {made.folder}; its files named .key are worth keeping safe, and a copy of marks.key is needed to "
          "recognise marked videos again")
    if chain is None:
        print("A local authority proves to whoever has its anchor (vitascope provenance export-anchor) that a file was "
              "made here and was not changed; nobody else knows it. Programmes of conformance issue certificates that "
              "are known everywhere: --chain takes them.")


@provenance.command()
def rotate(folder: Folder = None) -> None:
    """Replace the leaf and its key; what was signed before stays trusted under the same anchor."""
    from .authority import Authority

    made = Authority.load(folder).rotate()
    print(f"the new leaf is valid until {made.leaf.not_valid_after_utc:%Y-%m-%d}")


@provenance.command("export-anchor")
def export_anchor(
    out: Annotated[Path | None, typer.Option(help="File to write; printed if not given.")] = None,
    folder: Folder = None,
) -> None:
    """Write the root certificate, which others need in order to trust what is signed here. It is no secret."""
    from .authority import Authority

    anchor = Authority.load(folder).anchor
    if out is None:
        print(anchor, end="")
    else:
        out.write_text(anchor)


@provenance.command()
def doctor(folder: Folder = None, as_json: AsJson = False) -> None:
    """Check keys, certificates and dates, and sign a clip for a trial; exit status 1 if anything is wrong."""
    from .authority import Authority

    authority = Authority.load(folder)
    findings = [*authority.examine(), _trial(authority)]
    if as_json:
        print(json.dumps([finding.__dict__ for finding in findings]))
    else:
        print("\n".join(f"{'ok   ' if finding.good else 'WRONG'}  {finding.name}: {finding.detail}"
                        for finding in findings))
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def _trial(authority: "Authority") -> "Finding":
    """Whether a signed clip reads back as trusted."""
    import tempfile
    import time

    import numpy as np

    from ..video import Video, write_video
    from .authority import Finding
    from .credentials import NotSigned, Statement, sign

    with tempfile.TemporaryDirectory() as scratch:
        plain, signed = Path(scratch, "plain.mp4"), Path(scratch, "signed.mp4")
        write_video(Video(np.zeros((5, 64, 64, 3), np.uint8)), plain)
        started = time.perf_counter()
        try:
            found = sign(plain, signed, Statement("trial.mp4", "none", "sha256:none"), authority)
        except NotSigned as error:
            return Finding("trial", False, str(error))
    took = time.perf_counter() - started
    stamp = f", time stamp {found.stamped}" if found.stamped else ""
    missing = authority.config.timestamp_server and not stamp
    return Finding("trial", not missing,
                   f"a clip was signed by {found.signer} and read back as trusted in {took * 1e3:.0f} ms{stamp}"
                   f"{f'; no time stamp came from {authority.config.timestamp_server}' if missing else ''}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Any video or image.")],
    folder: Folder = None,
    records: Annotated[Path | None,
                       typer.Option(help="Folder of records; this installation's own if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether a file was made here: credentials, watermark, likeness to what was made.

    Exit status 0: made here; 1: nothing says so; 3: what it says contradicts itself; 2: it cannot be read.
    """
    from .authority import Authority
    from .detector import STATUS
    from .detector import verify as examine

    report = examine(file, Authority.load(folder), store=records)
    print(json.dumps(report.document()) if as_json else _readable(report))
    raise typer.Exit(STATUS[report.verdict])


def _readable(report: "Report") -> str:
    verdicts = {"ours": f"made here ({report.stands_on})", "tampered": "tampered with",
                "unknown": "nothing says that it was made here, which does not say that it was not"}
    lines = [f"{report.file}: {verdicts[report.verdict]}"]
    for each in report.evidence:
        chance = "" if each.log10_p is None else f"  (chance 1e{each.log10_p:.0f})"
        lines.append(f"  {'yes' if each.found else ' no'}  {each.step}: {each.detail}{chance}")
    return "\n".join([*lines, *(f"  !    {warning}" for warning in report.warnings)])
