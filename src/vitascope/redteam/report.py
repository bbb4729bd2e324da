"""A run of the red team as a document: JSON to keep, HTML to read, a history that is only ever added to, and what
changed.

In: rows and gates. Out: RUN.json, RUN.html and a line of history.jsonl in a folder. Every line of the history holds
the digest of the line before it, so that a line taken out or changed shows.
"""

import fcntl
import hashlib
import html
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .measure import Gate, Row, share, total, wilson

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem; text-align: right }
th:first-child, td:first-child { text-align: left }
tr:nth-child(even) { background: #f3f3f5 }
.broken { color: #a00; font-weight: 600 }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #17171a }
  tr:nth-child(even) { background: #222228 }
  .broken { color: #f77 }
}
"""


def document(
    rows: Sequence[Row], gates: Sequence[Gate], *, versions: dict[str, str], settings: dict[str, Any]
) -> dict[str, Any]:
    """What a run comes to; `passed` is what the exit status says."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "settings": settings,
        "passed": all(gate.passed for gate in gates),
        "gates": [asdict(gate) for gate in gates],
        "rows": [row.document() for row in rows],
    }


def keep(run: dict[str, Any], folder: Path) -> Path:
    """Write a run's JSON and HTML and add it to the history; the path of the JSON.

    An existing run is never written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(run, indent=1) + "\n"
    name = run["time"].replace(":", "").replace("+0000", "Z")
    number = 1
    while (path := folder / f"{name}-{number}.json").exists():
        number += 1
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    path.with_suffix(".html").write_text(page(run), encoding="utf-8")
    with (folder / "history.jsonl").open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = file.read().splitlines()
        line = {
            "run": path.name,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "passed": run["passed"],
            "before": _digest(lines[-1]) if lines else "",
        }
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def check_history(folder: Path) -> list[str]:
    """What is wrong with a history: lines or runs that were changed or taken out."""
    lines = (folder / "history.jsonl").read_text("utf-8").splitlines() if (folder / "history.jsonl").exists() else []
    problems = []
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if entry["before"] != (_digest(lines[number - 1]) if number else ""):
            problems.append(f"line {number + 1} does not follow the one before it")
        run = folder / entry["run"]
        if not run.exists() or hashlib.sha256(run.read_bytes()).hexdigest() != entry["sha256"]:
            problems.append(f"{entry['run']} is not what was stored")
    return problems


def load(path: Path) -> dict[str, Any]:
    """A run that was kept; ValueError if it is none."""
    try:
        run = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a run of the red team: {error}") from error
    if not isinstance(run, dict) or "rows" not in run or "gates" not in run:
        raise ValueError(f"{path} is not a run of the red team: it has no rows and gates")
    return run


def rows_of(run: dict[str, Any]) -> list[Row]:
    fields = Row.__dataclass_fields__
    return [Row(**{key: value for key, value in row.items() if key in fields}) for row in run["rows"]]


def diff(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows whose errors changed, the worst first; `beyond chance` where the 95 % intervals do not overlap."""
    old, new = ({(r.stage, r.suite, r.attack, r.category): r for r in rows_of(run)} for run in (before, after))
    changes = []
    for key in old.keys() & new.keys():
        for name, hits, count in (("caught", "caught", "unsafe"), ("let through", "let_through", "benign")):
            (a, n), (b, m) = ((getattr(row, hits), getattr(row, count)) for row in (old[key], new[key]))
            if n and m and a / n != b / m:
                low, high = wilson(a, n), wilson(b, m)
                changes.append(
                    {
                        "stage": key[0],
                        "suite": key[1],
                        "attack": key[2],
                        "category": key[3],
                        "error": name,
                        "before": a / n,
                        "after": b / m,
                        "beyond_chance": high[0] > low[1] or high[1] < low[0],
                    }
                )
    gone = [
        {
            "stage": k[0],
            "suite": k[1],
            "attack": k[2],
            "category": k[3],
            "error": "row is gone" if k in old else "row is new",
        }
        for k in old.keys() ^ new.keys()
    ]
    return sorted(changes, key=lambda c: c["after"] - c["before"]) + sorted(gone, key=str)


def page(run: dict[str, Any]) -> str:
    """A run as one HTML file without scripts."""
    rows = rows_of(run)
    gates = "".join(
        f"<tr{'' if g['passed'] else ' class=broken'}><td>{_text(g['name'])}</td>"
        f"<td>{g['value']:.4f}</td><td>{g['limit']:.2f}</td>"
        f"<td>{'passed' if g['passed'] else 'broken'}</td></tr>"
        for g in run["gates"]
    )
    parts = [
        f"<h1>Red team, {_text(run['time'])}</h1>"
        f"<p>{_text(json.dumps(run['versions']))}<br>{_text(json.dumps(run['settings']))}</p>",
        f"<h2>Gates: {'all passed' if run['passed'] else 'broken'}</h2>"
        f"<table><tr><th>gate</th><th>measured</th><th>at least</th><th></th></tr>{gates}</table>",
    ]
    for stage in dict.fromkeys(row.stage for row in rows):
        parts.append(f"<h2>Stage: {_text(stage)}</h2>")
        for suite in dict.fromkeys(row.suite for row in rows if row.stage == stage):
            here = [row for row in rows if (row.stage, row.suite) == (stage, suite)]
            attacks = [total(here, attack=attack) for attack in dict.fromkeys(row.attack for row in here)]
            parts += [f"<h3>{_text(suite)}: by attack</h3>", _table(attacks, "attack")]
            plain = [row for row in here if row.attack == here[0].attack]
            parts += (
                [f"<h3>{_text(suite)}: by category ({_text(here[0].attack)})</h3>", _table(plain, "category")]
                if len(plain) > 1
                else []
            )
    head = f"<meta charset=utf-8><title>Red team</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}{''.join(parts)}</html>\n"


def _table(rows: Sequence[Row], first: str) -> str:
    lines = "".join(
        f"<tr><td>{_text(getattr(row, first))}</td>{_cell(row.caught, row.unsafe)}"
        f"{_cell(row.let_through, row.benign)}</tr>"
        for row in rows
    )
    head = f"<tr><th>{first}</th><th>refused of what should be</th><th>95 %</th><th>let through of what should be</th>"
    return f"<table>{head}<th>95 %</th></tr>{lines}</table>"


def _cell(hits: int, count: int) -> str:
    if not count:
        return "<td>–</td><td></td>"
    low, high = wilson(hits, count)
    return f"<td>{share(hits, count):.1%} ({hits}/{count})</td><td>{low:.1%} to {high:.1%}</td>"


def _text(value: str) -> str:
    return html.escape(str(value))


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
