"""Clips that a painter paints anew: kept in files, near to what they were around things, made again the same."""

import pytest
import torch

from vitascope.data.shards import FIRST_SEED, draw, encode
from vitascope.data.truth import layout_of
from vitascope.foresight import ROOM
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.layout import covered
from vitascope.models.text import Text
from vitascope.models.transformer import TRANSFORMERS, Transformer
from vitascope.train import repaint
from vitascope.train.repaint import FRAMES, OWN, load_paintings, paint


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    autoencoder = Autoencoder(AUTOENCODERS["nano"]).eval()
    painter = Transformer(TRANSFORMERS["nano"]).eval()
    for parameter in (*autoencoder.parameters(), *painter.parameters()):
        torch.nn.init.normal_(parameter, std=0.02)
    return painter.requires_grad_(False), autoencoder.requires_grad_(False), Text()


def test_things_are_painted_anew_and_the_rest_in_part(models, monkeypatch):
    monkeypatch.setattr(repaint, "REST", (0.0, 0.0))
    painting = repaint.Painting(FIRST_SEED["train"] + OWN, paint(FIRST_SEED["train"] + OWN, *models))
    scene, motion = painting.scene()
    before = encode([draw(scene, motion, 0, FRAMES)], models[1])[0].float()
    layout = layout_of(scene, motion, 0, FRAMES)
    things = covered(layout, *before.shape[2:])
    changed = (painting.latents - before).abs().amax(0)
    assert painting.latents.shape == before.shape and things.any() and (changed[things] > 0).all()
    assert not changed[0][~covered(layout.grown(ROOM), *before.shape[2:])[0]].any()  # of the first frame the rest stays


def test_paintings_are_kept_and_gone_on_with(models, monkeypatch, tmp_path):
    monkeypatch.setattr(repaint, "GROUP", 1)
    first = load_paintings(tmp_path, 1, "train", *models)
    monkeypatch.setattr(repaint, "paint", lambda seed, *models: first[0].latents + seed % OWN)
    both = load_paintings(tmp_path, 2, "train", *models)
    assert [one.seed for one in both] == [FIRST_SEED["train"] + OWN, FIRST_SEED["train"] + OWN + 1]
    assert torch.equal(both[0].latents, first[0].latents) and not torch.equal(both[1].latents, first[0].latents)
    assert not list(tmp_path.glob(".*"))
