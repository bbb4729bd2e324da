"""Sentences → MiniLM's states with the classifier's low-rank changes, in numpy: the web process and `moderate` hold no
torch.

In: token numbers of sentences. Out: states (L, 384) of each. The arithmetic is that of `models.text.TextEncoder`;
the changes (LoRA, Hu et al. 2021) are added to the weights once, when they are loaded.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from einops import rearrange
from safetensors import safe_open
from tokenizers import Tokenizer

from .lexicon import packaged_model

HEADS, LAYERS = 12, 6
PARTS = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
         "attend": "attention.output.dense", "expand": "intermediate.dense", "contract": "output.dense"}
NORMS = {"attend_norm": "attention.output.LayerNorm", "feed_norm": "output.LayerNorm"}


def normalise(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Layer normalisation over the last axis."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * weight + bias


def gelu(x: np.ndarray) -> np.ndarray:
    """x Φ(x), with the error function's rational approximation (Abramowitz and Stegun 7.1.26), error below 2e-7."""
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429))))
    )
    tail = series * np.exp(-z * z)  # 1 - erf(z)
    return np.where(x > 0, x * (1 - tail / 2), x * tail / 2).astype(np.float32)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    x = np.exp(x - x.max(axis, keepdims=True))
    return x / x.sum(axis, keepdims=True)


@dataclass(frozen=True)
class Encoder:
    """MiniLM-L6 as plain arrays, stored so that states multiply from the left."""
    tokenizer: Tokenizer
    words: np.ndarray                       # (30522, 384)
    positions: np.ndarray                   # (512, 384), with the embedding of the first sentence added
    norm: tuple[np.ndarray, np.ndarray]
    layers: tuple[dict[str, np.ndarray], ...]

    @classmethod
    def load(cls, changes: Mapping[str, np.ndarray], *, longest: int) -> "Encoder":
        """The packaged weights plus `changes` ("0.query.down" (r, in), "0.query.up" (out, r)); `longest` in tokens."""
        folder = packaged_model()
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)
        with safe_open(folder / "model.safetensors", framework="numpy") as file:
            words, positions = (
                file.get_tensor(f"embeddings.{name}_embeddings.weight") for name in ("word", "position")
            )
            positions = positions + file.get_tensor("embeddings.token_type_embeddings.weight")[0]
            norm = tuple(file.get_tensor(f"embeddings.LayerNorm.{kind}") for kind in ("weight", "bias"))
            layers = []
            for i in range(LAYERS):
                layer = {}
                for ours, theirs in (PARTS | NORMS).items():
                    weight = file.get_tensor(f"encoder.layer.{i}.{theirs}.weight")
                    if f"{i}.{ours}.up" in changes:
                        weight = weight + changes[f"{i}.{ours}.up"].astype(np.float32) @ changes[
                            f"{i}.{ours}.down"
                        ].astype(np.float32)
                    layer[f"{ours}.weight"] = np.ascontiguousarray(weight.T)
                    layer[f"{ours}.bias"] = file.get_tensor(f"encoder.layer.{i}.{theirs}.bias")
                layers.append(layer)
        return cls(tokenizer, words, positions, norm, tuple(layers))

    def tokens(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def __call__(self, sentences: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """States (L, 384) of every sentence, given as its L tokens.

        All sentences lie behind one another in one array, without padding: what costs time is reading the weights.
        """
        x = np.concatenate(
            [self.words[list(tokens)] + self.positions[: len(tokens)] for tokens in sentences]
        )  # (N, 384)
        ends = np.cumsum([len(tokens) for tokens in sentences])[:-1]
        x = normalise(x, *self.norm)
        for layer in self.layers:
            x = _layer(x, ends, layer)
        return np.split(x, ends)


def _layer(x: np.ndarray, ends: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
    """One post-norm transformer layer on the states (N, 384) of sentences that end at `ends`."""
    def linear(y: np.ndarray, name: str) -> np.ndarray:
        return y @ layer[f"{name}.weight"] + layer[f"{name}.bias"]

    q, k, v = (np.split(linear(x, name), ends) for name in ("query", "key", "value"))
    y = np.concatenate([_attend(*sentence) for sentence in zip(q, k, v, strict=True)])  # (N, 384)
    x = normalise(x + linear(y, "attend"), layer["attend_norm.weight"], layer["attend_norm.bias"])
    y = linear(gelu(linear(x, "expand")), "contract")
    return normalise(x + y, layer["feed_norm.weight"], layer["feed_norm.bias"])


def _attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Attention within one sentence: three times (L, 384) → (L, 384)."""
    q, v = (np.ascontiguousarray(rearrange(x, "l (h d) -> h l d", h=HEADS)) for x in (q, v))
    scores = q @ np.ascontiguousarray(rearrange(k, "l (h d) -> h d l", h=HEADS))  # (h, L, L)
    return rearrange(softmax(scores / np.float32(math.sqrt(q.shape[-1]))) @ v, "h l d -> l (h d)")
