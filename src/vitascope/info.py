"""What `vitascope info` tells: what a model knows, and the time and memory that it and every named size take here.

Times are measured on the spot with a few steps of the real thing, or reckoned from the rate of a plain matrix product.
"""

import os
import platform
import resource
import sys
import time
from statistics import median

import torch
from rich.table import Table

from .generate import generate
from .models.transformer import TRANSFORMERS, forward_flops, inference_memory, parameter_count, training_memory
from .models.upsampler import SCALE
from .presets import CAMERAS, STYLES
from .system import System, SystemConfig
from .tasks import text_to_video

SIDE, FRAMES, TOKENS = 64, 17, 5 * 8 * 8  # the default clip in the base model's pixels, and its tokens
CLIP = f"{FRAMES} frames of {SCALE * SIDE}x{SCALE * SIDE}"
STEPS, BATCH_TOKENS = SystemConfig().steps, 2560  # what times and training memory are told for
TIMED_STEPS = 4


def describe_system(system: System) -> Table:
    """The model's name, parts, knowledge, and the time of the default clip, measured."""
    table = _facts(f"model {system.config.name} {system.config.version}")
    for name, part in system.parts.items():
        table.add_row(name, f"{_parameters(part) / 1e6:.1f} million parameters")
    for key, values in system.card.get("knows", {}).items():
        table.add_row(key, ", ".join(map(str, values)))
    step, rest = time_steps(system)
    steps = system.config.steps
    table.add_row("a clip takes", f"{steps * step + rest:.1f} s for {CLIP} in {steps} steps ({step:.2f} s a step, "
                                  f"{rest:.1f} s to decode)")
    table.add_row("memory", f"{peak_memory() / 2**30:.1f} GiB at most so far")
    return table


def describe_machine() -> Table:
    table = _facts("this machine")
    table.add_row("processor", f"{platform.machine()}, {os.cpu_count()} cores, torch uses {torch.get_num_threads()}")
    table.add_row("matrix products", f"{matrix_rate() / 1e9:.0f} GFLOP/s in float32")
    table.add_row("software", f"Python {platform.python_version()}, torch {torch.__version__}")
    return table


def describe_presets() -> Table:
    """What `--style` and `--camera` take, and the words that they add to a prompt."""
    table = _facts("presets")
    for option, names in (("--style", STYLES), ("--camera", CAMERAS)):
        table.add_row(option, "; ".join(f"{name}: {words}" for name, words in names.items()))
    return table


def describe_sizes() -> Table:
    """Every named size of the transformer: parameters, memory, arithmetic and time of the default clip."""
    rate = matrix_rate()
    table = Table("size", "parameters", "TFLOP a clip", "time here, at best", "memory to generate", "memory to train",
                  title=f"transformers, for {CLIP}, {STEPS} steps with guidance")
    for name, config in TRANSFORMERS.items():
        flops = 2 * STEPS * forward_flops(config, TOKENS)
        table.add_row(name, f"{parameter_count(config) / 1e6:,.1f} M", f"{flops / 1e12:,.2f}", f"{flops / rate:,.1f} s",
                      f"{inference_memory(config, TOKENS) / 2**30:,.2f} GiB",
                      f"{training_memory(config, BATCH_TOKENS) / 2**30:,.2f} GiB")
    return table


def time_steps(system: System) -> tuple[float, float]:
    """Seconds of one sampling step of the default clip, and of what comes after the last."""
    condition = text_to_video("a car", width=SIDE, height=SIDE, frames=FRAMES)
    moments: list[float] = []
    generate(system, condition, seed=0, steps=TIMED_STEPS, progress=lambda *_: moments.append(time.perf_counter()))
    end = time.perf_counter()
    return median(after - before for before, after in zip(moments[:-1], moments[1:], strict=True)), end - moments[-1]


def matrix_rate(size: int = 1024, seconds: float = 0.2) -> float:
    """Operations a second of a plain float32 matrix product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    count, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        a @ b
        count += 1
    return 2 * size**3 * count / spent


def peak_memory() -> int:
    """Bytes of memory that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _facts(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
