"""Train the reader on world clips: the picture reader on single frames, then the track reader on what that one finds.

In goes nothing but seeds: labelled clips are rendered once into the run folder (see labels.py). Out come
`weights.safetensors` and `config.json` for `Reader.load`. Never sees what a model has generated. The bundled reader:
`python -m vitascope.train.reader DIRECTORY`, which goes on from the one bundled before.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..evaluate.damage import random_damage
from ..evaluate.reader import STRIDE, PictureReader, Reader, ReaderConfig, Sight, TrackReader
from ..evaluate.tracks import UNIT_SIZE, Observation, all_features, mirror, observe_small, to_pictures
from ..precision import fast_precision
from .labels import ACTORS, CONFIG, FIRST_SEED, PROPS, Chunk, Truth, load_chunk
from .state import Average, Log, check_config, load_checkpoint, save_checkpoint, save_weights, step_generator

LEAST_VISIBLE = 0.3  # a subject that shows less is neither asked for nor forbidden
PAINT = len(CONFIG.subjects) + PROPS.index("paint")  # its map among the heat


@dataclass(frozen=True)
class ReaderTraining:
    """One training run; it determines the result."""
    model: ReaderConfig = CONFIG
    chunks: int = 36  # files of clips, with the vocabularies of MIXTURE in turn
    clips: int = 192  # in a chunk
    steps: int = 3000  # of the picture reader
    batch: int = 48  # frames
    learning_rate: float = 1e-3  # AdamW, highest
    track_chunks: int = 48  # of others, that are read by the picture reader to train the track reader
    track_steps: int = 6000
    track_batch: int = 64  # clips
    track_rate: float = 7e-4
    average_decay: float = 0.998
    save_every: int = 50  # steps
    seed: int = 0


# -------------------------------------------------------------------------------------------------- the picture reader

@dataclass(frozen=True)
class Target:
    """What the picture reader should say of B pictures; h and w count cells."""
    heat: Tensor  # (B, kinds, h, w) from 0 to 1
    counts: Tensor  # (B, kinds, 1, 1): 0 where a thing shows too little to be asked for
    near: Tensor  # (B, h, w): how much a cell is responsible for the thing that it belongs to
    geometry: Tensor  # (B, 6, h, w)
    colour: Tensor  # (B, h, w) index, -1: not asked
    bites: Tensor  # (B, h, w) index
    paint: Tensor  # (B, h, w) 1 or 0, -1: not asked
    settings: Tensor  # (B, questions)


def draw_target(truth: Truth, clips: np.ndarray, times: np.ndarray, grid: tuple[int, int], aspect: float) -> Target:
    """Targets of frames `times` of `clips`, both (B,)."""
    h, w = grid
    B, kinds = len(clips), len(CONFIG.subjects) + len(PROPS)
    heat, counts = np.zeros((B, kinds, h, w), np.float32), np.ones((B, kinds, 1, 1), np.float32)
    near, geometry = np.zeros((B, h, w), np.float32), np.zeros((B, 6, h, w), np.float32)
    colour, bites = np.full((B, h, w), -1), np.zeros((B, h, w), int)
    rows, columns = np.arange(h)[:, None] + 0.5, np.arange(w)[None] + 0.5
    for b, (n, t) in enumerate(zip(clips, times)):
        for k in np.flatnonzero(truth.kind[n, t] >= 0):
            kind, visible = truth.kind[n, t, k], truth.visible[n, t, k]
            if visible < LEAST_VISIBLE:
                counts[b, kind] = counts[b, kind] if visible < 0.02 else 0
                continue
            x, y, size = truth.x[n, t, k] / aspect * w, truth.y[n, t, k] * h, truth.size[n, t, k] * h  # cells
            i, j = int(np.clip(y, 0, h - 1)), int(np.clip(x, 0, w - 1))
            blob = np.exp(-((rows - i - 0.5) ** 2 + (columns - j - 0.5) ** 2) / (2 * max(0.17 * size, 0.5) ** 2))
            heat[b, kind] = np.maximum(heat[b, kind], blob)
            if k >= ACTORS:
                continue
            mine = blob > np.maximum(near[b], 0.3)
            turn = np.radians(truth.angle[n, t, k])
            values = (x - columns + 0 * rows, y - rows + 0 * columns, np.log(truth.size[n, t, k] / UNIT_SIZE),
                      np.sin(turn), np.cos(turn), visible)
            for channel, value in enumerate(values):
                geometry[b, channel][mine] = value[mine] if np.ndim(value) else value
            near[b][mine] = blob[mine]
            colour[b][mine], bites[b][mine] = truth.colour[n, t, k], truth.bites[n, t, k]
    geometry[:, :2] = geometry[:, :2].clip(-4, 4)
    counts[:, PAINT] = 0  # is no thing with a centre
    arrays = heat, counts, near, geometry, colour, bites, truth.paint[clips, times], truth.settings[clips]
    return Target(*map(torch.from_numpy, arrays))


def focal_loss(logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """Penalty-reduced focal loss of centre heat maps (Law & Deng 2018, equation 1), per centre."""
    p = logits.sigmoid()
    centre = (target == 1).float()
    at, around = (1 - p) ** 2 * F.logsigmoid(logits), (1 - target) ** 4 * p**2 * F.logsigmoid(-logits)
    return -(counts * (centre * at + (1 - centre) * around)).sum() / centre.sum().clamp(min=1)


def picture_losses(sight: Sight, target: Target) -> dict[str, Tensor]:
    """All losses of the picture reader, weighted."""
    near = target.near / target.near.sum().clamp(min=1)
    geometry = sight.geometry.float()
    apart = (geometry[:, :5] - target.geometry[:, :5]).abs()
    turned = (target.geometry[:, 4] < 0.98).float()  # most are upright, and it must not pay to say so always
    losses = {
        "heat": focal_loss(sight.heat.float(), target.heat, target.counts),
        "centre": (near * apart[:, :2].sum(1)).sum(),
        "size": (near * apart[:, 2]).sum(),
        "turn": (near * (1 + 3 * turned) * apart[:, 3:].square().sum(1)).sum(),
        "visible": 0.3 * (near * F.binary_cross_entropy_with_logits(geometry[:, 5], target.geometry[:, 5],
                                                                    reduction="none")).sum(),
        "bites": 0.3 * (near * (1 + 4 * (target.bites > 0))
                        * F.cross_entropy(sight.bites.float(), target.bites, reduction="none")).sum(),
    }
    painted = target.paint.float()
    paint = F.binary_cross_entropy_with_logits(sight.heat[:, PAINT].float(), painted.clamp(min=0), reduction="none")
    losses["paint"] = 10 * (paint * (painted >= 0) * (1 + 9 * painted.clamp(min=0))).mean()
    asked = target.colour >= 0
    colours = F.cross_entropy(sight.colour.float(), target.colour.clamp(min=0), reduction="none")
    losses["colour"] = 0.5 * (target.near * asked * colours).sum() / (target.near * asked).sum().clamp(min=1)
    for index, (name, logits) in enumerate(sight.settings.items()):
        losses[name] = 0.3 * F.cross_entropy(logits.float(), target.settings[:, index])
    return losses


def draw_pictures(chunks: list[Chunk], config: ReaderTraining, rng: np.random.Generator) -> tuple[Tensor, Target]:
    """A batch of damaged frames, all from one chunk, and their targets."""
    chunk = chunks[rng.integers(len(chunks))]
    N, T, H, W = chunk.frames.shape[:4]
    clips, times = rng.integers(N, size=config.batch), rng.integers(T, size=config.batch)
    frames = np.concatenate([random_damage(chunk.frames[n, t][None], rng) for n, t in zip(clips, times)])
    return to_pictures(frames), draw_target(chunk.truth, clips, times, (H // STRIDE, W // STRIDE), chunk.aspect)


def schedule(step: int, steps: int) -> float:
    """Share of the highest learning rate: a short rise, then a cosine down to nothing."""
    return min((step + 1) / 50, 1.0) * 0.5 * (1 + np.cos(np.pi * step / steps))


def train_pictures(config: ReaderTraining, directory: Path, start: Reader | None = None) -> dict[str, Tensor]:
    """Train, or go on with, the picture reader, from the weights of `start` if given; its averaged weights."""
    torch.manual_seed(config.seed)
    model = PictureReader(config.model)
    if start is not None:
        model.load_state_dict(start.pictures.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.02)
    average = Average(model, decay=config.average_decay)
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    if first >= config.steps:
        return average.tensors
    chunks = [load_chunk(directory.parent / "clips", number, config.clips) for number in range(config.chunks)]
    log = Log(directory, first_step=first, steps=config.steps)
    for step in range(first, config.steps):
        pictures, target = draw_pictures(chunks, config, step_generator(config.seed, step))
        with fast_precision():
            sight = model(pictures)
        losses = picture_losses(sight, target)
        _descend(optimizer, sum(losses.values()), config.learning_rate * schedule(step, config.steps))
        average.update(model, step + 1)
        if (step + 1) % 50 == 0:
            log.write(step + 1, {name: loss.item() for name, loss in losses.items()})
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            save_checkpoint(directory, step + 1, model=model, average=average, optimizer=optimizer)
    log.close()
    return average.tensors


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """One step of the optimiser."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 2.0)
    optimizer.step()


# ---------------------------------------------------------------------------------------------------- the track reader

@dataclass(frozen=True)
class Example:
    """One clip as the track reader is given it: n tracks, and what they are."""
    features: Tensor  # (n, FEATURES, T)
    actions: Tensor  # (n, 2), -1: the track is no subject, or it is not known which
    presence: Tensor  # (n,) 1 or 0
    camera: int


def match(seen: Observation, truth: Truth) -> list[int]:
    """Which actor each track is, -1 for none: the nearest one on average, at most one track each. `truth` has N = 1."""
    actors = np.flatnonzero(truth.kind[0, 0, :ACTORS] >= 0)
    pairs = []
    for index, track in enumerate(seen.tracks):
        for a in actors:
            asked = track.present & (truth.visible[0, :, a] > 0.1)
            if asked.any():
                distance = np.hypot(track.x - truth.x[0, :, a], track.y - truth.y[0, :, a]) / truth.size[0, :, a]
                pairs.append((float(np.median(distance[asked])) + 0.02 * (~track.present).sum(), index, int(a)))
    owners = [-1] * len(seen.tracks)
    for distance, index, a in sorted(pairs):
        if distance < 0.6 and owners[index] < 0 and a not in owners:
            owners[index] = a
    return owners


def swapped(names: tuple[str, ...]) -> Tensor:
    """The index of each name in a mirror: right for left and left for right."""
    turned = [name.replace("right", "left") if "right" in name else name.replace("left", "right") for name in names]
    return torch.tensor([names.index(name) for name in turned])


MIRRORED_ACTIONS, MIRRORED_CAMERAS = swapped(CONFIG.actions), swapped(CONFIG.cameras)


def observe_clip(reader: PictureReader, chunk: Chunk, n: int, rng: np.random.Generator) -> list[Example]:
    """Clip n, damaged, as it is and in a mirror."""
    truth = chunk.truth[n:n + 1]
    with fast_precision():
        seen = observe_small(reader, random_damage(chunk.frames[n], rng), chunk.aspect)
    if not seen.tracks:
        return []
    owners = torch.tensor(match(seen, truth))
    actions = torch.where(owners[:, None] >= 0, torch.from_numpy(truth.actions[0])[owners.clamp(min=0)], -1)
    camera, presence = int(truth.camera[0]), (owners >= 0).float()
    mirrored = torch.where(actions >= 0, MIRRORED_ACTIONS[actions.clamp(min=0)], -1)
    return [Example(all_features(seen), actions, presence, camera),
            Example(all_features(mirror(seen)), mirrored, presence, int(MIRRORED_CAMERAS[camera]))]


def load_examples(reader: PictureReader, directory: Path, number: int, config: ReaderTraining,
                  first_seed: int = FIRST_SEED) -> list[Example]:
    """What the picture reader sees in the clips of a chunk; kept in a file, as it takes a while."""
    path = directory / f"seen-{first_seed}-{number:04d}-{config.clips}.pt"
    if not path.exists():
        chunk = load_chunk(directory.parent / "clips", number, config.clips, first_seed)
        rng = np.random.default_rng([first_seed, number, 5])
        examples = [example for n in range(config.clips) for example in observe_clip(reader, chunk, n, rng)]
        partial = path.with_name(f".{path.name}.partial")
        torch.save([vars(example) for example in examples], partial)
        os.replace(partial, path)
    return [Example(**example) for example in torch.load(path)]


def draw_tracks(groups: list[list[Example]], config: ReaderTraining, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """A batch of tracks of equal length, a little shaken: features, actions, presence, camera."""
    group = groups[rng.integers(len(groups))]
    chosen = [group[n] for n in rng.integers(len(group), size=config.track_batch)]
    x = torch.cat([example.features for example in chosen])
    x = x + 0.02 * rng.random() * torch.from_numpy(rng.standard_normal(x.shape, np.float32))
    camera = torch.cat([torch.full((len(example.presence),), example.camera) for example in chosen])
    actions, presence = (torch.cat([getattr(one, name) for one in chosen]) for name in ("actions", "presence"))
    return x, actions, presence, camera


def track_losses(answers: tuple[Tensor, ...], actions: Tensor, presence: Tensor, camera: Tensor) -> dict[str, Tensor]:
    """All losses of the track reader; an action of -1 is not asked for."""
    first, last, present, moves = answers
    return {"first": F.cross_entropy(first, actions[:, 0], ignore_index=-1, label_smoothing=0.01),
            "last": F.cross_entropy(last, actions[:, 1], ignore_index=-1, label_smoothing=0.01),
            "presence": F.binary_cross_entropy_with_logits(present, presence),
            "camera": F.cross_entropy(moves, camera, label_smoothing=0.01)}


def train_tracks(config: ReaderTraining, directory: Path, pictures: PictureReader,
                 start: Reader | None = None) -> dict[str, Tensor]:
    """Train, or go on with, the track reader, from the weights of `start` if given; its averaged weights."""
    torch.manual_seed(config.seed)
    model = TrackReader(config.model)
    if start is not None:
        model.load_state_dict(start.tracks.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.track_rate, betas=(0.9, 0.98), weight_decay=0.05)
    average = Average(model, decay=config.average_decay)
    directory.mkdir(parents=True, exist_ok=True)
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    numbers = range(config.chunks, config.chunks + config.track_chunks)  # clips that are as new to it as later ones
    groups = [load_examples(pictures, directory, number, config) for number in numbers]
    log = Log(directory, first_step=first, steps=config.track_steps)
    for step in range(first, config.track_steps):
        x, *labels = draw_tracks(groups, config, step_generator(config.seed + 1, step))
        losses = track_losses(model(x), *labels)
        _descend(optimizer, sum(losses.values()), config.track_rate * schedule(step, config.track_steps))
        average.update(model, step + 1)
        if (step + 1) % 200 == 0:
            log.write(step + 1, {name: loss.item() for name, loss in losses.items()})
        if (step + 1) % 500 == 0 or step + 1 == config.track_steps:
            save_checkpoint(directory, step + 1, model=model, average=average, optimizer=optimizer)
    log.close()
    return average.tensors


def train(config: ReaderTraining, directory: Path, start: Reader | None = None) -> Reader:
    """Train both, or go on where a run in `directory` was killed; the finished reader, also saved there."""
    check_config(directory, config)
    reader = Reader(config.model)
    reader.pictures.load_state_dict(train_pictures(config, directory / "pictures", start))
    reader.pictures.eval().requires_grad_(False)
    reader.tracks.load_state_dict(train_tracks(config, directory / "tracks", reader.pictures, start))
    save_weights(directory, reader.state_dict(), config.model, half=True)
    return reader.eval().requires_grad_(False)


if __name__ == "__main__":
    train(ReaderTraining(), Path(sys.argv[1]), Reader.load())
