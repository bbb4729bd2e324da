"""Was a clip drawn by the bundled models? Networks that `learn.py` trained look at how fine its frames are drawn, and
at what the bundled autoencoder loses of them.

Goes in: frames; comes out: a score, and how rare it is among clips that were not made here. It knows nothing of keys
and records, and says nothing of models other than those it was trained for.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.autoencoder import Autoencoder
    from ..models.tracer import Tracer

WEIGHTS = Path(__file__).parent.parent / "weights" / "safety"  # holds traces.json and traces.safetensors
DRAWING = ("autoencoder", "upsampler", "stylist")  # of a system: what leaves the traces
FRAMES = 5  # of a clip that are looked at, from its first
LEAST = 32  # pixels of a side
GRAIN, LARGEST = 16, 256  # pixels of which sides are multiples, and of a side at most: in the middle of larger frames


@dataclass(frozen=True, eq=False)
class Traces:
    """What was trained, and the scores of clips that were not made here."""
    models: str  # digest of the models that it knows
    others: dict[str, list[float]]  # held-out scores of other clips, by what they are
    tracer: "Tracer"
    autoencoder: "Autoencoder"

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "Traces":
        from safetensors.torch import load_file

        from ..models.tracer import TRACERS, Tracer
        from ..system import BUNDLED, PARTS, load_part

        document = json.loads((folder / "traces.json").read_text("utf-8"))
        tracer = Tracer(TRACERS[document["size"]])
        tracer.load_state_dict(load_file(folder / "traces.safetensors"))
        parts = (tracer, load_part(BUNDLED / "autoencoder", *PARTS["autoencoder"]))
        return cls(document["models"], document["others"], *(part.eval().requires_grad_(False) for part in parts))

    def score(self, frames: np.ndarray) -> float:
        """Log odds of uint8 frames (T, H, W, 3), T >= FRAMES, at least LEAST to a side."""
        return float(self.tracer(describe(frames, self.autoencoder)[None]).mean())

    def beyond(self, score: float) -> tuple[int, int]:
        """How many of the other clips score as high, and how many there are."""
        scores = [other for each in self.others.values() for other in each]
        return sum(other >= score for other in scores), len(scores)

    def log10_p(self, score: float) -> float:
        """How rare such a score is among clips that were not made here, of the kind that looks most like ours.

        Never below one in the number of clips of the kind of which there are fewest.
        """
        return max(math.log10((1 + sum(other >= score for other in each)) / (1 + len(each)))
                   for each in self.others.values())


def describe(frames: np.ndarray, autoencoder: "Autoencoder") -> "Tensor":
    """Statistics (STATISTICS,) of uint8 frames (T, H, W, 3), T >= FRAMES, at least LEAST to a side."""
    import torch

    from ..models.tracer import statistics
    from ..models.upsampler import halve
    from ..video import to_unit

    sides = [min(side // GRAIN * GRAIN, LARGEST) for side in frames.shape[1:3]]
    top, left = ((full - side) // 2 // GRAIN * GRAIN for full, side in zip(frames.shape[1:3], sides, strict=True))
    with torch.inference_mode():
        video = to_unit(frames[:FRAMES, top:top + sides[0], left:left + sides[1]])
        again = autoencoder.decode(autoencoder.encode(halve(video)[None])).clamp(-1, 1)
        return statistics(video, again[0])


def digest(folder: Path | None = None) -> str:
    """Of the weights of what leaves traces, in a system's folder; in the bundled one if None."""
    from ..system import BUNDLED

    found = hashlib.sha256()
    for part in DRAWING:
        found.update(((folder or BUNDLED) / part / "weights.safetensors").read_bytes())
    return found.hexdigest()[:16]
