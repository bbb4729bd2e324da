"""What a long or a large video takes: peak memory and time, with a model of the bundled sizes and random weights.

    python benchmarks/minute.py [--seconds 60] [--size 128x128] [--steps 4] [--model DIRECTORY]

Memory depends on sizes only, so that random weights tell it; time a step does not depend on the weights either.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from vitascope.generate import generate_frames
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.transformer import TRANSFORMERS, Transformer
from vitascope.models.upsampler import UPSAMPLERS, Upsampler
from vitascope.request import read_size
from vitascope.system import System, SystemConfig
from vitascope.tasks import RATE, text_to_video
from vitascope.upscale import upscale
from vitascope.video import write_while_made


def random_system() -> System:
    autoencoder = Autoencoder(AUTOENCODERS["bundled"])
    settings = vars(TRANSFORMERS["bundled"]) | {"channels": autoencoder.config.channels}
    transformer = Transformer(type(TRANSFORMERS["bundled"])(**settings))
    return System(SystemConfig(), autoencoder=autoencoder, transformer=transformer,
                  upsampler=Upsampler(UPSAMPLERS["bundled"]))


def peak_memory() -> int:
    """Bytes of memory that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", default="128x128")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    width, height = read_size(options.size)
    system = System.load(options.model) if options.model else random_system()
    base = system.nearest_size(width, height)
    condition = text_to_video("a red car drives through the city", width=base[0] // 2, height=base[1] // 2,
                              frames=round(options.seconds * RATE))
    loaded, started, cpu = peak_memory(), time.perf_counter(), time.process_time()
    frames = (frame for part in generate_frames(system, condition, seed=0, steps=options.steps) for frame in part)
    with tempfile.TemporaryDirectory() as folder:
        count = write_while_made(upscale(system.upsampler, frames, width, height), Path(folder) / "out.mp4", fps=RATE)
    print(f"{count} frames of {options.size} in {options.steps} steps: {peak_memory() / 2**30:.2f} GiB at most "
          f"({loaded / 2**30:.2f} GiB with the model loaded), {time.perf_counter() - started:.0f} s, "
          f"{time.process_time() - cpu:.0f} s of processor time")


if __name__ == "__main__":
    main()
