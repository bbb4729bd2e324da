"""Causal video autoencoder: pixels (B, 3, T, H, W) in [-1, 1] ↔ normalised latents (B, C, 1 + k, H/8, W/8).

A video has T = 1 + 4k frames. Frame 0 is a latent frame of its own (it is shown to the encoder four times over), each
further group of four frames is one more; an image is a video of one frame. No latent frame sees a later one, so a
long video can be encoded and decoded window by window with the same result (see `Past`).

Encoder and decoder are each a linear map, set to the principal components of 4x8x8 patches before training, plus a
convolutional network whose last layer starts at zero: training starts at what linear compression reaches and adds to
it. All mixing happens at 1/8 and 1/4 of the resolution, where it is bound by arithmetic and not by memory; mixing
across patch borders is what removes seams. Time is mixed by shifting a quarter of the channels one latent frame on
(Lin et al. 2019, "TSM", the online form), which costs no arithmetic.

Knows nothing of files, training or where videos come from.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

FRAMES, SIDE = 4, 8  # pixels of one latent position: 4 frames of 8x8 (frame 0 stands alone)
PATCH = 3 * FRAMES * SIDE * SIDE  # numbers in one patch
FINE = 2  # the decoder's last stage runs at SIDE / FINE
PIXEL_GAIN, LATENT_GAIN = 0.05, 0.2  # of what the networks add to the linear maps
SHIFTED = 4  # one channel in SHIFTED comes from the previous latent frame

Past = dict[str, Tensor]
"""What a causal network remembers of the frames before: empty at the start of a video, filled by every call."""


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of an autoencoder; the compression is fixed at 4x8x8."""

    channels: int = 48  # numbers per latent position
    encoder_width: int = 128  # channels inside the encoder, at 1/8
    encoder_blocks: int = 4
    decoder_width: int = 128  # channels inside the decoder, at 1/8
    decoder_blocks: int = 5
    fine_width: int = 64  # channels of the decoder's last stage, at 1/4
    fine_blocks: int = 1


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each position of (N, C, H, W): sees no neighbour and no other frame."""

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x.permute(0, 2, 3, 1))  # channels_last memory: the permutation copies nothing
        return x.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Residual block: norm, shift in time, 3x3 convolution to twice the width, SiLU, 1x1 back (zero at the start)."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__()
        self.name = name  # its key in `Past`
        self.norm = ChannelNorm(width)
        self.mix = nn.Conv2d(width, 2 * width, kernel_size=3, padding=1)
        self.project = zero_(nn.Conv2d(2 * width, width, kernel_size=1))

    def forward(self, x: Tensor, frames: int, past: Past) -> Tensor:
        y = shift(self.norm(x), frames, past, self.name)  # ((B K), C, h, w)
        return x + self.project(F.silu(self.mix(y)))


class Network(nn.Module):
    """A stack of blocks with a convolution before and after.

    `gain` multiplies the output. Adam moves every weight by about the learning rate, so that what adds up hundreds of
    them and must be exact to a few hundredths (pixels) would tremble at a rate that suits the blocks.
    """

    def __init__(
        self, name: str, inputs: int, width: int, outputs: int, *, blocks: int, kernel: int = 1, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.gain = gain
        self.stem = nn.Conv2d(inputs, width, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(Block(f"{name}.{i}", width) for i in range(blocks))
        self.norm = ChannelNorm(width)
        self.head = nn.Conv2d(width, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, frames: int, past: Past) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x, frames, past)
        return self.gain * self.head(self.norm(x))


class Autoencoder(nn.Module):
    """Causal 4x8x8 video autoencoder; `encode` and `decode` are inverse up to the loss of compression."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        c, fine_patch = config.channels, PATCH // FINE**2

        self.encode_linear = nn.Conv2d(PATCH, c, kernel_size=1)
        self.encoder = Network(
            "encoder", PATCH, config.encoder_width, c, blocks=config.encoder_blocks, gain=LATENT_GAIN
        )
        zero_(self.encoder.head)

        self.decode_linear = nn.Conv2d(c, PATCH, kernel_size=1)
        self.decoder = Network(
            "decoder", c, config.decoder_width, config.fine_width * FINE**2, blocks=config.decoder_blocks
        )
        self.fine = Network(
            "fine", config.fine_width, config.fine_width, fine_patch,
            blocks=config.fine_blocks, kernel=3, gain=PIXEL_GAIN,
        )
        zero_(self.fine.head)

        self.encode_linear.requires_grad_(False)  # exact from the start; the networks learn the rest
        self.decode_linear.requires_grad_(False)
        self.register_buffer("mean", torch.zeros(c))  # of the encoder's raw output, per channel
        self.register_buffer("deviation", torch.ones(c))
        self.to(memory_format=torch.channels_last)

    def encode(self, video: Tensor, past: Past | None = None) -> Tensor:
        """Latents (B, C, 1 + k, H/8, W/8) of a video (B, 3, 1 + 4k, H, W), about zero mean and unit variance.

        With a `past` that earlier calls have filled, the video goes on with (B, 3, 4k, H, W) and gives k latent frames.
        Raises ValueError for a shape that is not supported, naming the nearest one that is.
        """
        return self.normalise(self.encode_raw(video, past))

    def encode_raw(self, video: Tensor, past: Past | None = None) -> Tensor:
        """As `encode`, before normalisation: what the statistics `mean` and `deviation` are taken of."""
        past = {} if past is None else past
        check_video(video, continued=bool(past))
        if not past:
            video = repeat_first(video)                                # (B, 3, 4K, H, W)
        batch, frames = video.shape[0], video.shape[2] // FRAMES

        x = patchify(video)                                            # ((B K), PATCH, h, w)
        z = self.encode_linear(x) + self.encoder(x, frames, past)      # ((B K), C, h, w)
        return rearrange(z, "(b k) c h w -> b c k h w", b=batch)       # (B, C, K, h, w)

    def decode(self, latents: Tensor, past: Past | None = None) -> Tensor:
        """Video (B, 3, 1 + 4k, 8h, 8w), not clamped, of latents (B, C, 1 + k, h, w).

        With a `past` that earlier calls have filled, the video goes on with four frames for each latent frame.
        """
        past = {} if past is None else past
        begins = not past
        batch, channels, frames = latents.shape[:3]
        if channels != self.config.channels:
            raise ValueError(f"latents have {channels} channels; this autoencoder has {self.config.channels}")

        z = rearrange(self.denormalise(latents), "b c k h w -> (b k) c h w")
        z = z.contiguous(memory_format=torch.channels_last)
        y = self.decoder(z, frames, past)                              # ((B K), 4 fine_width, h, w)
        y = self.fine(finer(y, FINE), frames, past)                    # ((B K), PATCH / 4, 2h, 2w)
        video = unpatchify(self.decode_linear(z), batch, SIDE) + unpatchify(y, batch, SIDE // FINE)
        return video[:, :, FRAMES - 1 :] if begins else video          # (B, 3, T, H, W)

    def normalise(self, raw: Tensor) -> Tensor:
        return (raw - per_channel(self.mean)) / per_channel(self.deviation)

    def denormalise(self, latents: Tensor) -> Tensor:
        return latents * per_channel(self.deviation) + per_channel(self.mean)

    @torch.no_grad()
    def temper(self, power: float = 0.5) -> None:
        """Let each channel keep a share of its weight in the picture, as its deviation; their mean square is 1.

        At unit variance the many channels of fine detail count as much as the few that hold shape and colour, and a
        diffusion model spends itself on them. A channel's weight is what it moves in the linear part of the decoder;
        `power` 0 changes nothing, 1 restores the spectrum of the pixels.
        """
        weight = self.decode_linear.weight.flatten(1).norm(dim=0) * self.deviation.abs()
        share = weight**power
        self.deviation.div_(share / share.square().mean().sqrt())

    @torch.no_grad()
    def start_from(self, mean: Tensor, components: Tensor, deviations: Tensor) -> None:
        """Set the linear maps to principal components: mean (PATCH,), components (n, PATCH), deviations (n,).

        n is at least the encoder's width and the number of channels. The encoder's network starts from more of the same
        whitened components: plain pixels would drown detail in the brightness that all of a patch shares.
        """
        whiten = components / deviations[:, None]
        for convolution in (self.encode_linear, self.encoder.stem):
            count = convolution.out_channels
            convolution.weight.copy_(whiten[:count, :, None, None])
            convolution.bias.copy_(-whiten[:count] @ mean)
        restore = (components * deviations[:, None])[: self.config.channels].T
        self.decode_linear.weight.copy_(restore[:, :, None, None])
        self.decode_linear.bias.copy_(mean)


def check_video(video: Tensor, *, continued: bool = False) -> None:
    """Raise ValueError if the encoder cannot take (B, 3, T, H, W), naming the nearest size that it can."""
    frames, height, width = video.shape[2:]
    first, least = (0, FRAMES) if continued else (1, 1)
    whole_groups = frames >= least and (frames - first) % FRAMES == 0
    if whole_groups and height % SIDE == 0 and width % SIDE == 0 and height > 0 and width > 0:
        return
    groups = max(round((frames - first) / FRAMES), 1 if continued else 0)
    nearest = (first + FRAMES * groups, *(max(SIDE, SIDE * round(size / SIDE)) for size in (height, width)))
    raise ValueError(
        f"unsupported video of {frames} frames of {width}x{height}; the nearest supported one has {nearest[0]} frames "
        f"of {nearest[2]}x{nearest[1]} (frames {'4k' if continued else '1 + 4k'}, sides multiples of 8)"
    )


def repeat_first(video: Tensor) -> Tensor:
    """(B, 3, 1 + 4k, H, W) → (B, 3, 4 + 4k, H, W), frame 0 shown four times."""
    return torch.cat([repeat(video[:, :, :1], "b c 1 h w -> b c f h w", f=FRAMES - 1), video], dim=2)


def patchify(video: Tensor) -> Tensor:
    """(B, 3, 4K, H, W) → ((B K), PATCH, H/8, W/8) in channels_last memory."""
    patches = rearrange(video, "b c (k f) (h y) (w x) -> (b k) h w (f y x c)", f=FRAMES, y=SIDE, x=SIDE)
    return patches.permute(0, 3, 1, 2)


def unpatchify(patches: Tensor, batch: int, side: int) -> Tensor:
    """((B K), 3 * 4 * side², h, w) → (B, 3, 4K, side * h, side * w), the inverse of `patchify` at side 8."""
    return rearrange(patches, "(b k) (f y x c) h w -> b c (k f) (h y) (w x)", b=batch, f=FRAMES, y=side, x=side)


def finer(x: Tensor, factor: int) -> Tensor:
    """(N, C * factor², h, w) → (N, C, factor * h, factor * w) in channels_last memory."""
    x = rearrange(x, "n (y x c) h w -> n (h y) (w x) c", y=factor, x=factor)
    return x.permute(0, 3, 1, 2)


def shift(x: Tensor, frames: int, past: Past, name: str) -> Tensor:
    """Take a quarter of the channels of ((B K), C, h, w) from the previous latent frame, zeros before the first."""
    share = x.shape[1] // SHIFTED
    moved = rearrange(x[:, :share], "(b k) c h w -> b k h w c", k=frames)
    before = past[name] if name in past else torch.zeros_like(moved[:, :1])
    past[name] = moved[:, -1:]
    moved = torch.cat([before, moved[:, :-1]], dim=1)
    moved = rearrange(moved, "b k h w c -> (b k) h w c").permute(0, 3, 1, 2)
    return torch.cat([moved, x[:, share:]], dim=1)


def per_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1, 1)


def zero_(convolution: nn.Conv2d) -> nn.Conv2d:
    """Start a convolution at zero, so that what it is added to passes unchanged."""
    nn.init.zeros_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    return convolution


AUTOENCODERS = {
    "nano": AutoencoderConfig(
        channels=16, encoder_width=32, encoder_blocks=1, decoder_width=32, decoder_blocks=1,
        fine_width=16, fine_blocks=1,
    ),
    "bundled": AutoencoderConfig(),
}
