"""The models as one: text encoder, autoencoder, transformer, upsampler, planner and stylist, saved and loaded.

    DIRECTORY/  system.json   autoencoder/ transformer/ upsampler/ planner/ stylist/
                each with config.json and weights.safetensors

The bundled default lies inside the package. Loading imports torch, safetensors and tokenizers only.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .models.autoencoder import FRAMES, SIDE, Autoencoder, AutoencoderConfig
from .models.empty import without_weights
from .models.stylist import Stylist, StylistConfig
from .models.text import Text
from .models.transformer import Transformer, TransformerConfig
from .models.upsampler import SCALE, Upsampler, UpsamplerConfig

BUNDLED = Path(__file__).parent / "weights" / "bundled"
PARTS: dict[str, tuple[type[nn.Module], type]] = {
    "autoencoder": (Autoencoder, AutoencoderConfig),
    "transformer": (Transformer, TransformerConfig),
    "upsampler": (Upsampler, UpsamplerConfig),
    "planner": (Transformer, TransformerConfig),
    "stylist": (Stylist, StylistConfig),
}
OPTIONAL = ("planner", "stylist")


@dataclass(frozen=True)
class SystemConfig:
    """What belongs to the system as a whole and to none of its parts."""
    name: str = "vitascope"
    version: str = "0"
    window: int = 5  # latent frames that the transformer makes at once
    base_area: int = 64 * 64  # pixels that the transformer was trained at, about
    steps: int = 16
    guidance: float = 2.0
    plan_window: int = 9  # latent frames that the planner makes at once
    plan_steps: int = 12
    plan_guidance: float = 2.0
    drafts: int = 24  # of a layout in a round, where something is known


class System:
    """Everything that `generate` needs. Build it from parts, or `System.load` it."""

    def __init__(self, config: SystemConfig, *, autoencoder: Autoencoder, transformer: Transformer,
                 upsampler: Upsampler, planner: Transformer | None = None, stylist: Stylist | None = None,
                 card: dict | None = None) -> None:
        self.config, self.card = config, card or {}
        self.autoencoder, self.transformer, self.upsampler = autoencoder, transformer, upsampler
        self.planner, self.stylist = planner, stylist
        for part in self.parts.values():
            part.eval().requires_grad_(False)

    @classmethod
    def load(cls, directory: Path | None = None) -> "System":
        """Read a system's folder; None is the bundled one. ValueError if it is absent or damaged."""
        directory = BUNDLED if directory is None else directory
        document = read_json(directory / "system.json")
        try:
            config = SystemConfig(**document["config"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{directory / 'system.json'} is not a system's description: {error}") from None
        present = {name: kinds for name, kinds in PARTS.items() if name not in OPTIONAL or (directory / name).is_dir()}
        return cls(config, **{name: load_part(directory / name, *kinds) for name, kinds in present.items()},
                   card=document.get("card", {}))

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What it consists of, by the names of its folders; without the text encoder, which is everybody's."""
        return {name: part for name in PARTS if (part := getattr(self, name)) is not None}

    @cached_property
    def text(self) -> Text:
        return Text()

    @property
    def grain(self) -> int:
        """Output width and height are multiples of this many pixels."""
        return SIDE * SCALE * self.transformer.config.patch

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        """The supported output size next to the one asked for: its aspect ratio, at about the trained area."""
        scale = (self.config.base_area * SCALE**2 / (width * height)) ** 0.5
        return tuple(max(round(side * scale / self.grain), 1) * self.grain for side in (width, height))

    def check_size(self, width: int, height: int) -> None:
        """ValueError for an output size that this system was not trained for, naming the nearest one that it was."""
        area = width * height / (self.config.base_area * SCALE**2)
        shape = max(width, height) / max(min(width, height), 1)
        if width % self.grain or height % self.grain or not 0.4 <= area <= 1.6 or shape > 3:
            near = "x".join(map(str, self.nearest_size(max(width, 1), max(height, 1))))
            raise ValueError(f"size {width}x{height} is not supported: sides are multiples of {self.grain} pixels, "
                             f"about {self.config.base_area * SCALE**2} pixels in all; the nearest supported size is "
                             f"{near}")

    def frames(self, seconds: float, fps: float) -> int:
        """Frames of a clip of about `seconds`: one and a multiple of four."""
        return 1 + FRAMES * max(round(seconds * fps / FRAMES), 0)

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> Tensor:
        """Latents (C, T, H, W) of base-size pixels (3, 1 + 4k, H, W) in [-1, 1]."""
        return self.autoencoder.encode(pixels[None])[0]


def load_part(directory: Path, module: type[nn.Module], config: type) -> nn.Module:
    """A model from its config.json and weights.safetensors, in float32. ValueError for what is missing or damaged."""
    settings = read_json(directory / "config.json")
    path = directory / "weights.safetensors"
    try:
        with without_weights():
            part = module(config(**settings))
        weights = {name: tensor.float() if tensor.is_floating_point() else tensor
                   for name, tensor in load_file(path).items()}
        part.load_state_dict(weights, assign=True)
    except (OSError, SafetensorError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is missing or damaged: {str(error).splitlines()[0]}") from None
    return part


def save_system(system: System, directory: Path) -> None:
    """Write a folder that `System.load` reads; weights in float16."""
    for name, part in system.parts.items():
        folder = directory / name
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {key: tensor.half().contiguous(memory_format=torch.contiguous_format)
                   for key, tensor in part.state_dict().items()}
        save_file(tensors, folder / "weights.safetensors")
        write_json(folder / "config.json", asdict(part.config))
    write_json(directory / "system.json", {"config": asdict(system.config), "card": system.card})


def write_json(path: Path, document: dict) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is missing or damaged: {error}") from None
