import json
from pathlib import Path

import pytest

from vitascope.redteam.measure import Row, prompt_gates
from vitascope.redteam.report import check_history, diff, document, keep, load, page


def made(caught: int = 98, note: str = "<script>") -> dict:
    rows = [
        Row("prompt", "contrast", "none", "hate", 100, caught, 100, 99, note=note),
        Row("prompt", note, "leet", "hate", 0, 0, 10, 10),
    ]
    return document(rows, prompt_gates(rows), versions={"x": "1"}, settings={"seed": 0})


def test_runs_are_kept_beside_one_another(tmp_path: Path) -> None:
    first, second = keep(made(), tmp_path), keep(made(90), tmp_path)
    assert first != second and load(first)["passed"] and not load(second)["passed"]
    assert check_history(tmp_path) == [] and len((tmp_path / "history.jsonl").read_text().splitlines()) == 2


def test_a_history_that_was_changed_shows(tmp_path: Path) -> None:
    paths = [keep(made(caught), tmp_path) for caught in (98, 97, 99)]
    history = tmp_path / "history.jsonl"
    lines = history.read_text().splitlines()
    history.write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert check_history(tmp_path) == ["line 2 does not follow the one before it"]
    history.write_text("\n".join(lines) + "\n")
    paths[1].write_text(json.dumps(made(100)))
    assert check_history(tmp_path) == [f"{paths[1].name} is not what was stored"]


def test_changes_beyond_chance_are_told_from_noise() -> None:
    changes = {change["error"]: change for change in diff(made(98), made(60)) if change["category"] == "hate"}
    assert changes["caught"]["beyond_chance"] is True and changes["caught"]["after"] == 0.6
    assert [c for c in diff(made(98), made(97))][0]["beyond_chance"] is False
    assert diff(made(), made()) == []


def test_the_page_shows_numbers_and_escapes_names() -> None:
    text = page(made())
    assert "98.0% (98/100)" in text and "<script>" not in text and "&lt;script&gt;" in text


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for content in ("{", "[]", '{"rows": []}'):
        path.write_text(content)
        with pytest.raises(ValueError, match="run of the red team"):
            load(path)
