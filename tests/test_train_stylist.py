"""Training the stylist: clips as they are painted and as they are to look, and errors that fall."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.stylist import STYLISTS
from vitascope.models.upsampler import UPSAMPLERS, Upsampler
from vitascope.train import stylist as training
from vitascope.train.stylist import StylistTraining, draw_clip, train
from vitascope.world.styles import STYLES

CONFIG = StylistTraining(model=STYLISTS["nano"], steps=4, warmup=1, validate_every=2, frames=1)


@pytest.fixture(scope="module")
def before():
    torch.manual_seed(0)
    return Autoencoder(AUTOENCODERS["nano"]), Upsampler(UPSAMPLERS["nano"])


def test_a_clip_is_drawn_in_every_style(before):
    plain, targets = draw_clip(3, StylistTraining(plain=1.0), *before, np.random.default_rng(0))
    assert len(targets) == len(STYLES) - 1
    assert all(target.shape == plain.shape == (1, 3, 5, 128, 128) for target in targets)
    painted, again = draw_clip(3, StylistTraining(plain=0.0), *before, np.random.default_rng(0))
    assert all(torch.equal(*pair) for pair in zip(targets, again)) and not torch.equal(painted, plain)


def test_a_run_goes_on_where_it_was_stopped_and_learns(before, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "VALIDATION", 4)
    whole = train(CONFIG, tmp_path / "whole", *before).state_dict()
    steps, losses = training.train_step, []

    def stop(*arguments):
        if len(losses) == 3:
            raise KeyboardInterrupt
        losses.append(steps(*arguments))
        return losses[-1]

    monkeypatch.setattr(training, "train_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, tmp_path / "parts", *before)
    monkeypatch.setattr(training, "train_step", steps)
    again = train(CONFIG, tmp_path / "parts", *before).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    saved = load_file(tmp_path / "parts" / "weights.safetensors")
    assert all(torch.equal(saved[name], again[name]) for name in again)


def test_the_error_falls(before, tmp_path):
    torch.manual_seed(0)
    model = training.Stylist(STYLISTS["nano"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    clip = draw_clip(5, CONFIG, *before, np.random.default_rng(0))
    losses = [training.train_step(model, optimizer, *clip, CONFIG) for _ in range(50)]
    assert losses[-1] < 0.8 * losses[0]
