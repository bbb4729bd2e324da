"""What is to be made: an `Order`, the bounds of one, and the order as JSON and back.

The web process writes it, the worker reads it; it is what is stored of a request. Knows neither of them.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

SAMPLERS = ("multistep", "heun", "euler")  # names in diffusion/samplers.py, which imports torch
CURVES = ("smooth", "linear", "sharp", "early", "late")  # names in tasks.py, which does so too
SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024", "1920x1080", "1080x1920")  # that Sora's programs ask for


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
    seed: tuple[int, int] = (0, 2**63 - 1)
    lifetime: tuple[int, int] = (60, 10 * 365 * 86400)  # seconds


BOUNDS = Bounds()


def is_picture(role: str) -> bool:
    """Whether an input of this role is a still; all others are clips."""
    return role in ("image", "mask") or role.startswith("card-")


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
