"""`vitascope redteam run | report | diff`, for the command line to mount."""

import json
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Attack the checks, measure both errors, and compare runs.")
STAGES = ("prompt", "frames", "end to end", "provenance")
Folder = Annotated[Path, typer.Option("--out", help="Folder of runs and their history.")]


@app.command()
def run(
    stage: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(STAGES)}; several may be given. All of them by default."),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="Suites of the prompt stage: contrast, chains, wordings, everyday, research."),
    ] = None,
    prompts: Annotated[Path | None, typer.Option(help="Research prompts for the suite research (JSON lines).")] = None,
    limit: Annotated[int, typer.Option(min=2, help="Requests of a suite.")] = 100,
    converter: Annotated[
        list[str] | None, typer.Option(help="A converter; several may be given. All of them by default.")
    ] = None,
    adaptive: Annotated[int, typer.Option(min=0, help="Requests of a suite that the adaptive attacker tries.")] = 20,
    seed: Annotated[int, typer.Option()] = 0,
    policy: Annotated[Path | None, typer.Option(help="A policy file instead of the packaged one.")] = None,
    out: Folder = Path("redteam"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Attack every stage; exit with 1 when a gate broke."""
    from .campaign import CONVERTERS, Campaign, attack
    from .report import keep

    stages = tuple(stage or STAGES)
    for name in stages:
        if name not in STAGES:
            raise ValueError(f"stage {name!r} is not one of {', '.join(STAGES)}")
    suites = tuple(suite or (("contrast", "chains", "wordings", "everyday") + (("research",) if prompts else ())))
    chosen = Campaign(stages, suites, limit, adaptive, seed, tuple(converter or CONVERTERS))
    found = attack(
        chosen, prompts=prompts, policy=policy, tell=lambda text: None if as_json else typer.echo(text, err=True)
    )
    path = keep(found, out)
    typer.echo(json.dumps(found) if as_json else _summary(found, path))
    if not found["passed"]:
        raise typer.Exit(1)


@app.command()
def report(
    path: Annotated[Path | None, typer.Argument(help="A run; the newest of --out by default.")] = None,
    out: Folder = Path("redteam"),
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Tell what a run came to; exit with 1 when a gate broke or the history was changed."""
    from .report import check_history, load

    problems = check_history(out)
    newest = path or max(out.glob("*.json"), default=None, key=lambda p: (load(p)["time"], p.name))
    if newest is None:
        raise ValueError(f"{out} holds no run; `vitascope redteam run --out {out}` makes one")
    found = load(newest)
    typer.echo(_summary(found, newest))
    for problem in problems:
        typer.echo(f"history: {problem}", err=True)
    if show:
        webbrowser.open(newest.with_suffix(".html").resolve().as_uri())
    if problems or not found["passed"]:
        raise typer.Exit(1)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="An earlier run.")],
    after: Annotated[Path, typer.Argument(help="A later run.")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Tell what changed between two runs; exit with 1 when something became worse beyond chance."""
    from .report import diff as compare
    from .report import load

    changes = compare(load(before), load(after))
    worse = [change for change in changes if change.get("beyond_chance") and change["after"] < change["before"]]
    if as_json:
        typer.echo(json.dumps(changes))
    for change in () if as_json else changes:
        where = ", ".join(change[key] for key in ("stage", "suite", "attack", "category"))
        numbers = (
            f"{change['before']:.1%} → {change['after']:.1%}{'  beyond chance' if change['beyond_chance'] else ''}"
            if "before" in change
            else ""
        )
        typer.echo(f"{where}: {change['error']} {numbers}")
    if worse:
        raise typer.Exit(1)


def _summary(found: dict[str, Any], path: Path) -> str:
    lines = [
        f"{'passed' if gate['passed'] else 'BROKEN':7} {gate['value']:.4f} (at least {gate['limit']:.2f})  "
        f"{gate['name']}"
        for gate in found["gates"]
    ]
    return "\n".join([f"{path}: {'every gate passed' if found['passed'] else 'a gate broke'}", *lines])
