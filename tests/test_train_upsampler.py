"""Training the decoders: pairs of parts of clips with their layouts, and a loss that falls."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from vitascope.data.shards import FIRST_SEED
from vitascope.data.truth import layout_of
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.textures import COLOURS, Textures
from vitascope.models.upsampler import UPSAMPLERS, Told, Upsampler
from vitascope.train import upsampler as training
from vitascope.train.repaint import Painting
from vitascope.train.upsampler import (
    Decoders,
    UpsamplerTraining,
    draw_crop,
    draw_painted,
    give,
    make_optimizer,
    stray,
    train,
    train_step,
)
from vitascope.video import to_unit
from vitascope.world.catalogue import OCCLUDERS, number_of
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED

CONFIG = UpsamplerTraining(model=UPSAMPLERS["nano"], steps=6, batch=2, warmup=1, validate_every=3,
                           portraits=20)


def test_a_crop_shows_what_its_layout_says():
    """Where things are told to be, more changes than elsewhere."""
    told, elsewhere = [], []
    for seed in range(48):
        crop, layout = draw_crop(seed, CONFIG, np.random.default_rng(seed))
        assert crop.shape == (CONFIG.frames, 64, 64, 3)
        there = (Textures(COLOURS + 1)(layout, 64, 64)[-CONFIG.frames:, COLOURS + 1] > 0).any(0).numpy()
        moving = np.abs(np.diff(crop.astype(int), axis=0)).mean((0, 3))
        told += list(moving[there])
        elsewhere += list(moving[~there])
    assert len(told) > 1000 and np.median(told) > 2 * np.median(elsewhere)


def test_a_layout_goes_a_little_astray():
    _, layout = draw_crop(1, CONFIG, np.random.default_rng(1))
    moved = stray(layout, 0.01, np.random.default_rng(0))
    off = (moved.poses - layout.poses)[..., :2].abs()
    assert 0 < off.max() < 0.05 and torch.equal(moved.poses[..., 3:], layout.poses[..., 3:])
    assert torch.equal(stray(layout, 0.0, np.random.default_rng(0)).poses, layout.poses)


def start():
    torch.manual_seed(0)
    autoencoder = Autoencoder(AUTOENCODERS["nano"])
    for parameter in autoencoder.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return autoencoder


def test_a_run_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "VALIDATION", 2)
    whole = train(CONFIG, tmp_path / "whole", start()).state_dict()
    steps = training.train_step

    def stop(model, optimizer, config, step, painted):
        if step == 4:
            raise KeyboardInterrupt
        return steps(model, optimizer, config, step, painted)

    monkeypatch.setattr(training, "train_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, tmp_path / "parts", start())
    monkeypatch.setattr(training, "train_step", steps)
    again = train(CONFIG, tmp_path / "parts", start()).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    saved = load_file(tmp_path / "parts" / "upsampler" / "weights.safetensors")
    assert torch.equal(saved["told.weight"], again["upsampler.told.weight"])


def test_textures_of_what_is_seen_learn_and_no_others():
    model = Decoders(start(), Upsampler(CONFIG.model))
    before = model.upsampler.textures.features.detach().clone()
    optimizer = make_optimizer(model, CONFIG)
    for step in range(3):
        train_step(model, optimizer, replace(CONFIG, unplanned=0.0), step)
    changed = (model.upsampler.textures.features != before).flatten(1).any(1)
    known = {number_of(thing) for thing in (*BUNDLED.subjects, *OCCLUDERS, "block", "trail of paint")}
    assert changed.any() and set(changed.nonzero().flatten().tolist()) <= known


def test_a_part_of_a_painting_is_the_same_part_of_its_clip_and_of_its_layout():
    cells = torch.arange(64.0).view(1, 1, 8, 8).expand(1, 5, -1, -1)
    for seed in range(5):
        painting = Painting(FIRST_SEED["train"] + seed, cells)
        crops = draw_painted([painting], replace(CONFIG, painted_batch=1), np.random.default_rng(seed))
        row, column = divmod(int(crops.latents[0, 0, 0, 0, 0]), 8)
        scene, motion = painting.scene()
        part = render(scene, motion)[:, 16 * row:16 * row + 64, 16 * column:16 * column + 64]
        assert torch.equal(crops.large[0], to_unit(part)) and crops.latents.shape == (1, 1, 5, 4, 4)
        whole = layout_of(scene, motion, 0, 17).poses[..., 0, :3]
        x, y = (64 * (place + 0.5) for place in crops.layouts[0].poses[..., 0, :2].movedim(-1, 0))  # in the crop
        assert_close(x + 16 * column, 128 * (whole[..., 0] + 0.5), atol=1e-3, rtol=0)
        assert_close(y + 16 * row, 128 * (whole[..., 1] + 0.5), atol=1e-3, rtol=0)


def test_paintings_are_learnt_from(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "VALIDATION", 2)
    model = start()
    painting = Painting(FIRST_SEED["held-out"], torch.randn(model.config.channels, 5, 8, 8))
    config = replace(CONFIG, painted=1.0, steps=3)
    with_them = train(config, tmp_path / "with", model, painted=[painting], painted_held_out=[painting]).state_dict()
    without = train(config, tmp_path / "without", start()).state_dict()
    assert any(not torch.equal(with_them[name], without[name]) for name in without)
    assert (tmp_path / "with" / "samples" / "00000003-painted.png").exists()


def test_some_clips_are_known_by_a_frame_of_their_own():
    _, layout = draw_crop(1, CONFIG, np.random.default_rng(1))
    videos = torch.rand(40, 3, CONFIG.frames, 32, 32)
    before = [Told.last(layout, CONFIG.frames, video[:, 0]) for video in videos]
    after = give([*before, None], torch.cat([videos, videos[:1]]), np.random.default_rng(0))
    changed = [number for number, (one, other) in enumerate(zip(before, after)) if one is not other]
    assert 5 < len(changed) < 25 and after[-1] is None
    for number in changed:
        seen, = after[number].seen
        assert torch.equal(seen.picture, videos[number, :, seen.frame - after[number].frames.start])
