"""The networks that read clips: one finds subjects and their surroundings in a picture, one tells what a track does.

In go pictures (B, 3, H, W) in [-1, 1] of 128 rows, and tracks (B, F, T); out come logits, in the order of the names in
`ReaderConfig`. Knows no prompt, no generator and nothing of the world but those names.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

BUNDLED = Path(__file__).parent.parent / "weights" / "reader"
ROWS = 128  # height of the pictures that are read, pixels
STRIDE = 8  # pixels of a cell of the map of subjects
GROUPS = 8  # of the group norms
GEOMETRY = 6  # numbers per cell: x and y against its centre, logarithm of the size, sine, cosine, visible share
DILATIONS = (1, 2, 4, 1)  # of the track reader's blocks, frames


@dataclass(frozen=True)
class ReaderConfig:
    """The names that the networks tell apart, and their widths."""
    subjects: tuple[str, ...]
    props: tuple[str, ...]  # what may be seen besides subjects
    colours: tuple[str, ...]  # of a subject that comes in several
    bites: int  # highest number that may be missing
    places: tuple[str, ...]
    times: tuple[str, ...]
    weathers: tuple[str, ...]
    styles: tuple[str, ...]
    actions: tuple[str, ...]
    cameras: tuple[str, ...]
    features: int  # numbers per frame of a track: see tracks.py
    widths: tuple[int, int, int, int] = (32, 64, 112, 176)  # channels at 1/2 and 1/4, 1/8, 1/16 and 1/32 of the picture
    blocks: tuple[int, int] = (2, 2)  # at 1/16 and 1/32
    track_width: int = 96

    @property
    def settings(self) -> dict[str, tuple[str, ...]]:
        """The questions about a whole picture and their possible answers."""
        return {"place": self.places, "time": self.times, "weather": self.weathers, "style": self.styles}


@dataclass(frozen=True)
class Sight:
    """What a picture shows, as logits; h and w count cells of STRIDE pixels."""
    heat: Tensor  # (B, subjects + props, h, w): is the centre of such a thing here?
    geometry: Tensor  # (B, GEOMETRY, h, w)
    colour: Tensor  # (B, colours, h, w)
    bites: Tensor  # (B, bites + 1, h, w)
    settings: dict[str, Tensor]  # question -> (B, answers)


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.conv1 = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(self.norm(x)))))


class PictureReader(nn.Module):
    """A small pyramid: down to 1/32 for what surrounds a subject, up again to 1/8 for where it is."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        a, b, c, d = config.widths
        self.config = config
        self.stem = nn.Sequential(nn.Conv2d(3, a, 5, 2, 2), nn.GroupNorm(GROUPS, a), nn.SiLU(),
                                  nn.Conv2d(a, a, 3, 2, 1), nn.GroupNorm(GROUPS, a), nn.SiLU(),
                                  nn.Conv2d(a, b, 3, 2, 1))
        self.down16 = nn.Sequential(nn.GroupNorm(GROUPS, b), nn.SiLU(), nn.Conv2d(b, c, 3, 2, 1),
                                    *(Block(c) for _ in range(config.blocks[0])))
        self.down32 = nn.Sequential(nn.GroupNorm(GROUPS, c), nn.SiLU(), nn.Conv2d(c, d, 3, 2, 1),
                                    *(Block(d) for _ in range(config.blocks[1])))
        self.up16, self.up8 = nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1)
        self.mix16, self.mix8 = Block(c), Block(b)
        kinds = len(config.subjects) + len(config.props)
        self.split = (kinds, GEOMETRY, len(config.colours), config.bites + 1)
        self.cells = nn.Sequential(nn.GroupNorm(GROUPS, b), nn.SiLU(), nn.Conv2d(b, 2 * b, 1), nn.SiLU(),
                                   nn.Conv2d(2 * b, sum(self.split), 1))
        self.whole = nn.Sequential(nn.LayerNorm(2 * d + c), nn.Linear(2 * d + c, 128), nn.SiLU(),
                                   nn.Linear(128, sum(map(len, config.settings.values()))))
        nn.init.constant_(self.cells[-1].bias[:kinds], -4.0)  # almost every cell holds no centre

    def forward(self, pictures: Tensor) -> Sight:
        """Read pictures (B, 3, ROWS, W) in [-1, 1], W a multiple of 32."""
        if pictures.shape[1:3] != (3, ROWS) or pictures.shape[3] % 32:
            raise ValueError(f"pictures have shape {tuple(pictures.shape)}; expected (B, 3, {ROWS}, a multiple of 32)")
        x8 = self.stem(pictures)                                                  # (B, b, H/8, W/8)
        x16 = self.down16(x8)                                                     # (B, c, H/16, W/16)
        x32 = self.down32(x16)                                                    # (B, d, H/32, W/32)
        y16 = self.mix16(x16 + F.interpolate(self.up16(x32), scale_factor=2.0))     # (B, c, H/16, W/16)
        y8 = self.mix8(x8 + F.interpolate(self.up8(y16), scale_factor=2.0))        # (B, b, H/8, W/8)
        heat, geometry, colour, bites = self.cells(y8).split(self.split, dim=1)
        pooled = torch.cat([reduce(x32, "b c h w -> b c", "mean"), reduce(x32, "b c h w -> b c", "max"),
                            reduce(x16, "b c h w -> b c", "mean")], dim=1)        # (B, 2d + c)
        sizes = [len(answers) for answers in self.config.settings.values()]
        settings = dict(zip(self.config.settings, self.whole(pooled).split(sizes, dim=1)))
        return Sight(heat, geometry, colour, bites, settings)


class TrackBlock(nn.Module):
    """A dilated convolution over time beside a shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(self.norm(x)))))


class TrackReader(nn.Module):
    """What the subject of a track does at first and at last, whether it is one at all, and how the camera moves."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        width = config.track_width
        self.start = nn.Conv1d(config.features, width, 3, padding=1)
        self.blocks = nn.Sequential(*(TrackBlock(width, dilation) for dilation in DILATIONS))
        self.split = (len(config.actions), len(config.actions), 1, len(config.cameras))
        self.answer = nn.Sequential(nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width), nn.SiLU(),
                                    nn.Dropout(0.1), nn.Linear(2 * width, sum(self.split)))

    def forward(self, tracks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of the first action, of the last one, of presence (B,) and of the camera, from tracks (B, F, T)."""
        x = self.blocks(self.start(tracks))                                       # (B, D, T)
        half = (x.shape[2] + 1) // 2
        pooled = torch.cat([x[..., :half].mean(2), x[..., -half:].mean(2), x.amax(2), x.mean(2)], dim=1)
        first, last, presence, camera = self.answer(pooled).split(self.split, dim=1)
        return first, last, rearrange(presence, "b 1 -> b"), camera


class Reader(nn.Module):
    """Both networks, saved and loaded as one."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.pictures, self.tracks = PictureReader(config), TrackReader(config)

    @classmethod
    def load(cls, directory: Path = BUNDLED) -> "Reader":
        """Read config.json and weights.safetensors, in float32. ValueError for what is missing or damaged."""
        try:
            settings = json.loads((directory / "config.json").read_text(encoding="utf-8"))
            config = ReaderConfig(**{key: tuple(value) if isinstance(value, list) else value
                                     for key, value in settings.items()})
            reader = cls(config)
            weights = load_file(directory / "weights.safetensors")
            reader.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"the reader in {directory} is missing or damaged: {str(error).splitlines()[0]}") from None
        return reader.eval().requires_grad_(False)
