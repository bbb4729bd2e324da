"""How often a model shows what it is asked for, beside how well its judge reads real clips.

Half of the prompts ask for combinations that no training clip has shown. Every share stands with its 95 % interval and
the reader's own accuracy on clips of the world itself: a model cannot score above it. Out come a table, a list of every
action, camera, weather and style from the worst to the best, `scores.json` and contact sheets with what was asked, what
was read and what was wrong.
"""

import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..generate import generate
from ..system import System
from ..tasks import text_to_video
from ..world.caption import LEVELS, caption
from ..world.catalogue import SUBJECTS
from ..world.render import render
from ..world.scene import BUNDLED, Scene, Vocabulary, sample_scene
from .alignment import QUESTIONS, Reading, compare, itemise, read
from .damage import blur, h264
from .reader import Reader

FIRST_SEED = 5_000_000  # of the scenes asked for: no training clip has such a seed
CASTS = ("one subject", "two subjects", "three subjects")
Z = 1.96  # normal quantile of a 95 % interval
DAMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as rendered": lambda frames: frames, "H.264": h264, "blurred": lambda frames: blur(frames, 1.2)}
LISTED = ("action", "camera", "weather", "style")  # questions whose names are listed below the table
PAGE = 160  # characters
ROWS, SHOWN, SIDE = 20, 6, 96  # of a contact sheet: prompts, frames of each, their height in pixels
RIGHT, WRONG, INK = (20, 120, 50), (190, 30, 30), (20, 20, 20)


@dataclass(frozen=True)
class Prompt:
    """A scene, and what is said of it."""
    scene: Scene
    text: str
    groups: tuple[str, ...]  # in which its answers are counted


@dataclass(frozen=True)
class Tally:
    """Right answers among those asked for."""
    right: int
    asked: int

    @property
    def share(self) -> float:
        return self.right / self.asked if self.asked else math.nan


def wilson(right: int, asked: int) -> tuple[float, float]:
    """95 % score interval of a proportion (Wilson 1927); (0, 1) where nothing was asked."""
    if not asked:
        return 0.0, 1.0
    p, spread = right / asked, Z**2 / asked
    middle, half = p + spread / 2, Z * math.sqrt(p * (1 - p) / asked + spread / (4 * asked))
    return max((middle - half) / (1 + spread), 0.0), min((middle + half) / (1 + spread), 1.0)


def prompts(count: int, vocabulary: Vocabulary = BUNDLED, *, seed: int = 0, width: int = 128, height: int = 128,
            frames: int = 17) -> Iterator[Prompt]:
    """Scenes of one shot and their captions: every second one a held-out combination, the levels of detail in turn."""
    vocabulary = replace(vocabulary, cuts=0.0)
    for index in range(count):
        split, level = ("train", "held-out")[index % 2], LEVELS[index // 2 % len(LEVELS)]
        scene = sample_scene(FIRST_SEED + 1_000_000 * seed + index, vocabulary, width=width, height=height,
                             frames=frames, split=split)
        cast = CASTS[len(scene.shots[0].actors) - 1]
        seen = "seen" if split == "train" else "held-out"
        yield Prompt(scene, caption(scene, level, untold=0), ("all", seen, level, cast))


Tallies = dict[str, dict[str, Tally]]


@dataclass(frozen=True)
class Judged:
    """A clip of a prompt: what was read in it, and whether that is what was asked for."""
    prompt: Prompt
    reading: Reading
    answers: dict[str, bool]  # by question
    items: tuple[tuple[str, str, bool], ...]  # by question and name


def judge(reader: Reader, prompt: Prompt, frames: np.ndarray, fps: float) -> Judged:
    """Read frames uint8 (T, H, W, 3) and compare them with what the prompt tells."""
    reading = read(reader, frames, fps)
    return Judged(prompt, reading, compare(reading, prompt.scene, prompt.text),
                  tuple(itemise(reading, prompt.scene, prompt.text)))


def count(answers: Iterable[tuple[str, str, bool]]) -> Tallies:
    """Tallies by the first and the second of (group, question, right), in the order in which they come."""
    counted: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for group, question, is_right in answers:
        counted[group][question].append(is_right)
    return {group: {question: Tally(sum(right), len(right)) for question, right in questions.items()}
            for group, questions in counted.items()}


def by_group(clips: list[Judged]) -> Tallies:
    """Group → question → tally."""
    return count((group, question, clip.answers[question]) for question in QUESTIONS for clip in clips
                 if question in clip.answers for group in clip.prompt.groups)


def by_name(clips: list[Judged]) -> Tallies:
    """Question → what was asked for → tally: every action by itself, every place, and so on."""
    return count(item for clip in clips for item in clip.items)


# The reader


def ceiling(reader: Reader, clips: int = 200, vocabulary: Vocabulary = BUNDLED, *, seed: int = 0, width: int = 128,
            height: int = 128, frames: int = 17) -> dict[str, list[Judged]]:
    """Clips of the world as the reader reads them, by what was done to them. Needs the world's artwork."""
    asked = list(prompts(clips, vocabulary, seed=seed, width=width, height=height, frames=frames))
    rendered = [render(prompt.scene) for prompt in asked]
    return {damage: [judge(reader, prompt, deed(pixels), prompt.scene.fps) for prompt, pixels in zip(asked, rendered)]
            for damage, deed in DAMAGES.items()}


# The model


def score(system: System, *, prompts_asked: int = 200, steps: int | None = None, guidance: float | None = None,
          seed: int = 0, out: Path, vocabulary: Vocabulary = BUNDLED, frames: int = 17, ceiling_clips: int = 200,
          console: Console | None = None) -> dict:
    """Generate a clip for each prompt, read it, print the table; the document that is written to `out`/scores.json.

    Sides are those that the base model was trained at; prompt number n is made with the seed `seed` + n.
    """
    console = console or page()
    out.mkdir(parents=True, exist_ok=True)
    reader, side = Reader.load(), math.isqrt(system.config.base_area)
    asked = list(prompts(prompts_asked, vocabulary, seed=seed, frames=frames))
    rows, shown, started = [], [], time.monotonic()
    for index, prompt in enumerate(track(asked, "generating", console=console)):
        condition = text_to_video(prompt.text, width=side, height=side, frames=frames)
        video = generate(system, condition, seed=seed + index, steps=steps, guidance=guidance)
        rows.append(judge(reader, prompt, video.pixels, video.fps))
        shown.append(video.pixels[np.linspace(0, len(video.pixels) - 1, SHOWN).round().astype(int)])
    seconds = time.monotonic() - started
    limits = ceiling(reader, ceiling_clips, vocabulary, frames=frames) if ceiling_clips else {}
    model, named = by_group(rows), by_name(rows)
    most = {damage: by_group(clips)["all"] for damage, clips in limits.items()}
    most_named = by_name(limits["as rendered"]) if limits else {}
    console.print(table(model, most))
    console.print(listing(named, most_named))
    document = {"prompts": prompts_asked, "seed": seed, "steps": steps or system.config.steps,
                "guidance": guidance or system.config.guidance, "seconds": round(seconds, 1),
                "scores": to_json(model), "names": to_json(named),
                "reader": to_json(most), "reader names": to_json(most_named),
                "clips": [{"prompt": row.prompt.text, "groups": row.prompt.groups, "read": say(row.reading),
                           "answers": row.answers} for row in rows]}
    (out / "scores.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_sheets(out, rows, shown)
    return document


def page() -> Console:
    """The terminal; where there is none, a page that is wide enough for the table."""
    return Console() if sys.stdout.isatty() else Console(width=PAGE)


def to_json(tallies: Tallies) -> dict:
    return {group: {question: {"share": round(tally.share, 4), "right": tally.right, "asked": tally.asked,
                               "interval": [round(end, 4) for end in wilson(tally.right, tally.asked)]}
                    for question, tally in questions.items()} for group, questions in tallies.items()}


def table(model: Tallies, limits: Tallies) -> Table:
    """Questions as rows; the model's shares by group, then the reader's own."""
    groups = [group for group in ("seen", "held-out", *LEVELS, *CASTS) if group in model]
    shown = Table("question", "asked", "score", "95 %", *groups, *(f"reader, {damage}" for damage in limits),
                  title="alignment")
    for question, tally in model.get("all", {}).items():
        low, high = wilson(tally.right, tally.asked)
        shown.add_row(question, str(tally.asked), percent(tally), f"{100 * low:.0f}–{100 * high:.0f}",
                      *(percent(model[group].get(question)) for group in groups),
                      *(percent(tallies.get(question)) for tallies in limits.values()))
    return shown


def listing(model: Tallies, limits: Tallies) -> Table:
    """Every action, camera, weather and style with the model's share, the reader's own and how often it was asked."""
    shown = Table("question", "what was asked: score / reader (times asked), the worst first", title="by name")
    for question in filter(model.get, LISTED):
        names = sorted(model[question].items(), key=lambda item: item[1].share)
        shown.add_row(question, ", ".join(f"{name} {percent(tally)} / {percent(limits.get(question, {}).get(name))} "
                                          f"({tally.asked})" for name, tally in names))
    return shown


def percent(tally: Tally | None) -> str:
    return f"{100 * tally.share:.1f}" if tally and tally.asked else "–"


def say(reading: Reading) -> str:
    """A reading in words."""
    told = [f"{one.colour.name if SUBJECTS[one.subject.name].colours else ''} {one.subject.name} {one.action.name}"
            .strip() for one in reading.subjects]
    where = f"{reading.place.name}, {reading.time.name}, {reading.weather.name}, {reading.style.name}"
    return f"{' + '.join(told) or 'nobody'}; {where}; {reading.camera.name}".removesuffix("; ")


# Contact sheets


def write_sheets(out: Path, rows: list[Judged], clips: list[np.ndarray]) -> list[Path]:
    """Pictures `sheet-NN.png` of ROWS prompts each; `clips` are SHOWN frames (SHOWN, H, W, 3) of every prompt."""
    paths = []
    for number, first in enumerate(range(0, len(rows), ROWS)):
        path = out / f"sheet-{number:02d}.png"
        strips = [draw_row(row, clip) for row, clip in zip(rows[first:first + ROWS], clips[first:first + ROWS])]
        width = max(strip.shape[1] for strip in strips)
        padded = [np.pad(strip, ((0, 4), (0, width - strip.shape[1]), (0, 0)), constant_values=255) for strip in strips]
        Image.fromarray(np.concatenate(padded)).save(path)
        paths.append(path)
    return paths


def draw_row(row: Judged, clip: np.ndarray) -> np.ndarray:
    """Frames side by side, then the prompt, what was read, and the answers, right ones green and wrong ones red."""
    width = round(SIDE * clip.shape[2] / clip.shape[1])
    strip = np.concatenate([cv2.resize(frame, (width, SIDE), interpolation=cv2.INTER_AREA) for frame in clip], axis=1)
    picture = Image.new("RGB", (strip.shape[1] + 560, SIDE), "white")
    picture.paste(Image.fromarray(strip), (0, 0))
    pen, font, x, y = ImageDraw.Draw(picture), ImageFont.load_default(13), strip.shape[1] + 8, 2
    lines = [*wrap(row.prompt.text, 84)[:3], f"read: {say(row.reading)}"]
    for line in lines:
        pen.text((x, y), line, fill=INK, font=font)
        y += 17
    for question, is_right in row.answers.items():
        pen.text((x, y), question, fill=RIGHT if is_right else WRONG, font=font)
        x += round(pen.textlength(question, font=font)) + 12
    return np.asarray(picture)
