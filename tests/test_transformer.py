"""The transformer: packing changes nothing, positions and noise levels are each token's own."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.models.transformer import (
    TRANSFORMERS, Grid, Noisy, Transformer, TransformerConfig, forward_flops, pack, packed_attention, parameter_count,
    patchify, positions, rotate, rotations, unpatchify,
)


def random_model(patch=1):
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(width=64, depth=2, channels=4, patch=patch))
    for parameter in model.parameters():  # zero-initialised branches would hide every mistake
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def random_clip(T, H, W, text=5, level=None, tempo=1.0):
    times = torch.rand(T, 1, 1).expand(T, H, W) if level is None else torch.full((T, H, W), level)
    return Noisy(torch.randn(4, T, H, W), times, torch.randn(text, 384), torch.randn(384), tempo)


@pytest.mark.parametrize("patch", [1, 2])
def test_packed_equals_one_by_one(patch):
    model = random_model(patch)
    clips = [random_clip(5, 4, 6), random_clip(1, 8, 2, text=0), random_clip(3, 2, 2, text=9)]
    together = model(pack(clips, patch))
    apart = torch.cat([model(pack([clip], patch)) for clip in clips])
    assert_close(together, apart, atol=1e-5, rtol=1e-4)


def test_packed_attention_equals_a_mask():
    torch.manual_seed(1)
    lengths, context = [3, 5], [2, 1]
    q, k, v = (torch.randn(8, 2, 16) for _ in range(3))
    ck, cv = (torch.randn(3, 2, 16) for _ in range(2))
    owner, context_owner = torch.tensor([0] * 3 + [1] * 5), torch.tensor([0, 0, 1])
    mask = torch.cat([owner[:, None] == owner, owner[:, None] == context_owner], 1)
    keys, values = torch.cat([k, ck]), torch.cat([v, cv])
    scores = torch.einsum("nhd,mhd->hnm", q, keys) / 4
    expected = torch.einsum("hnm,mhd->nhd", scores.masked_fill(~mask, -torch.inf).softmax(-1), values)
    assert_close(packed_attention(q, k, v, lengths, ck, cv, context), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("patch", [1, 2])
def test_unpatchify_is_the_inverse(patch):
    latents = torch.randn(4, 3, 4, 6)
    assert torch.equal(unpatchify(patchify(latents, patch), Grid(3, 4 // patch, 6 // patch), patch), latents)


def test_rotation_keeps_relative_positions_only():
    torch.manual_seed(2)
    grid = Grid(2, 2, 3)
    q, k = torch.randn(12, 1, 64), torch.randn(12, 1, 64)
    products = [torch.einsum("nhd,mhd->nm", rotate(q, rotations(place)), rotate(k, rotations(place)))
                for place in (positions(grid), positions(grid) + 7)]
    assert_close(*products, atol=1e-4, rtol=1e-4)


def test_a_noise_level_belongs_to_its_token():
    model = random_model()
    clip = random_clip(2, 2, 2, level=0.5)
    other = Noisy(clip.latents, clip.times.clone(), clip.states, clip.pooled)
    other.times[1] = 0.1
    batches = [pack([c], 1) for c in (clip, other)]
    conditions = [model.condition_of(batch)[batch.level] for batch in batches]
    assert_close(conditions[0][:4], conditions[1][:4])
    assert not torch.allclose(conditions[0][4:], conditions[1][4:])


def test_a_clip_that_goes_on_is_told_from_one_that_opens():
    model = random_model()
    clip = random_clip(2, 2, 2, level=0.5)
    assert not torch.allclose(model(pack([clip], 1)), model(pack([replace(clip, opens=False)], 1)))


def test_words_matter():
    model = random_model()
    clip = random_clip(1, 4, 4)
    other = Noisy(clip.latents, clip.times, torch.randn(5, 384), clip.pooled)
    assert not torch.allclose(model(pack([clip], 1)), model(pack([other], 1)))


def test_an_untrained_model_predicts_nothing():
    model = Transformer(TRANSFORMERS["nano"])
    C = model.config.channels
    clip = Noisy(torch.randn(C, 1, 4, 4), torch.rand(1, 4, 4), torch.randn(3, 384), torch.randn(384))
    assert not model(pack([clip], 1)).any()


def test_sizes_grow_from_thousands_to_billions():
    counts = [parameter_count(config) for config in TRANSFORMERS.values() if config.staged]
    assert counts == sorted(counts) and counts[0] < 1e6 and counts[-1] > 5e9


def test_arithmetic_is_counted_as_torch_counts_it():
    from torch.utils.flop_counter import FlopCounterMode
    config = TRANSFORMERS["nano"]
    model = Transformer(config)
    clip = Noisy(torch.randn(config.channels, 5, 8, 8), torch.rand(5, 8, 8), torch.randn(24, 384), torch.randn(384))
    with FlopCounterMode(display=False) as counter:
        model(pack([clip], 1))
    assert forward_flops(config, 320) == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_width_must_fit_the_heads():
    with pytest.raises(ValueError, match="multiple of 64"):
        Transformer(TransformerConfig(width=100))
