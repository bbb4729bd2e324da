"""What a long or a large video takes on its whole way, review, watermark, encoding and credentials included: peak
memory and time, with a model of the bundled sizes and random weights.

    python benchmarks/minute.py [--seconds 60] [--size 128x128] [--steps 4] [--model DIRECTORY] [--plain] [--long]

Neither memory nor time a step depends on the weights. Memory is told after every eighth of the frames, so that one sees
whether it grows. `--plain` enlarges by Lanczos instead of the learned cascade, which is most of the time of a large
video and does not depend on its length; `--long` makes shots of two seconds instead of one clip.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from vitascope.generate import generate_frames
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.transformer import TRANSFORMERS, Transformer
from vitascope.models.upsampler import SCALE, UPSAMPLERS, Upsampler
from vitascope.produce import Asked, describe_model, open_gate, produce
from vitascope.request import read_size
from vitascope.system import System, SystemConfig
from vitascope.tasks import RATE, text_to_video
from vitascope.upscale import choose_base, upscale
from vitascope.video import Stream, cover_frame

PROMPT = "a red car drives through the city"
SHOT = 2.0  # seconds


def random_system() -> System:
    autoencoder = Autoencoder(AUTOENCODERS["bundled"])
    settings = vars(TRANSFORMERS["bundled"]) | {"channels": autoencoder.config.channels}
    transformer = Transformer(type(TRANSFORMERS["bundled"])(**settings))
    return System(SystemConfig(), autoencoder=autoencoder, transformer=transformer,
                  upsampler=Upsampler(UPSAMPLERS["bundled"]))


def peak_memory() -> float:
    """GiB of memory that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30


def watched(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The frames, and a line about memory after every eighth of them."""
    started = time.perf_counter()
    for number, frame in enumerate(frames, 1):
        yield frame
        if number % max(count // 8, 1) == 0:
            print(f"  frame {number} of {count}: {peak_memory():.2f} GiB, {time.perf_counter() - started:.0f} s",
                  flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", default="128x128")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    target = read_size(options.size)
    system = System.load(options.model) if options.model else random_system()
    width, height = choose_base(system, *target)
    shots = round(options.seconds / SHOT) if options.long else 1
    condition = text_to_video(PROMPT, width=width // SCALE, height=height // SCALE,
                              frames=system.frames(options.seconds / shots, RATE))

    def make() -> Stream:
        frames = chain.from_iterable(part for seed in range(shots)
                                     for part in generate_frames(system, condition, seed=seed, steps=options.steps))
        large = (cover_frame(frame, *target) for frame in frames) if options.plain \
            else upscale(system.upsampler, frames, *target)
        count = shots * condition.frames
        return Stream(watched(large, count), count, RATE)

    loaded, started, cpu = peak_memory(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gate, _ = open_gate(describe_model(system), authority=folder / "authority", store=folder / "records")
        record = produce(Asked((PROMPT,), settings={"seconds": options.seconds}), make, out=folder / "a.mp4", gate=gate)
        bytes_written = (folder / "a.mp4").stat().st_size
    print(f"{options.seconds:g} s of {options.size} in {options.steps} steps: {peak_memory():.2f} GiB at most "
          f"({loaded:.2f} GiB with the model loaded), {time.perf_counter() - started:.0f} s, "
          f"{time.process_time() - cpu:.0f} s of processor time, a file of {bytes_written / 1e6:.1f} MB; "
          f"credentials {record.credentials['state']}, mark {record.watermark}; seconds {record.seconds}")


if __name__ == "__main__":
    main()
