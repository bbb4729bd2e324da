"""Whether the transformer makes clips of one size sooner together than one after another: what a worker could gain.

    python benchmarks/batching.py [--threads 2] [--pairs 20]

Both ways take turns, so that other programs of the machine disturb both alike, and processor time is counted, not the
clock. The weights are random, which changes nothing about the time.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch

from vitascope.models.transformer import Noisy, Transformer, TransformerConfig, pack
from vitascope.system import BUNDLED

SIZES = ((128, 128), (160, 96), (176, 96))  # pixels of results, about the area that the bundled model paints
FRAMES, CELL = 5, 16  # latent frames of a window; pixels of a result that a token covers
WORDS = 20  # of a prompt


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--pairs", type=int, default=20)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    config = json.loads((BUNDLED / "transformer" / "config.json").read_text(encoding="utf-8"))
    transformer = Transformer(TransformerConfig(**config)).eval()
    print(f"{'size':>9}{'clips':>7}{'one after another':>20}{'together':>12}{'gain':>8}")
    for width, height in SIZES:
        for count in (2, 4):
            clips = [noise(config["channels"], width, height) for _ in range(count)]
            apart, together = compare(transformer, clips, given.pairs)
            print(f"{width:5}x{height}{count:7}{apart:17.1f} ms{together:9.1f} ms{apart / together - 1:8.0%}")


def noise(channels: int, width: int, height: int) -> Noisy:
    """A window of a clip, as sampling begins with it."""
    shape = FRAMES, height // CELL, width // CELL
    return Noisy(torch.randn(channels, *shape), torch.ones(shape), torch.randn(WORDS, 384), torch.randn(384))


@torch.inference_mode()
def compare(transformer: Transformer, clips: list[Noisy], pairs: int) -> tuple[float, float]:
    """Median milliseconds of all clips one after another, and together."""
    apart, together = [], []
    for _ in range(pairs + 1):
        apart.append(timed(lambda: [transformer(pack([clip], transformer.config.patch)) for clip in clips]))
        together.append(timed(lambda: transformer(pack(clips, transformer.config.patch))))
    return statistics.median(apart[1:]), statistics.median(together[1:])  # the first time warms up


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of processor time, of all threads, that each thread has on average."""
    started = time.process_time()
    call()
    return 1000 * (time.process_time() - started) / torch.get_num_threads()


if __name__ == "__main__":
    main()
