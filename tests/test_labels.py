"""What the reader is told of a clip is what is rendered."""

from dataclasses import replace

import numpy as np

from vitascope.evaluate.tracks import shrink
from vitascope.train import labels
from vitascope.train.labels import ACTORS, CONFIG, EVERYTHING, PROPS, load_chunk, make_clip, tell
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED, sample_scene


def test_truth_is_the_motions():
    scene = sample_scene(1, BUNDLED, split="any")
    motion, truth = simulate(scene), tell(scene, simulate(scene))
    for a, actor in enumerate(scene.shots[0].actors):
        assert (truth.kind[0, :, a] == CONFIG.subjects.index(actor.subject)).all()
        np.testing.assert_allclose(truth.x[0, :, a], (motion.x[:, a] - motion.camera_x) * motion.zoom)
        assert CONFIG.actions[truth.actions[0, a, 0]] == actor.steps[0].action


def test_every_prop_is_told():
    told = set()
    for seed in range(300):
        scene = sample_scene(seed, EVERYTHING, split="any")
        kinds = tell(scene, simulate(scene)).kind[..., ACTORS:]
        told |= set(np.unique(kinds[kinds >= 0]) - len(CONFIG.subjects))
    assert told == set(range(len(CONFIG.props))) - {PROPS.index("paint")}  # which has cells of its own


def test_paint_is_told_where_it_is_seen():
    """Cells that are told to be painted have the paint's colour; who paints hides some."""
    vocabulary = replace(BUNDLED, actions=("paints",), companions=(1.0,), styles=("3d",), weathers=("clear",),
                         places=("moon",), times=("day",), subjects=("robot",))
    scene = sample_scene(3, vocabulary, split="any")
    frames, truth = make_clip(3, vocabulary, (128, 128, 17))
    bare = shrink(render(replace(scene, shots=(replace(scene.shots[0], actors=()),)), simulate(scene)))
    halved = (frames[-1].astype(int) - bare[-1]).reshape(64, 2, 64, 2, 3).mean((1, 3))
    different = np.abs(halved).sum(-1).reshape(16, 4, 16, 4).max((1, 3)) > 100
    told = truth.paint[0, -1]
    assert (told == 1).sum() > 5 and different[told == 1].all() and different[told == 0].mean() < 0.05  # at its edges
    assert not (truth.paint[0, 0] == 1).any()


def test_clips_are_rendered_once(tmp_path, monkeypatch):
    first = load_chunk(tmp_path, 0, 2)
    monkeypatch.setattr(labels, "make_clip", None)
    assert np.array_equal(load_chunk(tmp_path, 0, 2).frames, first.frames)
