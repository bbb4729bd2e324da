"""An order's frames, by a tiny system; a user's own frames come back to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import upscale as upscale_module
from vitascope.presets import STYLES
from vitascope.serve.film import film, say, split_shots
from vitascope.serve.order import Order
from vitascope.system import System
from vitascope.video import Video, cover, read_video, write_video

ORDER = Order("create", "a dog", "sora-2", width=160, height=96, seconds=1.0, seed=3, steps=2)
CHANGE = replace(ORDER, width=96, height=64)  # the size of the clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames of 96x64 that no model made."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ground = np.uint8(np.indices((64, 96)).sum(0) % 256)[..., None].repeat(3, -1)
    write_video(Video(np.stack([np.roll(ground, 4 * number, 1) for number in range(9)]), 8.0), path)
    return path


def make(system: System, order: Order, inputs: dict[str, Path] | None = None) -> np.ndarray:
    """All frames, uint8 (T, H, W, 3)."""
    made = film(system, order, inputs or {}, lambda step, total: None)
    frames = np.stack([*made.frames])
    assert (len(frames), made.fps) == (made.count, order.fps)
    return frames


def card(prompt: str, at: float, *, cut: bool = False, shows: str | None = None, range=None) -> dict:
    return {"prompt": prompt, "at": at, "cut": cut, "shows": shows, "range": range}


@pytest.mark.parametrize(
    ("fields", "frames"),
    [
        ({}, 8),
        ({"seconds": 0.1}, 1),
        ({"seconds": 3.0}, 24),  # more than one window
        ({"fps": 12.0}, 12),
        ({"loop": True, "seconds": 2.0}, 16),
        ({"width": 96, "height": 160}, 8),
        ({"style": "pencil", "camera": "pans left", "expanded": "a dog runs"}, 8),
        ({"negative": "rain", "guidance": 2.0, "sampler": "euler"}, 8),
        ({"storyboard": (card("a car", 0.5), card("a tree", 1.0, cut=True)), "seconds": 2.0}, 16),
    ],
)
def test_a_new_video_has_the_size_and_length_asked_for(nano_system: System, fields: dict, frames: int) -> None:
    order = replace(ORDER, **fields)
    assert make(nano_system, order).shape == (frames, order.height, order.width, 3)


@pytest.mark.parametrize(
    ("task", "fields", "frames", "own"),
    [
        ("extend", {}, 17, slice(0, 9)),
        ("extend", {"seconds": 0.75, "forward": False}, 15, slice(6, 15)),
        ("edit", {}, 9, None),
        ("edit", {"span": (0.25, 0.5)}, 9, slice(6, 9)),
        ("edit", {"loop": True}, 17, slice(0, 9)),
        ("edit", {"loop": True, "seconds": 2.0}, 25, slice(0, 9)),
        ("connect", {}, 26, slice(17, 26)),
    ],
)
def test_a_clip_is_changed_and_its_own_frames_stay(
    nano_system: System, clip: Path, task: str, fields: dict, frames: int, own: slice | None
) -> None:
    inputs = {"video": clip, **({"other": clip} if task == "connect" else {})}
    made = make(nano_system, replace(CHANGE, task=task, **fields), inputs)
    assert made.shape == (frames, 64, 96, 3)
    if own is not None:
        assert np.array_equal(made[own], read_video(clip).pixels[-len(made[own]) :])


def test_a_masked_region_is_made_anew(nano_system: System, tmp_path: Path, clip: Path) -> None:
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 32, 64))
    mask.save(tmp_path / "mask.png")
    made = make(nano_system, replace(CHANGE, task="edit"), {"video": clip, "mask": tmp_path / "mask.png"})
    same = (made == read_video(clip).pixels).all((0, 1, 3))  # by column
    assert same[32:].all() and not same[:32].any()


def test_the_first_frame_is_the_picture(nano_system: System, tmp_path: Path) -> None:
    picture = np.uint8(np.indices((96, 160)).sum(0) % 256)[..., None].repeat(3, -1)
    Image.fromarray(picture).save(tmp_path / "first.png")
    made = make(nano_system, ORDER, {"image": tmp_path / "first.png"})
    assert len(made) == 8 and np.array_equal(made[0], picture)


def test_shots_begin_at_cuts() -> None:
    order = replace(ORDER, seconds=2.0)
    a, b, c = card("a", 0.0), card("b", 1.0, cut=True), card("c", 1.5)
    assert split_shots(order, [a, b, c]) == [(0, 8, [(0, a)]), (8, 16, [(0, b), (4, c)])]
    assert split_shots(order, []) == [(0, 16, [])]
    shown, later = card("a", 0.0, shows="card-0"), card("", 1.0, cut=True, shows="card-1")
    only_words = card("a", 0.0)
    assert split_shots(order, [later, shown])[1] == (8, 16, [(0, only_words), (0, later)])


def test_a_text_is_said_with_its_presets() -> None:
    assert say(replace(ORDER, style="pencil"), "a dog") == f"a dog, {STYLES['pencil']}"


def test_pictures_and_parts_of_clips_stand_where_their_cards_put_them(
    nano_system: System, tmp_path: Path, clip: Path
) -> None:
    """A clip's own frames come back as they were, at the size of the result; a picture guides and begins a shot."""
    Image.new("RGB", (50, 50), "teal").save(tmp_path / "sea.png")
    cards = (
        card("", 0.5, shows="clip-0", range=(0.25, 0.875)),
        card("the sea", 2.0, cut=True, shows="card-1"),
        card("more sea", 2.5),
    )
    inputs = {"clip-0": clip, "card-1": tmp_path / "sea.png"}
    made = make(nano_system, replace(ORDER, seconds=3.0, storyboard=cards), inputs)
    given = cover(read_video(clip), 160, 96).pixels
    assert len(made) == 24 and np.array_equal(made[1:5], given[2:6])  # the latent frame that half a second falls into
    assert (made[16] == (0, 128, 128)).all()


def test_a_range_beyond_its_clip_is_the_users_fault(nano_system: System, clip: Path) -> None:
    cards = (card("", 0.0, shows="clip-0", range=(5.0, 6.0)),)
    with pytest.raises(ValueError, match="begins at 5 s"):
        make(nano_system, replace(ORDER, storyboard=cards), {"clip-0": clip})


def test_all_of_a_clip_stays_in_a_larger_picture(nano_system: System, clip: Path) -> None:
    made = make(nano_system, replace(CHANGE, task="outpaint", height=160), {"video": clip})
    assert made.shape == (9, 160, 96, 3) and np.array_equal(made[:, 48:112], read_video(clip).pixels)


def test_a_subject_moves_to_another_place(nano_system: System, tmp_path: Path, clip: Path) -> None:
    square = np.zeros((9, 64, 96, 3), np.uint8)
    for number in range(9):
        square[number, 20:44, 8 * number : 8 * number + 24] = 255
    write_video(Video(square, 8.0), tmp_path / "subject.mp4")
    inputs = {"video": tmp_path / "subject.mp4", "other": clip}
    assert make(nano_system, replace(CHANGE, task="combine"), inputs).shape == (9, 64, 96, 3)


def test_what_is_enlarged_is_enlarged_by_the_upsampler(
    nano_system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, double = [], upscale_module.double

    def watched(upsampler, frames):
        for frame in double(upsampler, frames):
            sizes.append(frame.shape[1::-1])
            yield frame

    monkeypatch.setattr(upscale_module, "double", watched)
    made = make(nano_system, replace(ORDER, width=320, height=192))
    assert made.shape == (8, 192, 320, 3) and len(sizes) == 8 and min(sizes) >= (320, 192)
