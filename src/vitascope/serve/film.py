"""An order → its frames: a plan of storyboard.py or edits.py at the size that the model makes, painted, enlarged to the
size that was asked for (upscale.py), and the user's own frames and pixels put back as they were given.

Knows no gate and no worker.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from .. import edits
from ..models.autoencoder import FRAMES
from ..models.upsampler import SCALE
from ..presets import with_presets
from ..sampling import Progress
from ..storyboard import Card, Shot, place, plan_shot
from ..system import System
from ..tasks import change_prompts, know, loop, text_to_video
from ..upscale import upscale
from ..video import Stream, Video, cover, cover_frame, read_image, read_video, write_video
from .order import Order


def film(system: System, order: Order, inputs: dict[str, Path], progress: Progress) -> Stream:
    """What an order asks for, at the size and rate that it asks for, frame by frame as it is made."""
    if order.task == "create":
        return Stream(create(system, order, inputs, progress), count_frames(order), order.fps)
    return change(system, order, inputs, progress)


def count_frames(order: Order) -> int:
    """Frames that last as long as what is to be made."""
    return max(round(order.seconds * order.fps), 1)


def say(order: Order, text: str) -> str:
    """A text in the words that the model was taught, with the presets."""
    return with_presets(text, style=order.style, camera=order.camera)


def create(system: System, order: Order, inputs: dict[str, Path], progress: Progress) -> Iterator[np.ndarray]:
    """A new video, shot by shot; what cards show as it is, at its own quality."""
    small = system.nearest_size(order.width, order.height)
    cards = [*order.storyboard]
    if "image" in inputs:
        cards.insert(0, {"prompt": "", "at": 0.0, "cut": False, "shows": "image", "range": None})
    shots = split_shots(order, cards)
    for number, (first, last, placed) in enumerate(shots):
        with tempfile.TemporaryDirectory() as scratch:
            shown = {card["shows"]: read_shown(card, inputs, order) for _, card in placed if card["shows"]}
            read = plan_ring if order.loop else plan_cards
            plan, own = read(system, order, small, last - first, placed, shown, Path(scratch))
        shot = edits.make(
            system,
            replace(plan, frames=last - first),
            seed=order.seed + number,
            steps=order.steps,
            guidance=order.guidance,
            sampler=order.sampler,
            progress=_share(progress, number, len(shots)),
        )
        for frame, pixels in enumerate(upscale(system.upsampler, shot, order.width, order.height)):
            yield own.get(frame, pixels)


Cards = list[tuple[int, dict[str, Any]]]
"""(frame of the shot, card), in the order of time."""


def split_shots(order: Order, cards: list[dict[str, Any]]) -> list[tuple[int, int, Cards]]:
    """(first, last, cards) frames of each shot: cards that cut begin a new one. Of a card of an earlier shot only the
    words go on."""
    total = count_frames(order)
    placed = [(round(card["at"] * order.fps), card) for card in sorted(cards, key=lambda card: card["at"])]
    starts = [0, *dict.fromkeys(frame for frame, card in placed if card["cut"] and 0 < frame < total)]
    shots = []
    for first, last in zip(starts, [*starts[1:], total], strict=True):
        own = [(frame - first, card) for frame, card in placed if first <= frame < last]
        said = [] if any(frame == 0 and card["prompt"] for frame, card in own) else placed
        ruling = [(0, {**card, "shows": None}) for frame, card in said if frame < first and card["prompt"]][-1:]
        shots.append((first, last, ruling + own))
    return shots


def read_shown(card: dict[str, Any], inputs: dict[str, Path], order: Order) -> Video:
    """The picture, or the part of a clip, that a card shows, at the size of the result."""
    path = inputs[card["shows"]]
    if not card["shows"].startswith("clip-"):
        return cover(read_image(path), order.width, order.height)
    first, last = (round(seconds * order.fps) for seconds in card["range"] or (0.0, order.seconds))
    clip = read_video(path, fps=order.fps, seconds=max(last, 1) / order.fps)
    if first >= len(clip):
        raise ValueError(f"the range begins at {card['range'][0]:g} s; expected less than the video's {clip.seconds:g}")
    return cover(Video(clip.pixels[first:last], order.fps), order.width, order.height)


def plan_cards(
    system: System,
    order: Order,
    small: tuple[int, int],
    frames: int,
    cards: Cards,
    shown: dict[str, Video],
    scratch: Path,
) -> tuple[edits.Plan, dict[int, np.ndarray]]:
    """The plan of a shot, and the frames of the result that are shown as they were given, by number."""
    board, own = [], {}
    for frame, card in cards:
        text = say(order, ", ".join(filter(None, (card["prompt"], order.expanded or order.prompt))))
        entry = Card(frame / order.fps, text if card["prompt"] else "")
        if card["shows"]:
            still = len(shown[card["shows"]]) == 1
            path = scratch / f"{card['shows']}{'.png' if still else '.webp'}"
            write_video(cover(shown[card["shows"]], *small), path)
            entry = replace(entry, image=path) if still else replace(entry, video=path)
        board.append(entry)
    common = order.expanded or order.prompt or next(card["prompt"] for _, card in cards if card["prompt"])
    shot = Shot(frames / order.fps, say(order, common), tuple(board))
    plan = plan_shot(system, shot, *small, fps=order.fps, negative=order.negative)
    kept = plan.kept[:frames].all((1, 2))
    for entry, (_, card) in zip(board, cards, strict=True):
        start = max(FRAMES * (place(entry.at, order.fps) - 1) + 1, 0)
        pixels = shown[card["shows"]].pixels if card["shows"] else []
        own |= {start + k: frame for k, frame in enumerate(pixels) if start + k < frames and kept[start + k]}
    return plan, own


def plan_ring(
    system: System,
    order: Order,
    small: tuple[int, int],
    frames: int,
    cards: Cards,
    shown: dict[str, Video],
    scratch: Path,
) -> tuple[edits.Plan, dict[int, np.ndarray]]:
    """As `plan_cards`, of a clip without end: of pictures it may have only the one that it begins with."""
    last = max(-(-frames // FRAMES) - 1, 0)
    condition = loop(
        text_to_video(
            say(order, order.expanded or order.prompt or cards[0][1]["prompt"]),
            width=small[0] // SCALE,
            height=small[1] // SCALE,
            frames=1 + FRAMES * last,
            fps=order.fps,
            negative=order.negative,
        )
    )
    common = order.expanded or order.prompt
    texts = {
        min(-(-frame // FRAMES), last): say(order, ", ".join(filter(None, (card["prompt"], common))))
        for frame, card in cards
        if card["prompt"]
    }
    condition = change_prompts(condition, sorted(texts.items())) if texts else condition
    if "image" not in shown:
        return edits.Plan(condition), {}
    still = cover(shown["image"], *small).pixels.repeat(FRAMES, 0)
    return edits.Plan(know(condition, edits.encode_later(system, still), slice(0, 1))), {0: shown["image"].pixels[0]}


def change(system: System, order: Order, inputs: dict[str, Path], progress: Progress) -> Stream:
    """A clip extended, connected, or changed; the user's own frames and pixels at their own quality."""
    clip = read_video(inputs["video"], fps=order.fps)
    other = read_video(inputs["other"], fps=order.fps) if "other" in inputs else None
    plan, head, tail, trim = plan_change(system, order, inputs, clip, other)
    before, after = (0 if part is None else len(part) for part in (plan.before, plan.after))
    shown = range(before + (len(plan.own) if plan.frames is None else plan.frames) + after)
    shown = shown[trim:] if trim >= 0 else shown[:trim]
    made = edits.make(
        system,
        replace(plan, before=None, after=None),  # own frames need not be enlarged
        seed=order.seed,
        steps=order.steps,
        guidance=order.guidance,
        sampler=order.sampler,
        progress=progress,
    )
    large = upscale(system.upsampler, made, order.width, order.height)
    frames = islice(chain(repeat(None, before), large, repeat(None, after)), shown.start, shown.stop)
    own = [*head, *repeat(None, len(shown) - len(head) - len(tail)), *tail]
    pairs = zip(own, frames, strict=True)
    frames = (frame if given is None else cover_frame(given, order.width, order.height) for given, frame in pairs)
    if order.task == "outpaint":
        frames = map(place_inside, clip.pixels, frames)
    if order.task == "edit" and "mask" in inputs and order.span is None and not order.loop:
        mask = read_mask(inputs["mask"], order.width, order.height)[0, ..., None]
        given = (cover_frame(frame, order.width, order.height) for frame in clip.pixels)
        frames = (np.where(mask, *pair) for pair in zip(frames, given))
    return Stream(frames, len(shown), order.fps)


def plan_change(
    system: System, order: Order, inputs: dict[str, Path], clip: Video, other: Video | None
) -> tuple[edits.Plan, np.ndarray, np.ndarray, int]:
    """The plan; the user's own frames at the beginning and at the end of the result; frames to drop (from the end if <
    0)."""
    small = system.nearest_size(order.width, order.height)
    fitted, none = cover(clip, *small), clip.pixels[:0]
    wanted = count_frames(order)
    whole = FRAMES * -(-wanted // FRAMES)  # what latents can make
    texts = {"prompt": say(order, order.expanded or order.prompt), "negative": order.negative}
    mask = read_mask(inputs["mask"], *small) if "mask" in inputs else None
    match order.task:
        case "extend" if order.forward:
            plan = edits.extend_forward(system, fitted, seconds=whole / order.fps, **texts)
            return plan, clip.pixels, none, wanted - whole
        case "extend":
            plan = edits.extend_backward(system, fitted, seconds=whole / order.fps, **texts)
            return plan, none, clip.pixels, 1 + whole - wanted
        case "connect":
            then = say(order, order.then or order.prompt)
            plan = edits.connect_clips(
                system,
                fitted,
                cover(other, *small),
                seconds=whole / order.fps,
                curve=order.curve,
                second_prompt=then,
                **texts,
            )
            return plan, clip.pixels, other.pixels, 0
        case "outpaint":
            return edits.outpaint_clip(system, clip, width=small[0], height=small[1], **texts), none, none, 0
        case "combine":
            plan = edits.combine_clips(
                system, fitted, cover(other, *small), strength=order.strength, mask=mask, **texts
            )
            return plan, none, none, 0
    if order.span is not None:
        start, end = order.span
        plan = edits.fill_range(system, fitted, start=start, end=end, **texts)
        first = round(start * clip.fps)
        last = first + FRAMES * -(-(round(end * clip.fps) - first) // FRAMES)
        return plan, clip.pixels[:first], clip.pixels[last:], 0
    if order.loop:
        return edits.loop_clip(system, fitted, seconds=order.seconds, **texts), clip.pixels, none, 0
    if mask is not None:
        return edits.inpaint_clip(system, fitted, mask, **texts), none, none, 0
    return edits.edit_clip(system, fitted, strength=order.strength, **texts), none, none, 0


def read_mask(path: Path, width: int, height: int) -> np.ndarray:
    """bool (1, H, W): where a picture is white."""
    return cover(read_image(path), width, height).pixels.max(-1) > 127


def place_inside(own: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """A frame with all of another one in its middle, as large as it can be; see edits.outpaint_clip."""
    height, width = frame.shape[:2]
    scale = min(width / own.shape[1], height / own.shape[0])
    columns, rows = round(own.shape[1] * scale), round(own.shape[0] * scale)
    left, top = (width - columns) // 2, (height - rows) // 2
    placed = frame.copy()
    placed[top : top + rows, left : left + columns] = cover_frame(own, columns, rows)
    return placed


def _share(progress: Progress, part: int, parts: int) -> Progress:
    """The progress of one of several parts as that of the whole."""
    return lambda step, total: progress(part * total + step, parts * total)
