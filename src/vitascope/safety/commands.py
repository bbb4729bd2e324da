"""`vitascope moderate` and `vitascope feedback`: judge prompts without generating, and keep a note on a video.

Functions for the command line to mount; nothing here loads torch.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .policy import Verdict

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def moderate(
    text: Annotated[str | None, typer.Argument(help="The prompt to judge.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Prompts, one JSON object a line with `text` (or `texts`, of one request); - reads them from "
            "standard input."
        ),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="A policy file instead of the packaged one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    check: Annotated[bool, typer.Option(help="Exit with 1 unless everything is allowed.")] = False,
) -> None:
    """Judge prompts by the policy, generating nothing."""
    if (text is None) == (file is None):
        raise ValueError("give either a TEXT or --file PROMPTS.jsonl, and not both")
    from .policy import Policy
    from .prompt import classifier

    rules, judging = Policy.load(policy), classifier()
    answers = []
    for record in _records(file) if file is not None else [{"text": text}]:
        verdict = judging.judge(_texts(record), rules)
        answers.append(verdict.verdict)
        kept = {key: record[key] for key in ("id", "line") if key in record}
        answer = json.dumps(kept | verdict.document(), ensure_ascii=False) if as_json else _readable(record, verdict)
        print(answer, flush=True)
    if check and set(answers) != {"allow"}:
        raise typer.Exit(1)


@app.command()
def feedback(
    video: Annotated[Path, typer.Argument(help="The video that this is about.")],
    reason: Annotated[str, typer.Option(help="What is wrong with it, or why a refusal was a mistake.")],
    category: Annotated[str, typer.Option(help="One of the policy's categories, or other.")] = "other",
    data: Annotated[Path | None, typer.Option(help="Folder that the note is kept in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the stored note as JSON.")] = False,
) -> None:
    """Store a report on a video: harmful, like someone, or wrongly refused."""
    from .feedback import store

    note = store(video, reason=reason, category=category, folder=data)
    print(json.dumps(note.document()) if as_json else f"Stored as report {note.number} on {video.name}.")


def _records(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file, with their line numbers; plain JSON strings count as texts."""
    try:
        lines = (sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")).split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{file}, line {number}: not JSON ({error.msg})") from error
        yield ({"text": record} if isinstance(record, str) else record if isinstance(record, dict) else {}) | {
            "line": number}


def _texts(record: dict[str, Any]) -> list[str]:
    texts = record.get("texts", [record.get("text", record.get("prompt"))])
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts):
        raise ValueError(f'line {record["line"]}: expected an object with "text" (a string) or "texts" (a list of '
                         "strings)")
    return texts


def _readable(record: dict[str, Any], verdict: "Verdict") -> str:
    worst = sorted(verdict.categories.items(), key=lambda item: -item[1])[:2]
    scores = ", ".join(f"{name} {score:.2f}" for name, score in worst)
    head = f"{record['line']}: " if "line" in record else ""
    return "\n".join([f"{head}{verdict.verdict}  ({scores}; {verdict.latency_ms:.0f} ms)",
                      *(f"  {reason}" for reason in verdict.reasons)])
