"""How many videos `verify` recognises when their credentials are gone: watermark, then likeness, at 1e-4 in all.

    python benchmarks/ladder.py [--clips 60]

Clips of the world are marked and recorded as `produce` does, attacked, and looked for among all records; as many other
clips, encoded alike, must not be recognised.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from watermark import ATTACKS, FIRST_SEED, FPS, KEY, encode

from vitascope.provenance import records
from vitascope.provenance.detector import look
from vitascope.provenance.fingerprint import fingerprint
from vitascope.provenance.records import Record
from vitascope.provenance.watermark import embed
from vitascope.video import Video
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene


def record(frames: np.ndarray, number: int) -> Record:
    return Record(id=records.new_id(), payload=f"{number:016x}", created=records.now(), file="", sha256=str(number),
                  model={}, settings={}, task="text", policy={}, verdicts={}, watermark={}, credentials={}, sources=[],
                  fingerprint=fingerprint(frames).tobytes().hex(), prompt_salt="")


def recognised(frames: np.ndarray, fps: float, store: Path) -> tuple[bool, bool]:
    steps, _ = look(Video(np.ascontiguousarray(frames), fps), KEY, store=store)
    return steps[0].found, steps[1].found


def main() -> None:
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=60)
    count = parser.parse_args().clips
    scenes = [sample_scene(FIRST_SEED + number) for number in range(2 * count)]
    clips = [render(scene, simulate(scene)) for scene in scenes]
    payloads = np.random.default_rng(0).integers(0, 2**63, count).tolist()
    marked = [embed(clip, payload, KEY, fps=FPS) for clip, payload in zip(clips[:count], payloads, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        for clip, payload in zip(marked, payloads, strict=True):
            records.write(record(clip, payload), store)
        print(f"{count} records, clips of 128x128\n\n| attack | watermark | likeness | either |\n|---|---|---|---|")
        for name, attack in ATTACKS.items():
            found = np.array([recognised(*attack(clip, np.random.default_rng(number)), store)
                              for number, clip in enumerate(marked)])
            shares = " | ".join(f"{each.mean():.1%}" for each in (*found.T, found.any(1)))
            print(f"| {name} | {shares} |", flush=True)
        others = np.array([recognised(encode(clip, "libx264", 23), FPS, store) for clip in clips[count:]])
        print(f"\nof {count} other clips, recognised: by the mark {others[:, 0].sum()}, "
              f"by likeness {others[:, 1].sum()}")


if __name__ == "__main__":
    main()
