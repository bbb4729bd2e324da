"""Nested fields → an `Order` and the files that it needs, by role: checked before anything is stored.

One function per kind of request. All names of fields and their defaults stand here. Knows no HTTP, no database and no
model.
"""

import math
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import UploadFile

from ..presets import CAMERAS, STYLES
from .errors import invalid
from .fields import Reader, parse_number, show
from .forms import Fields
from .job import Job
from .order import BOUNDS, CURVES, SAMPLERS, Order

SORA = ("sora-2", "sora-2-pro")  # names that stand for the installed model, with a date or without
KNOWN_MODEL = re.compile(r"sora-2(-pro)?(-\d{4}-\d{2}-\d{2})?")
LOOP_SECONDS = 1.0  # in which a video is led back to its beginning, unless something else is asked for
SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")

# ------------------------------------------------------------------------------------------- where an input comes from


@dataclass(frozen=True)
class Link:
    """A picture at a URL, or inside a data URL."""

    url: str


@dataclass(frozen=True)
class Asset:
    """A file that was uploaded before, or a character's clip."""

    id: str
    kind: str  # file or character


@dataclass(frozen=True)
class Made:
    """A video made here."""

    id: str


Source = UploadFile | Link | Asset | Made
Sources = dict[str, Source]
Ordered = Callable[..., tuple[Order, Sources]]
"""(fields, names of installed models, jobs that the fields name) → what is to be made, and from what."""


# ------------------------------------------------------------------------------------------------ one for each request


def create(fields: Fields, models: Sequence[str]) -> tuple[Order, Sources]:
    """A new video from text, and perhaps a first frame, characters, a storyboard."""
    asked = Reader(fields)
    width, height = _size(asked) or (720, 1280)
    fps = asked.number("fps", 8.0, BOUNDS.fps)
    seconds = _seconds(asked, fps) or 4.0
    cards, sources = _storyboard(asked, seconds)
    order = Order(
        task="create",
        prompt=read_prompt(asked) if asked.peek("prompt") or not any(card["prompt"] for card in cards) else "",
        model=_model(asked, models),
        width=width,
        height=height,
        seconds=seconds,
        fps=fps,
        loop=asked.flag("loop"),
        storyboard=cards,
        **_settings(asked),
    )
    if order.loop and any(card["cut"] or card["shows"] for card in cards):
        raise invalid("loop", "A loop is one shot; expected cards without cuts, pictures and videos.")
    if (reference := _reference(asked)) is not None:
        sources["image"] = reference
    for place, id in enumerate(_characters(asked)):
        sources[f"character-{place}"] = Asset(id, "character")
    asked.done()
    return order, sources


def remix(fields: Fields, models: Sequence[str], source: Job) -> tuple[Order, Sources]:
    """A video made here, changed by a text; size and length stay."""
    asked = Reader(fields)
    return _edit(asked, models, source, {"video": Made(source.id)})


def edit(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """A video (made here: `source`; else uploaded) changed as a whole, in a range of seconds, or in a masked region; or
    led back to its beginning within `seconds`."""
    asked = Reader(fields)
    return _edit(asked, models, source, {"video": _video(asked, "video")})


def _edit(asked: Reader, models: Sequence[str], source: Job | None, sources: Sources) -> tuple[Order, Sources]:
    own_length = asked.peek("seconds") is None and asked.peek("num_frames") is None
    order = _change("edit", asked, models, source, span=_span(asked), loop=asked.flag("loop"))
    if order.loop and own_length:
        order = replace(order, seconds=LOOP_SECONDS)
    sources |= _mask(asked)
    asked.done()
    return _bounded(order, source), sources


def extend(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """A video with `seconds` more at its end, or with direction=backward at its beginning."""
    asked = Reader(fields)
    sources = {"video": _video(asked, "video")}
    if asked.peek("seconds") is None:
        raise invalid("seconds", "seconds is required: how much longer the video is to be.", code="missing_field")
    direction = asked.choice("direction", "forward", ("forward", "backward"))
    order = _change("extend", asked, models, source, forward=direction == "forward")
    asked.done()
    return _bounded(order, source), sources


def connect(fields: Fields, models: Sequence[str], source: Job | None, other: Job | None) -> tuple[Order, Sources]:
    """A passage of `seconds` that leads from one video to another. What is seen at its end is `then`, or else what the
    other video was made by."""
    asked = Reader(fields)
    sources = {"video": _video(asked, "video"), "other": _video(asked, "other")}
    then = asked.text("then", other and other.prompt, BOUNDS.prompt)
    order = _change("connect", asked, models, source, curve=asked.choice("curve", Order.curve, CURVES))
    asked.done()
    return replace(order, then=then or order.prompt), sources


def outpaint(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """All of a video in the middle of another `size`, whose rest is made."""
    asked = Reader(fields)
    sources = {"video": _video(asked, "video")}
    if asked.peek("size") is None and asked.peek("width") is None:
        raise invalid("size", "size is required: that of the larger picture.", code="missing_field")
    order = _change("outpaint", asked, models, source)
    asked.done()
    if source is not None and order.size == source.size:
        raise invalid("size", f"The video has the size {order.size} already; expected another aspect ratio.")
    return order, sources


def combine(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """What moves in one video, or what its `mask` shows, in the place that another one shows."""
    asked = Reader(fields)
    sources = {"video": _video(asked, "video"), "other": _video(asked, "other"), **_mask(asked)}
    order = _change("combine", asked, models, source)
    asked.done()
    return order, sources


def variations(fields: Fields) -> int:
    """How many videos one request makes."""
    return Reader(fields).integer("n", 1, (1, BOUNDS.variations))


def lifetime(fields: Fields) -> int | None:
    """Seconds after which the videos are to be removed; None: never."""
    return Reader(fields).integer("expires_after", None, BOUNDS.lifetime)


def made_here(fields: Fields, name: str) -> str | None:
    """The id that a field names a video of this service by, if it does."""
    value = fields.get(name)
    if isinstance(value, str) and value.startswith("{"):
        value = Reader({name: value}).document(name)
    id = value.get("id") if isinstance(value, dict) else value
    return id if isinstance(id, str) and id else None


def is_model(name: str, models: Sequence[str]) -> bool:
    """Whether there is a model of this name. Sora's names stand for the installed one."""
    return name in models or KNOWN_MODEL.fullmatch(name) is not None


# ------------------------------------------------------------------------------------------------- pieces of a request


def _change(task: str, asked: Reader, models: Sequence[str], source: Job | None, **own: Any) -> Order:
    """An order that starts from a video, with what is particular to its task."""
    return Order(
        task=task,
        prompt=read_prompt(asked),
        model=_model(asked, models, source),
        **_frame(asked, source),
        **_settings(asked),
        **own,
    )


def read_prompt(asked: Reader) -> str:
    prompt = asked.take("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise invalid(
            "prompt",
            f"prompt is {show(prompt)}; expected a text of 1 to {BOUNDS.prompt} characters.",
            code="missing_field" if prompt is None else None,
        )
    if len(prompt) > BOUNDS.prompt:
        raise invalid("prompt", f"prompt has {len(prompt)} characters; expected 1 to {BOUNDS.prompt}.")
    return prompt


def _model(asked: Reader, models: Sequence[str], source: Job | None = None) -> str:
    """The name as it was given. Sora's names stand for the installed model."""
    name = asked.text("model", source.model if source else "sora-2", 200)
    if not is_model(name, models):
        raise invalid(
            "model",
            f"The model {name[:80]!r} is not installed; expected {', '.join((*models, *SORA))}.",
            code="model_not_found",
        )
    return name


def _size(asked: Reader) -> tuple[int, int] | None:
    low, high = BOUNDS.side
    size, width, height = (
        asked.take("size"),
        asked.integer("width", None, (low, high)),
        asked.integer("height", None, (low, high)),
    )
    if (width is None) != (height is None):
        raise invalid("width" if width is None else "height", "width and height are given together or not at all.")
    if width is None:
        if size is None:
            return None
        match = SIZE.fullmatch(size) if isinstance(size, str) else None
        if match is None:
            raise invalid("size", f'size is {show(size)}; expected WIDTHxHEIGHT, as in "1280x720".')
        width, height = int(match[1]), int(match[2])
    if (
        not (low <= min(width, height) and max(width, height) <= high and width * height <= BOUNDS.area)
        or width % 2
        or height % 2
    ):
        raise invalid(
            "size",
            f"size is {width}x{height}; expected even sides of {low} to {high} pixels and at most "
            f"{BOUNDS.area} pixels in all. The nearest is {_nearest(width, height)}.",
        )
    return width, height


def _nearest(width: int, height: int) -> str:
    """The size next to one that is too large, too small or odd."""
    low, high = BOUNDS.side
    scale = min(1.0, high / max(width, height), math.sqrt(BOUNDS.area / (width * height)))
    return "x".join(str(min(max(int(side * scale) // 2 * 2, low), high)) for side in (width, height))


def _seconds(asked: Reader, fps: float) -> float | None:
    seconds = asked.number("seconds", None, (0.1, BOUNDS.seconds))
    frames = asked.integer("num_frames", None, (1, int(BOUNDS.seconds * BOUNDS.fps[1])))
    if frames is not None:
        seconds = frames / fps
    if seconds is not None and not 0 < seconds <= BOUNDS.seconds:
        raise invalid("num_frames", f"{frames} frames are {seconds:g} seconds; expected at most {BOUNDS.seconds:g}.")
    return seconds


def _frame(asked: Reader, source: Job | None) -> dict[str, Any]:
    """Size, length and rate of what is made from a video: the video's own unless something else is asked for."""
    given = source.request["order"] if source else {}
    size = _size(asked)
    fps = asked.number("fps", given.get("fps", 8.0), BOUNDS.fps)
    seconds = _seconds(asked, fps)
    width, height = size or (tuple(map(int, source.size.split("x"))) if source else (720, 1280))
    return {
        "width": width,
        "height": height,
        "fps": fps,
        "follow_input": source is None and size is None,
        "seconds": seconds or (float(source.seconds) if source else 4.0),
    }


def _settings(asked: Reader) -> dict[str, Any]:
    """What every request may say of how it is made."""
    if (lora := asked.document("lora")) is not None:
        raise invalid("lora", f"The LoRA {show(lora)} is not installed; there are none.", code="lora_not_found")
    seed = asked.integer("seed", None, BOUNDS.seed)
    asked.take("n")  # see `variations`
    asked.take("expires_after")  # see `lifetime`
    return {
        "seed": secrets.randbits(31) if seed is None else seed,
        "negative": asked.text("negative_prompt", "", BOUNDS.prompt),
        "expanded": asked.text("expanded_prompt", "", BOUNDS.prompt),
        "steps": asked.integer("num_inference_steps", None, BOUNDS.steps),
        "guidance": asked.number("guidance_scale", None, BOUNDS.guidance),
        "strength": asked.number("strength", Order.strength, (0.0, 1.0)),
        "style": asked.choice("style", None, tuple(STYLES)),
        "camera": asked.choice("camera", None, tuple(CAMERAS)),
        "sampler": _sampler(asked),
    }


def _sampler(asked: Reader) -> str:
    """`extra_params`: {"sampler": …}, the only one there is."""
    extra = asked.document("extra_params") or {}
    if not isinstance(extra, dict) or not extra.keys() <= {"sampler"}:
        raise invalid("extra_params", f"extra_params is {show(extra)}; expected an object with sampler.")
    return Reader(extra).choice("sampler", SAMPLERS[0], SAMPLERS)


def _span(asked: Reader) -> tuple[float, float] | None:
    """`range`: "1.0-2.0", or a list of two numbers."""
    value = asked.take("range")
    if value is None:
        return None
    parts = value.split("-") if isinstance(value, str) else value if isinstance(value, list) else []
    numbers = [parse_number(part) for part in parts]
    if len(numbers) != 2 or None in numbers or not 0 <= numbers[0] < numbers[1] <= BOUNDS.seconds:
        raise invalid("range", f'range is {show(value)}; expected seconds from and to, as in "1.0-2.0".')
    return numbers[0], numbers[1]


def _bounded(order: Order, source: Job | None) -> Order:
    """The order, if its result is not too long; with an upload that is for the worker to find out."""
    if source is not None and order.total(float(source.seconds)) > BOUNDS.seconds:
        raise invalid(
            "seconds",
            f"The video would be {order.total(float(source.seconds)):g} seconds long; expected at most "
            f"{BOUNDS.seconds:g} in all.",
        )
    return order


def _mask(asked: Reader) -> Sources:
    mask = asked.file("mask")
    return {} if mask is None else {"mask": mask}


def _storyboard(asked: Reader, seconds: float) -> tuple[tuple[dict[str, Any], ...], Sources]:
    """Cards, and what they show by role: each rules from `at` seconds on; `cut` starts a new shot."""
    cards = asked.document("storyboard")
    if cards is None:
        return (), {}
    if not isinstance(cards, list) or not 1 <= len(cards) <= BOUNDS.cards:
        raise invalid("storyboard", f"storyboard is {show(cards)}; expected a list of 1 to {BOUNDS.cards} cards.")
    made = [_card(card, number, seconds) for number, card in enumerate(cards)]
    return tuple(card for card, _ in made), {role: source for _, shown in made for role, source in shown.items()}


def _card(card: Any, number: int, seconds: float) -> tuple[dict[str, Any], Sources]:
    path = f"storyboard[{number}]"
    if not isinstance(card, dict):
        raise invalid(path, f"{path} is {show(card)}; expected an object.")
    asked = Reader(card)
    picture = _reference(asked)
    clip = None if asked.peek("video") is None else _video(asked, "video")
    at = asked.number("at", 0.0, (0.0, BOUNDS.seconds))
    made = {
        "prompt": asked.text("prompt", "", BOUNDS.prompt) if picture or clip else read_prompt(asked),
        "at": at,
        "cut": asked.flag("cut"),
        "shows": f"card-{number}" if picture else f"clip-{number}" if clip else None,
        "range": _span(asked) if clip else None,
    }
    asked.done()
    if picture and clip:
        raise invalid(path, f"{path} has a picture and a video; expected one of them.")
    if made["shows"] and at >= seconds:
        raise invalid(path, f"{path} begins at {at:g} seconds, after the end of the video, which has {seconds:g}.")
    return made, {made["shows"]: picture or clip} if made["shows"] else {}


def _reference(asked: Reader) -> Source | None:
    """`input_reference`: a file, or an object with exactly one of image_url and file_id."""
    value = asked.take("input_reference")
    if value is None or isinstance(value, UploadFile):
        return value
    if isinstance(value, str) and value.startswith("{"):
        value = Reader({"input_reference": value}).document("input_reference")
    given = {name: entry for name, entry in value.items() if entry is not None} if isinstance(value, dict) else {}
    if len(given) != 1 or not given.keys() <= {"image_url", "file_id"} or not isinstance(*given.values(), str):
        raise invalid(
            "input_reference", "input_reference is a file, or an object with exactly one of image_url and file_id."
        )
    return Link(given["image_url"]) if "image_url" in given else Asset(given["file_id"], "file")


def _characters(asked: Reader) -> list[str]:
    value = asked.document("characters")
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if len(entries) > BOUNDS.characters:
        raise invalid("characters", f"There are {len(entries)} characters; expected at most {BOUNDS.characters}.")
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(id, str) for id in ids):
        raise invalid("characters", 'characters is a list of objects, as in [{"id": "char_…"}].')
    return ids


def _video(asked: Reader, name: str) -> Source:
    """A file, an object with an id, or the id alone."""
    value = asked.take(name)
    if isinstance(value, UploadFile):
        return value
    id = made_here({name: value}, name)
    if id is None:
        raise invalid(
            name,
            f'{name} is {show(value)}; expected a file, or {{"id": "video_…"}}.',
            code="missing_field" if value is None else None,
        )
    return Made(id)
