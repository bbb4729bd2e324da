"""Captions say what is there, in many words."""

from dataclasses import replace

import pytest

from vitascope.world.caption import LEVELS, caption, describe_image
from vitascope.world.catalogue import SUBJECTS
from vitascope.world.physics import simulate
from vitascope.world.scene import BUNDLED, FULL, sample_scene


def names(subject):
    entry = SUBJECTS[subject]
    return [noun.lower() for noun in (*entry.nouns, entry.plural_noun)]


@pytest.mark.parametrize("level", LEVELS)
def test_every_subject_is_named(level):
    for seed in range(300):
        scene = sample_scene(seed, FULL)
        text = caption(scene, level).lower()
        for shot in scene.shots:
            for actor in shot.actors:
                assert any(name in text for name in names(actor.subject)), (text, actor.subject)


def test_left_and_right_are_never_confused():
    for seed in range(300):
        scene = sample_scene(seed, BUNDLED)
        shot = scene.shots[0]
        if len(shot.actors) == 1 and len(shot.actors[0].steps) == 1 and shot.camera == "still":
            text, action = caption(scene, "plain", untold=0).lower(), shot.actors[0].steps[0].action
            if action == "moves right":
                assert "right" in text and "to the left" not in text and "leftwards" not in text
            if action == "moves left":
                assert "left" in text and "to the right" not in text and "rightwards" not in text


def test_same_seed_same_words_and_many_wordings():
    scene = sample_scene(3, BUNDLED)
    assert caption(scene, "plain", 1) == caption(scene, "plain", 1)
    assert len({caption(scene, "plain", seed) for seed in range(30)}) > 10


def test_levels_differ_in_length():
    scenes = [sample_scene(seed, BUNDLED) for seed in range(200)]
    short, dense = (sum(len(caption(scene, level)) for scene in scenes) for level in ("short", "dense"))
    assert dense > 1.1 * short


def test_two_of_a_kind_are_counted():
    for seed in range(3000):
        scene = sample_scene(seed, BUNDLED)
        actors = scene.shots[0].actors
        if len(actors) == 2 and actors[0].subject == actors[1].subject and actors[1].steps[0].action != "follows":
            text = caption(scene, "plain").lower()
            assert any(word in text for word in ("two", "pair", "couple"))
            assert any(noun.lower() in text for noun in SUBJECTS[actors[0].subject].plural_nouns)
            return
    raise AssertionError("no pair was drawn")


def test_images_have_no_motion_in_their_words():
    scene = sample_scene(5, BUNDLED)
    text = describe_image(scene, simulate(scene), 3)
    assert "camera" not in text and "moves" not in text


def test_unknown_level_is_refused():
    with pytest.raises(ValueError, match="short, plain, dense"):
        caption(sample_scene(0), "long")


def test_images_tell_what_has_happened():
    told = {"is bitten": ("bite", "bitten", "eaten"), "pops": ("popped", "burst"),
            "passes behind": ("tree", "house", "rock"), "paints": ("trail of paint",),
            "knocks over blocks": ("fallen blocks",)}
    for action, words in told.items():
        for seed in range(8):
            subject = "balloon" if action == "pops" else "apple"
            alone = replace(BUNDLED, actions=(action,), companions=(1.0,), subjects=(subject,), sequences=0.0)
            scene = sample_scene(seed, alone, split="any")
            text = describe_image(scene, simulate(scene), 16)
            assert any(word in text.lower() for word in words), text
