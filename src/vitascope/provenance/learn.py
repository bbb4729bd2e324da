"""Train and measure what tells the traces of the bundled models:

    python -m vitascope.provenance.learn --clips FOLDER --photographs FOLDER --out src/vitascope/weights/safety

specimens → statistics → networks → figures on what was held out. Some six minutes of one core. `--clips` are
finished clips, one for each prompt of the scoreboard (NNNN.npy, uint8 (T, H, W, 3)); without them only clips of the
world that were drawn again stand for what the models make. One in four prompts and photographs, and scenes of their
own, are held out; p-values count the scores of those that are not ours, kind by kind.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from ..evaluate.scoreboard import prompts
from ..models.autoencoder import Autoencoder
from ..models.tracer import TRACERS, Tracer
from ..system import System
from ..train.state import storable, write_text
from .specimens import OURS, Specimen, encoded, made, of_photograph, of_world, travelled
from .traces import FRAMES, WEIGHTS, Traces, describe, digest

FIRST_SEED = 9_000_000  # of scenes that nothing else draws
HELD_OUT = 4  # one prompt and one photograph in so many
ENCODINGS = {"none": ("none", 0), "H.264 CRF 23": ("libx264", 23), "H.264 CRF 28": ("libx264", 28),
             "H.265 CRF 28": ("libx265", 28)}


@dataclass(frozen=True)
class Training:
    """How the networks are trained, and on how much."""
    size: str = "bundled"
    scenes: int = 400  # of the world
    again: int = 220  # of them that our models draw again
    held_scenes: int = 240
    held_again: int = 60
    journeys: int = 2  # of every clip of ours on its way
    steps: int = 600
    rate: float = 1e-2  # AdamW, highest
    decay: float = 0.3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Example:
    """What is looked at of a specimen after a journey."""
    kind: str
    group: str
    encoding: str
    statistics: Tensor  # (STATISTICS,)

    @property
    def ours(self) -> bool:
        return self.kind in OURS


@dataclass(frozen=True)
class Reading:
    """The score of something held out."""
    kind: str
    encoding: str
    score: float


Journey = tuple[str, Callable[[np.ndarray], np.ndarray]]
"""What happens to a clip on its way, and its name."""


# Specimens


def describe_all(specimens: Iterable[Specimen], journeys: Iterable[Journey], autoencoder: Autoencoder) -> list[Example]:
    """Every specimen as it comes back from every journey."""
    return [Example(each.kind, each.group, name, describe(back(each.frames), autoencoder))
            for each in specimens for name, back in journeys]


def gather(config: Training, system: System, clips: Path | None,
           photographs: Path | None) -> tuple[list[Example], list[Example]]:
    """What is learnt from, after journeys at random, and what is held out, in every encoding."""
    draw = np.random.default_rng(config.seed)
    journey: Journey = ("", lambda frames: travelled(frames, draw))
    encodings: list[Journey] = [(name, partial(encoded, codec=codec, crf=crf))
                                for name, (codec, crf) in ENCODINGS.items()]
    learnt, held = [], []

    def add(specimens: Iterable[Specimen], *, hold: bool, number: int | None = None) -> None:
        """A held out scene of the world, of which there are many, is read in one encoding, by its `number`."""
        for each in specimens:
            if hold:
                some = encodings if each.ours or number is None else [encodings[number % len(encodings)]]
                held.extend(describe_all([each], some, system.autoencoder))
            else:
                copies = config.journeys if each.ours else 1
                learnt.extend(describe_all([each], [journey] * copies, system.autoencoder))

    for number, prompt in enumerate(prompts(len(list(clips.glob("*.npy")))) if clips else ()):
        hold = number % HELD_OUT == 0
        starts = [0] if hold else [0, *draw.integers(1, prompt.scene.frames - FRAMES + 1, 2).tolist()]
        add(made(clips, number, prompt.scene, starts, system), hold=hold)
    for number in range(config.scenes + config.held_scenes):
        hold = number >= config.scenes
        again = number - config.scenes < config.held_again if hold else number < config.again
        add(of_world(FIRST_SEED + number, system, again=again), hold=hold, number=number)
    for number, path in enumerate(sorted(photographs.iterdir()) if photographs else ()):
        add(of_photograph(path), hold=number % HELD_OUT == 0)
    return learnt, held


# Training


def train(examples: list[Example], config: Training) -> Tracer:
    """Networks that differ by what they begin with and what is dropped; every kind of a side weighs the same."""
    torch.manual_seed(config.seed)
    x, ours = torch.stack([each.statistics for each in examples]), torch.tensor([each.ours for each in examples])
    kinds = Counter(each.kind for each in examples)
    sides = Counter(kind in OURS for kind in kinds)
    weight = torch.tensor([1 / kinds[each.kind] / sides[each.ours] for each in examples])
    weight, target = weight / weight.mean(), ours.float()
    model = Tracer(TRACERS[config.size]).train()
    model.mean, model.deviation = x.mean(0), x.std(0) + 1e-6
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / config.steps)
    for _ in range(config.steps):
        odds = model(x)                                                    # (members, N)
        loss = F.binary_cross_entropy_with_logits(odds, target.expand_as(odds), weight.expand_as(odds))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


def save(folder: Path, traces: Traces, size: str) -> None:
    """traces.safetensors (in float16) and traces.json."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = traces.tracer.state_dict()
    save_file({name: storable(tensor.half() if tensor.is_floating_point() else tensor)
               for name, tensor in weights.items()}, folder / "traces.safetensors")
    document = {"size": size, "models": traces.models, "others": traces.others}
    write_text(folder / "traces.json", json.dumps(document) + "\n")


# Figures


def read(tracer: Tracer, held: list[Example]) -> list[Reading]:
    """The scores of what was held out."""
    scores = tracer(torch.stack([each.statistics for each in held])).mean(0)
    return [Reading(each.kind, each.encoding, score) for each, score in zip(held, scores.tolist(), strict=True)]


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a positive scores above a negative (Mann and Whitney)."""
    below, beside = (np.searchsorted(np.sort(negative), positive, side) for side in ("left", "right"))
    return float((below + beside).mean() / 2 / len(negative))


def tables(readings: list[Reading]) -> Iterator[str]:
    """AUC by encoding and kind, and what is found where at most 1 % of every other kind score higher."""
    kind, encoding, score = (np.array(column) for column in zip(*((r.kind, r.encoding, r.score) for r in readings),
                                                                strict=True))
    ours = np.isin(kind, OURS)
    kinds, others = [name for name in OURS if name in kind], list(dict.fromkeys(kind[~ours]))
    threshold = max(np.quantile(score[kind == other], 0.99, method="higher") for other in others)
    yield f"{len(readings)} readings, {ours.sum()} of ours\n"
    yield f"| encoding | {' | '.join(f'AUC: {name} | found' for name in kinds)} |\n|---{'|---' * 2 * len(kinds)}|"
    for name in ENCODINGS:
        here = encoding == name
        cells = (f"{auc(score[here & (kind == each)], score[here & ~ours]):.4f} | "
                 f"{np.mean(score[here & (kind == each)] > threshold):.0%}" for each in kinds)
        yield f"| {name} | {' | '.join(cells)} |"
    yield f"\n| against, all encodings | {' | '.join(f'AUC: {name}' for name in kinds)} | false alarms |"
    yield f"|---{'|---' * len(kinds)}|---|"
    for other in others:
        against = score[kind == other]
        cells = (f"{auc(score[kind == each], against):.4f}" for each in kinds)
        yield f"| {other} | {' | '.join(cells)} | {(against > threshold).sum()} of {len(against)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", type=Path, help="folder of the models; the bundled ones without it")
    parser.add_argument("--clips", type=Path, help="folder of finished clips, by the number of their prompts")
    parser.add_argument("--photographs", type=Path, help="folder of pictures")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the network")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    config = Training()
    system = System.load(options.system)
    learnt, held = gather(config, system, options.clips, options.photographs)
    print(f"{len(learnt)} readings to learn from, {len(held)} held out\n")
    tracer = train(learnt, config)
    readings = read(tracer, held)
    print("\n".join(tables(readings)))
    others = {kind: sorted(round(each.score, 3) for each in readings if each.kind == kind)
              for kind in dict.fromkeys(each.kind for each in readings) if kind not in OURS}
    save(options.out, Traces(digest(options.system), others, tracer, system.autoencoder), config.size)


if __name__ == "__main__":
    main()
