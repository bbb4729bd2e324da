"""The commands that start from something the user has: a video, an image, two videos, a mask, a storyboard.

Each reads its own options and builds a Plan; what all of them take stands in `Wish`, and one function, `run`, checks,
makes and writes. What a user sent wrong is a ValueError before anything is written.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AMOUNT, NUMBER, WHOLE, Camera, Guidance, Model, NoCredentials, NoPolicy, PolicyFile, Steps, Style
from .options import Tell, deliver, given, load_system, note, open_gate

if TYPE_CHECKING:
    import numpy as np

    from .edits import Plan
    from .produce import Asked, Gate
    from .system import System
    from .video import Video

app = typer.Typer()

Count = Annotated[int, typer.Option("-n", help="How many videos, with seeds one after the other.", **AMOUNT)]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What can be asked of every command here."""
    prompt: Annotated[str | None, typer.Option(help="What is to be seen; that of the input if it was made here and "
                                                    "nothing else is said.")] = None
    out: Annotated[Path | None, typer.Option(help="mp4, webm, gif, webp, png, jpg, frames-%03d.png or a folder; named "
                                                  "after the prompt if not given.")] = None
    size: Annotated[str | None, typer.Option(help="Width x height in pixels, up to 2048; near that of the input if not "
                                                  "given. What the model cannot make at once is enlarged.")] = None
    fps: Annotated[float, typer.Option(help="Frames a second.", **NUMBER)] = 8.0
    seed: Annotated[int | None,
                    typer.Option(help="The same seed gives the same video; drawn if not given.", **WHOLE)] = None
    steps: Steps = None
    guidance: Guidance = None
    negative: Annotated[str, typer.Option(help="What is not to be seen.")] = ""
    style: Style = None
    camera: Camera = None
    count: Count = 1
    model: Model = None
    policy: PolicyFile = None
    no_policy: NoPolicy = False
    no_credentials: NoCredentials = False


OTHERWISE = ("out", "model", "count", "policy", "no_policy", "no_credentials")  # wishes that do not change the frames
Seconds = Annotated[float, typer.Option(help="How long what is made lasts, about; steps of half a second.", **NUMBER)]
Strength = Annotated[float, typer.Option(help="How much is changed: 0 nothing, 1 everything.", **NUMBER)]
Input = Annotated[Path, typer.Argument(help="Any video or image.")]
Build = Callable[["System", int, int, str], "list[Plan]"]
"""(system, width, height, prompt) → what is to be made, shot by shot, at that output size."""


def task(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command that takes its own options and, as `wish`, those of Wish that it does not have itself."""
    own = [parameter for parameter in signature(function).parameters.values() if parameter.name != "wish"]
    shared = [Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
              for field in fields(Wish) if field.name not in {parameter.name for parameter in own}]

    def command(**options: Any) -> None:
        wish = Wish(**{parameter.name: options.pop(parameter.name) for parameter in shared})
        function(**options, wish=wish)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__signature__ = Signature([*own, *shared])
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    app.command()(command)
    return function


# -------------------------------------------------------------------------------------------------------- the commands

@task
def image(
    prompt: Annotated[str, typer.Argument(help="What is to be seen.")],
    *, wish: Wish,
) -> None:
    """Make a picture of what a sentence says, up to 2048x2048."""
    from .edits import Plan
    from .models.upsampler import SCALE
    from .request import name_after
    from .tasks import text_to_video

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        return [Plan(text_to_video(text, width=width // SCALE, height=height // SCALE, frames=1,
                                   negative=wish.negative))]

    wish = replace(wish, prompt=prompt, out=wish.out or name_after(prompt, ".png"), size=wish.size or "128x128")
    run("image", wish, build, frames=1)


@task
def extend(
    video: Input,
    seconds: Seconds = 2.0,
    direction: Annotated[str, typer.Option(help="forward: what comes after; backward: what came before.")] = "forward",
    *, wish: Wish,
) -> None:
    """Continue a video, or make what led to it."""
    from .edits import extend_backward, extend_forward

    ways = {"forward": extend_forward, "backward": extend_backward}
    if direction not in ways:
        raise ValueError(f"there is no direction {direction!r}; expected {' or '.join(ways)}")

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(video, width, height, wish.fps)
        return [ways[direction](system, clip, prompt=text, seconds=seconds, negative=wish.negative)]

    run("extend", wish, build, sources=[video], seconds=seconds, options={"direction": direction})


@task
def loop(
    source: Annotated[str, typer.Argument(metavar="IN|PROMPT", help="A video that is to find back to its beginning, or "
                                                                    "what is to be seen.")],
    seconds: Seconds = 2.0,
    *, wish: Wish,
) -> None:
    """Make a video without end: what follows the last frame is the first."""
    from .edits import Plan, groups, loop_clip
    from .models.autoencoder import FRAMES
    from .models.upsampler import SCALE
    from .tasks import loop as close
    from .tasks import text_to_video

    def from_clip(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(Path(source), width, height, wish.fps)
        return [loop_clip(system, clip, prompt=text, seconds=seconds, negative=wish.negative)]

    def from_prompt(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        frames = 1 + FRAMES * (groups(seconds, wish.fps) - 1)
        return [Plan(close(text_to_video(text, width=width // SCALE, height=height // SCALE, frames=frames,
                                         fps=wish.fps, negative=wish.negative)))]

    if is_file(source):
        run("loop", wish, from_clip, sources=[Path(source)], seconds=seconds)
    else:
        run("loop", replace(wish, prompt=source, size=wish.size or "128x128"), from_prompt, seconds=seconds)


@task
def infill(
    video: Input,
    range: Annotated[str, typer.Option(help="From when to when it is made anew, in seconds, such as 1.0-2.0.")],
    *, wish: Wish,
) -> None:
    """Make a range of a video's time anew; the rest stays."""
    from .edits import fill_range

    start, end = read_range(range)

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(video, width, height, wish.fps)
        return [fill_range(system, clip, start=start, end=end, prompt=text, negative=wish.negative)]

    run("infill", wish, build, sources=[video], options={"range": range})


@task
def connect(
    first: Input,
    second: Input,
    seconds: Seconds = 2.0,
    curve: Annotated[str,
                     typer.Option(help="How the second takes over: linear, smooth, sharp, early or late.")] = "smooth",
    then: Annotated[str | None,
                    typer.Option(help="What is to be seen at the end; --prompt is for the beginning.")] = None,
    *, wish: Wish,
) -> None:
    """Let one video turn into another; two stills become the first and the last frame."""
    from .edits import connect_clips
    from .presets import with_presets
    from .tasks import CURVES

    later = then or recorded_prompt(second) or wish.prompt
    if later is None:
        raise ValueError(f"{second} does not tell what it shows; expected --then")
    if curve not in CURVES:
        raise ValueError(f"there is no curve {curve!r}; expected {', '.join(CURVES)}")

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clips = [read_clip(path, width, height, wish.fps) for path in (first, second)]
        return [connect_clips(system, *clips, seconds=seconds, prompt=text, curve=curve, negative=wish.negative,
                              second_prompt=with_presets(later, style=wish.style, camera=wish.camera))]

    run("connect", wish, build, sources=[first, second], seconds=seconds, options={"curve": curve, "then": later})


@task
def edit(
    video: Input,
    prompt: Annotated[str, typer.Argument(help="What is to be seen instead.")],
    strength: Strength = 0.6,
    *, wish: Wish,
) -> None:
    """Change the style, place or subject of a video by a sentence; its motion stays."""
    from .edits import edit_clip

    check_strength(strength)

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(video, width, height, wish.fps)
        return [edit_clip(system, clip, prompt=text, strength=strength, negative=wish.negative)]

    run("edit", replace(wish, prompt=prompt), build, sources=[video], options={"strength": strength})


@task
def inpaint(
    video: Input,
    mask: Annotated[Path, typer.Option(help="Picture or video of the input's size: white is made anew.")],
    *, wish: Wish,
) -> None:
    """Make a region of a video anew; the rest stays as it is."""
    from .edits import inpaint_clip

    check_mask(mask, video)

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(video, width, height, wish.fps)
        return [inpaint_clip(system, clip, read_mask(mask, width, height, len(clip), wish.fps), prompt=text,
                             negative=wish.negative)]

    run("inpaint", wish, build, sources=[video], guides=[mask])


@task
def outpaint(
    video: Input,
    size: Annotated[str, typer.Option(help="Width x height in pixels, of another aspect ratio than the video's.")],
    *, wish: Wish,
) -> None:
    """Give a video another aspect ratio: all of it stays, and what is around it is made."""
    from .edits import fit, outpaint_clip
    from .video import read_image

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clip = read_clip(video, *fit(read_image(video).size, width, height), wish.fps)
        return [outpaint_clip(system, clip, width=width, height=height, prompt=text, negative=wish.negative)]

    run("outpaint", replace(wish, size=size), build, sources=[video])


@task
def combine(
    subject: Input,
    place: Input,
    strength: Strength = 0.6,
    mask: Annotated[Path | None, typer.Option(help="White where the subject is. Without it, what moves is taken "
                                                        "for it, and the camera has to stand still.")] = None,
    *, wish: Wish,
) -> None:
    """Put the subject of one video into the place of another."""
    from .edits import combine_clips

    check_strength(strength)
    if mask is not None:
        check_mask(mask, subject)

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        clips = [read_clip(path, width, height, wish.fps) for path in (subject, place)]
        cut_out = None if mask is None else read_mask(mask, width, height, len(clips[0]), wish.fps)
        return [combine_clips(system, *clips, prompt=text, strength=strength, mask=cut_out, negative=wish.negative)]

    run("combine", wish, build, sources=[subject, place], guides=[] if mask is None else [mask],
        options={"strength": strength})


@app.command()
def storyboard(
    file: Annotated[Path | None, typer.Argument(help="JSON: shots, and cards at times of each shot.")] = None,
    out: Annotated[Path | None, typer.Option(help="As for generate; named after the storyboard if not given.")] = None,
    size: Annotated[str | None, typer.Option(help="Width x height in pixels instead of the storyboard's.")] = None,
    seed: Annotated[int | None,
                    typer.Option(help="Instead of the storyboard's; drawn if there is none.", **WHOLE)] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    count: Count = 1,
    model: Model = None,
    policy: PolicyFile = None,
    no_policy: NoPolicy = False,
    no_credentials: NoCredentials = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the format, and stop.")] = False,
) -> None:
    """Make a video of several shots, with texts, pictures and videos at set times."""
    import json

    from .storyboard import SCHEMA, plan_storyboard, read_storyboard

    if schema:
        print(json.dumps(SCHEMA, indent=2))
        return
    if file is None:
        raise ValueError("there is no storyboard; expected a JSON file, or --schema")
    board = read_storyboard(file)
    pictures = [path for shot in board.shots for card in shot.cards for path in (card.image, card.video) if path]
    wish = Wish(prompt=board.shots[0].prompt, out=out or Path(f"{file.stem}.mp4"), size=size or board.size or "128x128",
                fps=board.fps, seed=board.seed if seed is None else seed, steps=steps, guidance=guidance,
                negative=board.negative, count=count, model=model, policy=policy, no_policy=no_policy,
                no_credentials=no_credentials)

    def build(system: "System", width: int, height: int, text: str) -> "list[Plan]":
        return plan_storyboard(system, board, width, height)

    texts = [part.prompt for shot in board.shots for part in (shot, *shot.cards) if part.prompt]
    run("storyboard", wish, build, guides=pictures, texts=texts, seconds=sum(shot.seconds for shot in board.shots))


@app.command()
def upscale(
    video: Input,
    size: Annotated[str, typer.Option(help="Width x height in pixels, up to 2048.")],
    out: Annotated[Path | None, typer.Option(help="As for generate; named after the input if not given.")] = None,
    model: Model = None,
    policy: PolicyFile = None,
    no_policy: NoPolicy = False,
    no_credentials: NoCredentials = False,
) -> None:
    """Enlarge a video or picture, of any length and at its own rate."""
    from .produce import Asked
    from .provenance.credentials import Source
    from .request import check_target, read_size
    from .upscale import upscale as enlarge
    from .video import Stream, check_output, count_frames, open_video

    width, height = read_size(size)
    check_target(width, height)
    out = video.with_name(f"{video.stem}-{size}{video.suffix}") if out is None else out
    check_output(out, frames=(count := count_frames(video)))
    tell_of_sound([video])
    system = load_system(model, "", {})
    gate = open_gate(system, policy=policy, no_policy=no_policy, no_credentials=no_credentials)
    metadata = {**describe_model(system), "task": "upscale", "inputs": describe([video]),
                "options": {"size": size, **given(prompt=recorded_prompt(video))}}
    with open_video(video) as (fps, frames):
        deliver(gate, Asked((), settings=metadata, task="upscale", sources=(Source(video, "parentOf"),),
                            metadata=metadata),
                lambda tell: Stream(enlarge(system.upsampler, frames, width, height), count, fps), out)
    print(f"wrote {out}: {size}, frames: {count} at {fps:g} a second")


# --------------------------------------------------------------------------------------------- what they have in common

def run(name: str, wish: Wish, build: Build, *, sources: Sequence[Path] = (), guides: Sequence[Path] = (),
        seconds: float = 2.0, frames: int | None = None, texts: Sequence[str] = (),
        options: dict[str, Any] | None = None) -> None:
    """Check what was asked for, load the model, make each video and let it through the gate.

    `sources` are files that are changed or continued, the first of them gives size and prompt if the wish does not;
    `guides` are files that only help; `texts` are further prompts.
    """
    from .presets import with_presets
    from .produce import Asked
    from .provenance.credentials import Source
    from .request import Request, check_request, name_after, numbered, read_size
    from .upscale import choose_base
    from .video import check_output, read_image

    prompt = recorded_prompt(sources[0]) if wish.prompt is None and sources else wish.prompt
    if prompt is None:
        raise ValueError(f"{sources[0]} does not tell what it shows; expected --prompt")
    text = with_presets(prompt, style=wish.style, camera=wish.camera)
    firsts = [read_image(path) for path in (*sources, *guides)]
    target = read_size(wish.size) if wish.size else None
    check_request(Request(prompt=text, negative=wish.negative, seconds=seconds,
                          **given(size=wish.size, fps=wish.fps, seed=wish.seed, steps=wish.steps,
                                  guidance=wish.guidance)))
    paths = numbered(name_after(prompt) if wish.out is None else wish.out, wish.count)
    for path in paths:
        check_output(path, frames=frames or 2)
    tell_of_sound(sources)

    system = load_system(wish.model, " ".join([text, *texts]), {})
    base = choose_base(system, *(target or firsts[0].size))
    target, seed = target or base, secrets.randbelow(2**32) if wish.seed is None else wish.seed
    plans = build(system, *base, text)
    steps, guidance = (getattr(system.config, key) if getattr(wish, key) is None else getattr(wish, key)
                       for key in ("steps", "guidance"))
    gate = open_gate(system, policy=wish.policy, no_policy=wish.no_policy, no_credentials=wish.no_credentials)
    for path in paths:
        print(f"seed {seed}", flush=True)
        settings = {key: value for key, value in asdict(wish).items() if key not in OTHERWISE}
        settings |= {"prompt": text, "size": "x".join(map(str, target)), "seed": seed, "steps": steps,
                     "guidance": guidance, "seconds": seconds, **(options or {})}
        metadata = {**describe_model(system), "task": name, "options": settings,
                    "inputs": describe([*sources, *guides])}
        made_from = [Source(file, "parentOf") for file in sources] + [Source(file, "inputTo") for file in guides]
        asked = Asked((text, *texts), (wish.negative,) if wish.negative else (), metadata, name, tuple(made_from),
                      metadata)
        total = write(system, gate, asked, plans, path, target=target, fps=wish.fps, seed=seed, steps=steps,
                      guidance=guidance)
        print(f"wrote {path}: {target[0]}x{target[1]}, frames: {total} at {wish.fps:g} a second")
        seed += 1


def write(system: "System", gate: "Gate", asked: "Asked", plans: "list[Plan]", path: Path, *, target: tuple[int, int],
          fps: float, **sampling: Any) -> int:
    """Make the shots one after the other into a file, enlarged if need be; how many frames there are."""
    from .edits import make
    from .upscale import upscale
    from .video import Stream

    def shots(tell: Tell) -> "Iterator[np.ndarray]":
        for number, plan in enumerate(plans):
            yield from make(system, plan, progress=partial(tell_shot, tell, number, len(plans)), **sampling)

    count = sum(plan.count for plan in plans)
    return deliver(gate, asked, lambda tell: Stream(upscale(system.upsampler, shots(tell), *target), count, fps), path)


def tell_shot(tell: Tell, number: int, shots: int, step: int, total: int) -> None:
    """Progress of one shot as progress of all, as if all took as many steps."""
    tell(number * total + step, shots * total)


def read_clip(path: Path, width: int, height: int, fps: float) -> "Video":
    """A user's video at the model's rate, covering a size.

    ValueError if it is longer than a minute and what rounding adds to one.
    """
    from .request import LONGEST
    from .video import read_video

    clip = read_video(path, fps=fps, seconds=LONGEST + 1, size=(width, height))
    if clip.seconds >= LONGEST + 1:
        raise ValueError(f"{path} is longer than {LONGEST:g} seconds; expected at most that")
    return clip


def check_mask(mask: Path, video: Path) -> None:
    """ValueError unless a mask has the size of the video that it is for."""
    from .video import read_image

    sizes = [read_image(path).size for path in (mask, video)]
    if sizes[0] != sizes[1]:
        told = ["x".join(map(str, size)) for size in sizes]
        raise ValueError(f"the mask {mask} has {told[0]} pixels; expected {told[1]}, the size of {video}")


def read_mask(path: Path, width: int, height: int, frames: int, fps: float) -> "np.ndarray":
    """Where a mask is white, bool (T or 1, H, W)."""
    clip = read_clip(path, width, height, fps)
    if len(clip) not in (1, frames):
        raise ValueError(f"the mask {path} has {len(clip)} frames at {fps:g} a second; expected 1, or {frames} as the "
                         "video")
    return clip.pixels.mean(-1) > 127


def check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is {strength:g}; expected 0 to 1")


def read_range(text: str) -> tuple[float, float]:
    """Start and end in seconds of "1.0-2.0"."""
    try:
        start, end = map(float, text.split("-"))
    except ValueError:
        raise ValueError(f"range {text!r} is not understood; expected START-END in seconds, such as 1.0-2.0") from None
    if not 0 <= start < end:
        raise ValueError(f"range {text!r} is empty; expected a start before the end")
    return start, end


def is_file(text: str) -> bool:
    """Whether a word means a file: one that there is, or a name that ends like one."""
    from .video import MOVIE_KINDS, STILL_KINDS

    try:
        if text and Path(text).exists():
            return True
        return " " not in text and Path(text).suffix.lower() in (*MOVIE_KINDS, *STILL_KINDS)
    except OSError:  # a prompt that is too long for a name
        return False


def recorded_prompt(path: Path) -> str | None:
    """The prompt that a file was made with, if it was made here."""
    from .video import read_metadata

    metadata = read_metadata(path)
    settings = metadata.get("settings") or metadata.get("options")
    prompt = settings.get("prompt") if isinstance(settings, dict) else None
    return prompt if isinstance(prompt, str) else None


def tell_of_sound(paths: Sequence[Path]) -> None:
    from .video import has_sound

    for path in paths:
        if has_sound(path):
            note(f"{path} has sound, which is dropped")


def describe(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Names and contents of the files that something was made from."""
    from .request import file_sha256

    return [{"file": str(path), **({"sha256": file_sha256(path)} if path.is_file() else {})} for path in paths]


def describe_model(system: "System") -> dict[str, str]:
    from . import __version__

    return {"program": f"vitascope {__version__}", "model": system.config.name, "model_version": system.config.version}

