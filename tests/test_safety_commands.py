import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vitascope.cli import app

RUNNER = CliRunner()


def test_prompts_of_a_file_give_one_object_a_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        '{"text": "a cat sleeps\u2028on a sofa", "id": "a"}\n\n'
        '"two naked adults having explicit sex"\n{"texts": ["a woman", "make her naked"]}\n'
    )
    result = RUNNER.invoke(app, ["moderate", "--file", str(path), "--json"])
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [(a["line"], a["verdict"]) for a in answers] == [(1, "allow"), (3, "block"), (4, "block")]
    assert (
        answers[0]["id"] == "a"
        and answers[0]["latency_ms"] > 0
        and set(answers[0]["categories"].values()) <= set(x / 10000 for x in range(10001))
    )


def test_a_text_is_told_with_its_reason_and_check_sets_the_status() -> None:
    result = RUNNER.invoke(app, ["moderate", "two naked adults having explicit sex", "--check"])
    assert result.exit_code == 1 and "block" in result.stdout and "sexual content" in result.stdout
    assert RUNNER.invoke(app, ["moderate", "a cat", "--check"]).exit_code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "line 1: not JSON"), ("{}", "line 1: expected an object"), ("[1]", "line 1: expected")],
)
def test_a_broken_line_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(content)
    result = RUNNER.invoke(app, ["moderate", "--file", str(path)])
    assert isinstance(result.exception, ValueError) and message in str(result.exception)


def test_feedback_is_stored(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    arguments = [
        "feedback",
        str(tmp_path / "clip.mp4"),
        "--reason",
        "too loud",
        "--data",
        str(tmp_path / "data"),
        "--json",
    ]
    assert json.loads(RUNNER.invoke(app, arguments).stdout)["number"] == 1
    assert json.loads(RUNNER.invoke(app, arguments).stdout)["number"] == 2


def test_the_red_team_runs_reports_and_compares(tmp_path: Path) -> None:
    arguments = [
        "redteam",
        "run",
        "--stage",
        "prompt",
        "--suite",
        "chains",
        "--limit",
        "4",
        "--converter",
        "base64",
        "--adaptive",
        "0",
        "--out",
        str(tmp_path),
    ]
    for _ in range(2):
        result = RUNNER.invoke(app, arguments)
        assert result.exit_code in (0, 1), result.output
    runs = sorted(tmp_path.glob("*.json"))
    assert len(runs) == 2 and RUNNER.invoke(app, ["redteam", "diff", *map(str, runs)]).exit_code == 0
    assert RUNNER.invoke(app, ["redteam", "report", "--out", str(tmp_path)]).exit_code == result.exit_code


def test_what_the_red_team_does_not_know_is_named(tmp_path: Path) -> None:
    for option, value in (("--stage", "moon"), ("--suite", "moon"), ("--converter", "moon")):
        result = RUNNER.invoke(app, ["redteam", "run", option, value, "--out", str(tmp_path)])
        assert isinstance(result.exception, ValueError) and "'moon' is not one of" in str(result.exception)
