"""Layouts survive the way through a grid of numbers, and tokens are told where they lie in a subject."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.models.layout import CHANNELS, LOOKS, MOTION, SLOTS, Staging, covered, depths, follow, from_grid, \
    inside, owners, to_grid
from vitascope.world.physics import simulate
from vitascope.world.scene import BUNDLED, FULL, sample_scene


def layouts(count=12, frames=17, vocabulary=FULL):
    for seed in range(count):
        scene = sample_scene(seed, vocabulary, frames=frames)
        yield layout_of(scene, simulate(scene), 0, frames)


def test_a_grid_holds_a_layout():
    for layout in layouts():
        grid = to_grid(layout)
        again = from_grid(grid + 0.05 * torch.randn(grid.shape, generator=torch.Generator().manual_seed(0)))
        assert grid.shape == (CHANNELS, 5, SLOTS + 1, 1)
        present = layout.subjects > 0
        for name in ("subjects", "colours", "look"):
            assert torch.equal(getattr(again, name), getattr(layout, name)), name
        assert_close(again.poses[:, :, present], layout.poses[:, :, present], atol=0.2, rtol=0)
        assert_close(again.view, layout.view, atol=0.02, rtol=0)


def test_grids_are_of_about_unit_size():
    """But where shots are cut: a thing is then elsewhere at once."""
    grids = [to_grid(layout)[:, :, layout.subjects.nonzero().flatten()].flatten(1)
             for layout in layouts(40, vocabulary=replace(FULL, cuts=0.0))]
    grids = torch.cat(grids, 1)
    assert 0.5 < grids.square().mean().sqrt() < 1.5
    assert grids.abs().max() < 8


def test_a_part_keeps_its_frames():
    layout = next(layouts(1, frames=33))
    assert torch.equal(layout.part(slice(3, 8)).poses, layout.poses[3:8])


def test_the_middle_of_a_subject_is_where_the_subject_is():
    for layout in layouts():
        where = inside(layout, 64, 64)
        distance = where.square().sum(-1).sqrt()
        for slot in layout.subjects.nonzero().flatten():
            x, y = layout.poses[2, 1, slot, :2]
            if max(abs(x), abs(y)) < 0.5:
                row, column = divmod(int(distance[2, :, :, slot, 1].argmin()), 64)
                assert abs((column + 0.5) / 64 - 0.5 - x) < 0.02 and abs((row + 0.5) / 64 - 0.5 - y) < 0.02


def test_staging_starts_silent_and_then_tells_near_tokens_only():
    torch.manual_seed(0)
    staging, layout = Staging(32), next(layouts(1))
    staging.initialise()
    shapes = [(5, 8, 8), (5, 4, 6)]
    assert not staging([layout, None], shapes).any()
    torch.nn.init.normal_(staging.tell.weight)
    told = staging([layout, None], shapes)
    assert told.shape == (5 * 64 + 5 * 24, 32) and told[:320].any() and not told[320:].any()
    near = (inside(layout, 8, 8).abs().amax(-1).amin(-1) < 0.9)[..., layout.subjects > 0].any(-1).flatten()
    assert not told[:320][~near].any() and told[:320][near].any(-1).all()


def test_a_painter_is_told_weather_time_and_place_and_not_the_style():
    staging, layout = Staging(32), next(layouts(1))
    def told(index):
        look = layout.look.clone()
        look[index] = (look[index] + 1) % 4
        return staging([replace(layout, look=look)], [(5, 8, 8)])
    before = staging([layout], [(5, 8, 8)])
    assert torch.equal(told(0), before)
    assert all((told(index) != before).any(-1).all() for index in range(1, LOOKS))


def test_a_pixel_of_a_thing_is_followed_to_the_same_part_of_it():
    for layout in layouts(8):
        flat = layout.frame_by_frame()
        there = follow(flat, 16, 6, owners(flat, 16, 32, 32))
        now, then = (inside(flat.part(slice(frame, frame + 1)), 32, 32)[0, :, :, :, 0] for frame in (16, 6))
        slot = int(layout.subjects.nonzero()[0])
        if (flat.poses[[6, 16], 0, slot, 6] > 0).all():
            rows, columns = (now[:, :, slot].abs().amax(-1) < 0.4).nonzero(as_tuple=True)
            for row, column in list(zip(rows.tolist(), columns.tolist()))[::7]:
                x, y = there[row, column].round().int().tolist()
                if 0 <= x < 32 and 0 <= y < 32:
                    pixel = 1 / 32 / float(flat.poses[6, 0, slot, 2])  # in sides of the thing
                    assert (then[y, x, slot] - now[row, column, slot]).abs().max() < 0.75 * pixel


def test_the_rest_of_the_picture_is_followed_along_the_camera():
    layout = next(layouts(1)).frame_by_frame()
    alone = replace(layout, subjects=torch.zeros_like(layout.subjects))
    travelling = replace(alone, view=torch.tensor([0.125, 0.0, 0.0]).expand_as(alone.view))
    there = follow(travelling, 6, 4, owners(travelling, 6, 16, 24))
    assert_close(there[8, 8], torch.tensor([12.0, 8.0]))  # what has come in from the right was further right
    zooming = replace(alone, view=torch.tensor([0.0, 0.0, 0.1]).expand_as(alone.view))
    there = follow(zooming, 6, 4, owners(zooming, 6, 16, 24))
    assert abs(there[0, 0, 1]) < 8 and there[0, 0, 1] > 0  # from nearer to the middle


def test_a_thing_goes_the_same_way_whatever_the_camera_does():
    scenes = [replace(scene, shots=(replace(scene.shots[0], camera=camera, camera_amount=1.4),))
              for camera in ("still", "pans left", "tilts up", "zooms out")
              for scene in [sample_scene(3, replace(BUNDLED, actions=("moves right",)))]]
    still, *others = (layout_of(scene, simulate(scene), 0, 17) for scene in scenes)
    there = still.subjects > 0
    assert still.motions()[:, :, 0, 0].flatten()[4:].min() > 0.001
    for other in others:
        zoom = other.view.flatten(0, 1)[:, 2].cumsum(0).exp().view(5, 4, 1, 1)
        zoom = zoom * other.poses[0, 0, 0, 2] / still.poses[0, 0, 0, 2]
        assert_close((other.motions() / zoom)[:, :, there], still.motions()[:, :, there], atol=1e-5, rtol=1e-4)


def test_a_part_of_the_view_shows_the_same_motions_larger():
    for layout in layouts(vocabulary=replace(BUNDLED, cameras=("pans left", "tilts up", "zooms in", "tracks"))):
        there = layout.subjects > 0
        assert_close(layout.closer(0.2, -0.1, 2.0).motions()[:, :, there], 2 * layout.motions()[:, :, there])


def test_things_are_steered_by_their_motions_to_about_where_they_are():
    layout = next(layouts(1))
    there, nothing = layout.subjects > 0, torch.zeros(5, dtype=torch.bool)
    noise = 0.05 * torch.randn(5, 4, SLOTS, 2, generator=torch.Generator().manual_seed(0))
    poses = torch.cat([layout.poses[..., :2] + noise, layout.poses[..., 2:]], -1)
    steered = replace(layout, poses=poses).steered(layout.motions(), nothing)
    off = (steered.poses - layout.poses)[..., there, :2].flatten(0, 1)
    assert off.diff(dim=0).abs().max() < 0.003 and off.abs().max() < 0.06
    held = torch.tensor([True, False, False, False, False])
    steered = replace(layout, poses=poses).steered(layout.motions(), held)
    assert torch.equal(steered.poses[0], poses[0])


def test_in_a_ring_the_first_frame_follows_the_last():
    layout = next(layouts(1))
    poses, motions = layout.poses.clone(), torch.zeros(5, 4, SLOTS, MOTION)
    poses[..., 0] = torch.linspace(0, 0.1, 20).view(5, 4, 1)
    still, nothing = replace(layout, poses=poses, view=torch.zeros_like(layout.view)), torch.zeros(5, dtype=torch.bool)
    motions[..., 0] = 0.1 / 19
    for ring, jump in ((False, 0.1), (True, 0.0)):
        x = still.steered(motions, nothing, ring=ring).poses[..., 0, 0].flatten()
        assert abs(x[-1] - x[0]) == pytest.approx(jump, abs=0.01)


def test_positions_of_a_thing_are_covered_and_no_others():
    for layout in layouts(4):
        where = inside(layout, 16, 16)
        there = covered(layout, 16, 16)
        assert there.shape == (5, 16, 16) and there.any() and not there.all()
        for slot in layout.subjects.nonzero().flatten():
            assert there[(where[:, :, :, slot].abs().amax(-1) < 0.4).any(-1)].all()
        nobody = replace(layout, subjects=torch.zeros_like(layout.subjects))
        assert not covered(nobody, 16, 16).any()


def test_of_what_is_gone_nothing_is_told():
    staging, layout = Staging(32), next(layouts(1))
    staging.initialise()
    torch.nn.init.normal_(staging.tell.weight)
    layout.poses[2:, ..., 7] = 0
    told = staging([layout], [(5, 8, 8)]).view(5, 64, 32)
    assert told[:2].any() and not told[2:].any()
    assert covered(layout, 8, 8)[:2].any() and not covered(layout, 8, 8)[2:].any()


def test_what_shows_less_lies_deeper():
    layout = next(layouts(1))
    layout.poses[..., 6] = torch.tensor([0.5, 1.0, 0.97, 1.0, 0.0])
    assert depths(layout)[0, 0].tolist() == [3, 0, 1, 2, 4]


def test_a_camera_that_hardly_moves_stands_still():
    layout = next(layouts(1))
    noise = 0.003 * torch.randn(layout.view.shape, generator=torch.Generator().manual_seed(0))
    panning, zooming = torch.tensor([0.02, 0.0, 0.0]), torch.tensor([0.0, 0.0, -0.02])
    assert not replace(layout, view=noise).calm().view.any()
    calmed = replace(layout, view=noise + panning).calm().view
    assert_close(calmed[..., :2], (noise + panning)[..., :2])
    assert not calmed[..., 2].any()
    assert_close(replace(layout, view=noise + zooming).calm().view[..., 2], (noise + zooming)[..., 2])
