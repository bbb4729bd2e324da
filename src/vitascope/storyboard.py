"""A storyboard, JSON → one Plan for each shot: cards at times of a shot, shots with cuts between them.

What is common to all shots (who it is about, the style, the seed) stands once at the top and is said in every shot, so
that subjects stay the same. SCHEMA is the format: it is what `check` reads a document by, and what is published.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .edits import Plan, encode_later, encode_start
from .models.autoencoder import FRAMES
from .models.upsampler import SCALE
from .presets import CAMERAS, STYLES, with_presets
from .request import FASTEST, LONGEST, LONGEST_PROMPT, SEEDS
from .system import System
from .tasks import RATE, change_prompts, know, latent_frames, text_to_video
from .video import count_frames, cover, read_image, read_video

TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_PROMPT}
CARD = {
    "type": "object", "additionalProperties": False, "required": ["at"],
    "properties": {
        "at": {"type": "number", "minimum": 0,
               "description": "seconds from the start of the shot; steps of half a second"},
        "prompt": TEXT | {"description": "rules from here to the next card with a prompt"},
        "image": TEXT | {"description": "file of a picture that is seen here"},
        "video": TEXT | {"description": "file of a video that is seen from here on"},
        "seconds": {"type": "number", "exclusiveMinimum": 0,
                    "description": "how much of the video; all of it if not given"},
    },
}
SHOT = {
    "type": "object", "additionalProperties": False, "required": ["seconds"],
    "properties": {
        "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST},
        "prompt": TEXT | {"description": "what happens, where"},
        "camera": {"type": "string", "enum": list(CAMERAS)},
        "cards": {"type": "array", "items": CARD},
    },
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vitascope storyboard",
    "type": "object", "additionalProperties": False, "required": ["shots"],
    "properties": {
        "prompt": TEXT | {"description": "said in every shot: who and what it is about"},
        "negative": TEXT | {"description": "what is not to be seen"},
        "style": {"type": "string", "enum": list(STYLES)},
        "size": {"type": "string", "pattern": "^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$"},
        "fps": {"type": "number", "minimum": 1, "maximum": FASTEST},
        "seed": {"type": "integer", "minimum": 0, "maximum": SEEDS - 1},
        "shots": {"type": "array", "minItems": 1, "items": SHOT},
    },
}


@dataclass(frozen=True)
class Card:
    at: float  # seconds from the start of the shot
    prompt: str = ""
    image: Path | None = None
    video: Path | None = None
    seconds: float | None = None  # of the video


@dataclass(frozen=True)
class Shot:
    seconds: float
    prompt: str  # of the whole shot, with what is common to all
    cards: tuple[Card, ...]  # in the order of time


@dataclass(frozen=True)
class Storyboard:
    shots: tuple[Shot, ...]
    negative: str = ""
    size: str | None = None
    fps: float = RATE
    seed: int | None = None


def read_storyboard(path: str | Path) -> Storyboard:
    """Read and check a file, and those that it names beside it. ValueError with the path of what is wrong."""
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {getattr(error, 'strerror', None) or error}") from None
    try:
        check(document, SCHEMA)
        return _to_storyboard(document, path.parent)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def plan_storyboard(system: System, board: Storyboard, width: int, height: int) -> list[Plan]:
    """One plan for each shot, at an output size that the system supports."""
    return [plan_shot(system, shot, width, height, fps=board.fps, negative=board.negative) for shot in board.shots]


def plan_shot(system: System, shot: Shot, width: int, height: int, *, fps: float = RATE, negative: str = "") -> Plan:
    """A shot, cut at the frame asked for; its videos, and a picture at its start, are shown as they are."""
    frames = max(round(shot.seconds * fps), 1)
    whole = 1 + FRAMES * (latent_frames(frames) - 1)
    condition = text_to_video(shot.prompt, width=width // SCALE, height=height // SCALE, frames=frames, fps=fps,
                              negative=negative)
    own, kept = np.zeros((whole, height, width, 3), np.uint8), np.zeros((whole, height, width), bool)
    for card in shot.cards:
        if card.image is None and card.video is None:
            continue
        first = place(card.at, fps)
        start = 0 if first == 0 else FRAMES * (first - 1) + 1
        pixels = _pictures(card, width, height, fps, whole - start)
        if first == 0:
            pixels = pixels[:1 + FRAMES * ((len(pixels) - 1) // FRAMES)]
            latents = encode_start(system, pixels)
        else:
            pixels = pixels[:FRAMES * (len(pixels) // FRAMES)]
            latents = encode_later(system, pixels)
        condition = know(condition, latents, slice(first, first + latents.shape[1]))
        if card.video is not None or first == 0:
            own[start:start + len(pixels)], kept[start:start + len(pixels)] = pixels, True
    prompts = [(place(card.at, fps), card.prompt) for card in shot.cards if card.prompt]
    return Plan(change_prompts(condition, prompts), own=own, kept=kept, frames=frames)


def place(seconds: float, fps: float) -> int:
    """The latent frame that a time falls into."""
    return -(-round(seconds * fps) // FRAMES)


def _pictures(card: Card, width: int, height: int, fps: float, most: int) -> np.ndarray:
    """What a card shows, uint8 (T, H, W, 3), at most `most` frames.

    An image is shown as long as a latent frame lasts, a video at least as long.
    """
    if card.image is not None:
        still = cover(read_image(card.image), width, height).pixels
        return still if place(card.at, fps) == 0 else still.repeat(FRAMES, 0)
    seconds = min(most / fps, math.inf if card.seconds is None else card.seconds)
    pixels = read_video(card.video, fps=fps, seconds=seconds, size=(width, height)).pixels
    return np.concatenate([pixels, pixels[-1:].repeat(max(FRAMES - len(pixels), 0), 0)])[:most]


# ------------------------------------------------------------------------------------------------------------- checking

KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def check(value: object, schema: dict[str, Any], path: str = "") -> None:
    """ValueError, with its path, for the first thing that does not fit a schema written in the words of SCHEMA."""
    name = path or "the storyboard"
    kind = KINDS[schema["type"]]
    if not isinstance(value, kind) or isinstance(value, bool) or isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {json.dumps(value, default=str)[:60]}; expected {schema['type']}")
    if isinstance(value, dict):
        _check_fields(value, schema, path)
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            raise ValueError(f"{name} is empty; expected at least {schema['minItems']}")
        for number, item in enumerate(value):
            check(item, schema["items"], f"{path}[{number}]")
    elif isinstance(value, str):
        _check_text(value, schema, name)
    else:
        _check_number(value, schema, name)


def _check_fields(value: dict, schema: dict[str, Any], path: str) -> None:
    known = schema["properties"]
    for field in value:
        if field not in known:
            raise ValueError(f"{path}{'.' if path else ''}{field} is an unknown field; expected {', '.join(known)}")
    for field in schema["required"]:
        if field not in value:
            raise ValueError(f"{path}{'.' if path else ''}{field} is missing")
    for field, item in value.items():
        check(item, known[field], f"{path}{'.' if path else ''}{field}")


def _check_text(value: str, schema: dict[str, Any], name: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{name} is {value!r}; expected {', '.join(schema['enum'])}")
    if "minLength" in schema and not schema["minLength"] <= len(value.strip()) <= schema["maxLength"]:
        raise ValueError(f"{name} has {len(value.strip()):,} characters; expected {schema['minLength']} to "
                         f"{schema['maxLength']:,}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise ValueError(f"{name} is {value!r}; expected WIDTHxHEIGHT in pixels, such as 128x128")


def _check_number(value: float, schema: dict[str, Any], name: str) -> None:
    if value < schema.get("minimum", value) or value <= schema.get("exclusiveMinimum", -math.inf):
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        raise ValueError(f"{name} is {value:g}; expected {'at least' if 'minimum' in schema else 'more than'} {low:g}")
    if value > schema.get("maximum", value):
        raise ValueError(f"{name} is {value:g}; expected at most {schema['maximum']:g}")


def _to_storyboard(document: dict[str, Any], folder: Path) -> Storyboard:
    fps, style = document.get("fps", RATE), document.get("style")
    shots = tuple(_to_shot(shot, f"shots[{number}]", folder, fps, document.get("prompt", ""), style)
                  for number, shot in enumerate(document["shots"]))
    if (total := sum(shot.seconds for shot in shots)) > LONGEST:
        raise ValueError(f"shots last {total:g} seconds together; expected at most {LONGEST:g}")
    fields = {name: document[name] for name in ("negative", "size", "fps", "seed") if name in document}
    return Storyboard(shots, **fields)


def _to_shot(shot: dict[str, Any], path: str, folder: Path, fps: float, common: str, style: str | None) -> Shot:
    def say(prompt: str) -> str:
        text = ", ".join(filter(None, (prompt, common)))
        return with_presets(text, style=style, camera=shot.get("camera")) if text else ""

    cards = [_to_card(card, f"{path}.cards[{number}]", folder, shot["seconds"], fps, say)
             for number, card in enumerate(shot.get("cards", []))]
    order = sorted(range(len(cards)), key=lambda number: cards[number].at)
    _check_overlaps([(cards[number], f"{path}.cards[{number}]") for number in order], fps)
    prompt = say(shot.get("prompt", ""))
    if not prompt and not (cards and cards[order[0]].prompt and place(cards[order[0]].at, fps) == 0):
        raise ValueError(f"{path}.prompt is missing; expected it here, at the top, or on a card at 0 seconds")
    return Shot(shot["seconds"], prompt or cards[order[0]].prompt, tuple(cards[number] for number in order))


def _to_card(card: dict[str, Any], path: str, folder: Path, seconds: float, fps: float,
             say: Callable[[str], str]) -> Card:
    if card["at"] >= seconds or place(card["at"], fps) >= latent_frames(max(round(seconds * fps), 1)):
        raise ValueError(f"{path}.at is {card['at']:g}; expected less than the shot's {seconds:g} seconds")
    if "image" in card and "video" in card:
        raise ValueError(f"{path} has an image and a video; expected one of them")
    if not {"prompt", "image", "video"} & card.keys():
        raise ValueError(f"{path} shows nothing; expected a prompt, an image or a video")
    if "seconds" in card and "video" not in card:
        raise ValueError(f"{path}.seconds is given without a video")
    files = {kind: folder / card[kind] for kind in ("image", "video") if kind in card}
    for kind, file in files.items():
        try:
            (read_image if kind == "image" else count_frames)(file)
        except ValueError as error:
            raise ValueError(f"{path}.{kind}: {error}") from None
    return Card(card["at"], say(card["prompt"]) if "prompt" in card else "", seconds=card.get("seconds"), **files)


def _check_overlaps(cards: list[tuple[Card, str]], fps: float) -> None:
    """ValueError for two prompts, or two pictures, at one time; cards in the order of time, with their paths."""
    texts = [(place(card.at, fps), place(card.at, fps) + 1, path) for card, path in cards if card.prompt]
    pictures = [(place(card.at, fps), place(card.at, fps) + _length(card, fps), path)
                for card, path in cards if card.image or card.video]
    for kind in (texts, pictures):
        for (_, end, earlier), (start, _, later) in pairwise(kind):
            if start < end:
                raise ValueError(f"{later} overlaps {earlier}; expected cards one after the other, at least "
                                 f"{FRAMES / fps:g} seconds apart")


def _length(card: Card, fps: float) -> int:
    """Latent frames that a card's picture takes."""
    if card.video is None:
        return 1
    frames = count_frames(card.video, fps=fps)
    frames = frames if card.seconds is None else min(frames, max(round(card.seconds * fps), 1))
    return max(frames // FRAMES, 1) if place(card.at, fps) else 1 + (frames - 1) // FRAMES
