"""Nested fields → an `Order`: what is to be made, checked before anything is stored. And the order as JSON and back.

One function per kind of request; each returns the order and the files that it needs, by role. All names, defaults and
limits of fields stand here and in `Bounds`. Knows no HTTP, no database and no model.
"""

import json
import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from starlette.datastructures import UploadFile

from ..presets import CAMERAS, STYLES
from ..safety.feedback import LONGEST_REASON
from ..safety.policy import CATEGORIES
from .errors import invalid
from .forms import Fields
from .jobs import Job

KNOWN_MODEL = re.compile(r"sora-2(-pro)?(-\d{4}-\d{2}-\d{2})?")
SAMPLERS = ("multistep", "heun", "euler")  # names in diffusion/samplers.py, which imports torch
CURVES = ("smooth", "linear", "sharp", "early", "late")  # names in tasks.py, which does so too
LOOP_SECONDS = 1.0  # in which a video is led back to its beginning, unless something else is asked for
SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024", "1920x1080", "1080x1920")  # that Sora's programs ask for
SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")


@dataclass(frozen=True)
class Bounds:
    """What a request may ask for."""

    prompt: int = 32_000  # characters
    side: tuple[int, int] = (16, 2048)  # pixels
    area: int = 2048 * 1152  # pixels
    seconds: float = 120.0  # of one video, an extended one in all
    fps: tuple[float, float] = (1.0, 60.0)
    steps: tuple[int, int] = (1, 200)
    guidance: tuple[float, float] = (0.0, 30.0)
    variations: int = 8
    cards: int = 20  # of a storyboard
    characters: int = 2
    name: int = 80  # characters of a character's name


BOUNDS = Bounds()


@dataclass(frozen=True)
class Order:
    """What is to be made. `inputs` names files by role: image, video, other, mask; card-0 … and clip-0 … are what the
    cards of those numbers show, character-0 … who is seen."""

    task: str  # create, edit, extend, connect, outpaint, combine
    prompt: str  # "" if all is said on cards
    model: str
    width: int = 720  # pixels
    height: int = 1280
    seconds: float = 4.0  # to be made: the new part of an extension
    fps: float = 8.0
    seed: int = 0
    negative: str = ""
    steps: int | None = None  # None: the model's own
    guidance: float | None = None
    strength: float = 0.6  # of an edit: 0 keeps everything, 1 nothing
    expanded: str = ""  # what the model reads instead of the prompt
    style: str | None = None  # a name of presets.STYLES
    camera: str | None = None  # a name of presets.CAMERAS
    loop: bool = False  # a new video without end; of an edit: `seconds` more that lead back to the beginning
    forward: bool = True  # the direction of an extension
    span: tuple[float, float] | None = None  # seconds from, to: what an edit makes anew
    curve: str = "smooth"  # how a connection passes from one to the other
    then: str = ""  # of a connection: what is seen at its end
    storyboard: tuple[dict[str, Any], ...] = ()  # cards: prompt, at (seconds), cut, shows (a role), range (seconds)
    characters: tuple[dict[str, str], ...] = ()  # id, name
    sampler: str = "multistep"
    follow_input: bool = False  # size and length are those of the uploaded video, which the worker reads
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that asks for something to be seen."""
        texts = (self.prompt, self.expanded, self.then, *(card["prompt"] for card in self.storyboard))
        return tuple(text for text in texts if text)

    @property
    def title(self) -> str:
        """What a list shows."""
        return self.prompt or ". ".join(self.texts)

    @property
    def adds(self) -> bool:
        """Whether `seconds` come to those of the video that it starts from."""
        return self.task == "extend" or self.task == "edit" and self.loop

    def total(self, seconds: float) -> float:
        """Seconds of the result, if the video that it starts from has so many."""
        return round(seconds + self.seconds if self.adds else self.seconds, 3)

    def following(self, width: int, height: int, seconds: float) -> tuple["Order", float]:
        """The order with an uploaded video's size, and the seconds of the result. ValueError if it would be too
        long."""
        made = self.seconds if self.adds or self.task == "connect" else round(seconds, 3)
        total = replace(self, seconds=made).total(seconds)
        if total > BOUNDS.seconds:
            raise ValueError(f"the video would be {total:g} seconds long; expected at most {BOUNDS.seconds:g} in all")
        width, height = (min(max(side // 2 * 2, BOUNDS.side[0]), BOUNDS.side[1]) for side in (width, height))
        return replace(self, width=width, height=height, seconds=made, follow_input=False), total

    def as_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Order":
        tuples = {name: tuple(document[name]) for name in ("storyboard", "characters")}
        span = document["span"]
        return cls(**{**document, **tuples, "span": tuple(span) if span else None})


# Where an input comes from


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


# One function per request


def create(fields: Fields, models: Sequence[str]) -> tuple[Order, Sources]:
    """A new video from text, and perhaps a first frame, characters, a storyboard."""
    fields = _Fields(fields)
    width, height = _size(fields) or (720, 1280)
    fps = fields.number("fps", 8.0, BOUNDS.fps)
    seconds = _seconds(fields, fps) or 4.0
    cards, sources = _storyboard(fields, seconds)
    order = Order(
        task="create",
        prompt=_prompt(fields) if fields.peek("prompt") or not any(card["prompt"] for card in cards) else "",
        model=_model(fields, models),
        width=width,
        height=height,
        seconds=seconds,
        fps=fps,
        loop=fields.flag("loop"),
        storyboard=cards,
        sampler=_sampler(fields),
        **_settings(fields),
    )
    if order.loop and any(card["cut"] or card["shows"] for card in cards):
        raise invalid("loop", "A loop is one shot; expected cards without cuts, pictures and videos.")
    if (reference := _reference(fields)) is not None:
        sources["image"] = reference
    for place, id in enumerate(_characters(fields)):
        sources[f"character-{place}"] = Asset(id, "character")
    fields.done()
    return order, sources


def remix(fields: Fields, models: Sequence[str], source: Job) -> tuple[Order, Sources]:
    """A video made here, changed by a text; size and length stay."""
    return edit({**fields, "video": {"id": source.id}}, models, source)


def edit(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """A video (made here: `source`; else uploaded) changed as a whole, in a range of seconds, or in a masked region; or
    led back to its beginning within `seconds`."""
    fields = _Fields(fields)
    sources = {"video": _video(fields, "video"), **_mask(fields)}
    own_length = fields.peek("seconds") is None and fields.peek("num_frames") is None
    order = Order(
        task="edit",
        prompt=_prompt(fields),
        model=_model(fields, models, source),
        span=_span(fields),
        loop=fields.flag("loop"),
        **_frame(fields, source),
        **_settings(fields),
    )
    if order.loop and own_length:
        order = replace(order, seconds=LOOP_SECONDS)
    fields.done()
    return _bounded(order, source), sources


def extend(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """A video with `seconds` more at its end, or with direction=backward at its beginning."""
    fields = _Fields(fields)
    sources = {"video": _video(fields, "video")}
    if fields.peek("seconds") is None:
        raise invalid("seconds", "seconds is required: how much longer the video is to be.", code="missing_field")
    frame = _frame(fields, source)
    direction = fields.choice("direction", "forward", ("forward", "backward"))
    order = Order(
        task="extend",
        prompt=_prompt(fields),
        model=_model(fields, models, source),
        forward=direction == "forward",
        **frame,
        **_settings(fields),
    )
    fields.done()
    return _bounded(order, source), sources


def connect(fields: Fields, models: Sequence[str], source: Job | None, other: Job | None) -> tuple[Order, Sources]:
    """A passage of `seconds` that leads from one video to another. What is seen at its end is `then`, or else what the
    other video was made by."""
    fields = _Fields(fields)
    sources = {"video": _video(fields, "video"), "other": _video(fields, "other")}
    prompt = _prompt(fields)
    order = Order(
        task="connect",
        prompt=prompt,
        model=_model(fields, models, source),
        then=fields.text("then", other and other.prompt or prompt),
        curve=fields.choice("curve", Order.curve, CURVES),
        **_frame(fields, source),
        **_settings(fields),
    )
    fields.done()
    return order, sources


def outpaint(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """All of a video in the middle of another `size`, whose rest is made."""
    fields = _Fields(fields)
    sources = {"video": _video(fields, "video")}
    if fields.peek("size") is None and fields.peek("width") is None:
        raise invalid("size", "size is required: that of the larger picture.", code="missing_field")
    order = Order(
        task="outpaint",
        prompt=_prompt(fields),
        model=_model(fields, models, source),
        **_frame(fields, source),
        **_settings(fields),
    )
    fields.done()
    if source is not None and order.size == source.size:
        raise invalid("size", f"The video has the size {order.size} already; expected another aspect ratio.")
    return order, sources


def combine(fields: Fields, models: Sequence[str], source: Job | None) -> tuple[Order, Sources]:
    """What moves in one video, or what its `mask` shows, in the place that another one shows."""
    fields = _Fields(fields)
    sources = {"video": _video(fields, "video"), "other": _video(fields, "other"), **_mask(fields)}
    order = Order(
        task="combine",
        prompt=_prompt(fields),
        model=_model(fields, models, source),
        **_frame(fields, source),
        **_settings(fields),
    )
    fields.done()
    return order, sources


def character(fields: Fields) -> tuple[str, UploadFile]:
    """A character's name and its clip."""
    fields = _Fields(fields)
    name = fields.text("name", None)
    if not name or not name.strip() or len(name) > BOUNDS.name:
        raise invalid("name", f"name has {len(name or '')} characters; expected 1 to {BOUNDS.name}.")
    clip = fields.take("video")
    if clip is None:
        raise invalid("video", "video is required: a file that shows the character.", code="missing_field")
    clip = _upload(clip, "video")
    fields.done()
    return name, clip


def picture(fields: Fields) -> UploadFile:
    """A picture to refer to later as a `file_id`."""
    fields = _Fields(fields)
    fields.choice("purpose", "vision", ("vision", "user_data"))
    file = fields.take("file")
    fields.done()
    return _upload(file, "file")


def expansion(fields: Fields) -> tuple[str, int]:
    """A prompt to be said at greater length, and the seed of its words."""
    fields = _Fields(fields)
    asked = _prompt(fields), fields.integer("seed", 0, (0, 2**63 - 1))
    fields.done()
    return asked


def unknown_file(fields: Fields) -> UploadFile:
    """A video or picture whose origin is asked for."""
    fields = _Fields(fields)
    file = fields.take("file")
    fields.done()
    if file is None:
        raise invalid("file", "file is required: a video or picture.", code="missing_field")
    return _upload(file, "file")


def report(fields: Fields) -> tuple[str, str]:
    """What is wrong with a video: the category and the words."""
    fields = _Fields(fields)
    category = fields.choice("category", "other", (*CATEGORIES, "other"))
    reason = fields.text("reason", "", LONGEST_REASON)
    fields.done()
    if not reason.strip():
        raise invalid("reason", f"reason is required: 1 to {LONGEST_REASON} characters.", code="missing_field")
    return category, reason


def url(fields: Fields) -> str:
    """Where a webhook goes."""
    fields = _Fields(fields)
    url = fields.text("url", None, 2000)
    fields.done()
    if not url:
        raise invalid("url", "url is required: where events are sent to.", code="missing_field")
    return url


def variations(fields: Fields) -> int:
    """How many videos one request makes."""
    return _Fields(fields).integer("n", 1, (1, BOUNDS.variations))


# Pieces of a request


class _Fields:
    """Fields with their types; whatever is left over at `done` was misspelt or is not known."""

    def __init__(self, fields: Fields) -> None:
        self.fields = dict(fields)

    def peek(self, name: str) -> Any:
        value = self.fields.get(name)
        return None if value == "" else value

    def take(self, name: str) -> Any:
        value = self.peek(name)
        self.fields.pop(name, None)
        return value

    def done(self) -> None:
        self.fields.pop("n", None)
        for name in self.fields:
            raise invalid(name[:80], f"Unknown field {name[:80]!r}.", code="unknown_field")

    def text(self, name: str, default: str | None, limit: int = BOUNDS.prompt) -> str | None:
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > limit:
            raise invalid(name, f"{name} is {_show(value)}; expected a text of at most {limit} characters.")
        return value

    def choice(self, name: str, default: str | None, choices: Sequence[str]) -> str | None:
        value = self.take(name)
        if value is not None and value not in choices:
            raise invalid(name, f"{name} is {_show(value)}; expected one of {', '.join(choices)}.")
        return default if value is None else value

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if value in (None, False, "false", "0"):
            return False
        if value in (True, "true", "1"):
            return True
        raise invalid(name, f"{name} is {_show(value)}; expected true or false.")

    def number(self, name: str, default: Any, bounds: tuple[float, float]) -> Any:
        """A float within bounds, which multipart sends as a text."""
        value = self.take(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or not bounds[0] <= number <= bounds[1]:
            raise invalid(name, f"{name} is {_show(value)}; expected a number from {bounds[0]:g} to {bounds[1]:g}.")
        return number

    def integer(self, name: str, default: Any, bounds: tuple[int, int]) -> Any:
        """An int within bounds, which multipart sends as a text."""
        value = self.take(name)
        if value is None:
            return default
        number = _integer(value)
        if number is None or not bounds[0] <= number <= bounds[1]:
            raise invalid(name, f"{name} is {_show(value)}; expected a whole number from {bounds[0]} to {bounds[1]}.")
        return number

    def document(self, name: str) -> Any:
        """A nested value, which multipart may send as JSON in a text."""
        value = self.take(name)
        if isinstance(value, str):
            try:
                return json.loads(value)
            except (ValueError, RecursionError):
                raise invalid(name, f"{name} is {_show(value)}; expected JSON.") from None
        return value


def _prompt(fields: _Fields) -> str:
    prompt = fields.take("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise invalid(
            "prompt",
            f"prompt is {_show(prompt)}; expected a text of 1 to {BOUNDS.prompt} characters.",
            code="missing_field" if prompt is None else None,
        )
    if len(prompt) > BOUNDS.prompt:
        raise invalid("prompt", f"prompt has {len(prompt)} characters; expected 1 to {BOUNDS.prompt}.")
    return prompt


def _model(fields: _Fields, models: Sequence[str], source: Job | None = None) -> str:
    """The name as it was given. Sora's names stand for the installed model."""
    name = fields.text("model", source.model if source else "sora-2", 200)
    if name not in models and not KNOWN_MODEL.fullmatch(name):
        raise invalid(
            "model",
            f"The model {name[:80]!r} is not installed; expected {', '.join(models)}, sora-2 or sora-2-pro.",
            code="model_not_found",
        )
    return name


def _size(fields: _Fields) -> tuple[int, int] | None:
    low, high = BOUNDS.side
    size, width, height = (
        fields.take("size"),
        fields.integer("width", None, (low, high)),
        fields.integer("height", None, (low, high)),
    )
    if (width is None) != (height is None):
        raise invalid("width" if width is None else "height", "width and height are given together or not at all.")
    if width is None:
        if size is None:
            return None
        match = SIZE.fullmatch(size) if isinstance(size, str) else None
        if match is None:
            raise invalid("size", f'size is {_show(size)}; expected WIDTHxHEIGHT, as in "1280x720".')
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


def _seconds(fields: _Fields, fps: float) -> float | None:
    seconds = fields.number("seconds", None, (0.1, BOUNDS.seconds))
    frames = fields.integer("num_frames", None, (1, int(BOUNDS.seconds * BOUNDS.fps[1])))
    if frames is not None:
        seconds = frames / fps
    if seconds is not None and not 0 < seconds <= BOUNDS.seconds:
        raise invalid("num_frames", f"{frames} frames are {seconds:g} seconds; expected at most {BOUNDS.seconds:g}.")
    return seconds


def _frame(fields: _Fields, source: Job | None) -> dict[str, Any]:
    """Size, length and rate of what is made from a video: the video's own unless something else is asked for."""
    given = source.request["order"] if source else {}
    size = _size(fields)
    fps = fields.number("fps", given.get("fps", 8.0), BOUNDS.fps)
    seconds = _seconds(fields, fps)
    width, height = size or (tuple(map(int, source.size.split("x"))) if source else (720, 1280))
    return {
        "width": width,
        "height": height,
        "fps": fps,
        "follow_input": source is None and size is None,
        "seconds": seconds or (float(source.seconds) if source else 4.0),
    }


def _settings(fields: _Fields) -> dict[str, Any]:
    """What every request may say of how it is made."""
    if (lora := fields.document("lora")) is not None:
        raise invalid("lora", f"The LoRA {_show(lora)} is not installed; there are none.", code="lora_not_found")
    seed = fields.integer("seed", None, (0, 2**63 - 1))
    return {
        "seed": secrets.randbits(31) if seed is None else seed,
        "negative": fields.text("negative_prompt", "") or "",
        "expanded": fields.text("expanded_prompt", "") or "",
        "steps": fields.integer("num_inference_steps", None, BOUNDS.steps),
        "guidance": fields.number("guidance_scale", None, BOUNDS.guidance),
        "strength": fields.number("strength", Order.strength, (0.0, 1.0)),
        "style": fields.choice("style", None, tuple(STYLES)),
        "camera": fields.choice("camera", None, tuple(CAMERAS)),
    }


def _sampler(fields: _Fields) -> str:
    """`extra_params`: {"sampler": …}, the only one there is."""
    extra = fields.document("extra_params") or {}
    if not isinstance(extra, dict) or not extra.keys() <= {"sampler"}:
        raise invalid("extra_params", f"extra_params is {_show(extra)}; expected an object with sampler.")
    return _Fields(extra).choice("sampler", SAMPLERS[0], SAMPLERS)


def _span(fields: _Fields) -> tuple[float, float] | None:
    """`range`: "1.0-2.0", or a list of two numbers."""
    value = fields.take("range")
    if value is None:
        return None
    parts = value.split("-") if isinstance(value, str) else value if isinstance(value, list) else []
    numbers = [_number(part) for part in parts]
    if len(numbers) != 2 or None in numbers or not 0 <= numbers[0] < numbers[1] <= BOUNDS.seconds:
        raise invalid("range", f'range is {_show(value)}; expected seconds from and to, as in "1.0-2.0".')
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


def _mask(fields: _Fields) -> Sources:
    mask = fields.take("mask")
    return {} if mask is None else {"mask": _upload(mask, "mask")}


def _storyboard(fields: _Fields, seconds: float) -> tuple[tuple[dict[str, Any], ...], Sources]:
    """Cards, and what they show by role: each rules from `at` seconds on; `cut` starts a new shot."""
    cards = fields.document("storyboard")
    if cards is None:
        return (), {}
    if not isinstance(cards, list) or not 1 <= len(cards) <= BOUNDS.cards:
        raise invalid("storyboard", f"storyboard is {_show(cards)}; expected a list of 1 to {BOUNDS.cards} cards.")
    made = [_card(card, number, seconds) for number, card in enumerate(cards)]
    return tuple(card for card, _ in made), {role: source for _, shown in made for role, source in shown.items()}


def _card(card: Any, number: int, seconds: float) -> tuple[dict[str, Any], Sources]:
    path = f"storyboard[{number}]"
    if not isinstance(card, dict):
        raise invalid(path, f"{path} is {_show(card)}; expected an object.")
    fields = _Fields(card)
    picture = _reference(fields)
    clip = None if fields.peek("video") is None else _video(fields, "video")
    at = fields.number("at", 0.0, (0.0, BOUNDS.seconds))
    made = {
        "prompt": fields.text("prompt", "") if picture or clip else _prompt(fields),
        "at": at,
        "cut": fields.flag("cut"),
        "shows": f"card-{number}" if picture else f"clip-{number}" if clip else None,
        "range": _span(fields) if clip else None,
    }
    fields.done()
    if picture and clip:
        raise invalid(path, f"{path} has a picture and a video; expected one of them.")
    if made["shows"] and at >= seconds:
        raise invalid(path, f"{path} begins at {at:g} seconds, after the end of the video, which has {seconds:g}.")
    return made, {made["shows"]: picture or clip} if made["shows"] else {}


def _reference(fields: _Fields) -> Source | None:
    """`input_reference`: a file, or an object with exactly one of image_url and file_id."""
    value = fields.take("input_reference")
    if value is None or isinstance(value, UploadFile):
        return value
    if isinstance(value, str) and value.startswith("{"):
        value = _Fields({"input_reference": value}).document("input_reference")
    given = {name: entry for name, entry in value.items() if entry is not None} if isinstance(value, dict) else {}
    if len(given) != 1 or not given.keys() <= {"image_url", "file_id"} or not isinstance(*given.values(), str):
        raise invalid(
            "input_reference", "input_reference is a file, or an object with exactly one of image_url and file_id."
        )
    return Link(given["image_url"]) if "image_url" in given else Asset(given["file_id"], "file")


def _characters(fields: _Fields) -> list[str]:
    value = fields.document("characters")
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if len(entries) > BOUNDS.characters:
        raise invalid("characters", f"There are {len(entries)} characters; expected at most {BOUNDS.characters}.")
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(id, str) for id in ids):
        raise invalid("characters", 'characters is a list of objects, as in [{"id": "char_…"}].')
    return ids


def _video(fields: _Fields, name: str) -> Source:
    """A file, an object with an id, or the id alone."""
    value = fields.take(name)
    if isinstance(value, UploadFile):
        return value
    id = made_here({name: value}, name)
    if id is None:
        raise invalid(
            name,
            f'{name} is {_show(value)}; expected a file, or {{"id": "video_…"}}.',
            code="missing_field" if value is None else None,
        )
    return Made(id)


def made_here(fields: Fields, name: str) -> str | None:
    """The id that a field names a video of this service by, if it does."""
    value = fields.get(name)
    if isinstance(value, str) and value.startswith("{"):
        value = _Fields({name: value}).document(name)
    id = value.get("id") if isinstance(value, dict) else value
    return id if isinstance(id, str) and id else None


def _upload(value: Any, name: str) -> UploadFile:
    if not isinstance(value, UploadFile):
        raise invalid(name, f"{name} is {_show(value)}; expected a file.")
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value) if not isinstance(value, str) or len(value) < 40 else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _show(value: Any) -> str:
    """A value in a message: short, and never the content of a file."""
    if value is None:
        return "missing"
    text = "a file" if isinstance(value, UploadFile) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
