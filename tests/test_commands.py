"""The commands that start from a user's files: what comes out, and that what is wrong leaves nothing behind."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from PIL import Image

from vitascope import cli, commands
from vitascope.commands import is_file, read_clip, read_range
from vitascope.system import System, save_system
from vitascope.video import Video, read_metadata, read_video, write_video

QUICK = ["--steps", "1", "--size", "128x96", "--prompt", "a car", "--seed", "7"]
MARK = 3  # levels, more than a watermark moves a pixel on average


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def model(nano_system: System, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("system")
    save_system(nano_system, folder)
    return str(folder)


@pytest.fixture
def vitascope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., Outcome]:
    """The command line, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vitascope", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        signal.signal(signal.SIGTERM, before)
        return Outcome(end.value.code, *capsys.readouterr())

    return run


def draw(frames: int = 12, width: int = 128, height: int = 96, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def give(name: str = "in-%02d.png", **shape: int) -> np.ndarray:
    """A user's clip, as pictures that keep every bit."""
    pixels = draw(**shape)
    write_video(Video(pixels, 8), name)
    return pixels


def kept(made: np.ndarray, given: np.ndarray) -> list[bool]:
    """Which frames are those that were given, but for the watermark: it moves pixels by a few of 255 levels."""
    assert made.shape == given.shape
    difference = np.abs(made.astype(int) - given).mean((1, 2, 3))
    return [bool(value < MARK) for value in difference]


def done(outcome: Outcome) -> Outcome:
    assert outcome.status == 0, outcome
    return outcome


# ----------------------------------------------------------------------------------------------------- what comes out

@pytest.mark.parametrize("direction, given", [("forward", slice(0, 12)), ("backward", slice(-12, None))])
def test_extend_keeps_the_frames_that_were_given(vitascope: Callable, model: str, direction: str, given: slice) -> None:
    pixels = give()
    outcome = done(vitascope("extend", "in-%02d.png", "--seconds", 1, "--direction", direction, "--out", "out-%02d.png",
                             "--model", model, *QUICK))
    assert "seed 7" in outcome.out and "wrote out-%02d.png: 128x96" in outcome.out
    made = read_video("out-%02d.png").pixels
    assert len(made) > 18 and all(kept(made[given], pixels))


def test_several_seeds_and_the_settings_inside(vitascope: Callable, model: str) -> None:
    write_video(Video(draw(), 8), "in.mp4", {"settings": {"prompt": "a dog jumps"}})
    done(vitascope("extend", "in.mp4", "-n", 2, "--seconds", 1, "--out", "out.mp4", "--model", model, "--steps", 1,
                   "--seed", 3,
                   "--style", "pencil"))
    for number in (1, 2):
        metadata = read_metadata(f"out-{number}.mp4")
        assert metadata["task"] == "extend" and metadata["model"] == "nano"
        assert metadata["inputs"][0]["file"] == "in.mp4" and metadata["options"]["seed"] == 2 + number
        assert metadata["options"]["prompt"] == "a dog jumps, as a pencil sketch"
    assert not np.array_equal(*(read_video(f"out-{number}.mp4").pixels for number in (1, 2)))


def test_a_size_that_the_model_cannot_make_is_reached_by_enlarging(vitascope: Callable, model: str) -> None:
    done(vitascope("image", "a car", "--size", "300x200", "--out", "a.png", "--model", model, "--steps", 1))
    assert read_video("a.png").pixels.shape == (1, 200, 300, 3)
    done(vitascope("image", "a blue car", "--model", model, "--steps", 1))
    assert read_video("a-blue-car.png").pixels.shape == (1, 128, 128, 3)


def test_the_size_follows_the_input(vitascope: Callable, model: str) -> None:
    give("tall.gif", width=54, height=96)
    done(vitascope("edit", "tall.gif", "a dog", "--out", "out.gif", "--model", model, "--steps", 1))
    assert read_video("out.gif").pixels.shape == (12, 176, 96, 3)


def test_loops(vitascope: Callable, model: str) -> None:
    pixels = give()
    done(vitascope("loop", "in-%02d.png", "--seconds", 1, "--out", "out-%02d.png", "--model", model, *QUICK))
    made = read_video("out-%02d.png").pixels
    assert len(made) == 20 and all(kept(made[:12], pixels)) and not any(kept(made[12:], pixels[:8]))
    done(vitascope("loop", "a car turns", "--seconds", 2, "--out", "loop.gif", "--model", model, "--steps", 1))
    assert len(read_video("loop.gif")) == 16


def test_infill_connect_combine_and_edit(vitascope: Callable, model: str) -> None:
    pixels, other = give(), give("b-%02d.png", frames=6, seed=1)
    done(vitascope("infill", "in-%02d.png", "--range", "0.5-1.0", "--out", "fill-%02d.png", "--model", model, *QUICK))
    assert kept(read_video("fill-%02d.png").pixels, pixels) == [True] * 4 + [False] * 4 + [True] * 4
    done(vitascope("connect", "in-%02d.png", "b-%02d.png", "--seconds", 1, "--then", "a dog", "--out", "both-%02d.png",
                   "--model", model, *QUICK))
    both = read_video("both-%02d.png").pixels
    assert all(kept(both[:12], pixels)) and all(kept(both[-6:], other)) and len(both) == 12 + 8 + 6
    done(vitascope("combine", "in-%02d.png", "b-%02d.png", "--out", "c.gif", "--model", model, *QUICK))
    assert len(read_video("c.gif")) == 12


def test_masks(vitascope: Callable, model: str) -> None:
    pixels, mask = give(), np.zeros((96, 128), np.uint8)
    mask[20:50, 40:90] = 255
    Image.fromarray(mask).save("mask.png")
    done(vitascope("inpaint", "in-%02d.png", "--mask", "mask.png", "--out", "out-%02d.png", "--model", model, *QUICK))
    change = np.abs(read_video("out-%02d.png").pixels.astype(int) - pixels).mean(-1)
    assert change[:, mask == 0].mean() < MARK and change[:, mask > 0].mean() > 10 * MARK


def test_outpaint_shows_all_of_the_clip(vitascope: Callable, model: str) -> None:
    pixels = give("sq-%02d.png", width=96, height=96)
    done(vitascope("outpaint", "sq-%02d.png", "--size", "176x96", "--out", "out-%02d.png", "--model", model,
                   "--prompt", "a car",
                   "--steps", 1))
    assert all(kept(read_video("out-%02d.png").pixels[:, :, 40:136], pixels))


def test_upscale_keeps_rate_and_length(vitascope: Callable, model: str) -> None:
    write_video(Video(draw(5, 40, 30), 12), "in.mp4")
    done(vitascope("upscale", "in.mp4", "--size", "150x100", "--model", model))
    video = read_video("in-150x100.mp4")
    assert video.size == (150, 100) and len(video) == 5 and video.fps == 12


def test_a_storyboard_becomes_a_video(vitascope: Callable, model: str) -> None:
    give("still.png", frames=1)
    board = {"prompt": "a car", "size": "128x96", "seed": 5, "shots": [
        {"seconds": 1, "cards": [{"at": 0, "image": "still.png"}]}, {"seconds": 0.75, "prompt": "at night"}]}
    Path("tale.json").write_text(json.dumps(board))
    outcome = done(vitascope("storyboard", "tale.json", "--model", model, "--steps", 1))
    assert "seed 5" in outcome.out and len(read_video("tale.mp4")) == 8 + 6
    assert json.loads(done(vitascope("storyboard", "--schema")).out)["properties"]["shots"]


# ----------------------------------------------------------------------------------------------------- any user's files

def phone(path: str, *, sound: bool = False) -> None:
    """A portrait clip with a variable rate, as phones make it."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 90, 160, "yuv420p"
        if sound:
            track = container.add_stream("aac", rate=16000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
        for number, pixels in enumerate(draw(20, 90, 160)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number * 2 + (number > 10) * 5
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_phones_clip_with_sound(vitascope: Callable, model: str) -> None:
    phone("phone.mp4", sound=True)
    outcome = done(vitascope("extend", "phone.mp4", "--seconds", 0.5, "--prompt", "a car", "--out", "out.gif",
                             "--model", model,
                             "--steps", 1))
    assert "phone.mp4 has sound, which is dropped" in outcome.err
    assert read_video("out.gif").size == (96, 176)


@pytest.mark.parametrize("name, shape", [("one.png", {"frames": 1}), ("odd.gif", {"width": 51, "height": 33}),
                                         ("tiny.webp", {"width": 9, "height": 7}),
                                         ("large.png", {"frames": 1, "width": 1500,
                                                                                                  "height": 900})])
def test_other_inputs(vitascope: Callable, model: str, name: str, shape: dict) -> None:
    give(name, **shape)
    done(vitascope("extend", name, "--seconds", 0.5, "--out", "out.gif", "--model", model, *QUICK))


def test_a_clip_of_3840x2160_without_a_size_gives_the_models_own(vitascope: Callable, model: str) -> None:
    write_video(Video(np.full((2, 2160, 3840, 3), 90, np.uint8), 8), "uhd.mp4")
    done(vitascope("extend", "uhd.mp4", "--seconds", 0.5, "--out", "out.mp4", "--model", model, "--prompt", "a car",
                   "--steps", 1))
    assert read_video("out.mp4").size == (176, 96)


def test_upscaled_videos_leave_through_the_gate(vitascope: Callable, model: str) -> None:
    write_video(Video(draw(5, 40, 30), 12), "in.mp4", {"settings": {"prompt": "a dog jumps"}})
    done(vitascope("upscale", "in.mp4", "--size", "200x150", "--out", "out.mp4", "--model", model))
    verified = vitascope("verify", "out.mp4")
    assert verified.status == 0 and "credentials" in verified.out and read_metadata("out.mp4")["task"] == "upscale"


# -------------------------------------------------------------------------------------------------------- what is wrong

@pytest.mark.parametrize("arguments, parts", [
    (["extend", "none.mp4"], ["none.mp4", "no such file"]), (["extend", "text.mp4"], ["text.mp4", "cannot be read"]),
    (["extend", "in.mp4", "--direction", "up"], ["'up'", "forward or backward"]), (["extend"], ["video"]),
    (["extend", "in.mp4", "--seconds", "0", "--prompt", "x"],
     ["seconds is 0"]), (["extend", "in.mp4", "--seconds", "99", "--prompt", "x"], ["seconds is 99"]),
    (["extend", "in.mp4"], ["in.mp4", "--prompt"]), (["extend", "in.mp4", "--prompt", "x", "--fps", "0"], ["fps is 0"]),
    (["extend", "in.mp4", "--prompt", "x", "--style", "oil"], ["'oil'", "pencil"]),
    (["extend", "in.mp4", "--prompt", "x", "--camera", "up"], ["'up'", "tilts up"]),
    (["extend", "in.mp4", "--prompt", "x", "--out", "a.xyz"], [".xyz"]),
    (["extend", "in.mp4", "--prompt", "x", "--out", "none/a.mp4"], ["none"]),
    (["image", ""], ["prompt"]), (["image", "x", "--size", "4000x20"], ["4000x20", "2048"]),
                                              (["image", "x", "--size", "big"], ["'big'"]),
    (["loop", "none.mp4"], ["none.mp4", "no such file"]), (["loop", ""], ["prompt"]),
    (["infill", "in.mp4", "--range", "2"], ["'2'", "1.0-2.0"]), (["infill", "in.mp4", "--range", "2-1"], ["'2-1'"]),
    (["connect", "in.mp4", "in.mp4"], ["in.mp4", "--then"]), (["connect", "in.mp4", "none.mp4"], ["none.mp4"]),
    (["connect", "in.mp4", "in.mp4", "--prompt", "x", "--curve", "wild"], ["'wild'", "linear"]),
    (["edit", "in.mp4", "x", "--strength", "2"], ["strength is 2"]),
                                              (["combine", "in.mp4", "in.mp4", "--strength", "nan"], ["strength"]),
    (["inpaint", "in.mp4", "--mask", "small.png", "--prompt", "x"], ["small.png", "20x20", "128x96"]),
    (["inpaint", "in.mp4", "--mask", "text.mp4", "--prompt", "x"], ["text.mp4"]),
    (["storyboard"], ["JSON"]), (["storyboard", "none.json"], ["none.json"]),
                                              (["storyboard", "text.mp4"], ["text.mp4", "JSON"]),
    (["storyboard", "wrong.json"], ["wrong.json", "shots[0].cards[0].colour", "unknown field"]),
    (["upscale", "in.mp4", "--size", "9999x10"], ["9999x10", "2048"]),
                                              (["upscale", "text.mp4", "--size", "256x256"], ["text.mp4"]),
])
def test_bad_input_is_refused_in_one_line_before_a_model_is_loaded(
        vitascope: Callable, monkeypatch: pytest.MonkeyPatch, arguments: list[str], parts: list[str]) -> None:
    monkeypatch.setattr(commands, "load_system", lambda *_: pytest.fail("a model was loaded"))
    write_video(Video(np.zeros((4, 96, 128, 3), np.uint8), 8), "in.mp4")
    Image.fromarray(draw(1, 20, 20)[0]).save("small.png")
    Path("text.mp4").write_text("a letter")
    Path("wrong.json").write_text(json.dumps({"shots": [{"seconds": 1, "prompt": "x",
                                                         "cards": [{"at": 0, "colour": 1}]}]}))
    before = sorted(os.listdir())
    refused(vitascope(*arguments), *parts)
    assert sorted(os.listdir()) == before


def refused(outcome: Outcome, *parts: str) -> None:
    assert outcome.status == 2 and outcome.out == "", outcome
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("vitascope: "), outcome.err
    assert all(part in outcome.err for part in parts), outcome.err


EVERY = [  # what each command is given when X is the file that is wrong
    ["extend", "X"], ["loop", "X"], ["infill", "X", "--range", "0.5-1"], ["connect", "in.mp4", "X", "--then", "a dog"],
    ["edit", "X", "a dog"], ["inpaint", "X", "--mask", "mask.png"], ["inpaint", "in.mp4", "--mask", "X"],
    ["outpaint", "X", "--size", "176x96"], ["combine", "in.mp4", "X"], ["upscale", "X", "--size", "300x300"],
    ["storyboard", "tale.json"], ["generate", "a car", "--image", "X"],
]


@pytest.mark.parametrize("wrong", ["none.mp4", "text.mp4", "cut.mp4"])
@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_a_file_that_cannot_be_read_stops_every_command(vitascope: Callable, model: str, arguments: list[str],
                                                        wrong: str) -> None:
    write_video(Video(draw(), 8), "in.mp4")
    Path("cut.mp4").write_bytes(Path("in.mp4").read_bytes()[:-60_000])
    Path("text.mp4").write_text("a letter")
    Image.fromarray(np.full((96, 128), 255, np.uint8)).save("mask.png")
    Path("tale.json").write_text(json.dumps({"shots": [{"seconds": 1, "prompt": "x",
                                                        "cards": [{"at": 0, "video": wrong}]}]}))
    before = sorted(os.listdir())
    prompted = arguments[0] not in ("storyboard", "upscale", "generate", "edit")
    extra = ["--model", model, "--out", "out.mp4", *(["--prompt", "a car"] if prompted else []),
             *(["--steps", "1"] if arguments[0] != "upscale" else [])]
    outcome = vitascope(*(wrong if word == "X" else word for word in arguments), *extra)
    assert outcome.status == 2 and wrong in outcome.err and outcome.err.count("\n") == 1, outcome
    assert sorted(os.listdir()) == before


def test_overlapping_cards_are_named(vitascope: Callable, model: str) -> None:
    shot = {"seconds": 2, "prompt": "x", "cards": [{"at": 1.1, "prompt": "one"}, {"at": 1.3, "prompt": "two"}]}
    Path("tale.json").write_text(json.dumps({"shots": [shot]}))
    outcome = vitascope("storyboard", "tale.json", "--model", model)
    refused(outcome, "tale.json", "shots[0].cards[1]", "shots[0].cards[0]")


def test_what_only_reading_to_the_end_tells(vitascope: Callable, model: str) -> None:
    write_video(Video(draw(), 8), "whole.webm")
    Path("cut.webm").write_bytes(Path("whole.webm").read_bytes()[:-20_000])
    give("still-%02d.png", frames=1)
    for arguments, part in (
            (["extend", "cut.webm"], "cut.webm"),
                            (["upscale", "cut.webm", "--size", "300x300", "--out", "x.mp4"], "cut.webm"),
            (["infill", "whole.webm", "--range", "1-9"], "range 1-9"),
                            (["outpaint", "whole.webm", "--size", "128x96"], "fills"),
            (["combine", "still-%02d.png", "whole.webm"], "nothing moves")):
        before = sorted(os.listdir())
        extra = [] if arguments[0] == "upscale" else QUICK if arguments[0] != "outpaint" else ["--prompt", "a car"]
        refused(vitascope(*arguments, *extra, "--model", model), part)
        assert sorted(os.listdir()) == before


def test_a_minute_made_here_can_be_read_and_no_more(tmp_path: Path) -> None:
    """Lengths are one and a multiple of four frames: a minute has 481."""
    for frames, name in ((481, "minute.gif"), (488, "longer.gif")):
        levels = np.arange(frames).astype(np.uint8)[:, None, None, None]
        write_video(Video(np.broadcast_to(levels, (frames, 16, 16, 3)), 8), tmp_path / name)
    assert len(read_clip(tmp_path / "minute.gif", 16, 16, 8)) == 481
    with pytest.raises(ValueError, match="longer.gif is longer than 60 seconds"):
        read_clip(tmp_path / "longer.gif", 16, 16, 8)


def test_ranges_and_names() -> None:
    assert read_range("1.0-2.5") == (1.0, 2.5)
    assert is_file("car.mp4") and not is_file("a car drives") and not is_file("x" * 5000)
