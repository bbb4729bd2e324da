"""Traces: what the bundled models drew is told from what was rendered; rarity is no more than was measured."""

import math
from dataclasses import replace

import numpy as np
import pytest

from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.tracer import TRACERS, Tracer
from vitascope.provenance import detector
from vitascope.provenance.specimens import drawn_again
from vitascope.provenance.traces import FRAMES, LARGEST, Traces, digest
from vitascope.system import System
from vitascope.world.render import render
from vitascope.world.scene import Scene, sample_scene

KNOWN = Traces(models="", others={"few": [-2.0], "many": [-1.0, 0.0, 3.0]}, tracer=Tracer(TRACERS["nano"]).eval().requires_grad_(False),
               autoencoder=Autoencoder(AUTOENCODERS["nano"]).eval())


@pytest.fixture(scope="module")
def scene() -> Scene:
    return sample_scene(6_000_000, width=128, height=128)


def test_rarity_is_that_among_the_kind_which_looks_most_like_ours() -> None:
    assert (KNOWN.beyond(9.0), KNOWN.beyond(0.0), KNOWN.beyond(-1.5)) == ((0, 4), (2, 4), (3, 4))
    assert KNOWN.log10_p(9.0) == pytest.approx(math.log10(1 / 2))
    assert KNOWN.log10_p(0.0) == pytest.approx(math.log10(3 / 4))
    assert KNOWN.log10_p(-9.0) == 0.0


def test_what_the_models_drew_looks_more_like_it_than_what_was_rendered() -> None:
    known, system, draw = Traces.load(), System.load(), np.random.default_rng(0)
    assert known.models == digest()
    for seed in range(6_000_000, 6_000_003):
        scene = sample_scene(seed, width=128, height=128)
        assert known.score(drawn_again(scene, 0, draw, system)) > known.score(render(scene))


def test_the_middle_of_large_frames_is_looked_at() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, LARGEST + 64, 69, 3), np.uint8)
    assert KNOWN.score(frames) == KNOWN.score(frames[:, 32:-32, :64])


def test_traces_that_cannot_be_judged_are_no_evidence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = render(scene)
    short = detector._traces(frames[:2])
    monkeypatch.setattr(detector.Traces, "load", lambda: replace(KNOWN, models="others"))
    other = detector._traces(frames)
    assert not short.found and not other.found and "other weights" in other.detail
