"""What the first frame shows of later ones: carried along with cameras and things, and nothing where it cannot know."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.models.layout import FRAMES, LOOKS, POSE, SLOTS, VIEW, Layout
from vitascope.models.recall import RECALLED, SHOWN, Seen, recall
from vitascope.video import to_unit
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED, sample_scene


def layout(shift=0.0, x=(0.0, 0.0), subject=0, frames=FRAMES + 1):
    """Frames in groups of one: all as the first, but for the last, before which the camera and a thing have moved."""
    poses = torch.zeros(frames, 1, SLOTS, POSE)
    poses[..., 2], poses[..., 3], poses[..., 5:] = 0.25, 1, 1
    poses[:-1, 0, 0, 0], poses[-1, 0, 0, 0] = x
    view = torch.zeros(frames, 1, VIEW)
    view[-1, 0, 0] = shift
    subjects = torch.tensor([subject, *[0] * (SLOTS - 1)])
    return Layout(poses, view, subjects, torch.zeros_like(subjects), torch.zeros(LOOKS, dtype=torch.long))


FIRST = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
LAST = range(FRAMES, FRAMES + 1)


def test_what_stands_still_is_all_known():
    seen = recall([Seen(FIRST)], layout(), LAST)
    assert seen.shape == (RECALLED, 1, 16, 16)
    assert_close(seen[:3, 0], FIRST)
    assert (seen[3] == 1).all() and not seen[4].any()


def test_what_comes_into_view_is_unknown():
    seen = recall([Seen(FIRST)], layout(shift=0.25), LAST)[:, 0]  # the camera goes to the right by 4 pixels
    assert_close(seen[:3, :, :12], FIRST[:, :, 4:])
    assert (seen[3, :, :12] == 1).all() and not seen[:, :, 12:].any()


def test_what_is_seen_is_not_darker_at_its_edge():
    white = torch.ones(3, 16, 16)
    seen = recall([Seen(white)], layout(shift=0.27), LAST)[:, 0]
    assert_close(seen[:3, seen[3] > 0], torch.ones(3, int(seen[3].sum())))


def test_a_thing_takes_its_picture_along_and_leaves_the_unknown_behind():
    seen = recall([Seen(FIRST)], layout(x=(-0.25, 0.25), subject=3), LAST)[:, 0]
    assert_close(seen[:3, 6:10, 10:14], FIRST[:, 6:10, 2:6])
    assert (seen[4, 6:10, 10:14] == 1).all() and seen[4].sum() == 16
    assert not seen[:, 6:10, 2:6].any()
    assert_close(seen[:3, :6], FIRST[:, :6])


def test_what_is_behind_a_thing_is_known_where_nothing_was_before_it():
    behind = recall([Seen(FIRST)], layout(x=(-0.25, 0.25), subject=3), LAST)[SHOWN:, 0]
    assert_close(behind[:3, 6:10, 10:14], FIRST[:, 6:10, 10:14])
    assert (behind[3, 6:10, 10:14] == 1).all() and behind[3].sum() == 16
    nearer = recall([Seen(FIRST)], layout(x=(0.125, 0.25), subject=3), LAST)[SHOWN:, 0]
    assert nearer[3].sum() == 8 and not nearer[:, :, :12].any()


def test_what_a_thing_does_not_cover_of_its_square_stays_where_it_is():
    covers = torch.zeros(SLOTS, 4, 4)
    covers[0, :, 2:] = 1  # its right half
    seen = recall([Seen(FIRST)], layout(x=(-0.25, 0.25), subject=3), LAST, covers)[:, 0]
    assert_close(seen[:3, 6:10, 12:14], FIRST[:, 6:10, 4:6])
    assert_close(seen[:3, 6:10, 10:12], FIRST[:, 6:10, 10:12])
    assert (seen[4, 6:10, 12:14] == 1).all() and seen[4].sum() == 8
    assert not seen[:5, 6:10, 4:6].any()


def test_beside_a_thing_nothing_is_known_of_the_ground():
    """A thing of 16 pixels, of which it covers 8 in the middle, has gone; its edge, 2 more pixels, tells nothing."""
    covers, whole = torch.zeros(SLOTS, 64, 64), torch.rand(3, 64, 64)
    covers[0, 16:48, 16:48] = 1
    known = recall([Seen(whole)], layout(x=(-0.25, 0.25), subject=3), LAST, covers)[3, 0]
    unknown = known[24:40, 8:24] == 0
    assert unknown[2:14, 2:14].all() and unknown.sum() == 144


def test_what_is_hidden_is_not_shown_for_what_hides_it():
    told = layout(x=(-0.25, 0.25), subject=3)
    told.subjects[1] = 5
    told.poses[:, :, 1, 0] = 0.25  # a second thing stands where the first one goes
    told.poses[-1, 0, 0, 6] = 0.3
    seen = recall([Seen(FIRST)], told, LAST)[:, 0]
    assert_close(seen[:3, 6:10, 10:14], FIRST[:, 6:10, 10:14])


def test_a_later_frame_shows_what_came_before_it():
    seen = recall([Seen(FIRST, FRAMES)], layout(shift=0.25), range(FRAMES - 1, FRAMES))[:, 0]
    assert_close(seen[:3, :, 4:], FIRST[:, :, :12])
    assert not seen[:, :, :4].any()


@pytest.mark.parametrize("camera", ["pans left", "tilts up", "zooms in", "zooms out"])
def test_what_the_first_frame_shows_is_what_the_last_one_shows(camera):
    """In clips of the world, wherever no thing is."""
    plain = replace(BUNDLED, styles=("3d",), weathers=("clear",), cameras=(camera,), actions=("stands still",))
    scene = sample_scene(0, plain, width=64, height=64, frames=17)
    layout = layout_of(scene, motion := simulate(scene), 0, 17).frame_by_frame()
    first, last = to_unit(render(scene, motion))[:, [0, -1]].unbind(1)
    seen = recall([Seen(first)], layout, range(19, 20))[:, 0]
    free = seen[3] * (1 - seen[4]) > 0
    off, before = ((shown - last).abs()[:, free].mean() for shown in (seen[:3], first))
    assert free.float().mean() > 0.2 and off < 0.25 * before
