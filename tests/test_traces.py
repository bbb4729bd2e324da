"""Traces: what the bundled models drew is told from what was rendered; rarity is no more than was measured."""

import math

import numpy as np
import pytest
import torch

from vitascope.provenance import detector
from vitascope.provenance.traces import FRAMES, Drawing, Traces, features
from vitascope.video import from_unit, to_unit
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene

KNOWN = Traces(models="", mean=(0.0, 1.0), deviation=(1.0, 2.0), weight=(1.0, -1.0), bias=0.5,
               others=(-2.0, -1.0, 0.0, 3.0))


@pytest.fixture(scope="module")
def models() -> Drawing:
    return Drawing.load()


@pytest.fixture(scope="module")
def rendered() -> np.ndarray:
    scene = sample_scene(6_000_000, width=128, height=128)
    return render(scene, simulate(scene))[:FRAMES]


@torch.inference_mode()
def draw(models: Drawing, frames: np.ndarray) -> np.ndarray:
    small = torch.nn.functional.avg_pool3d(to_unit(frames)[None], (1, 2, 2))
    return from_unit(models.upsampler(models.autoencoder.decode(models.autoencoder.encode(small)).clamp(-1, 1))[0])


def test_score_is_a_logistic_regression() -> None:
    assert KNOWN.score(np.array([[1.0, 5.0]])) == pytest.approx([1.0 - 2.0 + 0.5])


def test_rarity_is_counted_and_never_below_one_in_the_number_of_clips() -> None:
    assert (KNOWN.beyond(9.0), KNOWN.beyond(0.0)) == (0, 2)
    assert KNOWN.log10_p(9.0) == pytest.approx(math.log10(1 / 5))
    assert KNOWN.log10_p(0.0) == pytest.approx(math.log10(3 / 5))
    assert KNOWN.log10_p(-9.0) == 0.0


def test_what_the_models_drew_is_told_from_what_was_rendered(models: Drawing, rendered: np.ndarray) -> None:
    known = Traces.load()
    ours, others = known.score(np.stack([features(draw(models, rendered), models), features(rendered, models)]))
    assert known.models == models.digest
    assert known.log10_p(ours) <= detector.TRACED < known.log10_p(others)


def test_every_size_has_features(models: Drawing, rendered: np.ndarray) -> None:
    wide = np.concatenate([rendered, rendered], 2)[:, :90]
    found = features(wide, models)
    assert found.shape == features(rendered, models).shape and np.isfinite(found).all()


def test_traces_that_cannot_be_judged_are_no_evidence(rendered: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    short = detector._traces(rendered[:2])
    monkeypatch.setattr(detector.Traces, "load", lambda: KNOWN)
    other = detector._traces(rendered)
    assert not short.found and not other.found and "other weights" in other.detail
