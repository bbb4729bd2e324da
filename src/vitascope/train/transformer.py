"""Train the transformer on shards of latents: data, model, optimiser, loop.

Batches hold clips and images of all sizes, packed; each clip draws a random task and noise level. Beside the velocity,
a hidden layer learns to name which subject is where: the world knows it, and a transformer that has to tell learns
sooner what to draw (after REPA, Yu et al. 2024, with the world's truth in place of a pretrained encoder).
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.shards import Sample, Shards
from ..diffusion.flow import interpolate, loss, sample_times, velocity
from ..foresight import unforeseen
from ..generate import generate
from ..models.autoencoder import Autoencoder
from ..models.transformer import TRANSFORMERS, Noisy, Packed, Transformer, TransformerConfig, pack, patchify
from ..models.upsampler import Upsampler
from ..precision import fast_precision
from ..system import System, SystemConfig
from ..tasks import UNKNOWN, draw_levels, text_to_video
from .assistants import Assistants, Work
from .muon import Muon
from .state import Average, Log, check_config, load_checkpoint, save_checkpoint, save_sheet, step_generator, \
    torch_generator

SUBJECTS = 64  # room for the subjects of a vocabulary, and none
SAMPLE_STEPS = 12
PROMPTS = (  # of every sample sheet; none is drawn from the world's own wordings
    "a red car drives from left to right through the city at sunset",
    "a brown dog jumping in a green meadow",
    "an elephant walks to the left on the beach at night",
    "a penguin standing still in the snowy mountains",
    "a yellow taxi comes towards the camera in the desert",
    "a red balloon rises above the forest",
    "a cat chases a football in the kitchen",
    "a rocket on the moon and the camera pans right",
)
ASSISTANT_SEED = 1000  # added to the seed of a run, for batches of its assistants
REFRESH = 250  # batches after which an assistant looks for new shards
TRUTH_DEPTH = 0.5  # which layer names the subjects, as a share of the depth


@dataclass(frozen=True)
class TrainingConfig:
    size: str = "bundled"
    tokens: int = 2560  # in one step, about
    images: float = 0.35  # share of the tokens that are images
    alone: int = 1500  # steps of images alone before that
    rate: float = 1e-3  # peak learning rate
    warmup: int = 200  # steps
    steps: int = 20_000
    cooldown: float = 0.2  # share of the steps over which the rate falls to zero
    decay: float = 0.999  # of the moving average
    unconditional: float = 0.1  # share of samples without text and layout
    unplanned: float = 0.2  # share of the others without layout
    anywhere: float = 0.2  # share of layouts that do not say the place
    subjects: float = 0.15  # additional weight of the velocity where a subject is seen: places are soon learnt
    truth: float = 0.1  # weight of naming the subjects
    seed: int = 0

    def total(self, values: dict[str, Tensor]) -> Tensor:
        """What is minimised, of `losses`."""
        return values["velocity"] + self.subjects * values["subjects"] + self.truth * values["naming"]


class Teacher(nn.Module):
    """Reads the subject at each token from a hidden layer; needed in training only."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.layer = max(round(TRUTH_DEPTH * config.depth) - 1, 0)
        self.read = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, SUBJECTS))

    def forward(self, states: list[Tensor]) -> Tensor:
        return self.read(states[self.layer])                            # (N, SUBJECTS)


class Trained(nn.Module):
    """The transformer and what only its training needs, as one module."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.transformer, self.teacher = Transformer(config), Teacher(config)


@dataclass
class Batch:
    packed: Packed
    target: Tensor  # (N, C p p) velocities
    weight: Tensor  # (N,) 1 where the loss counts
    truth: Tensor  # (N,) subject numbers


def draw_batch(shards: Shards, config: TrainingConfig, patch: int, step: int) -> Batch:
    """The batch of a step: as many images and clips as make up its tokens, those of one shape in a row."""
    rng = step_generator(config.seed, step)
    share = 1.0 if step < config.alone else config.images
    samples = sorted(_draw_samples(shards, share, config.tokens, rng),
                     key=lambda sample: (sample.truth.numel(), sample.truth.shape))
    return corrupt(samples, rng, patch, config)


def _draw_samples(shards: Shards, image_share: float, tokens: int, rng: np.random.Generator) -> Iterator[Sample]:
    for images, share in ((True, image_share), (False, 1 - image_share)):
        room = share * tokens
        while room > 0 and shards.names(images=images):
            sample = shards.draw(rng, images=images)
            needed = sample.truth.numel()
            if room < needed and rng.random() > room / needed:  # a clip that does not fit is taken in proportion
                break
            room -= needed
            yield sample


def corrupt(samples: list[Sample], rng: np.random.Generator, patch: int, config: TrainingConfig) -> Batch:
    """Give each sample a task, a noise level and noise."""
    generator = torch_generator(rng)
    times = sample_times(len(samples), generator)
    noisy, targets, weights = [], [], []
    for sample, u in zip(samples, times):
        shape, layout = sample.latents.shape[1:], sample.layout
        levels = draw_levels(tuple(shape), rng, known=sample.finished,
                             unforeseen=partial(unforeseen, layout, *shape[1:]) if layout else None)
        noise = torch.randn(sample.latents.shape, generator=generator)
        t = levels * u
        silent = rng.random() < config.unconditional
        planned = not silent and rng.random() >= config.unplanned
        layout = layout if planned else None
        if layout and rng.random() < config.anywhere:
            layout = layout.anywhere()
        noisy.append(Noisy(interpolate(sample.latents, noise, t), t, sample.states[:0] if silent else sample.states,
                           torch.zeros_like(sample.pooled) if silent else sample.pooled,
                           opens=sample.opens, lean=sample.lean, layout=layout))
        targets.append(patchify(velocity(sample.latents, noise), patch))
        weights.append((patchify(levels[None], patch).amax(1) > UNKNOWN).float())
    truth = torch.cat([patchify(sample.truth[None], patch)[:, 0] for sample in samples]).long()
    return Batch(pack(noisy, patch), torch.cat(targets), torch.cat(weights), truth)


def losses(model: Trained, batch: Batch) -> dict[str, Tensor]:
    """Velocity error, the same where a subject is seen, and how badly subjects are named."""
    states = model.transformer.features(batch.packed)
    prediction = model.transformer.predict(states[-1], batch.packed).float()
    seen = batch.weight * (batch.truth > 0)
    return {"velocity": loss(prediction, batch.target, batch.weight),
            "subjects": loss(prediction, batch.target, seen),
            "naming": F.cross_entropy(model.teacher(states).float(), batch.truth)}


def add_gradients(model: Trained, shards: Shards, config: TrainingConfig, step: int) -> dict[str, Tensor]:
    """Add to the model's gradients those of a step's batch; the losses of that batch."""
    batch = draw_batch(shards, config, model.transformer.config.patch, step)
    with fast_precision():
        values = losses(model, batch)
    config.total(values).backward()
    return values


def prepare_assistant(data: Path, config: TrainingConfig) -> Work:
    """What an assistant does: the same, on batches that the main process does not draw."""
    shards = Shards(data / "train", plans=not TRANSFORMERS[config.size].staged)
    other = replace(config, seed=config.seed + ASSISTANT_SEED, alone=0)

    def work(model: nn.Module, number: int) -> None:
        if number % REFRESH == 0:
            shards.refresh()
        add_gradients(model, shards, other, number)

    return work


def rate_at(step: int, config: TrainingConfig) -> float:
    """Warm-up, a plateau, a linear fall to zero."""
    left = (config.steps - step) / max(config.cooldown * config.steps, 1)
    return config.rate * min((step + 1) / config.warmup, 1.0, max(left, 0.0))


def make_optimizer(model: Trained, config: TrainingConfig) -> Muon:
    """Muon for the matrices inside the blocks, AdamW for embeddings, norms, modulation and heads."""
    inside = {id(p) for block in model.transformer.blocks for name, p in block.named_parameters()
              if p.ndim == 2 and not name.startswith("scales")}
    matrices = [p for p in model.parameters() if id(p) in inside]
    return Muon(matrices, [p for p in model.parameters() if id(p) not in inside], lr=config.rate)


@torch.no_grad()
def validate(model: Trained, shards: Shards, config: TrainingConfig, *, batches: int = 8) -> dict[str, float]:
    """Losses on the held-out shards, on the same samples, tasks and noise every time."""
    patch = model.transformer.config.patch
    totals: dict[str, float] = {}
    fixed = replace(config, seed=config.seed + 1, unconditional=0.0, unplanned=0.0, anywhere=0.0, alone=0)
    for number in range(batches):
        kind = ("images", "clips")[number % 2]
        batch = draw_batch(shards, replace(fixed, images=float(kind == "images")), patch, number)
        with fast_precision():
            values = losses(model, batch)
        for name, value in values.items():
            key = f"validation/{name}/{kind}"
            totals[key] = totals.get(key, 0.0) + 2 * value.item() / batches  # of each kind there are half as many
    return totals


def write_samples(system: System, path: Path) -> None:
    """A sheet of the fixed prompts at fixed seeds, a row each."""
    conditions = [text_to_video(prompt, width=64, height=64, frames=17) for prompt in PROMPTS]
    clips = [generate(system, condition, seed=seed, steps=SAMPLE_STEPS).pixels
             for seed, condition in enumerate(conditions)]
    save_sheet(path, np.stack(clips)[:, ::4])


def train(config: TrainingConfig, *, data: Path, directory: Path, start: Transformer | None = None,
          every: int = 250, assistants: int = 0, decoders: tuple[Autoencoder, Upsampler] | None = None) -> Transformer:
    """Train, or go on training, in `directory` on the shards of `data`/train, validating on `data`/validation.

    `start` gives the weights of a new run. So many `assistants`, processes beside this one, add the gradients of their
    batches. Every `every` steps there is a checkpoint, a validation and, with `decoders`, a sheet of samples. Returns
    the averaged transformer.
    """
    check_config(directory, config, free=("steps",))  # a run may be made longer, or asked to end
    plans = not TRANSFORMERS[config.size].staged
    shards, held_out = (Shards(data / part, plans=plans) for part in ("train", "validation"))
    torch.manual_seed(config.seed)
    model = Trained(replace(TRANSFORMERS[config.size], channels=shards.channels))
    if start is not None:
        model.transformer.load_state_dict(start.state_dict())
    average = Average(model, decay=config.decay)
    optimizer = make_optimizer(model, config)
    step, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    beside = Assistants(model, assistants, prepare_assistant, data, config, first=step)
    log, running = Log(directory, first_step=step, steps=config.steps), {}

    def report() -> None:
        shards.refresh()
        save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
        averaged = averaged_model(model, average)
        log.write(step, validate(averaged, held_out, config))
        if decoders is not None:
            system = System(SystemConfig(), autoencoder=decoders[0], transformer=averaged.transformer,
                            upsampler=decoders[1])
            write_samples(system, directory / "samples" / f"{step:08d}.png")

    with Stop() as stopped:
        while step < config.steps and not stopped:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, config)
            values = add_gradients(model, shards, config, step)
            values["helped"] = torch.tensor(float(beside.join()))
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            average.update(model, step)
            for name, value in values.items():
                running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
            if step % 50 == 0:
                log.write(step, running)
            if step % every == 0 or step == config.steps:
                report()
    save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
    log.close()
    return averaged_model(model, average).transformer


def averaged_model(model: Trained, average: Average) -> Trained:
    """A copy that holds the moving average of the weights."""
    copy = Trained(model.transformer.config)
    copy.load_state_dict(average.tensors)
    return copy.eval().requires_grad_(False)


class Stop:
    """True once the process has been asked to end (SIGTERM or Ctrl-C): the step under way is finished and saved."""

    def __enter__(self) -> "Stop":
        self.asked = False
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def __bool__(self) -> bool:
        return self.asked
