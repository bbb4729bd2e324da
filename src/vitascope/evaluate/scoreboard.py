"""How often a model shows what it is asked for, beside how well its judge reads real clips.

Half of the prompts ask for combinations that no training clip has shown. Every share stands with its 95 % interval and
the reader's own accuracy on clips of the world itself: a model cannot score above it. Out come a table, `scores.json`
and contact sheets with what was asked, what was read and what was wrong.
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
from .alignment import QUESTIONS, Reading, compare, read
from .damage import blur, h264
from .reader import Reader

FIRST_SEED = 5_000_000  # of the scenes asked for: no training clip has such a seed
CASTS = ("one subject", "two subjects", "three subjects")
Z = 1.96  # normal quantile of a 95 % interval
DAMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as rendered": lambda frames: frames, "H.264": h264, "blurred": lambda frames: blur(frames, 1.2)}
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
        yield Prompt(scene, caption(scene, level), ("all", "seen" if split == "train" else "held-out", level, cast))


def count(answers: Iterable[tuple[tuple[str, ...], dict[str, bool]]]) -> dict[str, dict[str, Tally]]:
    """Group → question → tally, from (groups, answers) of each prompt."""
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for groups, answered in answers:
        for group in groups:
            for question, is_right in answered.items():
                right[group][question].append(is_right)
    return {group: {question: Tally(sum(right[group][question]), len(right[group][question]))
                    for question in QUESTIONS if question in right[group]} for group in right}


# The reader


def ceiling(reader: Reader, clips: int = 200, vocabulary: Vocabulary = BUNDLED, *, seed: int = 0, width: int = 128,
            height: int = 128, frames: int = 17) -> dict[str, dict[str, Tally]]:
    """The reader's own accuracy on clips of the world: damage → question → tally. Needs the world's artwork."""
    asked = list(prompts(clips, vocabulary, seed=seed, width=width, height=height, frames=frames))
    rendered = [render(prompt.scene) for prompt in asked]
    return {damage: count((("all",), compare(read(reader, deed(pixels), prompt.scene.fps), prompt.scene, prompt.text))
                          for prompt, pixels in zip(asked, rendered))["all"] for damage, deed in DAMAGES.items()}


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
    rows, clips, started = [], [], time.monotonic()
    for index, prompt in enumerate(track(asked, "generating", console=console)):
        condition = text_to_video(prompt.text, width=side, height=side, frames=frames)
        video = generate(system, condition, seed=seed + index, steps=steps, guidance=guidance)
        reading = read(reader, video.pixels, video.fps)
        rows.append((prompt, reading, compare(reading, prompt.scene, prompt.text)))
        clips.append(video.pixels[np.linspace(0, len(video.pixels) - 1, SHOWN).round().astype(int)])
    seconds = time.monotonic() - started
    model = count((prompt.groups, answers) for prompt, _, answers in rows)
    limits = ceiling(reader, ceiling_clips, vocabulary, frames=frames) if ceiling_clips else {}
    console.print(table(model, limits))
    document = {"prompts": prompts_asked, "seed": seed, "steps": steps or system.config.steps,
                "guidance": guidance or system.config.guidance, "seconds": round(seconds, 1),
                "scores": {group: to_json(tallies) for group, tallies in model.items()},
                "reader": {damage: to_json(tallies) for damage, tallies in limits.items()},
                "clips": [{"prompt": prompt.text, "groups": prompt.groups, "read": say(reading), "answers": answers}
                          for prompt, reading, answers in rows]}
    (out / "scores.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_sheets(out, rows, clips)
    return document


def page() -> Console:
    """The terminal; where there is none, a page that is wide enough for the table."""
    return Console() if sys.stdout.isatty() else Console(width=PAGE)


def to_json(tallies: dict[str, Tally]) -> dict:
    return {question: {"share": round(tally.share, 4), "right": tally.right, "asked": tally.asked,
                       "interval": [round(end, 4) for end in wilson(tally.right, tally.asked)]}
            for question, tally in tallies.items()}


def table(model: dict[str, dict[str, Tally]], limits: dict[str, dict[str, Tally]]) -> Table:
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


def percent(tally: Tally | None) -> str:
    return f"{100 * tally.share:.1f}" if tally and tally.asked else "–"


def say(reading: Reading) -> str:
    """A reading in words."""
    told = [f"{one.colour.name if SUBJECTS[one.subject.name].colours else ''} {one.subject.name} {one.action.name}"
            .strip() for one in reading.subjects]
    where = f"{reading.place.name}, {reading.time.name}"
    return f"{' + '.join(told) or 'nobody'}; {where}; {reading.camera.name}".removesuffix("; ")


# Contact sheets


def write_sheets(out: Path, rows: list[tuple[Prompt, Reading, dict[str, bool]]], clips: list[np.ndarray]) -> list[Path]:
    """Pictures `sheet-NN.png` of ROWS prompts each; `clips` are SHOWN frames (SHOWN, H, W, 3) of every prompt."""
    paths = []
    for page, first in enumerate(range(0, len(rows), ROWS)):
        path = out / f"sheet-{page:02d}.png"
        strips = [draw_row(*row, clip) for row, clip in zip(rows[first:first + ROWS], clips[first:first + ROWS])]
        width = max(strip.shape[1] for strip in strips)
        padded = [np.pad(strip, ((0, 4), (0, width - strip.shape[1]), (0, 0)), constant_values=255) for strip in strips]
        Image.fromarray(np.concatenate(padded)).save(path)
        paths.append(path)
    return paths


def draw_row(prompt: Prompt, reading: Reading, answers: dict[str, bool], clip: np.ndarray) -> np.ndarray:
    """Frames side by side, then the prompt, what was read, and the answers, right ones green and wrong ones red."""
    width = round(SIDE * clip.shape[2] / clip.shape[1])
    strip = np.concatenate([cv2.resize(frame, (width, SIDE), interpolation=cv2.INTER_AREA) for frame in clip], axis=1)
    picture = Image.new("RGB", (strip.shape[1] + 560, SIDE), "white")
    picture.paste(Image.fromarray(strip), (0, 0))
    pen, font, x, y = ImageDraw.Draw(picture), ImageFont.load_default(13), strip.shape[1] + 8, 2
    lines = [*wrap(prompt.text, 84)[:3], f"read: {say(reading)}"]
    for line in lines:
        pen.text((x, y), line, fill=INK, font=font)
        y += 17
    for question, is_right in answers.items():
        pen.text((x, y), question, fill=RIGHT if is_right else WRONG, font=font)
        x += round(pen.textlength(question, font=font)) + 12
    return np.asarray(picture)
