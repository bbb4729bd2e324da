"""The truth that the reader is taught is what is rendered; a killed run goes on to the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.evaluate.reader import Reader
from vitascope.evaluate.tracks import observe_small, shrink
from vitascope.train import reader as training
from vitascope.train.reader import ACTORS, CONFIG, EVERYTHING, MIRRORED_ACTIONS, PROPS, ReaderTraining, draw_target, \
    focal_loss, load_chunk, make_clip, match, tell, train_pictures
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED, sample_scene

TINY = ReaderTraining(model=replace(CONFIG, widths=(8, 8, 8, 8), blocks=(1, 1), track_width=8), chunks=2, clips=2,
                      steps=6, batch=4, save_every=3)


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
    different = np.abs(frames[-1].astype(int) - bare[-1]).sum(-1).reshape(16, 4, 16, 4).max((1, 3)) > 100
    told = truth.paint[0, -1]
    assert (told == 1).sum() > 5 and different[told == 1].all() and different[told == 0].mean() < 0.05  # at its edges
    assert not (truth.paint[0, 0] == 1).any()


def test_targets_stand_where_subjects_are():
    frames, truth = make_clip(5, BUNDLED, (128, 128, 17))
    target = draw_target(truth, np.array([0]), np.array([8]), (16, 16), 1.0)
    kind, x, y = truth.kind[0, 8, 0], truth.x[0, 8, 0], truth.y[0, 8, 0]
    i, j = divmod(int(target.heat[0, kind].argmax()), 16)
    assert abs((j + 0.5 + target.geometry[0, 0, i, j]) / 16 - x) < 1e-5
    assert abs((i + 0.5 + target.geometry[0, 1, i, j]) / 16 - y) < 1e-5


def test_focal_loss_is_least_where_the_target_is():
    target = torch.zeros(1, 1, 4, 4)
    target[0, 0, 1, 2] = 1
    right, wrong, counts = torch.full_like(target, -8), torch.full_like(target, -8), torch.ones(1, 1, 1, 1)
    right[0, 0, 1, 2], wrong[0, 0, 2, 1] = 8, 8
    assert focal_loss(right, target, counts) < 0.01 < 5 < focal_loss(wrong, target, counts)


def test_right_and_left_change_places_in_a_mirror():
    swapped = [CONFIG.actions[index] for index in MIRRORED_ACTIONS]
    assert [MIRRORED_ACTIONS[index] for index in MIRRORED_ACTIONS] == list(range(len(swapped)))
    changed = {(a, b) for a, b in zip(CONFIG.actions, swapped) if a != b}
    assert changed == {("moves right", "moves left"), ("moves left", "moves right")}


def test_tracks_are_matched_to_actors():
    """A track that lies on an actor's path is that actor; one that lies elsewhere is nobody."""
    frames, truth = make_clip(5, BUNDLED, (128, 128, 17))
    seen = observe_small(Reader(TINY.model).pictures.eval(), frames, 1.0)
    like = _track(truth.x[0, :, 0], truth.y[0, :, 0], truth.size[0, :, 0])
    away = _track(truth.x[0, :, 0] + 0.8, truth.y[0, :, 0], truth.size[0, :, 0])
    assert match(replace(seen, tracks=(away, like)), truth) == [-1, 0]


def _track(x, y, size):
    from vitascope.evaluate.tracks import Track
    ones = np.ones(len(x))
    return Track(np.ones(3), ones > 0, ones, x, y, size, np.zeros((len(x), 2)), ones, np.ones(3), ones)


def test_clips_are_rendered_once(tmp_path, monkeypatch):
    first = load_chunk(tmp_path, 0, 2)
    monkeypatch.setattr(training, "make_clip", None)
    assert np.array_equal(load_chunk(tmp_path, 0, 2).frames, first.frames)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole = train_pictures(TINY, tmp_path / "a" / "pictures")

    class Killed(Exception):
        pass

    def draw(chunks, config, rng, seen=[]):
        seen.append(1)
        if len(seen) == 5:
            raise Killed
        return draw_pictures(chunks, config, rng)

    draw_pictures = training.draw_pictures
    monkeypatch.setattr(training, "draw_pictures", draw)
    with pytest.raises(Killed):
        train_pictures(TINY, tmp_path / "b" / "pictures")
    monkeypatch.setattr(training, "draw_pictures", draw_pictures)
    resumed = train_pictures(TINY, tmp_path / "b" / "pictures")
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor)
