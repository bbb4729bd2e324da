"""What a user asks for: checked before any model is loaded, stored in the file that is made, and read back from it.

Knows no model and imports no torch; what only a model can judge, such as its sizes, is left to `System`.
"""

import hashlib
import math
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from . import __version__
from .video import read_image, read_metadata

LONGEST_PROMPT = 32_000  # characters
LONGEST = 60.0  # seconds
FASTEST = 60.0  # frames a second
MOST_STEPS = 1000
STRONGEST = 100.0  # guidance
LARGEST = 2048  # pixels, of a side
SEEDS = 2**63
MOST_RESULTS = 1000


@dataclass(frozen=True)
class Request:
    """Together with a model, all that determines a video. None stands for what is chosen later and then recorded."""
    prompt: str = ""
    negative: str = ""  # what to move away from
    size: str = "128x128"  # width x height, pixels
    seconds: float = 2.0
    fps: float = 8.0  # frames a second
    seed: int | None = None  # None: drawn
    steps: int | None = None  # None: the model's own choice
    guidance: float | None = None  # None: the model's own choice
    image: str | None = None  # path of the first frame
    image_sha256: str | None = None  # of that file

    @property
    def frames(self) -> int:
        """How many frames were asked for; a model may make a few more."""
        return max(round(self.seconds * self.fps), 1)


def check_request(request: Request) -> None:
    """ValueError in one line for the first setting that is out of its bounds; reads the image."""
    if not request.prompt.strip():
        raise ValueError(f"the prompt is empty; expected 1 to {LONGEST_PROMPT:,} characters")
    for name, text in (("prompt", request.prompt), ("negative prompt", request.negative)):
        if len(text) > LONGEST_PROMPT:
            raise ValueError(f"the {name} has {len(text):,} characters; expected at most {LONGEST_PROMPT:,}")
    check_target(*read_size(request.size))
    _check_range("seconds", request.seconds, 0, LONGEST, above=True)
    _check_range("fps", request.fps, 1, FASTEST)
    _check_range("seed", request.seed, 0, SEEDS - 1)
    _check_range("steps", request.steps, 1, MOST_STEPS)
    _check_range("guidance", request.guidance, 0, STRONGEST)
    if request.image is not None:
        read_image(request.image)
        if request.image_sha256 not in (None, file_sha256(request.image)):
            raise ValueError(f"image {request.image} is not the picture that the settings were made with")


def read_size(size: str) -> tuple[int, int]:
    """Width and height in pixels of "176x96"."""
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", size, re.ASCII):
        raise ValueError(f"size {size!r} is not understood; expected WIDTHxHEIGHT in pixels, such as 128x128")
    width, height = size.split("x")
    return int(width), int(height)


def check_target(width: int, height: int) -> None:
    """ValueError for a size that is too large to make or to enlarge to."""
    if max(width, height) > LARGEST:
        raise ValueError(f"size {width}x{height} is too large; expected sides of at most {LARGEST} pixels")


def _check_range(name: str, value: float | None, low: float, high: float, *, above: bool = False) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high and not (above and value == low)):
        raise ValueError(f"{name} is {value:g}; expected {'more than' if above else 'at least'} {low:g} "
                         f"and at most {high:g}")


def file_sha256(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_metadata(request: Request, *, model: str, model_version: str) -> dict:
    """What is written into a file: enough to make it again and to know what made it."""
    return {"program": f"vitascope {__version__}", "model": model, "model_version": model_version,
            "settings": asdict(request)}


def read_request(path: str | Path) -> tuple[Request, dict]:
    """The settings that a file was made with, and the rest of its metadata; ValueError if it holds none."""
    metadata = read_metadata(path)
    settings = metadata.pop("settings", None)
    if not isinstance(settings, dict):
        raise ValueError(f"{path} holds no settings; expected a file made by vitascope")
    kinds = {field.name: field.type for field in fields(Request)}
    for name, value in settings.items():
        if name not in kinds or not _is_of_kind(value, kinds[name]):
            raise ValueError(f"{path}: its setting {name}={value!r} is not understood by vitascope {__version__}")
    return Request(**settings), metadata


def _is_of_kind(value: object, kind: type) -> bool:
    """Whether a value from JSON can stand for a field's type: 2 for a float, but true for no number."""
    return not isinstance(value, bool) and (isinstance(value, kind) or isinstance(value, int) and isinstance(0.5, kind))


def with_image(request: Request, image: str | Path | None) -> Request:
    """The request with another first frame, whose contents are recorded."""
    if image is None:
        return request
    read_image(image)
    return replace(request, image=str(image), image_sha256=file_sha256(image))


def numbered(path: Path, count: int) -> list[Path]:
    """Names for several results of one request: car.mp4 → car-1.mp4, car-2.mp4; a-%03d.png → a-1-%03d.png."""
    if count == 1:
        return [path]
    if count > MOST_RESULTS:
        raise ValueError(f"{count} videos at once are too many; expected at most {MOST_RESULTS}")
    if "%" in path.name:
        return [path.with_name(path.name.replace("%", f"{number}-%", 1)) for number in range(1, count + 1)]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]


def name_after(prompt: str, ending: str = ".mp4") -> Path:
    """A file name made of a prompt's first words that no file has yet."""
    words = "-".join(re.findall(r"[^\W_]+", prompt.lower()))[:40].strip("-") or "video"
    names = (Path(f"{words}{'' if number == 1 else f'-{number}'}{ending}") for number in range(1, 10_000))
    return next(name for name in names if not name.exists())
