"""A user's footage → what is to be generated around, between or instead of it.

Each function fits a clip into the Condition of its task and says in a `Plan` which frames and pixels are the user's
own: these are shown as they were given, not as the autoencoder would give them back. Clips have the size of the
system's output. Latents hold four frames each, so whatever borders on something known is counted in fours; a clip's
first frame stands alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

import numpy as np
from einops import reduce
from torch import Tensor

from .footage import Footage
from .generate import paint, prepare
from .models.autoencoder import FRAMES, SIDE
from .models.recall import Seen
from .models.upsampler import SCALE, halve
from .sampling import OVERLAP, Progress
from .seams import join
from .system import System
from .tasks import Condition, connect, edit, extend, image_to_video, infill, inpaint, latent_frames, touched
from .video import Video, to_unit

MOVED = 28  # levels by which a pixel differs from the background where something moves
SMALLEST_SUBJECT = 0.002  # share of the picture that something has to cover to be cut out


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be generated, and the user's own frames around it and within."""
    condition: Condition
    before: np.ndarray | None = None  # uint8 (t, H, W, 3): shown before what is generated
    after: np.ndarray | None = None  # shown after it
    own: np.ndarray | None = None  # uint8 (T, H, W, 3): shown instead of it where `kept` (T, H, W), bool, says so
    kept: np.ndarray | None = None
    filmed: np.ndarray | None = None  # which pixels of `own` a user gave, (T, H, W), bool; None: those that are kept
    frames: int | None = None  # generated frames that are shown; None: all

    @property
    def count(self) -> int:
        """How many frames are shown."""
        made = self.condition.frames if self.frames is None else min(self.frames, self.condition.frames)
        return made + sum(len(given) for given in (self.before, self.after) if given is not None)

    @property
    def footage(self) -> Footage | None:
        """What a user gave."""
        if self.own is None:
            return None
        return Footage(self.own, self.kept if self.filmed is None else self.filmed)

    @property
    def seen(self) -> list[Seen]:
        """The user's own frames that border on what is made."""
        whole = np.zeros(1, bool) if self.kept is None else self.kept.all((1, 2))
        before, after = np.pad(whole, 1, "edge")[:-2], np.pad(whole, 1, "edge")[2:]
        return [Seen(halve(to_unit(self.own[number:][:1]))[:, 0], FRAMES - 1 + number)
                for number in np.flatnonzero(whole & ~(before & after)).tolist()]


def make(system: System, plan: Plan, *, seed: int, steps: int | None = None, guidance: float | None = None,
         sampler: str = "multistep", progress: Progress = lambda step, total: None) -> Iterator[np.ndarray]:
    """The frames uint8 (H, W, 3) of a plan, as they are made; the arguments are those of `generate`."""
    yield from () if plan.before is None else plan.before
    painter = prepare(system, plan.condition, seed=seed, sampler=sampler, footage=plan.footage)
    parts = paint(system, painter, seed=seed, steps=steps, guidance=guidance, sampler=sampler, progress=progress,
                  seen=plan.seen)
    made = chain.from_iterable(parts)
    if plan.own is not None:
        whole = (own if kept.all() else None for own, kept in zip(plan.own, plan.kept))
        layout, textures = painter.layout, system.upsampler.textures
        joined = join(made, whole, layout, textures.covers(layout) if layout and textures else None)
        made = (np.where(kept[..., None], own, frame) for frame, own, kept in zip(joined, plan.own, plan.kept))
    yield from islice(made, plan.frames)
    yield from () if plan.after is None else plan.after


# ---------------------------------------------------------------------------------------------- pixels as known latents

def encode_start(system: System, pixels: np.ndarray) -> Tensor:
    """Latents (C, 1 + k, h, w) of frames uint8 (1 + 4k, H, W, 3) that a clip begins with."""
    return system.encode(halve(to_unit(pixels)))


def encode_later(system: System, pixels: np.ndarray) -> Tensor:
    """Latents (C, k, h, w) of frames (4k, H, W, 3) that stand anywhere else."""
    return encode_start(system, np.concatenate([pixels[:1], pixels]))[:, 1:]


def blank(pixels: np.ndarray, latents: int, *, prompt: str, negative: str, fps: float) -> Condition:
    """A condition for so many latent frames of the size of `pixels` (T, H, W, 3); only the text is known."""
    cell = SCALE * SIDE
    return Condition(prompt, (latents, pixels.shape[1] // cell, pixels.shape[2] // cell), fps, negative)


def groups(seconds: float, fps: float) -> int:
    """Latent frames that last about so long, at least one."""
    return max(round(seconds * fps / FRAMES), 1)


def _fill(pixels: np.ndarray, count: int) -> np.ndarray:
    """Frames (T, H, W, 3), the last one repeated until there are `count`."""
    return np.concatenate([pixels, pixels[-1:].repeat(max(count - len(pixels), 0), 0)])


def _head(pixels: np.ndarray) -> np.ndarray:
    """The last 1 + 4k frames of a clip that what follows is to see."""
    return pixels[len(pixels) - 1 - FRAMES * min((len(pixels) - 1) // FRAMES, OVERLAP - 1):]


def _keep(before: np.ndarray, made: int, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`own` and `kept` of a plan that begins with known frames, makes some and ends with known ones."""
    own = np.concatenate([before, np.zeros((made, *before.shape[1:]), np.uint8), after])
    kept = np.ones(own.shape[:3], bool)
    kept[len(before):len(before) + made] = False
    return own, kept


# -------------------------------------------------------------------------------------------------------------- in time

def animate(system: System, picture: np.ndarray, condition: Condition) -> Plan:
    """A condition that only text rules, begun with a picture uint8 (1, H, W, 3)."""
    own, kept = _keep(picture, condition.frames - 1, picture[:0])
    return Plan(image_to_video(condition, encode_start(system, picture)), own=own, kept=kept)


def extend_forward(system: System, clip: Video, *, prompt: str, seconds: float, negative: str = "") -> Plan:
    """The clip goes on for about `seconds`."""
    head, count = _head(clip.pixels), groups(seconds, clip.fps)
    latents = encode_start(system, head)
    condition = blank(head, latents.shape[1] + count, prompt=prompt, negative=negative, fps=clip.fps)
    own, kept = _keep(head, FRAMES * count, head[:0])
    return Plan(extend(condition, latents), before=clip.pixels[:len(clip) - len(head)], own=own, kept=kept)


def extend_backward(system: System, clip: Video, *, prompt: str, seconds: float, negative: str = "") -> Plan:
    """About `seconds` that lead to the clip."""
    known = min(max(len(clip) // FRAMES, 1), OVERLAP)
    tail = _fill(clip.pixels, FRAMES)[:FRAMES * known]
    latents, made = encode_later(system, tail), system.frames(seconds, clip.fps)
    condition = blank(tail, latent_frames(made) + known, prompt=prompt, negative=negative, fps=clip.fps)
    own, kept = _keep(tail[:0], made, tail)
    return Plan(extend(condition, latents, backward=True), own=own, kept=kept, after=clip.pixels[len(tail):],
                frames=made + min(len(tail), len(clip)))


def fill_between(system: System, first: Video, second: Video, *, count: int, prompt: str, negative: str = "",
                 task: Callable[[Condition, Tensor, Tensor], Condition] = infill) -> Plan:
    """The first clip, `count` latent frames that lead over, the second clip. `task` knows both ends."""
    if first.size != second.size:
        raise ValueError(f"the clips have sizes {first.size} and {second.size}; expected the same")
    head, tail = _head(first.pixels), _fill(second.pixels[:FRAMES], FRAMES)
    before, after = encode_start(system, head), encode_later(system, tail)
    condition = blank(head, before.shape[1] + count + 1, prompt=prompt, negative=negative, fps=first.fps)
    own, kept = _keep(head, FRAMES * count, tail)
    return Plan(task(condition, before, after), before=first.pixels[:len(first) - len(head)], own=own, kept=kept,
                after=second.pixels[FRAMES:], frames=len(head) + FRAMES * count + min(FRAMES, len(second)))


def fill_range(system: System, clip: Video, *, start: float, end: float, prompt: str, negative: str = "") -> Plan:
    """The frames from `start` to `end`, seconds, are made anew, and up to three more so that latents are whole."""
    first = round(start * clip.fps)
    count = -(-(round(end * clip.fps) - first) // FRAMES)
    last = first + FRAMES * count
    if not (0 < first and count > 0 and last < len(clip)):
        raise ValueError(f"range {start:g}-{end:g} does not lie within the clip, which has {clip.seconds:.2f} s; "
                         f"expected frames before it, and after it once it is a multiple of {FRAMES / clip.fps:g} s")
    return fill_between(system, Video(clip.pixels[:first], clip.fps), Video(clip.pixels[last:], clip.fps), count=count,
                        prompt=prompt, negative=negative)


def loop_clip(system: System, clip: Video, *, prompt: str, seconds: float, negative: str = "") -> Plan:
    """The clip, and about `seconds` that lead from its end back to its beginning."""
    plan = fill_between(system, clip, clip, count=groups(seconds, clip.fps), prompt=prompt, negative=negative)
    return replace(plan, after=None, frames=plan.frames - min(FRAMES, len(clip)))


def connect_clips(system: System, first: Video, second: Video, *, seconds: float, prompt: str, second_prompt: str,
                  curve: str = "smooth", negative: str = "") -> Plan:
    """The first clip turns into the second within about `seconds`; the second's prompt takes over along `curve`."""
    return fill_between(system, first, second, count=groups(seconds, first.fps), prompt=prompt, negative=negative,
                        task=partial(connect, prompt=second_prompt, curve=curve))


# ------------------------------------------------------------------------------------------------------------- in place

def edit_clip(system: System, clip: Video, *, prompt: str, strength: float, negative: str = "") -> Plan:
    """The clip changed towards another prompt; its looks stay the more, the lower the strength; its motion stays."""
    pixels = _whole(clip.pixels)
    latents, none = encode_start(system, pixels), np.zeros(pixels.shape[:3], bool)
    condition = blank(pixels, latents.shape[1], prompt=prompt, negative=negative, fps=clip.fps)
    return Plan(edit(condition, latents, strength=strength), own=pixels, kept=none, filmed=~none, frames=len(clip))


def _whole(pixels: np.ndarray) -> np.ndarray:
    """Frames, the last one repeated until there are 1 + 4k."""
    return _fill(pixels, 1 + FRAMES * -(-(len(pixels) - 1) // FRAMES))


def inpaint_clip(system: System, clip: Video, mask: np.ndarray, *, prompt: str, negative: str = "") -> Plan:
    """The pixels of `mask`, bool (T, H, W) or (1, H, W), are made anew."""
    if mask.shape[1:] != clip.pixels.shape[1:3] or len(mask) not in (1, len(clip)):
        raise ValueError(f"the mask has {len(mask)} frames of {mask.shape[2]}x{mask.shape[1]}; expected {len(clip)} "
                         f"or 1 of {clip.size[0]}x{clip.size[1]}")
    if not mask.any():
        raise ValueError("the mask is empty; expected white where the picture is to be made anew")
    pixels = _whole(clip.pixels)
    mask = _fill(np.broadcast_to(mask, clip.pixels.shape[:3]), len(pixels))
    latents = encode_start(system, pixels)
    condition = blank(pixels, latents.shape[1], prompt=prompt, negative=negative, fps=clip.fps)
    small = reduce(mask, "t (h p) (w q) -> t h w", "max", p=SCALE, q=SCALE)
    return Plan(inpaint(condition, latents, touched(small)), own=pixels, kept=~mask, frames=len(clip))


def outpaint_clip(system: System, clip: Video, *, width: int, height: int, prompt: str, negative: str = "") -> Plan:
    """The whole clip, of any size, in the middle of a picture of another aspect ratio, whose rest is made."""
    import cv2  # slow to load, and of no use to other tasks

    columns, rows = fit(clip.size, width, height)
    if (columns, rows) == (width, height):
        raise ValueError(f"the clip fills {width}x{height} already; expected a size of another aspect ratio")
    left, top = (width - columns) // 2, (height - rows) // 2
    inner = clip.pixels if clip.size == (columns, rows) else np.stack(
        [cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA) for frame in clip.pixels])
    around = ((0, 0), (top, height - rows - top), (left, width - columns - left))
    canvas = np.pad(inner, (*around, (0, 0)), mode="edge")
    mask = np.pad(np.zeros((1, rows, columns), bool), around, constant_values=True)
    return inpaint_clip(system, Video(canvas, clip.fps), mask, prompt=prompt, negative=negative)


def fit(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The largest size of the same aspect ratio, about, that has room in another one."""
    scale = min(width / size[0], height / size[1])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def combine_clips(system: System, subject: Video, place: Video, *, prompt: str, strength: float,
                  mask: np.ndarray | None = None, negative: str = "") -> Plan:
    """What moves in one clip, or its `mask` (T or 1, H, W), bool, before the place of another, made into one.

    They are changed by half as much as an edit of that strength would: subject and place are there already.
    """
    if subject.size != place.size:
        raise ValueError(f"the clips have sizes {subject.size} and {place.size}; expected the same")
    cut_out = moving(subject) if mask is None else np.broadcast_to(mask, subject.pixels.shape[:3])
    if cut_out.mean() < SMALLEST_SUBJECT:
        raise ValueError("nothing moves in the first clip; expected a subject that does, or a mask of it")
    behind = _fill(place.pixels, len(subject))[:len(subject)]
    together = np.where(cut_out[..., None], subject.pixels, behind)
    return edit_clip(system, Video(together, subject.fps), prompt=prompt, strength=strength / 2, negative=negative)


def moving(clip: Video) -> np.ndarray:
    """Where a clip differs from what is there most of the time, bool (T, H, W); needs a camera that stands still."""
    import cv2  # slow to load, and of no use to other tasks

    background = np.median(clip.pixels, axis=0)
    different = (np.abs(clip.pixels - background).max(-1) > MOVED).astype(np.uint8)
    side = max(clip.size[1] // 32, 1)
    kernel = np.ones((side, side), np.uint8)
    closed = [cv2.morphologyEx(cv2.medianBlur(one, 3), cv2.MORPH_CLOSE, kernel, iterations=2) for one in different]
    return np.stack(closed) > 0
