"""Scenes: the same seed the same scene, held-out combinations kept apart, everything sampled."""

import pytest

from vitascope.world.scene import BUNDLED, FULL, held_out, held_out_combinations, sample_scene


def combinations(scene):
    return [(actor.subject, shot.place, actor.steps[0].action) for shot in scene.shots for actor in shot.actors]


def test_same_seed_same_scene():
    assert sample_scene(7, FULL) == sample_scene(7, FULL)
    assert sample_scene(7, FULL) != sample_scene(8, FULL)


def test_training_never_sees_a_held_out_combination():
    seen = [combination for seed in range(400) for combination in combinations(sample_scene(seed, FULL))]
    assert not any(held_out(*combination) for combination in seen)


def test_held_out_split_asks_for_held_out_combinations():
    listed = set(held_out_combinations(BUNDLED))
    for seed in range(50):
        assert combinations(sample_scene(seed, BUNDLED, split="held-out"))[0] in listed


def test_one_combination_in_ten_is_held_out():
    share = len(held_out_combinations(FULL)) / (len(FULL.subjects) * len(FULL.places) * len(FULL.actions))
    assert 0.09 < share < 0.11


def test_everything_in_the_vocabulary_occurs():
    scenes = [sample_scene(seed, FULL) for seed in range(1500)]
    actors = [actor for scene in scenes for shot in scene.shots for actor in shot.actors]
    assert {actor.subject for actor in actors} == set(FULL.subjects)
    assert {step.action for actor in actors for step in actor.steps} == set(FULL.actions)
    assert {shot.place for scene in scenes for shot in scene.shots} == set(FULL.places)
    assert {shot.camera for scene in scenes for shot in scene.shots} == set(FULL.cameras)
    assert {scene.style for scene in scenes} == set(FULL.styles)
    assert {len(scene.shots[0].actors) for scene in scenes} == {1, 2, 3}


def test_the_world_is_as_large_as_promised():
    assert len(FULL.subjects) >= 40 and len(FULL.places) >= 12 and len(FULL.actions) >= 12 and len(FULL.styles) >= 5


@pytest.mark.parametrize("width, height", [(176, 96), (96, 176), (128, 128)])
def test_frames_add_up_at_every_size(width, height):
    for seed in range(40):
        scene = sample_scene(seed, FULL, width=width, height=height, frames=33)
        assert scene.frames == 33
        for shot in scene.shots:
            assert all(sum(step.frames for step in actor.steps) == shot.frames for actor in shot.actors)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split is 'test'"):
        sample_scene(0, split="test")
