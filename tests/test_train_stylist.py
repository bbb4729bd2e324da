"""Training the stylist: pictures as they are painted and as they are to look, and errors that fall."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from vitascope.falling import FALLING
from vitascope.grain import SURFACES
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.stylist import STYLISTS, Stylist
from vitascope.models.upsampler import UPSAMPLERS, Upsampler
from vitascope.train import stylist as training
from vitascope.train.stylist import StylistTraining, draw_pictures, train, train_step
from vitascope.world.styles import STYLES

CONFIG = StylistTraining(model=STYLISTS["nano"], pictures=6, steps=4, batch=2, warmup=1, validate_every=2)


@pytest.fixture(scope="module")
def before():
    torch.manual_seed(0)
    return Autoencoder(AUTOENCODERS["nano"]), Upsampler(UPSAMPLERS["nano"])


def drawn(before, **shares):
    return draw_pictures(range(3, 6), replace(CONFIG, **{"plain": 1.0, "finished": 0.0, **shares}), *before)


def test_a_picture_is_drawn_in_every_style_and_weather(before):
    plain, styles = drawn(before), len(STYLES) - 1
    assert plain.painted.shape == plain.styled.shape == (styles + len(FALLING), 3, 3, 128, 128)
    assert torch.equal(plain.painted[0], plain.painted[1]) and not torch.equal(plain.styled[0], plain.styled[1])
    coloured = (plain.painted[0], plain.styled[0], plain.styled[2])
    grey = [float((x - x.mean(1, keepdim=True)).abs().mean()) for x in coloured]
    assert max(grey[1:]) < 0.02 < grey[0]
    assert plain.ground.shape == (3, SURFACES, 128, 128)
    for kind, (dry, wet) in enumerate(zip(plain.painted[styles:], plain.styled[styles:])):
        share = plain.ground[:, SURFACES - len(FALLING) + kind]
        changed = (dry != wet).any(1)
        assert not changed[share == 0].any() and changed[share > 0.5].float().mean() > 0.9


def test_some_are_painted_and_some_are_finished_before(before):
    plain, painted, finished = drawn(before), drawn(before, plain=0.0), drawn(before, finished=1.0)
    styles = len(STYLES) - 1
    assert torch.equal(finished.painted[:styles], finished.styled[:styles])
    assert torch.equal(painted.styled, plain.styled) and not torch.equal(painted.painted, plain.painted)


def test_a_run_goes_on_where_it_was_stopped(before, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "VALIDATION", 6)
    whole = train(CONFIG, tmp_path / "whole", *before).state_dict()

    def stop(model, optimizer, pictures, config, step):
        if step == 3:
            raise KeyboardInterrupt
        return train_step(model, optimizer, pictures, config, step)

    monkeypatch.setattr(training, "train_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, tmp_path / "parts", *before)
    monkeypatch.setattr(training, "train_step", train_step)
    again = train(CONFIG, tmp_path / "parts", *before).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    saved = load_file(tmp_path / "parts" / "weights.safetensors")
    assert all(torch.equal(saved[name], again[name]) for name in again)


def test_the_error_falls(before):
    torch.manual_seed(0)
    model = Stylist(STYLISTS["nano"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pictures = draw_pictures(range(6), CONFIG, *before)
    losses = [train_step(model, optimizer, pictures, CONFIG, step) for step in range(60)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
