"""An order → a video, by the system and through the gate: the worker's one function, `Production`.

What the order says becomes a condition of tasks.py or a plan of edits.py at the size that the model makes; the frames
are enlarged to the size that was asked for; frames of a user's own clip are put back as they were given. Judging,
reviewing, marking and signing is all produce.py's. Previews are reviewed as finished frames are, before anyone sees
them.
"""

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load, save
from torch import Tensor, nn

from .. import edits
from ..generate import decode, generate_frames
from ..models.autoencoder import FRAMES
from ..models.transformer import Packed, unpatchify
from ..models.upsampler import SCALE
from ..produce import Asked, Gate, describe_model, open_gate, produce
from ..produce import Refused as RefusedByGate
from ..provenance.credentials import Source
from ..safety.frames import review
from ..system import System
from ..tasks import Condition, change_prompts, image_to_video, loop, text_to_video
from ..video import Video, cover, cover_frame, read_image, read_video, to_unit
from .orders import Order
from .pictures import encode
from .worker import Journal, Refused

PREVIEW_PAUSE = 2.0  # seconds between two previews, which cost a decoding and a review each
PARENTS = ("video", "other")  # roles of inputs that are changed or continued; the others only guide


def open_production(model: Path | None = None) -> "Production":
    """Load a system (None: the bundled one) and open the gate of this installation. ValueError for what is missing."""
    system = System.load(model)
    gate, _ = open_gate(describe_model(system))
    return Production(system, gate)


class Production:
    """Makes videos with one system behind one gate; see `worker.Produce`."""

    def __init__(self, system: System, gate: Gate) -> None:
        self.system, self.gate = system, gate
        self.system.text  # loaded now, for all copies of the system

    def __call__(
        self,
        order: Order,
        *,
        inputs: dict[str, Path],
        out: Path,
        journal: Journal,
        progress: Callable[[int, int], None],
        preview: Callable[[bytes], None],
    ) -> None:
        sources = tuple(
            Source(path, "parentOf" if role in PARENTS else "inputTo")
            for role, path in inputs.items()
            if role != "mask"
        )
        settings = {name: value for name, value in order.as_json().items() if name not in ("inputs", "follow_input")}
        asked = Asked(
            texts=(order.prompt, *(card["prompt"] for card in order.storyboard)),
            negative=(order.negative,) if order.negative else (),
            settings=settings,
            task=order.task,
            sources=sources,
            metadata={**settings, "model": self.gate.model.name, "model_version": self.gate.model.version},
        )
        watcher = Previews(self.system, self.gate, preview)
        system = copy.copy(self.system)
        system.transformer = Recorded(self.system.transformer, journal, watcher.see)
        try:
            produce(asked, lambda: film(system, order, inputs, progress), out=out, gate=self.gate)
        except RefusedByGate as refusal:
            raise Refused(str(refusal)) from refusal


# ------------------------------------------------------------------------------------------------ going on where it was


class Recorded(nn.Module):
    """A transformer that writes down all that it computes, and reads instead what an earlier attempt wrote.

    Everything else in sampling is fixed by the seed and costs nothing, so reading the record takes a killed job to
    exactly where it was, whatever the task, the sampler and the window. An entry counts only if its input is the same.
    """

    def __init__(self, transformer: nn.Module, journal: Journal, see: Callable[[Packed, Tensor], None]) -> None:
        super().__init__()
        self.inner, self.journal, self.see, self.number = transformer, journal, see, 0
        self.config = transformer.config

    def forward(self, batch: Packed) -> Tensor:
        """Velocity of every token, (N, C p p)."""
        number, self.number = self.number, self.number + 1
        entry = self.journal.read(number)
        if entry is not None and torch.equal((known := load(entry))["x"], batch.x):
            return known["velocity"]
        velocity = self.inner(batch)
        self.journal.write(number, save({"x": batch.x.contiguous(), "velocity": velocity.contiguous()}))
        self.see(batch, velocity)
        return velocity


class Previews:
    """Shows now and then what the first clip of a batch would be if it were finished, if the gate would let it
    through."""

    def __init__(self, system: System, gate: Gate, show: Callable[[bytes], None]) -> None:
        self.system, self.gate, self.show, self.due = system, gate, show, time.monotonic() + PREVIEW_PAUSE

    def see(self, batch: Packed, velocity: Tensor) -> None:
        """Take the noise away by the velocity (flow.clean), decode the first frame, review it, show it."""
        if time.monotonic() < self.due or not batch.text_lengths[0]:
            return
        clean = batch.x - batch.times[batch.level, None] * velocity
        grid = batch.grids[0]
        latents = unpatchify(clean[: grid.tokens], grid, self.system.transformer.config.patch)
        frame = decode(self.system, latents[:, :1])
        if review(frame, self.gate.policy).allowed:
            self.show(encode(Image.fromarray(frame[0]), "WEBP"))
        self.due = time.monotonic() + PREVIEW_PAUSE


# ------------------------------------------------------------------------------------------------------ order → video


def film(system: System, order: Order, inputs: dict[str, Path], progress: Callable[[int, int], None]) -> Video:
    """What an order asks for, at the size and rate that it asks for."""
    small = system.nearest_size(order.width, order.height)
    frames = (
        create(system, order, inputs, small, progress)
        if order.task == "create"
        else change(system, order, inputs, small, progress)
    )
    return Video(np.stack(list(frames)), order.fps)


def enlarge(frames: Iterable[np.ndarray], width: int, height: int) -> Iterator[np.ndarray]:
    """Frames uint8 (H, W, 3) at the size that was asked for, by Lanczos: where the learned cascade (upscale.py) goes
    in."""
    return (cover_frame(frame, width, height) for frame in frames)


def create(
    system: System, order: Order, inputs: dict[str, Path], small: tuple[int, int], progress: Callable[[int, int], None]
) -> Iterator[np.ndarray]:
    """A new video, shot by shot, each with the first frame or the ring that was asked for."""
    total = max(round(order.seconds * order.fps), 1)
    shots = split_shots(order, total)
    for number, (first, last, cards) in enumerate(shots):
        condition = _condition(system, order, small, last - first, cards)
        if number == 0 and "image" in inputs:
            still = cover(read_image(inputs["image"]), small[0] // SCALE, small[1] // SCALE)
            condition = image_to_video(condition, system.encode(to_unit(still.pixels)))
        made = generate_frames(
            system,
            condition,
            seed=order.seed + number,
            steps=order.steps,
            guidance=order.guidance,
            sampler=order.sampler,
            progress=_share(progress, number, len(shots)),
        )
        shot = enlarge(islice(chain.from_iterable(made), last - first), order.width, order.height)
        if number == 0 and "image" in inputs:
            next(shot)
            yield cover(read_image(inputs["image"]), order.width, order.height).pixels[0]
        yield from shot


def split_shots(order: Order, total: int) -> list[tuple[int, int, list[tuple[int, str]]]]:
    """(first, last, cards) frames of each shot: cards that cut begin a new one. Cards are (frame of the shot,
    prompt)."""
    cards = sorted(order.storyboard, key=lambda card: card["at"])
    starts = [0, *(frame for card in cards if card["cut"] and 0 < (frame := round(card["at"] * order.fps)) < total)]
    shots = []
    for first, last in zip(starts, [*starts[1:], total], strict=True):
        placed = [(round(card["at"] * order.fps), card["prompt"]) for card in cards]
        ruling = [text for frame, text in placed if frame <= first][-1:]  # goes on into this shot
        shots.append(
            (
                first,
                last,
                [(0, text) for text in ruling]
                + [(frame - first, text) for frame, text in placed if first < frame < last],
            )
        )
    return shots


def _condition(
    system: System, order: Order, small: tuple[int, int], frames: int, cards: list[tuple[int, str]]
) -> Condition:
    """The condition of one shot of so many frames, a few more if latents ask for it."""
    condition = text_to_video(
        _styled(order.prompt, order),
        width=small[0] // SCALE,
        height=small[1] // SCALE,
        frames=frames,
        fps=order.fps,
        negative=order.negative,
    )
    if order.loop:
        condition = loop(
            text_to_video(
                condition.prompt,
                width=small[0] // SCALE,
                height=small[1] // SCALE,
                frames=1 + FRAMES * max(-(-frames // FRAMES) - 1, 0),
                fps=order.fps,
                negative=order.negative,
            )
        )
    last = condition.shape[0] - 1
    places = {min(-(-frame // FRAMES), last): _styled(text, order) for frame, text in cards}
    return change_prompts(condition, sorted(places.items())) if places else condition


def change(
    system: System, order: Order, inputs: dict[str, Path], small: tuple[int, int], progress: Callable[[int, int], None]
) -> Iterator[np.ndarray]:
    """A clip extended, connected, or changed; the user's own frames at their own quality."""
    clip = read_video(inputs["video"], fps=order.fps)
    other = read_video(inputs["other"], fps=order.fps) if "other" in inputs else None
    plan, head, tail, trim = _plan(system, order, inputs, clip, other, small)
    made = enlarge(
        edits.make(system, plan, seed=order.seed, steps=order.steps, guidance=order.guidance, progress=progress),
        order.width,
        order.height,
    )
    frames = list(made)
    frames = frames[trim:] if trim >= 0 else frames[:trim]
    for place, frame in enumerate(head):
        frames[place] = cover_frame(frame, order.width, order.height)
    for place, frame in enumerate(tail):
        frames[len(frames) - len(tail) + place] = cover_frame(frame, order.width, order.height)
    return iter(frames)


def _plan(
    system: System, order: Order, inputs: dict[str, Path], clip: Video, other: Video | None, small: tuple[int, int]
) -> tuple[edits.Plan, np.ndarray, np.ndarray, int]:
    """The plan; the user's own frames at the beginning and at the end of the result; frames to drop (from the end if <
    0)."""
    fitted, none = cover(clip, *small), clip.pixels[:0]
    wanted = max(round(order.seconds * order.fps), 1)
    whole = FRAMES * -(-wanted // FRAMES)  # what latents can make
    texts = {"prompt": _styled(order.prompt, order), "negative": order.negative}
    if order.task == "extend" and order.forward:
        return (
            edits.extend_forward(system, fitted, seconds=whole / order.fps, **texts),
            clip.pixels,
            none,
            wanted - whole,
        )
    if order.task == "extend":
        return (
            edits.extend_backward(system, fitted, seconds=whole / order.fps, **texts),
            none,
            clip.pixels,
            1 + whole - wanted,
        )
    if order.task == "connect":
        plan = edits.connect_clips(
            system,
            fitted,
            cover(other, *small),
            seconds=whole / order.fps,
            curve=order.curve,
            second_prompt=texts["prompt"],
            **texts,
        )
        return plan, clip.pixels, other.pixels, 0
    if order.span is not None:
        start, end = order.span
        plan = edits.fill_range(system, fitted, start=start, end=end, **texts)
        first = round(start * clip.fps)
        last = first + FRAMES * -(-(round(end * clip.fps) - first) // FRAMES)
        return plan, clip.pixels[:first], clip.pixels[last:], 0
    if order.loop:
        return edits.loop_clip(system, fitted, seconds=1.0, **texts), clip.pixels, none, 0
    if "mask" in inputs:
        mask = cover(read_image(inputs["mask"]), *small).pixels.max(-1) > 127
        return edits.inpaint_clip(system, fitted, mask, **texts), none, none, 0
    return edits.edit_clip(system, fitted, strength=order.strength, **texts), none, none, 0


def _styled(prompt: str, order: Order) -> str:
    """A prompt with its style preset, in the words that captions use."""
    return f"{prompt}, {order.style}" if order.style else prompt


def _share(progress: Callable[[int, int], None], part: int, parts: int) -> Callable[[int, int], None]:
    """The progress of one of several parts as that of the whole."""
    return lambda step, total: progress(part * total + step, parts * total)
