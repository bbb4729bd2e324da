"""A run folder: what a training run writes, and how the same command goes on after being killed at any moment.

    DIRECTORY/
      training.json                what is trained (written once; a resumed run must agree with it)
      checkpoints/00001200/        model.safetensors, average.safetensors, optimizer.safetensors, state.json
      samples/00001200.png         sample sheets
      events.out.tfevents.*        TensorBoard

A checkpoint is a folder that appears whole, by one rename; whatever a killed run left half-written is ignored and
cleared away by the next save. Batches are drawn from `step_generator(seed, step)` and not from a running
generator, so that the step number is all the random state there is.

Knows nothing of what is trained: models, data and losses are the caller's.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

CHECKPOINTS_KEPT = 2
LOGGED = 50  # steps after which the loss is written down


def step_generator(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one training step; a resumed run draws the same ones."""
    return np.random.default_rng((seed, step))


def torch_generator(generator: np.random.Generator) -> torch.Generator:
    """A torch generator that continues from numpy's."""
    return torch.Generator().manual_seed(int(generator.integers(2**63 - 1)))


# Moving average of the weights


class Average:
    """Exponential moving average (EMA) of a model's weights and buffers; early on it forgets faster."""

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights reached by step number `step`, counted from 1."""
        decay = min(self.decay, step / (step + 10))
        state = model.state_dict()
        torch._foreach_lerp_(list(self.tensors.values()), [state[name] for name in self.tensors], 1 - decay)


# Files that appear whole


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole, by rename."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def save_weights(directory: Path, tensors: Mapping[str, Tensor], config: Any, *, half: bool = False) -> None:
    """Write weights.safetensors and config.json (a dataclass) for use after training; `half` stores float16."""
    directory.mkdir(parents=True, exist_ok=True)
    stored = {name: storable(tensor.half() if half else tensor) for name, tensor in tensors.items()}
    partial = directory / ".weights.safetensors.partial"
    save_file(stored, partial)
    os.replace(partial, directory / "weights.safetensors")
    write_text(directory / "config.json", json.dumps(asdict(config), indent=2) + "\n")


def storable(tensor: Tensor) -> Tensor:
    """safetensors stores plain memory only: no views, no channels_last."""
    return tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format)


# Checkpoints


def save_checkpoint(
    directory: Path,
    step: int,
    *,
    model: nn.Module,
    average: Average,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any] | None = None,
) -> Path:
    """Write checkpoints/STEP whole, by rename, and keep the last two. `state` is anything JSON can hold."""
    folder = directory / "checkpoints"
    final, partial = folder / f"{step:08d}", folder / f".{step:08d}.partial"
    if final.exists():  # a save of the same step: it holds the same thing
        return final
    clear_partial(folder)
    partial.mkdir(parents=True)
    tensors, groups = split_optimizer(optimizer)
    save_file({name: storable(tensor) for name, tensor in model.state_dict().items()}, partial / "model.safetensors")
    save_file({name: storable(tensor) for name, tensor in average.tensors.items()}, partial / "average.safetensors")
    save_file({name: storable(tensor) for name, tensor in tensors.items()}, partial / "optimizer.safetensors")
    document = {"step": step, "optimizer": groups, "state": dict(state or {})}
    (partial / "state.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    for path in partial.iterdir():
        flush_to_disk(path)
    os.replace(partial, final)
    for old in checkpoints(directory)[:-CHECKPOINTS_KEPT]:
        shutil.rmtree(old)
    return final


def load_checkpoint(
    directory: Path, *, model: nn.Module, average: Average, optimizer: torch.optim.Optimizer
) -> tuple[int, dict[str, Any]]:
    """Load the newest checkpoint into all three; (step, state), or (0, {}) if there is none."""
    found = checkpoints(directory)
    if not found:
        return 0, {}
    folder = found[-1]
    model.load_state_dict(load_file(folder / "model.safetensors"))
    saved_average = load_file(folder / "average.safetensors")
    for name, tensor in average.tensors.items():
        tensor.copy_(saved_average[name])
    document = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    join_optimizer(optimizer, load_file(folder / "optimizer.safetensors"), document["optimizer"])
    return document["step"], document["state"]


def checkpoints(directory: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path for path in (directory / "checkpoints").glob("[0-9]*") if path.is_dir())


def check_config(directory: Path, config: Any, *, free: tuple[str, ...] = ()) -> None:
    """Write training.json (a dataclass) into a new run; in an old one, raise ValueError if it says something else.

    The fields named in `free` may change between one call and the next.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path, text = directory / "training.json", json.dumps(asdict(config), indent=2) + "\n"
    if not path.exists():
        write_text(path, text)
        return
    before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(text)
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key) and key not in free]
    if changed:
        differences = ", ".join(f"{key}: {before.get(key)} → {now.get(key)}" for key in changed)
        raise ValueError(f"{directory} holds a run with another configuration ({differences}); use another folder")


def clear_partial(folder: Path) -> None:
    for leftover in folder.glob(".*.partial"):
        shutil.rmtree(leftover)


def flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def split_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state as tensors named PARAMETER.KEY and the rest for JSON."""
    state = optimizer.state_dict()
    tensors = {f"{index}.{key}": value for index, values in state["state"].items() for key, value in values.items()}
    plain = {name: value for name, value in tensors.items() if not isinstance(value, Tensor)}
    tensors = {name: value for name, value in tensors.items() if isinstance(value, Tensor)}
    return tensors, {"groups": state["param_groups"], "plain": plain}


def join_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], document: dict[str, Any]) -> None:
    """The inverse of `split_optimizer`, into an optimiser of the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **document["plain"]}.items():
        index, key = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": document["groups"]})
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # fused optimisers walk through memory: the state must lie as its parameter does (channels_last)
                values[key] = torch.empty_like(parameter, requires_grad=False).copy_(value)


# What a person looks at


class Log:
    """Numbers of a run, to TensorBoard and to the terminal, with the time that is left."""

    def __init__(self, directory: Path, *, first_step: int, steps: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import

        self.writer = SummaryWriter(str(directory), purge_step=first_step)
        self.console = Console(soft_wrap=True)
        self.first_step, self.steps, self.started = first_step, steps, time.monotonic()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Log the values reached by step number `step`, counted from 1."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        seconds = (time.monotonic() - self.started) / max(step - self.first_step, 1)
        numbers = "  ".join(f"{name} [bold]{value:.4g}[/]" for name, value in values.items())
        self.console.print(
            f"[dim]{time.strftime('%H:%M:%S')}[/] {step:>7}/{self.steps}  {numbers}"
            f"  [dim]{seconds:.2f} s/step, {clock(seconds * (self.steps - step))} left[/]",
            highlight=False,
        )
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


def clock(seconds: float) -> str:
    """Seconds as H:MM:SS."""
    minutes, second = divmod(round(max(seconds, 0)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def take_steps(steps: range, take_step: Callable[[int], float], report: Callable[[int, dict[str, float]], None],
               log: Log, *, every: int) -> None:
    """Take the steps of a run, each of which gives its loss; report every so many and at the end, and close the log."""
    for step in steps:
        loss, done = take_step(step), step + 1
        if done % every == 0 or done == steps.stop:
            report(done, {"loss": loss})
        elif done % LOGGED == 0:
            log.write(done, {"loss": loss})
    log.close()


def save_sheet(path: Path, clips: np.ndarray) -> None:
    """Write clips (rows, frames, H, W, 3) uint8 as one picture, a row each, that appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(rearrange(clips, "r t h w c -> (r h) (t w) c"))
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    picture.save(partial)
    os.replace(partial, path)
