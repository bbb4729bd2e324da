"""The gallery: its commands are commands, every task has one, and each takes what is there by then."""

import importlib.util
import shlex
from pathlib import Path

import pytest
from test_guards import commands

from vitascope.commands import app
from vitascope.storyboard import read_storyboard

FOLDER = Path(__file__).parent.parent / "docs" / "gallery"
SPEC = importlib.util.spec_from_file_location("gallery", FOLDER / "make.py")
gallery = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gallery)
ALL = [command for _, group in gallery.groups() for command in group]


def test_every_task_has_an_example() -> None:
    tasks = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert {"generate", *tasks} <= {command[0] for command in ALL}
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert page.count("./run ") == len(ALL)


@pytest.mark.parametrize("command", ALL, ids=shlex.join)
def test_examples_use_options_that_there_are(command: list[str]) -> None:
    assert {word for word in command if word.startswith("-")} <= commands()[command[0]]


def test_files_are_made_before_they_are_used() -> None:
    there = set(gallery.INPUTS)
    for command in ALL:
        made = gallery.results(command)
        files = {word for word in command if Path(word).suffix in (".mp4", ".png", ".json")} - {command[-1]}
        assert files <= there and not there & set(made), command
        there |= set(made)
    assert all((FOLDER / name).exists() for name in gallery.INPUTS)


def test_the_storyboard_can_be_read() -> None:
    board = read_storyboard(FOLDER / "story.json")
    assert len(board.shots) == 3 and sum(shot.seconds for shot in board.shots) == 5
