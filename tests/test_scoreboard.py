"""Intervals, counts, prompts, and the whole scoreboard on a tiny model."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from vitascope.evaluate import scoreboard
from vitascope.evaluate.reader import Reader
from vitascope.evaluate.scoreboard import Judged, Prompt, Tally, by_group, by_name, listing, prompts, score, table, \
    wilson
from vitascope.train.labels import CONFIG
from vitascope.world.scene import held_out

SMALL = replace(CONFIG, widths=(8, 8, 8, 8), blocks=(1, 1), track_width=8)


@pytest.mark.parametrize("right, asked, low, high",
                         [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)])
def test_wilson_intervals(right, asked, low, high):
    """The last one from Newcombe 1998, table I."""
    np.testing.assert_allclose(wilson(right, asked), (low, high), atol=2e-4)


def test_nothing_asked_nothing_known():
    assert wilson(0, 0) == (0.0, 1.0) and math.isnan(Tally(0, 0).share)


def test_half_of_the_prompts_ask_for_held_out_combinations():
    made = list(prompts(60))
    unseen = [prompt for prompt in made if "held-out" in prompt.groups]
    assert len(unseen) == 30
    for prompt in made:
        shot = prompt.scene.shots[0]
        combination = held_out(shot.actors[0].subject, shot.place, shot.actors[0].steps[0].action)
        assert combination == (prompt in unseen)
    assert {group for prompt in made for group in prompt.groups} >= {"all", "short", "plain", "dense", "two subjects"}
    assert made == list(prompts(60))


def judged(groups, answers, items=()):
    return Judged(Prompt(None, "", groups), None, answers, tuple(items))


def test_answers_are_counted_by_group():
    clips = [judged(("all", "seen"), {"place": True, "action": False}), judged(("all",), {"place": False})]
    assert by_group(clips) == {"all": {"place": Tally(1, 2), "action": Tally(0, 1)},
                               "seen": {"place": Tally(1, 1), "action": Tally(0, 1)}}


def test_what_was_asked_is_counted_by_name():
    clips = [judged((), {}, [("action", "jumps", True), ("action", "spins", False)]),
             judged((), {}, [("action", "jumps", False)])]
    assert by_name(clips) == {"action": {"jumps": Tally(1, 2), "spins": Tally(0, 1)}}


def test_the_tables_show_what_was_counted():
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table({"all": {"place": Tally(3, 4)}}, {"as rendered": {"place": Tally(199, 200)}}))
    console.print(listing({"action": {"jumps": Tally(3, 4), "spins": Tally(1, 4)}, "place": {"city": Tally(1, 1)}},
                          {"action": {"spins": Tally(9, 10)}}))
    text = console.export_text()
    assert "place" in text and "75.0" in text and "99.5" in text and "city" not in text
    assert "spins 25.0 / 90.0 (4), jumps 75.0 / – (4)" in text


def test_a_tiny_model_is_scored(tmp_path, nano_system, monkeypatch):
    monkeypatch.setattr(Reader, "load", classmethod(lambda cls: Reader(SMALL).eval()))
    monkeypatch.setattr(scoreboard, "ROWS", 2)
    document = score(nano_system, prompts_asked=3, steps=1, guidance=1.0, out=tmp_path, frames=5, ceiling_clips=2,
                     console=Console(quiet=True))
    assert json.loads((tmp_path / "scores.json").read_text()) == json.loads(json.dumps(document))
    assert document["scores"]["all"]["place"]["asked"] == 3 and len(document["clips"]) == 3
    assert set(document["reader"]) == {"as rendered", "H.264", "blurred"}
    assert sum(tally["asked"] for tally in document["names"]["place"].values()) == 3
    assert sum(tally["asked"] for tally in document["reader names"]["place"].values()) == 2
    assert [path.name for path in sorted(tmp_path.glob("*.png"))] == ["sheet-00.png", "sheet-01.png"]
