"""Specimens: every kind has its frames, and what happens to them on their way keeps them what they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vitascope.provenance.specimens import CUTS, H264, NONE, OURS, encoded, made, of_photograph, of_world, travelled
from vitascope.provenance.traces import FRAMES
from vitascope.system import System
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene


@pytest.fixture(scope="module")
def system() -> System:
    return System.load()


def test_a_scene_gives_every_kind_in_one_group_and_one_size(system: System) -> None:
    found = list(of_world(6_000_001, system, again=True))
    assert [each.ours for each in found] == [True, False, False, False, False]
    assert len({each.kind for each in found}) == 5 and len({each.group for each in found}) == 1
    assert {(each.frames.dtype, len(each.frames)) for each in found} == {(np.dtype(np.uint8), FRAMES)}
    assert len({each.frames.shape for each in found}) == 1


def test_only_what_takes_long_is_left_out(system: System) -> None:
    assert not any(each.ours for each in of_world(6_000_001, system, again=False))


def test_what_was_made_of_a_prompt_stands_beside_its_scene(system: System, tmp_path: Path) -> None:
    scene = sample_scene(6_000_002, width=64, height=64)
    np.save(tmp_path / "0003.npy", 255 - render(scene, simulate(scene)))
    ours, twin, _ = made(tmp_path, 3, scene, [2], system)
    assert ours.kind == OURS[0] and (ours.frames == 255 - twin.frames).all() and not twin.ours


def test_photographs_move(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), picture)
    found = list(of_photograph(tmp_path / "noise.png"))
    assert len(found) == CUTS and any((each.frames[0] != each.frames[1]).any() for each in found)


def test_every_journey_ends_in_frames_that_are_large_enough_to_learn_from() -> None:
    draw, frames = np.random.default_rng(0), np.full((FRAMES, 128, 128, 3), 90, np.uint8)
    for _ in range(12):
        back = travelled(frames, draw)
        assert len(back) == FRAMES and min(back.shape[1:3]) >= 96 and abs(int(np.median(back)) - 90) <= 3


def test_encoding_changes_little_and_nothing_where_there_is_none() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, 33, 40, 3), np.uint8)
    assert encoded(frames, NONE, 0) is frames
    assert encoded(frames, H264, 23).shape == (FRAMES, 32, 40, 3)
