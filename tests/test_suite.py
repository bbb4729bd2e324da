"""The table of all tasks: every measure is there, with its interval and what the world reaches."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from vitascope.evaluate import suite
from vitascope.evaluate.suite import GOALS, median_interval, score, summary
from vitascope.system import System
from vitascope.world.scene import Scene


def draw(scene: Scene) -> np.ndarray:
    """In place of the world, whose artwork may not be there: a square that moves, over a ground by the place's name."""
    pixels = np.full((scene.frames, scene.height, scene.width, 3), 40 + len(scene.shots[0].place) * 10, np.uint8)
    for number, frame in enumerate(pixels if scene.shots[0].actors[0].x >= 0 else []):
        left = 10 + number * 2 % 60
        frame[40:80, left:left + 40] = 220, 60, 40
    return pixels


def test_every_goal_is_measured(nano_system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "render", draw)
    monkeypatch.setattr(suite, "MINUTE", 2.0)
    monkeypatch.setattr(suite, "ENDS", 1.0)
    console = Console(width=200, file=io.StringIO())
    document = score(nano_system, clips=1, steps=1, guidance=1.0, out=tmp_path, console=console)
    assert set(GOALS) <= set(document["scores"]) and document == json.loads((tmp_path / "tasks.json").read_text())
    assert all(document["scores"][name]["share"] == 1 for name in GOALS if "kept" in name)
    assert document["world"]["extend forward, seam"]["median"] < document["scores"]["extend forward, seam"]["median"]
    assert all(found["n"] == 1 and len(found["interval"]) == 2 for found in document["scores"].values())
    assert all(name in console.file.getvalue() for name in GOALS)


def test_summaries() -> None:
    assert summary([True, False, True, True]) == {"share": 0.75, "n": 4, "interval": [0.3006, 0.9544]}
    assert summary([3.0, 1.0, 2.0]) == {"median": 2.0, "n": 3, "interval": [1.0, 3.0]}


@pytest.mark.parametrize("count, inside", [(5, (0, 4)), (6, (0, 5)), (12, (2, 9)), (30, (9, 20))])
def test_interval_of_a_median(count: int, inside: tuple[int, int]) -> None:
    """Ranks from the table of the sign test."""
    assert median_interval([float(value) for value in reversed(range(count))]) == inside
