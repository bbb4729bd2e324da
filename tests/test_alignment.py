"""A perfect reading answers every question right; each thing read wrongly makes its own questions wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.evaluate.alignment import QUESTIONS, Answer, Reading, Seen, compare, itemise, read
from vitascope.evaluate.reader import Reader
from vitascope.train.labels import CONFIG
from vitascope.world.caption import LEVELS, caption
from vitascope.world.physics import simulate
from vitascope.world.scene import BUNDLED, FULL, Scene, Shot, sample_scene


def sure(name: str) -> Answer:
    return Answer(name, 1.0)


def perfect(scene: Scene) -> Reading:
    """What a reader without fault would say."""
    shot, motion = scene.shots[0], simulate(scene)
    seen = tuple(Seen(sure(actor.subject), 1.0, sure(actor.colour or "red"), sure(actor.steps[0].action),
                      sure(actor.steps[0].action), sure(actor.steps[-1].action), motion.x[-1, a] - motion.x[0, a],
                      motion.x[:, a] - motion.camera_x, motion.y[:, a], motion.size[:, a], motion.angle[:, a],
                      np.ones(scene.frames, bool)) for a, actor in enumerate(shot.actors))
    return Reading(seen, sure(shot.place), sure(shot.time), sure(shot.weather), sure(scene.style), sure(shot.camera),
                   np.arange(scene.frames))


def one_shot(seed: int, vocabulary=BUNDLED) -> Scene:
    return sample_scene(seed, replace(vocabulary, cuts=0.0), split="any")


def find(wanted, style: str | None = None) -> Scene:
    """The first scene for whose shot `wanted` is true, of a style."""
    return next(scene for scene in (one_shot(seed, FULL if style else BUNDLED) for seed in range(5000))
                if wanted(scene.shots[0]) and style in (None, scene.style))


def doing(shot: Shot) -> list[list[str]]:
    return [[step.action for step in actor.steps] for actor in shot.actors]


def changed(reading: Reading, **what) -> Reading:
    """The reading with something else said of its first subject."""
    return replace(reading, subjects=(replace(reading.subjects[0], **what), *reading.subjects[1:]))


@pytest.mark.parametrize("vocabulary", [BUNDLED, FULL])
def test_a_perfect_reading_is_right(vocabulary):
    asked = set()
    for seed in range(60):
        scene = one_shot(seed, vocabulary)
        for prompt in (None, *(caption(scene, level) for level in LEVELS)):
            answers = compare(perfect(scene), scene, prompt)
            assert all(answers.values()), (scene, answers)
            asked |= set(answers)
    assert asked <= set(QUESTIONS)
    assert {"subject", "count", "place", "time", "action", "left/right", "camera", "two subjects, two actions"} <= asked


def test_the_order_in_which_subjects_are_read_does_not_matter():
    for seed in range(30):
        scene = one_shot(seed)
        reading = perfect(scene)
        assert all(compare(replace(reading, subjects=reading.subjects[::-1]), scene).values())


def test_every_fault_is_found():
    scene = find(lambda shot: doing(shot) == [["moves right"]] and shot.actors[0].subject == "dog" and
                 shot.camera == "still")
    reading = perfect(scene)
    faults = {
        "subject": changed(reading, subject=sure("cat")),
        "count": replace(reading, subjects=reading.subjects * 2),
        "place": replace(reading, place=sure("nowhere")),
        "time": replace(reading, time=sure("never")),
        "action": changed(reading, action=sure("spins")),
        "left/right": changed(reading, shift=-0.5),
        "camera": replace(reading, camera=sure("pans left")),
    }
    for question, faulty in faults.items():
        wrong = {name for name, right in compare(faulty, scene).items() if not right}
        assert question in wrong
        assert len(wrong) == 1 or question == "subject"  # who is not there does nothing either


def test_nobody_there():
    scene = one_shot(3)
    answers = compare(replace(perfect(scene), subjects=()), scene)
    assert not answers["subject"] and not answers["action"] and not answers["count"] and answers["place"]


def test_what_the_prompt_leaves_open_is_not_asked():
    scene = find(lambda shot: shot.actors[0].colour == "blue" and shot.time == "night")
    assert {"time", "colour"} <= set(compare(perfect(scene), scene))
    assert not {"time", "colour"} & set(compare(perfect(scene), scene, "a car drives through the city"))
    assert {"time", "colour"} <= set(compare(perfect(scene), scene, "a blue car, a blue balloon, at night"))


def test_weather_and_style_are_asked_where_they_are_told():
    scene = find(lambda shot: shot.weather == "rain", style="pencil")
    told = {"a dog jumps in the rain, as a pencil sketch": {"weather", "style"}, "a dog jumps": set(),
            "a dog jumps while it rains": {"weather"}, "pencil drawing of a dog": {"style"}}
    for prompt, asked in told.items():
        assert asked == {"weather", "style"} & set(compare(perfect(scene), scene, prompt))
    faulty = replace(perfect(scene), weather=sure("fog"), style=sure("film"))
    assert {name for name, right in compare(faulty, scene).items() if not right} == {"weather", "style"}


@pytest.mark.parametrize("style, asked", [("3d", True), ("papercut", True), ("film", False), ("pencil", False)])
def test_drawings_without_colours_are_not_asked_for_them(style, asked):
    scene = replace(find(lambda shot: shot.actors[0].colour == "blue"), style=style)
    assert ("colour" in compare(perfect(scene), scene)) is asked


def test_everything_asked_for_is_an_item():
    scene = find(lambda shot: doing(shot) == [["moves left"], ["jumps"]])
    shot, reading = scene.shots[0], perfect(scene)
    items = set(itemise(changed(reading, action=sure("spins")), scene))
    assert {("place", shot.place, True), ("action", "moves left", False), ("action", "jumps", True),
            ("left/right", "left", True), ("camera", shot.camera, True),
            *(("subject", actor.subject, True) for actor in shot.actors)} <= items


def test_two_subjects_that_swap_their_actions_are_wrong():
    on_the_spot = [["jumps"], ["spins"], ["rises"], ["falls"], ["bounces"]]
    scene = find(lambda shot: len(shot.actors) == 2 and shot.actors[0].subject != shot.actors[1].subject and
                 doing(shot)[0] != doing(shot)[1] and all(steps in on_the_spot for steps in doing(shot)))
    first, second = perfect(scene).subjects
    exchanged = replace(first, action=second.action), replace(second, action=first.action)
    swapped = replace(perfect(scene), subjects=exchanged)
    answers = compare(swapped, scene)
    assert answers["subject"] and not answers["action"] and not answers["two subjects, two actions"]


def test_who_runs_ahead_does_not_follow():
    scene = find(lambda shot: len(shot.actors) == 2 and shot.actors[1].steps[0].action == "follows" and
                 shot.actors[0].subject != shot.actors[1].subject)
    leader, follower = perfect(scene).subjects
    way = np.sign(leader.shift)
    assert compare(perfect(scene), scene)["action"]
    ahead = replace(follower, x=leader.x + 0.3 * way)
    assert not compare(replace(perfect(scene), subjects=(leader, ahead)), scene)["action"]


def test_two_shots_are_refused():
    scene = next(s for s in (sample_scene(seed, FULL, split="any") for seed in range(500)) if len(s.shots) == 2)
    with pytest.raises(ValueError, match="2 shots"):
        compare(perfect(one_shot(0)), scene)


def test_any_clip_and_any_image_can_be_read():
    torch.manual_seed(0)
    reader = Reader(replace(CONFIG, widths=(8, 8, 8, 8), blocks=(1, 1), track_width=8)).eval()
    rng = np.random.default_rng(0)
    for shape, fps in (((17, 96, 176), 8.0), ((1, 40, 64), 8.0), ((60, 64, 64), 30.0), ((3, 64, 64), 8.0)):
        reading = read(reader, rng.integers(0, 256, (*shape, 3), np.uint8), fps)
        assert reading.place.name in CONFIG.places
        assert (reading.camera.name == "") == (shape[0] < 5)
        assert len(reading.frames) == (16 if fps == 30 else shape[0])
