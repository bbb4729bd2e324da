"""Was a clip drawn by the bundled autoencoder and upsampler? What a decoder draws, it draws again almost unchanged.

A clip is halved, sent through the autoencoder, and enlarged once more (the idea of AEROBLADE, Ricker et al. 2024). Of
a clip that came out of the same models little is lost by the first, and the second draws the very detail that was
there. A few logarithms of energies go into a logistic regression that `benchmarks/traces.py` trained and measured.

Goes in: frames; comes out: a score, and how rare it is among clips that were not made here. It knows nothing of keys
and records, and says nothing of models other than these two.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.autoencoder import Autoencoder
    from ..models.upsampler import Upsampler

WEIGHTS = Path(__file__).parent.parent / "weights" / "safety" / "traces.json"
AREA, GRAIN = 128 * 128, 16  # pixels of the frames that are looked at, and of what their sides are multiples of
FRAMES = 5  # of a clip that are looked at, from its first: what the autoencoder takes as one group
DETAILED = (2,)  # those of them whose detail is drawn again
QUIET = 1e-5  # mean square in [-1, 1] that counts as nothing: about what rounding to 8 bits leaves


@dataclass(frozen=True)
class Traces:
    """The trained classifier, and the scores of clips that were not made here."""
    models: str  # digest of the weights of autoencoder and upsampler that it knows
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float
    others: tuple[float, ...]  # held-out scores of other clips, sorted

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Traces":
        return cls(**{name: tuple(value) if isinstance(value, list) else value
                      for name, value in json.loads(path.read_text("utf-8")).items()})

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    def score(self, features: np.ndarray) -> np.ndarray:
        """Log odds (N,) of features (N, K)."""
        return (features - self.mean) / self.deviation @ np.array(self.weight) + self.bias

    def beyond(self, score: float) -> int:
        """How many of the other clips score as high."""
        return sum(other >= score for other in self.others)

    def log10_p(self, score: float) -> float:
        """How rare such a score is among clips that were not made here: never below one in their number."""
        return math.log10((1 + self.beyond(score)) / (1 + len(self.others)))


@dataclass(frozen=True, eq=False)
class Drawing:
    """The two models that leave the traces."""
    autoencoder: "Autoencoder"
    upsampler: "Upsampler"

    @classmethod
    def load(cls, folder: Path | None = None) -> "Drawing":
        """Those of a system's folder; of the bundled one if None."""
        from ..system import BUNDLED, PARTS, load_part

        names = ("autoencoder", "upsampler")
        parts = (load_part((folder or BUNDLED) / name, *PARTS[name]) for name in names)
        return cls(*(part.eval().requires_grad_(False) for part in parts))

    @cached_property
    def digest(self) -> str:
        """Of their weights."""
        found = hashlib.sha256()
        for part in (self.autoencoder, self.upsampler):
            for name, tensor in sorted(part.state_dict().items()):
                found.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
        return found.hexdigest()[:16]


def features(frames: np.ndarray, models: Drawing) -> np.ndarray:
    """Features (K,) of uint8 frames (T, H, W, 3), T >= FRAMES, which are brought to about AREA pixels."""
    import torch
    import torch.nn.functional as F

    from ..models.upsampler import with_neighbours
    from ..video import Video, cover, to_unit

    scale = math.sqrt(AREA / (frames.shape[1] * frames.shape[2]))
    size = [max(round(side * scale / GRAIN), 1) * GRAIN for side in (frames.shape[2], frames.shape[1])]
    with torch.inference_mode():
        video = to_unit(cover(Video(frames[:FRAMES]), *size).pixels)[None]
        small = F.avg_pool3d(video, (1, 2, 2))
        again = models.autoencoder.decode(models.autoencoder.encode(small))
        chosen = list(DETAILED)
        stacked = with_neighbours(small, models.upsampler.config.neighbours)[0, :, chosen].transpose(0, 1)
        bicubic = F.interpolate(small[0, :, chosen].transpose(0, 1), scale_factor=2, mode="bicubic",
                                align_corners=False)
        drawn = models.upsampler.enlarge(stacked) - bicubic
        detail = video[0, :, chosen].transpose(0, 1) - bicubic
        return np.array([*_detail(detail, drawn), *_loss(small[0].transpose(0, 1), again[0].transpose(0, 1))])


def _detail(detail: "Tensor", drawn: "Tensor") -> list[float]:
    """Of what lies above half the resolution (N, 3, H, W): as it is, as the upsampler draws it, and how they agree."""
    values = []
    for own, other in zip(_colours(detail), _colours(drawn), strict=True):
        product = (own * other).mean() / ((own * own).mean() * (other * other).mean() + QUIET**2).sqrt()
        values += [_log(own), _log(other), _log(own - other), float(product)]
    grey = _colours(detail)[0]
    values += [_log(grey[..., row::2, column::2]) - _log(grey) for row, column in ((0, 0), (0, 1), (1, 0))]
    return values


def _loss(small: "Tensor", again: "Tensor") -> list[float]:
    """Of what the autoencoder loses of (FRAMES, 3, h, w), beside how much there is that it might lose."""
    import torch.nn.functional as F

    values = []
    for own, lost in zip(_colours(small), _colours(small - again), strict=True):
        fine = own - F.avg_pool2d(own, 3, 1, 1, count_include_pad=False)
        moved, lost_moved = own.diff(dim=0), lost.diff(dim=0)
        values += [_log(fine), _log(lost), _log(lost[0]), _log(moved), _log(lost_moved), _log(F.avg_pool2d(lost, 4))]
    return values


def _colours(x: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Brightness (N, 1, H, W) and the two differences from it (N, 2, H, W)."""
    grey = x.mean(1, keepdim=True)
    return grey, x[:, ::2] - grey


def _log(x: "Tensor") -> float:
    return math.log(float(x.square().mean()) + QUIET)
