"""A user's own frames: unchanged where they were given, in their order, whatever is made around them."""

import numpy as np
import pytest
import torch

from vitascope.edits import animate, combine_clips, connect_clips, edit_clip, encode_later, encode_start, \
    extend_backward, extend_forward, fill_range, inpaint_clip, loop_clip, make, moving, outpaint_clip
from vitascope.models.autoencoder import FRAMES
from vitascope.models.upsampler import halve
from vitascope.tasks import text_to_video
from vitascope.video import Video, to_unit


def clip(frames=14, width=64, height=48, seed=0):
    return Video(np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8), 8.0)


def film(system, plan, seed=0):
    return np.stack(list(make(system, plan, seed=seed, steps=1)))


def test_an_animated_picture_is_the_first_frame(nano_system):
    given = clip(1)
    plan = animate(nano_system, given.pixels, text_to_video("a car", width=32, height=24, frames=9))
    made = film(nano_system, plan)
    assert len(made) == 9 and np.array_equal(made[:1], given.pixels)
    assert not (made[1:] == given.pixels).all((1, 2, 3)).any()


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 14])
def test_extending_leaves_the_clip_as_it_is(nano_system, frames):
    given = clip(frames)
    forward = film(nano_system, extend_forward(nano_system, given, prompt="a car", seconds=1))
    backward = film(nano_system, extend_backward(nano_system, given, prompt="a car", seconds=1))
    assert len(forward) == frames + 8 and np.array_equal(forward[:frames], given.pixels)
    assert len(backward) == frames + 9 and np.array_equal(backward[-frames:], given.pixels)


def test_other_seeds_give_other_openings_of_the_same_clip(nano_system):
    plan = extend_backward(nano_system, clip(), prompt="a car", seconds=1)
    one, two = film(nano_system, plan, 1), film(nano_system, plan, 2)
    assert np.array_equal(one[9:], two[9:]) and not np.array_equal(one[:9], two[:9])


def test_a_long_extension_goes_through_several_windows(nano_system):
    plan = extend_backward(nano_system, clip(), prompt="a car", seconds=6)
    assert len(film(nano_system, plan)) == 14 + 49


@pytest.mark.parametrize("start, end, first, last",
                         [(0.5, 1.0, 4, 8), (0.25, 0.5, 2, 6), (0.125, 1.6, 1, 13), (1.0, 1.5, 8, 12)])
def test_a_range_is_made_anew_and_nothing_else(nano_system, start, end, first, last):
    given = clip()
    filled = film(nano_system, fill_range(nano_system, given, start=start, end=end, prompt="a car"))
    same = (filled == given.pixels).all((1, 2, 3))
    assert filled.shape == given.pixels.shape
    assert not same[first:last].any() and same[:first].all() and same[last:].all()


@pytest.mark.parametrize("start, end", [(0, 1), (1, 1), (1.0, 1.75), (2, 1), (1.5, 9)])
def test_a_range_outside_the_clip_is_refused(nano_system, start, end):
    with pytest.raises(ValueError, match=f"range {start:g}-{end:g}.*1.75 s"):
        fill_range(nano_system, clip(), start=start, end=end, prompt="a car")


def test_a_loop_of_a_clip_is_the_clip_and_the_way_back(nano_system):
    given = clip()
    plan = loop_clip(nano_system, given, prompt="a car", seconds=1)
    looped = film(nano_system, plan)
    assert len(looped) == 14 + 8 and np.array_equal(looped[:14], given.pixels)
    known = plan.condition.known[:, -1:]  # what is made leads to the clip's own beginning
    assert torch.equal(known, encode_later(nano_system, given.pixels[:4])) and plan.condition.levels[-1].max() == 0


def test_both_ends_of_a_connection_are_kept_and_the_prompt_changes_over(nano_system):
    a, b = clip(9), clip(6, seed=1)
    plan = connect_clips(nano_system, a, b, seconds=1.5, prompt="a car", second_prompt="a dog", curve="linear")
    frames = film(nano_system, plan)
    assert np.array_equal(frames[:9], a.pixels) and np.array_equal(frames[-6:], b.pixels) and len(frames) == 9 + 12 + 6
    weights = [prompt.weight.tolist() for prompt in plan.condition.prompts]
    assert weights[1] == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1]) and weights[0] == pytest.approx([1, 1, 0.75, 0.5,
                                                                                                    0.25, 0])
    with pytest.raises(ValueError, match="'wild'.*linear"):
        connect_clips(nano_system, a, b, seconds=1, prompt="a car", second_prompt="a dog", curve="wild")
    with pytest.raises(ValueError, match="sizes"):
        connect_clips(nano_system, a, clip(width=48), seconds=1, prompt="a car", second_prompt="a dog")


def test_two_stills_are_connected(nano_system):
    a, b = clip(1), clip(1, seed=1)
    frames = film(nano_system, connect_clips(nano_system, a, b, seconds=1, prompt="a car", second_prompt="a car"))
    assert len(frames) == 10 and np.array_equal(frames[[0, -1]], np.concatenate([a.pixels, b.pixels]))


def test_the_strength_of_an_edit(nano_system):
    given = clip()
    none, some = (edit_clip(nano_system, given, prompt="a dog", strength=strength) for strength in (0, 0.6))
    reconstruction = nano_system.autoencoder.decode(none.condition.known[None])
    assert film(nano_system, none).shape == given.pixels.shape and reconstruction.shape[2] == 17
    assert some.condition.levels.min() == some.condition.levels.max() == pytest.approx(1 - 0.4**2.5)
    assert not np.array_equal(film(nano_system, none), film(nano_system, some))
    with pytest.raises(ValueError, match="strength is 1.5"):
        edit_clip(nano_system, given, prompt="a dog", strength=1.5)


def test_outside_the_mask_nothing_changes(nano_system):
    given, mask = clip(), np.zeros((1, 48, 64), bool)
    mask[:, 10:20, 30:50] = True
    plan = inpaint_clip(nano_system, given, mask, prompt="a car")
    changed = (film(nano_system, plan) != given.pixels).any(-1)
    assert changed.shape == (14, 48, 64) and not changed[:, ~mask[0]].any() and changed[:, mask[0]].mean() > 0.5
    cells = plan.condition.levels[0].numpy()  # of 16 x 16 pixels: rows 0 and 1, columns 1 to 3
    assert cells.tolist() == [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("shape, part", [((1, 48, 48), "48x48"), ((3, 48, 64), "3 frames"), ((1, 48, 64), "empty")])
def test_a_mask_that_does_not_fit_is_refused(nano_system, shape, part):
    with pytest.raises(ValueError, match=part):
        inpaint_clip(nano_system, clip(), np.zeros(shape, bool), prompt="a car")


def test_a_wider_picture_keeps_the_clip_in_its_middle(nano_system):
    given = clip(5, width=48, height=48)
    wide = film(nano_system, outpaint_clip(nano_system, given, width=96, height=48, prompt="a car"))
    assert wide.shape == (5, 48, 96, 3) and np.array_equal(wide[:, :, 24:72], given.pixels)
    with pytest.raises(ValueError, match="fills"):
        outpaint_clip(nano_system, given, width=96, height=96, prompt="a car")


def test_what_moves_is_cut_out_and_put_into_another_place(nano_system):
    pixels = np.full((9, 48, 64, 3), 90, np.uint8)
    for number, frame in enumerate(pixels):
        frame[10:26, 6 * number:6 * number + 12] = (250, 40, 40)
    found = moving(Video(pixels, 8.0))
    truth = pixels[..., 0] == 250
    assert (found & truth).sum() / (found | truth).sum() > 0.8
    place = Video(np.full((1, 48, 64, 3), 200, np.uint8), 8.0)
    plan = combine_clips(nano_system, Video(pixels, 8.0), place, prompt="a car", strength=0.4)
    expected = np.where(truth[..., None], pixels, 200).astype(np.uint8)
    assert torch.allclose(plan.condition.known, encode_start(nano_system, expected), atol=0.3)
    with pytest.raises(ValueError, match="nothing moves"):
        combine_clips(nano_system, place, place, prompt="a car", strength=0.4)


def test_frames_next_to_what_is_made_are_remembered(nano_system):
    given = clip(frames=13)
    for task, borders in ((extend_forward, [12]), (extend_backward, [0]), (loop_clip, [12, 0])):
        plan = task(nano_system, given, prompt="a car", seconds=1)
        assert len(plan.seen) == len(borders)
        for seen, own in zip(plan.seen, borders):
            assert torch.equal(seen.picture, halve(to_unit(given.pixels[own:own + 1]))[:, 0])
            assert np.array_equal(plan.own[seen.frame - FRAMES + 1], given.pixels[own])
    assert edit_clip(nano_system, given, prompt="a car", strength=0.5).seen == []
