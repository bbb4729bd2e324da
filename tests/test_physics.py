"""Motion obeys the laws that it names."""

from dataclasses import replace

import numpy as np
import pytest

from vitascope.world.physics import GRAVITY, drop, free_fall, hops, simulate, topple
from vitascope.world.scene import BUNDLED, FULL, sample_scene


def scene_with(action, vocabulary=BUNDLED, camera="still", **sizes):
    """The first scene whose only actor does `action` before a camera of that kind."""
    for seed in range(5000):
        scene = sample_scene(seed, vocabulary, split="any", **sizes)
        shot = scene.shots[0]
        if len(shot.actors) == 1 and len(scene.shots) == 1 and len(shot.actors[0].steps) == 1 \
                and shot.actors[0].steps[0].action == action:
            return replace(scene, shots=(replace(shot, camera=camera),))
    raise AssertionError(f"no scene with {action}")


def test_simulated_fall_follows_the_law():
    heights = drop(0.8, 0.0, 9, 16)
    falling = heights[1:] > 0
    t = np.arange(9) / 16
    assert np.allclose((0.8 - heights)[1:][falling], free_fall(0.8, t)[1:][falling], rtol=0.08)


def test_a_bounce_keeps_the_square_of_the_elasticity():
    heights = drop(0.5, 0.8, 400, 120)
    landed = np.argmax(heights < 0.01)
    second = heights[landed + 5:].max()
    assert second == pytest.approx(0.5 * 0.8**2, rel=0.1)


def test_hops_reach_their_height_and_return():
    t = np.linspace(0, np.sqrt(8 * 0.2 / GRAVITY), 101)
    heights = hops(0.2, t)
    assert heights.max() == pytest.approx(0.2) and heights[0] == 0 and heights[-1] == pytest.approx(0, abs=1e-9)


def test_directions():
    assert np.all(np.diff(simulate(scene_with("moves right")).x[:, 0]) > 0)
    assert np.all(np.diff(simulate(scene_with("moves left")).x[:, 0]) < 0)
    assert np.all(np.diff(simulate(scene_with("rises")).y[:, 0]) < 0)
    assert np.all(np.diff(simulate(scene_with("comes closer")).size[:, 0]) > 0)
    assert np.all(np.diff(simulate(scene_with("goes away")).size[:, 0]) < 0)
    still = simulate(scene_with("stands still"))
    assert np.ptp(still.x) == np.ptp(still.y) == np.ptp(still.size) == 0
    assert abs(np.ptp(simulate(scene_with("spins")).angle)) >= 200


def test_whoever_moves_faces_where_it_goes():
    right, left = simulate(scene_with("moves right")), simulate(scene_with("moves left"))
    assert right.flip.all() == right.flip.any() and left.flip.all() == left.flip.any()


def test_a_ball_rolls_without_slipping():
    for seed in range(5000):
        scene = sample_scene(seed, BUNDLED, split="any")
        actor = scene.shots[0].actors[0]
        if actor.subject == "football" and actor.steps[0].action == "moves right":
            motion = simulate(scene)
            turned = np.radians(motion.angle[-1, 0] - motion.angle[0, 0])
            assert -turned * 0.45 * actor.size == pytest.approx(motion.x[-1, 0] - motion.x[0, 0], rel=1e-6)
            return
    raise AssertionError("no rolling ball was drawn")


def test_blocks_stand_until_they_are_hit_and_stay_down():
    x, blocks = topple(0.2, 0.4, 0.4, 0.8, 40, 8)
    assert np.allclose(blocks[3, :, 2], 0, atol=2)
    assert np.all(blocks[-10:, 3, 1] < 0.6 * blocks[0, 3, 1])


def test_effects_stay():
    bitten, popped = simulate(scene_with("is bitten", FULL)), simulate(scene_with("pops", FULL))
    assert np.all(np.diff(bitten.bites[:, 0]) >= 0) and bitten.bites[0, 0] == 0 and bitten.bites[-1, 0] > 0
    assert np.all(np.diff(popped.gone[:, 0].astype(int)) >= 0) and popped.gone[-1, 0] and popped.visible[-1, 0] == 0


def test_passing_behind_hides_and_shows_again():
    visible = simulate(scene_with("passes behind", FULL)).visible[:, 0]
    assert visible.min() < 0.35 and visible[0] > 0.5 and visible[-1] > 0.5


def test_leaving_and_returning():
    motion = simulate(scene_with("leaves and returns", FULL))
    assert motion.visible[:, 0].min() == 0 and motion.visible[-1, 0] > 0.5


def test_a_tracking_camera_keeps_its_subject_in_place():
    motion = simulate(scene_with("moves right", camera="tracks"))
    assert np.ptp(motion.x[:, 0] - motion.camera_x) == pytest.approx(0, abs=1e-9)


def test_a_pan_moves_the_view():
    motion = simulate(scene_with("stands still", camera="pans right"))
    assert np.all(np.diff(motion.camera_x) > 0)


def test_a_follower_stays_behind():
    for seed in range(2000):
        scene = sample_scene(seed, BUNDLED, split="any")
        shot = scene.shots[0]
        if len(shot.actors) == 2 and shot.actors[1].steps[0].action == "follows":
            motion = simulate(scene)
            way = 1 if shot.actors[0].steps[0].action == "moves right" else -1
            assert np.all(way * (motion.x[:, 0] - motion.x[:, 1]) > 0)
            return
    raise AssertionError("nobody follows anybody")
