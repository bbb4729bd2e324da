"""The worker's function with a tiny system and the real gate."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from vitascope import upscale as upscale_module
from vitascope.presets import STYLES
from vitascope.produce import describe_model, open_gate
from vitascope.safety.policy import Policy, decide
from vitascope.serve import production as production_module
from vitascope.serve.order import Order
from vitascope.serve.production import Production, say, split_shots
from vitascope.serve.worker import Assignment, Refused
from vitascope.video import Video, cover, read_video, write_video


class Pages(dict):
    """A journal in memory."""

    def read(self, number: int) -> bytes | None:
        return self.get(number)

    def write(self, number: int, entry: bytes) -> None:
        self[number] = entry


@pytest.fixture(scope="module")
def production(nano_system, tmp_path_factory: pytest.TempPathFactory) -> Production:
    folder = tmp_path_factory.mktemp("gate")
    gate, _ = open_gate(
        describe_model(nano_system),
        policy=Policy.load().switched_off(),
        signed=False,
        authority=folder / "authority",
        store=folder / "records",
    )
    return Production(nano_system, gate)


@pytest.fixture(autouse=True)
def every_prompt_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging is not what is tested here."""
    monkeypatch.setattr("vitascope.produce.prompt_review.judge", lambda texts, policy, *, negative: decide({}, policy))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames of 96x64 that no model made."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ground = np.uint8(np.indices((64, 96)).sum(0) % 256)[..., None].repeat(3, -1)
    write_video(Video(np.stack([np.roll(ground, 4 * number, 1) for number in range(9)]), 8.0), path)
    return path


def make(
    production: Production,
    order: Order,
    out: Path,
    inputs: dict[str, Path] | None = None,
    *,
    journal: Pages | None = None,
    progress: Callable[[int, int], None] = lambda step, total: None,
    preview: Callable[[bytes], None] = lambda picture: None,
) -> Video:
    production(Assignment(order, inputs or {}, out, Pages() if journal is None else journal, progress, preview))
    return read_video(out)


def card(prompt: str, at: float, *, cut: bool = False, shows: str | None = None, range=None) -> dict:
    return {"prompt": prompt, "at": at, "cut": cut, "shows": shows, "range": range}


def order(task: str = "create", **fields) -> Order:
    return Order(
        **{
            "task": task,
            "prompt": "a dog",
            "model": "sora-2",
            "width": 160,
            "height": 96,
            "seconds": 1.0,
            "seed": 3,
            "steps": 2,
            **fields,
        }
    )


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
        (
            {
                "storyboard": (
                    card("a car", 0.5),
                    card("a tree", 1.0, cut=True),
                ),
                "seconds": 2.0,
            },
            16,
        ),
    ],
)
def test_a_new_video_has_the_size_length_and_rate_asked_for(
    production: Production, tmp_path: Path, fields: dict, frames: int
) -> None:
    asked = order(**fields)
    video = make(production, asked, tmp_path / "video.mp4")
    assert (video.size, len(video), video.fps) == ((asked.width, asked.height), frames, asked.fps)


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
    production: Production, tmp_path: Path, clip: Path, task: str, fields: dict, frames: int, own: slice | None
) -> None:
    given = read_video(clip)
    inputs = {"video": clip, **({"other": clip} if task == "connect" else {})}
    video = make(production, order(task, width=96, height=64, **fields), tmp_path / "video.mp4", inputs)
    assert len(video) == frames and video.size == (96, 64)
    if own is not None:
        kept = given.pixels[-len(range(*own.indices(frames))) :]
        assert np.abs(video.pixels[own].astype(int) - kept).mean() < 6  # the codec, twice


def test_a_masked_region_is_made_anew(production: Production, tmp_path: Path, clip: Path) -> None:
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 32, 64))
    mask.save(tmp_path / "mask.png")
    video = make(
        production,
        order("edit", width=96, height=64),
        tmp_path / "video.mp4",
        {"video": clip, "mask": tmp_path / "mask.png"},
    )
    own = read_video(clip).pixels
    assert len(video) == 9 and np.abs(video.pixels[:, :, 40:].astype(int) - own[:, :, 40:]).mean() < 6


def test_the_first_frame_is_the_picture(production: Production, tmp_path: Path) -> None:
    picture = np.uint8(np.indices((96, 160)).sum(0) % 256)[..., None].repeat(3, -1)
    Image.fromarray(picture).save(tmp_path / "first.png")
    video = make(production, order(), tmp_path / "video.mp4", {"image": tmp_path / "first.png"})
    assert len(video) == 8 and np.abs(video.pixels[0].astype(int) - picture).mean() < 6


@pytest.mark.parametrize(
    ("fields", "stop"), [({}, 0), ({}, 1), ({"seconds": 3.0}, 6), ({"loop": True}, 3), ({"sampler": "heun"}, 4)]
)
def test_a_killed_job_goes_on_exactly_where_it_was(
    production: Production, tmp_path: Path, fields: dict, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the task and the sampler: the same pixels, and nothing is painted twice."""
    asked, pages, computed = order(width=96, height=64, **fields), Pages(), []
    films = watch_films(monkeypatch)
    make(production, asked, tmp_path / "straight.mp4", journal=pages)
    kept = Pages(dict(sorted(pages.items())[:stop]))
    painter = production.system.transformer
    inner = painter.forward
    monkeypatch.setattr(painter, "forward", lambda batch: computed.append(1) or inner(batch))
    make(production, asked, tmp_path / "resumed.mp4", journal=kept)
    assert np.array_equal(*films) and len(computed) == len(pages) - stop and kept.keys() == pages.keys()


def watch_films(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What is given to the gate, before the mark and the codec."""
    films, film = [], production_module.film

    def watched(*arguments: object) -> Video:
        films.append(np.stack([*film(*arguments).frames]))
        return Video(films[-1], 8.0)

    monkeypatch.setattr(production_module, "film", watched)
    return films


def test_a_journal_of_another_order_is_not_used(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, films = Pages(), watch_films(monkeypatch)
    make(production, order(seed=1), tmp_path / "a.mp4", journal=pages)
    make(production, order(seed=2), tmp_path / "b.mp4", journal=pages)
    make(production, order(seed=2), tmp_path / "c.mp4")
    assert np.array_equal(films[1], films[2]) and not np.array_equal(films[0], films[1])


def test_every_step_can_stop_it(production: Production, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    steps = []

    def progress(step: int, total: int) -> None:
        steps.append((step, total))
        if step == 1:
            raise Stop

    with pytest.raises(Stop):
        make(production, order(), tmp_path / "video.mp4", progress=progress)
    assert steps == [(0, 2), (1, 2)] and not (tmp_path / "video.mp4").exists()


def test_previews_show_the_video_so_far(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(production_module, "PREVIEW_PAUSE", 0.0)
    shown: list[bytes] = []
    make(production, order(), tmp_path / "video.mp4", preview=shown.append)
    assert shown and all(picture[:4] == b"RIFF" for picture in shown)


def test_a_preview_that_the_gate_would_not_let_through_is_not_shown(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(production_module, "PREVIEW_PAUSE", 0.0)
    monkeypatch.setattr(production_module, "review", lambda frames, policy: SimpleNamespace(allowed=False))
    shown: list[bytes] = []
    make(production, order(), tmp_path / "video.mp4", preview=shown.append)
    assert shown == []


def test_what_the_gate_refuses_is_refused(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise production_module.RefusedByGate("prompt", SimpleNamespace(reasons=["it shows violence"]))

    monkeypatch.setattr(production_module, "produce", refuse)
    with pytest.raises(Refused, match="it shows violence"):
        make(production, order(), tmp_path / "video.mp4")


def test_shots_begin_at_cuts() -> None:
    a, b, c = card("a", 0.0), card("b", 1.0, cut=True), card("c", 1.5)
    assert split_shots(order(seconds=2.0), [a, b, c]) == [(0, 8, [(0, a)]), (8, 16, [(0, b), (4, c)])]
    assert split_shots(order(seconds=2.0), []) == [(0, 16, [])]
    shown, later = card("a", 0.0, shows="card-0"), card("", 1.0, cut=True, shows="card-1")
    only_words = card("a", 0.0)
    assert split_shots(order(seconds=2.0), [later, shown])[1] == (8, 16, [(0, only_words), (0, later)])


def test_a_text_is_said_with_its_presets() -> None:
    assert say(order(style="pencil"), "a dog") == f"a dog, {STYLES['pencil']}"


def test_pictures_and_parts_of_clips_stand_where_their_cards_put_them(
    production: Production, tmp_path: Path, clip: Path
) -> None:
    """A clip's own frames come back as they were, at the size of the result; a picture guides and begins a shot."""
    Image.new("RGB", (50, 50), "teal").save(tmp_path / "sea.png")
    cards = (
        card("", 0.5, shows="clip-0", range=(0.25, 0.875)),
        card("the sea", 2.0, cut=True, shows="card-1"),
        card("more sea", 2.5),
    )
    inputs = {"clip-0": clip, "card-1": tmp_path / "sea.png"}
    video = make(production, order(seconds=3.0, storyboard=cards), tmp_path / "video.mp4", inputs)
    given = cover(read_video(clip), 160, 96).pixels
    shown = slice(1, 5)  # the latent frame that half a second falls into
    assert len(video) == 24 and np.abs(video.pixels[shown].astype(int) - given[2:6]).mean() < 6
    assert np.abs(video.pixels[16].astype(int) - (0, 128, 128)).mean() < 6


def test_a_range_beyond_its_clip_is_the_users_fault(production: Production, tmp_path: Path, clip: Path) -> None:
    cards = (card("", 0.0, shows="clip-0", range=(5.0, 6.0)),)
    with pytest.raises(ValueError, match="begins at 5 s"):
        make(production, order(storyboard=cards), tmp_path / "video.mp4", {"clip-0": clip})


def test_all_of_a_clip_stays_in_a_larger_picture(production: Production, tmp_path: Path, clip: Path) -> None:
    video = make(production, order("outpaint", width=96, height=160), tmp_path / "video.mp4", {"video": clip})
    own = read_video(clip).pixels
    assert video.size == (96, 160) and len(video) == len(own)
    assert np.abs(video.pixels[:, 48:112].astype(int) - own).mean() < 6


def test_a_subject_moves_to_another_place(production: Production, tmp_path: Path, clip: Path) -> None:
    square = np.zeros((9, 64, 96, 3), np.uint8)
    for number in range(9):
        square[number, 20:44, 8 * number : 8 * number + 24] = 255
    write_video(Video(square, 8.0), tmp_path / "subject.mp4")
    inputs = {"video": tmp_path / "subject.mp4", "other": clip}
    video = make(production, order("combine", width=96, height=64, strength=0.5), tmp_path / "video.mp4", inputs)
    assert video.size == (96, 64) and len(video) == 9


def test_what_is_enlarged_is_enlarged_by_the_upsampler(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, double = [], upscale_module.double

    def watched(upsampler, frames):
        for frame in double(upsampler, frames):
            sizes.append(frame.shape[1::-1])
            yield frame

    monkeypatch.setattr(upscale_module, "double", watched)
    video = make(production, order(width=320, height=192), tmp_path / "video.mp4")
    assert video.size == (320, 192) and len(sizes) == 8 and min(sizes) >= (320, 192)
