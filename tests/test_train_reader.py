"""The reader's targets, losses and matches are what they are said to be; a killed run goes on to the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.evaluate.reader import Reader
from vitascope.evaluate.tracks import Track, observe_small
from vitascope.train import reader as training
from vitascope.train.labels import CONFIG, make_clip
from vitascope.train.reader import MIRRORED_ACTIONS, ReaderTraining, draw_target, focal_loss, match, train_pictures
from vitascope.world.scene import BUNDLED

TINY = ReaderTraining(model=replace(CONFIG, widths=(8, 8, 8, 8), blocks=(1, 1), track_width=8), chunks=2, clips=2,
                      steps=6, batch=4, save_every=3)


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
    ones = np.ones(len(x))
    return Track(np.ones(3), ones > 0, ones, x, y, size, np.zeros((len(x), 2)), ones, np.ones(3), ones)


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
