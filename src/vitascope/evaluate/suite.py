"""Every task, and what a world has to keep, in one table: what a model reaches beside what the world itself reaches.

The ceiling of each measure is the same function of clips that the world rendered: a model, or the reader that judges
it, cannot be above it. A share stands with its 95 % score interval, anything else as a median with the interval that
order statistics give. Out come a table and `tasks.json`.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..edits import Plan, combine_clips, edit_clip, make
from ..generate import generate
from ..models.upsampler import SCALE
from ..storyboard import Shot, Storyboard, plan_storyboard
from ..system import System
from ..tasks import RATE, text_to_video
from ..video import Video
from ..world.caption import caption
from ..world.catalogue import SUBJECTS
from ..world.render import render
from ..world.scene import BUNDLED, CHAINED, Scene, Step, Vocabulary, sample_scene
from .alignment import read
from .continuation import STRENGTH, limits, measure
from .continuity import drift, jumps
from .lasting import MOVING, TRIALS, path_kept
from .reader import Reader
from .scoreboard import wilson

FIRST_SEED = 6_000_000  # of the scenes: no training clip has such a seed
MINUTE = 60.0  # seconds
ENDS = 5.0  # seconds at either end of a minute that are compared
OUTSIDE = -3.0  # units: x of a subject that is not in the picture
GOALS = {
    "upscale, gain over bicubic and Lanczos, dB": ">= 2",
    **dict.fromkeys(("image, seam", "extend forward, seam", "extend backward, seam", "infill, first seam",
                     "infill, second seam", "loop, seam"), "<= 1"),
    **dict.fromkeys(("image kept", "extend forward, clip kept", "extend backward, clip kept", "infill, rest kept",
                     "inpaint, outside kept", "shots, cut at the asked frame", "minute, same subjects at the end"),
                    "100 %"),
    "permanence: hidden or away, then back": ">= 90 %", "effect: a bite stays": ">= 85 %",
    "effect: what popped is gone": ">= 85 %", "effect: paint stays": ">= 85 %", "effect: blocks stay down": ">= 85 %",
    "order: first this, then that": ">= 85 %", "physics: error of a fall": "<= 0.10",
    "shots, same subject": ">= 90 %", "minute, drift": "<= 0.05",
}

Scores = dict[str, list[float | bool]]  # measure -> one value for each clip


def score(system: System, *, clips: int = 12, minutes: int = 1, steps: int | None = None, guidance: float | None = None,
          seed: int = 0, out: Path, vocabulary: Vocabulary = BUNDLED, console: Console | None = None) -> dict:
    """Measure everything on so many clips, print the table; the document that is written to `out`/tasks.json.

    `minutes` is how many clips of a minute are made, each of which takes as long as 30 others.
    """
    console = console or Console()
    out.mkdir(parents=True, exist_ok=True)
    reader, side, started = Reader.load(), SCALE * math.isqrt(system.config.base_area), time.monotonic()
    made, world, base = defaultdict(list), defaultdict(list), FIRST_SEED + 1_000_000 * seed
    sampling = {"steps": steps, "guidance": guidance}
    for number in track(range(clips), "tasks", console=console):
        for measured in (continue_clip(system, base + number, vocabulary, side, sampling),
                         keep_world(system, reader, base + number, vocabulary, side, sampling),
                         change_clip(system, reader, base + number, vocabulary, side, sampling),
                         cut_shots(system, reader, base + number, vocabulary, side, sampling)):
            _collect(made, world, measured)
    for number in track(range(minutes), "minutes", console=console):
        _collect(made, world, last_a_minute(system, reader, base + number, vocabulary, side, sampling))
    console.print(table(made, world))
    document = {"clips": clips, "seed": seed, "steps": steps or system.config.steps,
                "guidance": guidance or system.config.guidance, "seconds": round(time.monotonic() - started, 1),
                "scores": {name: summary(values) | {"goal": GOALS.get(name)} for name, values in made.items()},
                "world": {name: summary(values) for name, values in world.items()}}
    (out / "tasks.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


Measured = Iterator[tuple[str, float | bool | None, float | bool | None]]
"""(measure, of the model, of the world); None where there is none."""


def _collect(made: Scores, world: Scores, measured: Measured) -> None:
    for name, ours, theirs in measured:
        for scores, value in ((made, ours), (world, theirs)):
            if value is not None:
                scores[name].append(value)


# --------------------------------------------------------------------------------------------------- what is measured

def continue_clip(system: System, seed: int, vocabulary: Vocabulary, side: int, sampling: dict) -> Measured:
    """Seams and kept frames of a clip that is continued, filled in, looped and masked."""
    scene = sample_scene(seed, replace(vocabulary, cuts=0.0), width=side, height=side, frames=25)
    clip = Video(render(scene), scene.fps)
    ceilings = limits(system, clip)
    ours = measure(system, Video(clip.pixels[:17], clip.fps), caption(scene, "plain"), seed=seed, **sampling)
    for name, value in ours.items():
        yield name, value, ceilings.get(name)


def keep_world(system: System, reader: Reader, seed: int, vocabulary: Vocabulary, side: int,
               sampling: dict) -> Measured:
    """Permanence, cause and effect, order, physics."""
    for name, trial in TRIALS.items():
        for scene in trial.scenes(1, vocabulary, first_seed=seed, size=(side, side)):
            actor = scene.shots[0].actors[0]
            frames = _film(system, caption(scene, "plain"), side, 17, seed, sampling)
            yield name, trial.judge(reader, frames, actor), trial.judge(reader, render(scene), actor)


def change_clip(system: System, reader: Reader, seed: int, vocabulary: Vocabulary, side: int,
                sampling: dict) -> Measured:
    """A subject keeps its path while its place changes; the subject of one clip in the place of another."""
    scene, = MOVING.scenes(1, vocabulary, first_seed=seed, size=(side, side))
    elsewhere = vocabulary.places[(vocabulary.places.index(scene.shots[0].place) + 1) % len(vocabulary.places)]
    wanted = replace(scene, shots=(replace(scene.shots[0], place=elsewhere),))
    shot, actor = wanted.shots[0], scene.shots[0].actors[0]
    away = replace(actor, x=OUTSIDE, steps=(Step("stands still", shot.frames, 0.0),))
    empty = replace(wanted, shots=(replace(shot, actors=(away,)),))
    clip, real, text = Video(render(scene), scene.fps), render(wanted), caption(wanted, "plain")
    plans = {"edit": edit_clip(system, clip, prompt=text, strength=STRENGTH),
             "combine": combine_clips(system, clip, Video(render(empty), scene.fps), prompt=text, strength=STRENGTH)}
    before, world = read(reader, clip.pixels), read(reader, real)
    after = {task: read(reader, _make(system, plan, seed, sampling)) for task, plan in plans.items()}
    yield "edit, path kept", path_kept(before, after["edit"]), path_kept(before, world)
    for task, ours in after.items():
        yield f"{task}, place as asked", ours.place.name == elsewhere, world.place.name == elsewhere
    yield "combine, subject kept", *([one.subject.name for one in reading.subjects[:1]] == [actor.subject]
                                     for reading in (after["combine"], world))


def cut_shots(system: System, reader: Reader, seed: int, vocabulary: Vocabulary, side: int, sampling: dict) -> Measured:
    """A storyboard of two shots of one subject: the same in both, and the cut where it was asked for."""
    scene = _two_shots(seed, vocabulary, side)
    board = Storyboard(tuple(Shot(shot.frames / RATE, caption(replace(scene, shots=(shot,)), "plain"), ())
                             for shot in scene.shots))
    ours = np.concatenate([_make(system, plan, seed, sampling) for plan in plan_storyboard(system, board, side, side)])
    cut, subject, theirs = scene.shots[0].frames, scene.shots[0].actors[0].subject, render(scene)

    def same(frames: np.ndarray) -> bool:
        """Of the same kind, as asked, and of the same colour if there are several."""
        seen = [one for part in (frames[:cut], frames[cut:]) for one in read(reader, part).subjects[:1]]
        colours = {one.colour.name for one in seen} if SUBJECTS[subject].colours else {""}
        return [one.subject.name for one in seen] == [subject, subject] and len(colours) == 1

    yield "shots, same subject", same(ours), same(theirs)
    yield "shots, cut at the asked frame", *(int(jumps(frames).argmax()) + 1 == cut for frames in (ours, theirs))


def _two_shots(seed: int, vocabulary: Vocabulary, side: int) -> Scene:
    """Two shots of one subject in two places, of one colour."""
    vocabulary = replace(vocabulary, cuts=1.0, companions=(1.0,), actions=CHAINED, cameras=("still",), sequences=0.0,
                         styles=("3d",))
    scenes = (sample_scene(seed + 1000 * number, vocabulary, width=side, height=side, frames=33)
              for number in range(1000))
    scene = next(scene for scene in scenes if len({shot.place for shot in scene.shots}) == 2)
    first, second = scene.shots
    same = replace(second.actors[0], colour=first.actors[0].colour)
    return replace(scene, shots=(first, replace(second, actors=(same,))))


def last_a_minute(system: System, reader: Reader, seed: int, vocabulary: Vocabulary, side: int,
                  sampling: dict) -> Measured:
    """Whether the end of a minute looks as its beginning does, and shows the same subjects."""
    scene = sample_scene(seed, replace(vocabulary, actions=("stands still",), companions=(1.0,), cameras=("still",),
                                       cuts=0.0), width=side, height=side, frames=round(MINUTE * RATE) + 1, split="any")
    ours, theirs = _film(system, caption(scene, "plain"), side, scene.frames, seed, sampling), render(scene)
    edge = round(ENDS * RATE)

    def names(frames: np.ndarray) -> list[str]:
        return sorted(one.subject.name for one in read(reader, frames).subjects)

    yield "minute, drift", *(max(drift(frames, RATE, ENDS).values()) for frames in (ours, theirs))
    yield "minute, same subjects at the end", *(names(frames[:edge]) == names(frames[-edge:])
                                                for frames in (ours, theirs))


def _film(system: System, prompt: str, side: int, frames: int, seed: int, sampling: dict) -> np.ndarray:
    condition = text_to_video(prompt, width=side // SCALE, height=side // SCALE, frames=frames)
    return generate(system, condition, seed=seed, **sampling).pixels


def _make(system: System, plan: Plan, seed: int, sampling: dict) -> np.ndarray:
    return np.stack(list(make(system, plan, seed=seed, **sampling)))


# ---------------------------------------------------------------------------------------------------------- the table

def summary(values: list[float | bool]) -> dict:
    """A share of yes or a median, with its 95 % interval."""
    if isinstance(values[0], bool | np.bool_):
        low, high = wilson(sum(values), len(values))
        return {"share": round(sum(values) / len(values), 4), "n": len(values),
                "interval": [round(low, 4), round(high, 4)]}
    return {"median": round(median(values), 4), "n": len(values),
            "interval": [round(float(end), 4) for end in median_interval(values)]}


def median_interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of a median: the values between which it lies whatever their distribution.

    David and Nagaraja 2003, 7.1; of fewer than 6 values, the least and the greatest.
    """
    ordered, n = sorted(values), len(values)
    outside = max((rank for rank in range(n // 2) if _binomial_tail(rank, n) <= 0.025), default=-1) + 1
    return ordered[max(outside - 1, 0)], ordered[n - max(outside, 1)]


def _binomial_tail(rank: int, n: int) -> float:
    """Probability of at most `rank` heads among n fair coins."""
    return sum(math.comb(n, heads) for heads in range(rank + 1)) / 2**n


def table(made: Scores, world: Scores) -> Table:
    """Measures as rows: the goal, the model's value with its interval, and the world's own."""
    shown = Table("measure", "goal", "n", "model", "95 %", "the world itself", title="tasks")
    for name, values in made.items():
        ours = summary(values)
        form = (lambda value: f"{100 * value:.0f} %") if "share" in ours else (lambda value: f"{value:.2f}")
        low, high = ours["interval"]
        theirs = _value(summary(world[name])) if world.get(name) else None
        shown.add_row(name, GOALS.get(name, ""), str(ours["n"]), form(_value(ours)), f"{form(low)} to {form(high)}",
                      "" if theirs is None else form(theirs))
    return shown


def _value(found: dict) -> float:
    return found["share"] if "share" in found else found["median"]
