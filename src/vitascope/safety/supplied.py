"""A classifier of pictures that the operator supplies: an ONNX file, and beside it a TOML file that tells its use.

    weights = "gore.onnx"            # beside this file
    side = 224                       # pixels of the square that it looks at
    channels = "RGB"                 # or BGR
    layout = "NCHW"                  # or NHWC
    scale = 0.00392157               # of levels 0..255, before `mean` and `deviation`, which are in the channels' order
    mean = [0.485, 0.456, 0.406]
    deviation = [0.229, 0.224, 0.225]
    activation = "softmax"           # of the outputs: softmax, sigmoid, or none for what is probabilities already
    outputs = ["", "violence"]       # the policy's category of each output, "" for none of them

In: frames. Out: scores by category, the largest of those of one category. A description that does not fit its file
raises ValueError, which blocks; how good the classifier is it cannot know.
"""

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from .policy import CATEGORIES

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(weights: bytes | str) -> "InferenceSession":
    """A network of an ONNX file or its path, on the cores that this process may use: left to itself onnxruntime takes
    all there are, and its threads wait for one another in loops that cost more than the network where cores are shared.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = own_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def own_cores() -> int:
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Description:
    """What the TOML file says."""
    weights: str
    outputs: list[str]
    side: int = 224
    channels: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    activation: Literal["softmax", "sigmoid", "none"] = "none"

    def __post_init__(self) -> None:
        for name, allowed in (("channels", ("RGB", "BGR")), ("layout", ("NCHW", "NHWC")),
                              ("activation", ("softmax", "sigmoid", "none"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} = {getattr(self, name)!r} is not one of {', '.join(allowed)}")
        if strange := set(self.outputs) - {"", *CATEGORIES}:
            raise ValueError(f"outputs: {', '.join(map(repr, strange))} is not one of {', '.join(CATEGORIES)}")
        if not any(self.outputs):
            raise ValueError("outputs names no category")


class Supplied:
    """A reviewer of the categories that its description names."""

    def __init__(self, path: Path) -> None:
        try:
            self.told = Description(**tomllib.loads(path.read_text("utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"{path} describes no classifier: {error}") from None
        weights = (path.parent / self.told.weights).read_bytes()
        self.name, self.version = path.name, hashlib.sha256(weights).hexdigest()[:12]
        self.session = open_session(weights)

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Frames (N, H, W, 3) uint8 → scores (N,). ValueError if there are other outputs than the description names."""
        logits, = self.session.run(None, {self.session.get_inputs()[0].name: self.prepare(frames)})
        if logits.shape != (len(frames), len(self.told.outputs)):
            raise ValueError(f"outputs of shape {logits.shape}; {len(self.told.outputs)} for each frame are described")
        scores = _activate(logits.astype(np.float64), self.told.activation)
        return {category: scores[:, [name == category for name in self.told.outputs]].max(1)
                for category in self.told.outputs if category}

    def prepare(self, frames: np.ndarray) -> np.ndarray:
        """What the network takes of frames (N, H, W, 3): float32 in its own layout."""
        from PIL import Image

        told, size = self.told, (self.told.side, self.told.side)
        small = np.stack([Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR) for frame in frames])
        levels = small[..., ::-1] if told.channels == "BGR" else small
        x = (levels * np.float32(told.scale) - np.float32(told.mean)) / np.float32(told.deviation)
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2) if told.layout == "NCHW" else x)


def _activate(logits: np.ndarray, activation: str) -> np.ndarray:
    """Outputs (N, K) as probabilities."""
    if activation == "none":
        return logits
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
