"""Speed and memory of the bundled system, as ratios within one run: `python benchmarks/speed.py [--out FILE.json]`.

Every figure stands beside what it is compared with, measured in turn with it, because machines differ and are never quiet:
the transformer beside plain matrix products of the same shapes, the decoders beside real time. For start-up see startup.py.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from vitascope.models.transformer import Noisy, Transformer, forward_flops, pack
from vitascope.precision import fast_precision
from vitascope.system import System

ROUNDS = 5
CLIPS, SHAPE = 8, (5, 8, 8)  # of one training step: 17 frames of 64x64 each
PROMPT = "a red car drives from left to right through the city at sunset"
WHOLE_CLIP = """
import resource, sys, tempfile
sys.argv = ["vitascope", "generate", {prompt!r}, "--out", tempfile.mkdtemp() + "/clip.mp4", "--seed", "0"]
from vitascope.cli import main
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def paired(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float, float]:
    """Median seconds of both, run in turn, and the median ratio first / second."""
    first(), second()
    pairs = [(seconds(first), seconds(second)) for _ in range(ROUNDS)]
    return (*(statistics.median(times) for times in zip(*pairs)), statistics.median(a / b for a, b in pairs))


def products(tokens: int, width: int, feed: int, depth: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The matrix products of one forward pass, without anything between them."""
    shapes = [(width, 3 * width), (width, width), (width, feed * width), (feed * width, width)] * depth
    return [(torch.randn(tokens, rows), torch.randn(rows, columns)) for rows, columns in shapes]


def transformer(system: System) -> dict[str, float]:
    """Arithmetic rate of a forward pass and of a training step, beside that of plain products of the same shapes."""
    config = system.transformer.config
    clips = [Noisy(torch.randn(config.channels, *SHAPE), torch.full(SHAPE, 0.5), torch.randn(24, 384), torch.randn(384))
             for _ in range(CLIPS)]
    batch = pack(clips, config.patch)
    model = Transformer(config)
    model.load_state_dict(system.transformer.state_dict())
    pairs = products(len(batch.x), config.width, config.feed, config.depth)
    work = CLIPS * forward_flops(config, batch.grids[0].tokens)
    plain_work = sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b in pairs)

    def plain() -> None:
        with torch.no_grad(), fast_precision():
            for a, b in pairs:
                a @ b

    def forward() -> None:
        with torch.no_grad(), fast_precision():
            model(batch)

    def step() -> None:
        with fast_precision():
            loss = model(batch).square().mean()
        loss.backward()
        model.zero_grad()

    forward_seconds, plain_seconds, _ = paired(forward, plain)
    step_seconds, plain_again, _ = paired(step, plain)
    return {"plain products, GFLOP/s": plain_work / plain_seconds / 1e9,
            "forward, GFLOP/s": work / forward_seconds / 1e9,
            "forward / plain": work / forward_seconds / (plain_work / plain_seconds),
            "training step, GFLOP/s": 3 * work / step_seconds / 1e9,
            "training step / plain": 3 * work / step_seconds / (plain_work / plain_again)}


def decoders(system: System) -> dict[str, float]:
    """Frames a second of the autoencoder at 128x128 and of the upsampler to 128x128."""
    channels = system.autoencoder.config.channels
    with torch.inference_mode():
        latents, small = torch.randn(1, channels, 5, 16, 16), torch.rand(1, 3, 17, 64, 64)
        system.autoencoder.decode(latents), system.upsampler(small)
        decode = statistics.median(seconds(lambda: system.autoencoder.decode(latents)) for _ in range(ROUNDS))
        enlarge = statistics.median(seconds(lambda: system.upsampler(small)) for _ in range(ROUNDS))
    return {"decoder at 128x128, frames/s": 17 / decode, "upsampler to 128x128, frames/s": 17 / enlarge}


def whole_clip() -> dict[str, float]:
    """The default clip from the command line: seconds with start-up, and peak memory."""
    begin = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", WHOLE_CLIP.format(prompt=PROMPT)], check=True, capture_output=True, text=True)
    elapsed = time.perf_counter() - begin
    return {"seconds": elapsed, "peak memory, MB": int(result.stdout.split("peak")[1]) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="also write the figures as JSON")
    arguments = parser.parse_args()
    system = System.load()
    results = {"transformer": transformer(system), "decoders": decoders(system), "default clip": whole_clip(),
               "this process": {"threads": torch.get_num_threads(),
                                "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}
    table = Table("part", "figure", "value")
    for part, figures in results.items():
        for name, value in figures.items():
            table.add_row(part, name, f"{value:.3g}")
    Console().print(table)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
