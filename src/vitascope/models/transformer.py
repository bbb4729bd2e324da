"""The diffusion transformer: packed noisy tokens of many clips and their texts → a velocity for every token.

A token is one spacetime patch of a latent video: all frames, rows and columns of all clips of a batch stand in one
sequence without padding (Dehghani et al. 2023, "Patch n' Pack"). Tokens attend within their own clip and to its text.
Positions are three-dimensional rotary ones (Su et al. 2021); the noise level is each token's own. Peebles and Xie 2022
(DiT) for the frame, Chen et al. 2023 (PixArt) for a modulation shared by all blocks.

Reads downward: packing, attention, block, model, sizes. Knows nothing of pixels, of sampling or of tasks.
"""

from dataclasses import dataclass
from itertools import accumulate, groupby

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import CHANNELS, Layout, Staging

TEXT_WIDTH = 384
COORDINATES = 8  # frequencies per relative coordinate
TIME_WIDTH = 128  # numbers that encode a noise level
HEAD_WIDTH = 64


@dataclass(frozen=True)
class TransformerConfig:
    width: int = 320
    depth: int = 6
    channels: int = 16  # of a latent position
    patch: int = 1  # latent rows and columns in one token
    feed: int = 4  # the feed-forward's width relative to `width`
    staged: bool = True  # can be told a layout

    @property
    def heads(self) -> int:
        return self.width // HEAD_WIDTH


@dataclass(frozen=True)
class Grid:
    """The shape of one clip in tokens, the distance of its latent frames, and where it was cut from."""
    frames: int
    rows: int
    columns: int
    tempo: float = 1.0  # 1 is 8 frames a second; at 16 frames a second latent frames stand half as far apart
    opens: bool = True  # the first latent frame is a clip's very first, which stands for one frame and not for a group
    lean: float = 0.0  # of a layout: the logarithm of its picture's width over its height

    @property
    def tokens(self) -> int:
        return self.frames * self.rows * self.columns


@dataclass
class Packed:
    """A batch of clips as one sequence of N tokens, with M noise levels and K text tokens in all."""
    x: Tensor  # (N, C) noisy tokens
    grids: list[Grid]  # one per clip, in order
    times: Tensor  # (M,) the noise levels that occur, 0 clean to 1 noise
    level: Tensor  # (N,) which of them a token has
    states: Tensor  # (K, 384) text tokens of all clips
    text_lengths: list[int]  # how many of them each clip has; 0 for no prompt
    pooled: Tensor  # (M, 384) the sentence that belongs to a level
    layouts: list[Layout | None]  # what is where in each clip, if that is known

    @property
    def lengths(self) -> list[int]:
        return [grid.tokens for grid in self.grids]


@dataclass(frozen=True)
class Noisy:
    """One clip on its way from noise to data."""
    latents: Tensor  # (C, T, H, W)
    times: Tensor  # (T, H, W) its noise levels
    states: Tensor  # (L, 384) its text; L = 0 for none
    pooled: Tensor  # (384,) its sentence; zeros for none
    tempo: float = 1.0
    opens: bool = True  # see Grid
    lean: float = 0.0  # see Grid
    layout: Layout | None = None  # what is where, if that is known


# ------------------------------------------------------------------------------------------------ patches and positions

def patchify(latents: Tensor, patch: int) -> Tensor:
    """Latents (C, T, H, W) → tokens (T H/p W/p, C p p), frame by frame, row by row."""
    return rearrange(latents, "c t (h p) (w q) -> (t h w) (c p q)", p=patch, q=patch)


def unpatchify(tokens: Tensor, grid: Grid, patch: int) -> Tensor:
    """The inverse of `patchify`."""
    return rearrange(tokens, "(t h w) (c p q) -> c t (h p) (w q)", t=grid.frames, h=grid.rows, w=grid.columns,
                     p=patch, q=patch)


def pack(clips: list[Noisy], patch: int) -> Packed:
    """Many clips as one sequence. A token of several positions has the highest of their noise levels."""
    grids, times, levels, pooled, count = [], [], [], [], 0
    for clip in clips:
        _, T, H, W = clip.latents.shape
        grids.append(Grid(T, H // patch, W // patch, clip.tempo, clip.opens, clip.lean))
        noise_levels = patchify(clip.times[None], patch).amax(1)
        values, inverse = noise_levels.unique(return_inverse=True)
        times.append(values)
        levels.append(inverse + count)
        pooled.append(clip.pooled.expand(len(values), -1))
        count += len(values)
    return Packed(x=torch.cat([patchify(clip.latents, patch) for clip in clips]), grids=grids,
                  times=torch.cat(times), level=torch.cat(levels),
                  states=torch.cat([clip.states for clip in clips]), text_lengths=[len(clip.states) for clip in clips],
                  pooled=torch.cat(pooled), layouts=[clip.layout for clip in clips])


def positions(grid: Grid) -> Tensor:
    """Frame, row and column of every token, (N, 3); rows and columns count from the middle."""
    t = torch.arange(grid.frames) * grid.tempo
    h = torch.arange(grid.rows) - (grid.rows - 1) / 2
    w = torch.arange(grid.columns) - (grid.columns - 1) / 2
    return torch.stack(torch.meshgrid(t, h, w, indexing="ij"), -1).reshape(-1, 3)


def relative_coordinates(grid: Grid) -> Tensor:
    """Where in the picture a token is: Fourier features of row and column in [-1, 1], (N, 4 * COORDINATES)."""
    h = (torch.arange(grid.rows) + 0.5) / grid.rows * 2 - 1
    w = (torch.arange(grid.columns) + 0.5) / grid.columns * 2 - 1 + grid.lean
    place = torch.stack(torch.meshgrid(torch.zeros(grid.frames), h, w, indexing="ij")[1:], -1).reshape(-1, 2)
    angles = (place[..., None] * torch.pi / 2 * torch.arange(1, COORDINATES + 1)).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], 1)


def opening_tokens(grid: Grid) -> Tensor:
    """Which tokens (N,) belong to a latent frame that stands for one frame of video."""
    return torch.arange(grid.tokens) < grid.opens * grid.rows * grid.columns


def rotations(position: Tensor) -> Tensor:
    """Unit complex numbers (N, 1, HEAD_WIDTH / 2) that turn queries and keys: 8 by time, 12 by row, 12 by column."""
    pairs = HEAD_WIDTH // 2
    counts = (pairs - 2 * (3 * pairs // 8), 3 * pairs // 8, 3 * pairs // 8)
    angles = [position[:, axis, None] * 100.0 ** (-torch.arange(count) / count) for axis, count in enumerate(counts)]
    angles = torch.cat(angles, 1)
    return torch.polar(torch.ones_like(angles), angles)[:, None]


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn pairs of numbers of (N, heads, d) by their token's position."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2)


def encode_time(t: Tensor) -> Tensor:
    """Sines and cosines of a noise level, (M, TIME_WIDTH)."""
    frequencies = torch.exp(torch.linspace(0, 6.9, TIME_WIDTH // 2, device=t.device))
    angles = t[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


# ------------------------------------------------------------------------------------------------------------ attention

def packed_attention(q: Tensor, k: Tensor, v: Tensor, lengths: list[int], context_k: Tensor, context_v: Tensor,
                     context_lengths: list[int]) -> Tensor:
    """Attention of every segment to itself and to its context, (N, heads, d).

    q, k, v are (N, heads, d), segments of `lengths` in a row; the contexts (K, heads, d) likewise. On CUDA one kernel
    takes all segments; elsewhere neighbours of equal length are attended together, so equal lengths should stand in a
    row.
    """
    if q.is_cuda:
        return _fused_attention(q, k, v, lengths, context_k, context_v, context_lengths)
    parts, start, context_start = [], 0, 0
    for length, run in groupby(zip(lengths, context_lengths), key=lambda pair: pair[0]):
        context = torch.tensor([count for _, count in run])
        end, context_end = start + len(context) * length, context_start + int(context.sum())
        near = [x[start:end].unflatten(0, (-1, length)) for x in (q, k, v)]                # (b, n, h, d)
        far = [_pad(x[context_start:context_end], context) for x in (context_k, context_v)]
        present = torch.arange(far[0].shape[1]) < context[:, None]                        # (b, m)
        mask = F.pad(present, (length, 0), value=True)[:, None, None]                     # (b, 1, 1, n + m)
        keys, values = (torch.cat(pair, 1).transpose(1, 2) for pair in zip(near[1:], far))
        y = _attend(near[0].transpose(1, 2), keys, values, None if present.all() else mask)
        parts.append(rearrange(y, "b h n d -> (b n) h d"))
        start, context_start = end, context_end
    return torch.cat(parts)


def _pad(x: Tensor, lengths: Tensor) -> Tensor:
    """Segments in a row (K, heads, d) → (b, longest, heads, d); what is beyond a segment's end is anything."""
    if not len(x):
        return x.new_zeros(len(lengths), 0, *x.shape[1:])
    start = lengths.cumsum(0) - lengths
    order = (start[:, None] + torch.arange(int(lengths.max()))).clamp(max=len(x) - 1)
    return x[order]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of (b, heads, n, d) to (b, heads, m, d); `mask` (b, 1, 1, m) is false where nothing may be read."""
    if q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    # in bfloat16 plain products are two to three times as fast on a CPU
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)                              # (b, heads, n, m)
    if mask is not None:
        scores = scores + torch.zeros_like(mask, dtype=scores.dtype).masked_fill_(~mask, -torch.inf)
    return scores.softmax(-1).to(v.dtype) @ v


def _fused_attention(q: Tensor, k: Tensor, v: Tensor, lengths: list[int], context_k: Tensor, context_v: Tensor,
                     context_lengths: list[int]) -> Tensor:
    """All segments in one call of the variable-length kernel."""
    from torch.nn.attention.varlen import varlen_attn
    keys, values = (torch.cat([part for pair in zip(x.split(lengths), context.split(context_lengths)) for part in pair])
                    for x, context in ((k, context_k), (v, context_v)))
    both = [n + m for n, m in zip(lengths, context_lengths)]
    ends = [torch.tensor([0, *accumulate(sizes)], dtype=torch.int32, device=q.device) for sizes in (lengths, both)]
    return varlen_attn(q, keys, values, *ends, max(lengths), max(both))


# ---------------------------------------------------------------------------------------------------------------- model

def on_grid(layer: nn.Conv2d, x: Tensor, grids: list[Grid]) -> Tensor:
    """A convolution over rows and columns of packed tokens (N, D), frame by frame; clips of equal shape go together."""
    parts, start = [], 0
    for (rows, columns), run in groupby(grids, key=lambda grid: (grid.rows, grid.columns)):
        end = start + sum(grid.tokens for grid in run)
        y = layer(rearrange(x[start:end], "(t h w) d -> t d h w", h=rows, w=columns))
        parts.append(rearrange(y, "t d h w -> (t h w) d"))
        start = end
    return torch.cat(parts)


def norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[-1:])


class Block(nn.Module):
    """A look at the next tokens, attention over a clip and its text, a feed-forward.

    The depthwise convolution costs next to nothing and lets neighbouring patches agree early (after SANA's, Xie et al.
    2024). Attention and feed-forward read the tokens scaled by their noise level.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        D, self.heads = config.width, config.heads
        self.qkv, self.text_kv = nn.Linear(D, 3 * D, bias=False), nn.Linear(D, 2 * D, bias=False)
        self.attend = nn.Linear(D, D, bias=False)
        self.expand = nn.Linear(D, config.feed * D, bias=False)
        self.contract = nn.Linear(config.feed * D, D, bias=False)
        self.scales = nn.Linear(D, 2 * D)
        self.near = nn.Conv2d(D, D, 3, padding=1, groups=D, bias=False)

    def forward(self, x: Tensor, text: Tensor, condition: Tensor, rotation: Tensor, batch: Packed) -> Tensor:
        x = x + on_grid(self.near, norm(x), batch.grids)                # (N, D)
        first, second = (1 + self.scales(condition)).chunk(2, -1)       # (M, D) each
        q, k, v = rearrange(self.qkv(norm(x) * first[batch.level]), "n (s h d) -> s n h d", s=3, h=self.heads)
        text_k, text_v = rearrange(self.text_kv(text), "k (s h d) -> s k h d", s=2, h=self.heads)
        q, k = (rotate(norm(y), rotation).to(v.dtype) for y in (q, k))  # (N, heads, d)
        y = packed_attention(q, k, v, batch.lengths, norm(text_k).to(v.dtype), text_v, batch.text_lengths)
        x = x + self.attend(y.flatten(1))                               # (N, D)
        y = self.expand(norm(x) * second[batch.level])                  # (N, feed D)
        return x + self.contract(y * F.relu(y))                         # (N, D); ReLU squared, without a power


class Transformer(nn.Module):
    """Velocity (N, C p p) of packed tokens (N, C p p)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        if config.width % HEAD_WIDTH:
            raise ValueError(f"width is {config.width}; expected a multiple of {HEAD_WIDTH}")
        self.config = config
        D, token = config.width, config.channels * config.patch**2
        self.embed = nn.Linear(token, D)
        self.place, self.opening = nn.Linear(4 * COORDINATES, D, bias=False), nn.Parameter(torch.zeros(D))
        self.staging = Staging(D) if config.staged else None
        self.text = nn.Linear(TEXT_WIDTH, D)
        self.time, self.sentence = nn.Linear(TIME_WIDTH, D), nn.Linear(TEXT_WIDTH, D, bias=False)
        self.condition = nn.Linear(D, D)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.final_scale, self.head = nn.Linear(D, D), nn.Linear(D, token)
        self.initialise()

    def initialise(self) -> None:
        """Fan-in normal everywhere; zero where a branch ends and where noise levels modulate."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.sentence.weight, std=1.0)  # its input has unit length, not unit variance
        for block in self.blocks:
            for branch in (block.near, block.attend, block.contract, block.scales):
                nn.init.zeros_(branch.weight)
        nn.init.zeros_(self.final_scale.weight)
        nn.init.zeros_(self.head.weight)
        if self.staging:
            self.staging.initialise()

    def forward(self, batch: Packed) -> Tensor:
        """Velocity of every token, (N, C p p)."""
        return self.predict(self.features(batch)[-1], batch)

    def condition_of(self, batch: Packed) -> Tensor:
        """What modulates the tokens of each noise level, (M, D)."""
        return self.condition(F.silu(self.time(encode_time(batch.times)) + self.sentence(batch.pooled)))

    def features(self, batch: Packed) -> list[Tensor]:
        """Hidden states (N, D) after every block."""
        rotation = torch.cat([rotations(positions(grid)) for grid in batch.grids]).to(batch.x.device)
        places = torch.cat([relative_coordinates(grid) for grid in batch.grids]).to(batch.x)
        condition = F.silu(self.condition_of(batch))                    # (M, D)
        text = norm(self.text(norm(batch.states)))                      # (K, D)
        opening = torch.cat([opening_tokens(grid) for grid in batch.grids]).to(batch.x)
        x = self.embed(batch.x) + self.place(places) + opening[:, None] * self.opening + condition[batch.level]
        if self.staging:
            x = x + self.staging(batch.layouts, [(grid.frames, grid.rows, grid.columns) for grid in batch.grids])
        states = []
        for block in self.blocks:
            x = block(x, text, condition, rotation, batch)              # (N, D)
            states.append(x)
        return states

    def predict(self, x: Tensor, batch: Packed) -> Tensor:
        """The last layer: hidden states → velocity."""
        scale = 1 + self.final_scale(F.silu(self.condition_of(batch)))
        return self.head(norm(x) * scale[batch.level])                  # (N, C p p)


# ---------------------------------------------------------------------------------------------------------------- sizes

TRANSFORMERS: dict[str, TransformerConfig] = {
    # layouts
    "nano planner": TransformerConfig(width=64, depth=2, channels=CHANNELS, staged=False),  # tests
    "planner": TransformerConfig(width=192, depth=6, channels=CHANNELS, staged=False),      # 3 M: in the package
    # pictures                   width      depth           parameters  for
    "nano":    TransformerConfig(width=64, depth=2),       # 0.2 M      tests, seconds
    "tiny":    TransformerConfig(width=192, depth=6),      # 3 M        a laptop, an hour
    "bundled": TransformerConfig(width=320, depth=8),      # 11 M       a laptop, days: the weights in the package
    "small":   TransformerConfig(width=512, depth=12),     # 47 M       one GPU
    "base":    TransformerConfig(width=1024, depth=20),    # 310 M      one node
    "large":   TransformerConfig(width=1920, depth=28),    # 1.5 B      a few nodes
    "xl":      TransformerConfig(width=3072, depth=40),    # 5.6 B      a cluster
}


def parameter_count(config: TransformerConfig) -> int:
    """Parameters of a model of this size, counted without allocating it."""
    with torch.device("meta"):
        return sum(p.numel() for p in Transformer(config).parameters())


def forward_flops(config: TransformerConfig, tokens: int, text_tokens: int = 24) -> float:
    """Arithmetic of one forward pass over one clip: two operations per weight and token, plus attention."""
    D = config.width
    matrices = (4 + 2 * config.feed) * D**2 * tokens + 2 * D**2 * text_tokens
    attention = 2 * D * tokens * (tokens + text_tokens)
    ends = 2 * D * config.channels * config.patch**2 * tokens
    return 2 * (config.depth * (matrices + attention) + ends)


def training_memory(config: TransformerConfig, tokens: int) -> float:
    """Bytes to train on `tokens` at once in float32: weights, gradient, two moments, the average, and activations."""
    return 4 * (5 * parameter_count(config) + tokens * config.width * config.depth * (14 + 3 * config.feed))


def inference_memory(config: TransformerConfig, tokens: int) -> float:
    """Bytes of weights and of the largest activations for a forward pass over `tokens`."""
    return 4 * (parameter_count(config) + tokens * config.width * (6 + 2 * config.feed))
