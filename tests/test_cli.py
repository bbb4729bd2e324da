"""The command line as a user meets it: what it makes, what it says, and that whatever is wrong ends in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from vitascope import __version__, cli
from vitascope.system import System, SystemConfig, save_system
from vitascope.video import read_metadata, read_video

QUICK = ["--steps", "2", "--size", "128x96", "--seconds", "0.5"]


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

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vitascope", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        signal.signal(signal.SIGTERM, before)
        return Outcome(end.value.code, *capsys.readouterr())

    return run


# ------------------------------------------------------------------------------------------------------------- generate

@pytest.mark.parametrize("name", ["car.mp4", "car.webm", "car.gif", "car.webp", "car-%03d.png", "car"])
def test_a_prompt_becomes_a_file_that_tells_how_it_was_made(vitascope: Callable, model: str, name: str) -> None:
    outcome = vitascope("generate", "a red car", "--out", name, "--model", model, "--seed", 7, *QUICK)
    assert outcome.status == 0 and "seed 7" in outcome.out and f"wrote {name}: 128x96, frames: 5" in outcome.out
    video = read_video(name)
    assert video.pixels.shape == (5, 96, 128, 3) and video.fps == 8
    metadata = read_metadata(name)
    assert metadata["program"] == f"vitascope {__version__}" and metadata["model"] == "nano"
    assert metadata["settings"] == {"prompt": "a red car", "negative": "", "size": "128x96", "seconds": 0.5, "fps": 8.0,
                                    "seed": 7, "steps": 2, "guidance": SystemConfig().guidance, "image": None,
                                    "image_sha256": None}


def test_like_makes_the_same_frames_again(vitascope: Callable, model: str) -> None:
    Image.fromarray(np.full((50, 90, 3), 200, np.uint8)).save("grey.png")
    vitascope("generate", "a dog", "--out", "one.mp4", "--model", model, "--negative", "a cat", "--fps", "12",
              "--guidance", "2.5", "--image", "grey.png", *QUICK)
    assert vitascope("generate", "--like", "one.mp4", "--out", "two.mp4", "--model", model).status == 0
    assert np.array_equal(read_video("one.mp4").pixels, read_video("two.mp4").pixels)
    assert read_metadata("one.mp4") == read_metadata("two.mp4")


def test_options_beside_like_win(vitascope: Callable, model: str) -> None:
    vitascope("generate", "a dog", "--out", "one.mp4", "--model", model, "--seed", "5", *QUICK)
    vitascope("generate", "--like", "one.mp4", "--out", "two.mp4", "--model", model, "--seed", "6")
    vitascope("generate", "a car", "--like", "one.mp4", "--out", "three.mp4", "--model", model)
    one, two, three = (read_metadata(f"{name}.mp4")["settings"] for name in ("one", "two", "three"))
    assert two == one | {"seed": 6} and three == one | {"prompt": "a car"}
    assert not np.array_equal(read_video("one.mp4").pixels, read_video("two.mp4").pixels)


def test_like_says_when_the_model_is_another(vitascope: Callable, nano_system: System, model: str,
                                             tmp_path: Path) -> None:
    vitascope("generate", "a dog", "--out", "one.mp4", "--model", model, *QUICK)
    system = json.loads(Path(model, "system.json").read_text())
    save_system(nano_system, tmp_path / "other")
    system["config"]["version"] = "99"
    (tmp_path / "other" / "system.json").write_text(json.dumps(system))
    outcome = vitascope("generate", "--like", "one.mp4", "--out", "two.mp4", "--model", tmp_path / "other")
    assert outcome.status == 0 and "nano 99" in outcome.err and "differ" in outcome.err


@pytest.mark.parametrize("name, names", [
    ("car.mp4", ["car-1.mp4", "car-2.mp4", "car-3.mp4"]),
    ("car-%02d.png", ["car-1-%02d.png", "car-2-%02d.png", "car-3-%02d.png"]),
])
def test_several_videos_have_seeds_one_after_the_other(vitascope: Callable, model: str, name: str,
                                                       names: list[str]) -> None:
    outcome = vitascope("generate", "a car", "-n", "3", "--out", name, "--model", model, "--seed", "10", *QUICK)
    assert outcome.status == 0
    assert [read_metadata(path)["settings"]["seed"] for path in names] == [10, 11, 12]
    vitascope("generate", "a car", "--out", "alone.mp4", "--model", model, "--seed", "11", *QUICK)
    if name.endswith("mp4"):
        assert np.array_equal(read_video("alone.mp4").pixels, read_video(names[1]).pixels)


def test_a_seed_is_drawn_and_told(vitascope: Callable, model: str) -> None:
    command = ["generate", "a car", "--out", "car.mp4", "--model", model, *QUICK]
    seeds = [vitascope(*command).out.split()[1] for _ in range(2)]
    assert seeds[0] != seeds[1] and read_metadata("car.mp4")["settings"]["seed"] == int(seeds[1])


def test_a_picture_is_one_frame_and_the_file_is_named_after_the_prompt(vitascope: Callable, model: str) -> None:
    assert vitascope("generate", "a car", "--out", "car.png", "--model", model, "--steps", "1").status == 0
    assert read_video("car.png").pixels.shape == (1, 128, 128, 3)
    for _ in range(2):
        vitascope("generate", "A red car, at night!", "--model", model, *QUICK)
    assert sorted(path.name for path in Path().glob("*.mp4")) == ["a-red-car-at-night-2.mp4", "a-red-car-at-night.mp4"]


def test_words_that_the_model_never_saw_are_named(vitascope: Callable, nano_system: System, tmp_path: Path) -> None:
    known = System(nano_system.config, autoencoder=nano_system.autoencoder, transformer=nano_system.transformer,
                   upsampler=nano_system.upsampler, card={"words": ["a", "red", "car", "drives", "puppy"]})
    save_system(known, tmp_path / "model")
    outcome = vitascope("generate", "two puppies and a dragon in red cars", "--out", "a.mp4", *QUICK,
                        "--model", tmp_path / "model")
    assert outcome.status == 0 and "dragon" in outcome.err
    assert not any(word in outcome.err for word in ("puppies", "cars", "two", "red"))


# -------------------------------------------------------------------------------------------------------- what is wrong

def refused(outcome: Outcome, *parts: str) -> None:
    assert outcome.status == 2 and outcome.out == "", outcome
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("vitascope: "), outcome.err
    assert all(part in outcome.err for part in parts), outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("options, parts", [
    ([""], ["prompt", "1 to 32,000"]),
    (["  \n "], ["prompt", "empty"]),
    (["x" * 32_001], ["32,001", "32,000"]),
    (["a car", "--negative", "x" * 32_001], ["negative", "32,001"]),
    (["a car", "--size", "big"], ["'big'", "128x128"]),
    (["a car", "--size", "0x128"], ["'0x128'"]),
    (["a car", "--size", "2500x1080"], ["2500x1080", "2048"]),
    (["a car", "--seconds", "0"], ["seconds is 0", "more than 0"]),
    (["a car", "--seconds", "-3"], ["seconds is -3"]),
    (["a car", "--seconds", "61"], ["seconds is 61", "60"]),
    (["a car", "--seconds", "nan"], ["seconds is nan"]),
    (["a car", "--fps", "0"], ["fps is 0"]),
    (["a car", "--fps", "fast"], ["--fps", "'fast'", "number"]),
    (["a car", "--steps", "0"], ["steps is 0"]),
    (["a car", "--steps", "2.5"], ["--steps", "'2.5'", "whole"]),
    (["a car", "--guidance", "-1"], ["guidance is -1"]),
    (["a car", "--seed", "-1"], ["seed is -1"]),
    (["a car", "-n", "0"], ["-n", "'0'"]),
    (["a car", "-n", "100000000"], ["100000000", "1000"]),
    (["a car", "--image", "none.png"], ["none.png", "no such file"]),
    (["a car", "--image", "letter.png"], ["letter.png", "cannot be read"]),
    (["a car", "--out", "none/car.mp4"], ["none", "does not exist"]),
    (["a car", "--out", "/proc/car.mp4"], ["/proc", "cannot be written"]),
    (["a car", "--out", "car.xyz"], [".xyz", ".mp4"]),
    (["a car", "--out", "car.png", "--seconds", "2"], ["one picture"]),
    (["a car", "--colour", "red"], ["--colour"]),
    (["--like", "none.mp4"], ["none.mp4", "no such file"]),
    (["--like", "letter.png"], ["letter.png", "cannot be read"]),
    (["--like", "foreign.png"], ["foreign.png", "no settings"]),
    (["a car", "another"], ["another"]),
])
def test_bad_input_is_refused_in_one_line_before_a_model_is_loaded(
        vitascope: Callable, monkeypatch: pytest.MonkeyPatch, options: list[str], parts: list[str]) -> None:
    monkeypatch.setattr(cli, "_load", lambda *_: pytest.fail("a model was loaded"))
    Path("letter.png").write_text("a letter")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("foreign.png")
    before = sorted(os.listdir())
    refused(vitascope("generate", *options), *parts)
    assert sorted(os.listdir()) == before


def test_settings_that_were_tampered_with_are_refused(vitascope: Callable, model: str) -> None:
    from vitascope.video import Video, write_video

    settings = {"prompt": "a car", "size": "128x128"}
    for wrong in ({"prompt": 5}, {"seed": "1"}, {"colour": "red"}, {"seconds": None}, {"steps": True}):
        write_video(Video(np.zeros((2, 16, 16, 3), np.uint8)), "wrong.mp4", {"settings": settings | wrong})
        refused(vitascope("generate", "--like", "wrong.mp4", "--model", model), "wrong.mp4", *wrong)


def test_like_needs_the_same_first_frame(vitascope: Callable, model: str) -> None:
    Image.fromarray(np.full((50, 90, 3), 200, np.uint8)).save("grey.png")
    vitascope("generate", "a dog", "--out", "one.mp4", "--model", model, "--image", "grey.png", *QUICK)
    Image.fromarray(np.full((50, 90, 3), 100, np.uint8)).save("grey.png")
    again = ["generate", "--like", "one.mp4", "--out", "two.mp4", "--model", model]
    refused(vitascope(*again), "grey.png")
    os.remove("grey.png")
    refused(vitascope(*again), "grey.png", "no such file")


@pytest.mark.parametrize("size", ["200x112", "112x200", "130x128"])
def test_a_size_that_the_model_cannot_make_is_reached_by_enlarging(vitascope: Callable, model: str, size: str) -> None:
    outcome = vitascope("generate", "a car", "--model", model, "--steps", "1", "--seconds", "0.5", "--size", size,
                        "--out", "a.mp4")
    assert outcome.status == 0 and f"wrote a.mp4: {size}, frames: 5" in outcome.out
    assert "x".join(map(str, read_video("a.mp4").size)) == size


def test_what_only_the_model_can_judge(vitascope: Callable, model: str, tmp_path: Path) -> None:
    command = ["generate", "a car", "--out", "a.mp4"]
    refused(vitascope(*command, "--size", "600x100", "--model", model), "600x100", "3 times")
    refused(vitascope(*command, "--model", "none"), "none", "missing")
    refused(vitascope("evaluate", "--model", "none"), "none", "missing")
    assert os.listdir() == []


@pytest.mark.parametrize("command, parts", [
    (["world", "--vocabulary", "huge"], ["'huge'", "bundled", "full"]), (["world", "--size", "x"], ["'x'"]),
    (["train", "autoencoder", "--out", "a", "--size", "huge"], ["'huge'", "nano"]),
    (["train", "autoencoder"], ["--out"]),
    (["train", "transformer", "--out", "a", "--data", "b", "--size", "huge"], ["'huge'", "xl"]),
    (["train", "upsampler", "--out", "a", "--autoencoder", "none"], ["none", "missing"]),
    (["data", "--out", "a", "--autoencoder", "none"], ["none", "missing"]),
    (["data", "--out", "a", "--clips", "many"], ["'many'"]),
    (["fly"], ["fly"]), (["train", "fly"], ["fly"]),
])
def test_other_commands_refuse_in_one_line_too(vitascope: Callable, command: list[str], parts: list[str]) -> None:
    refused(vitascope(*command), *parts)
    assert os.listdir() == []


# --------------------------------------------------------------------------------------------------------- interruption

@pytest.mark.parametrize("how, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing_behind(model: str, tmp_path: Path, how: signal.Signals, status: int) -> None:
    command = [sys.executable, "-m", "vitascope", "generate", "a car", "--out", "car.mp4", "--model", model,
               "--steps", "1000", "--seconds", "20"]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline().startswith("seed ")
    time.sleep(0.5)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and "Traceback" not in errors
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_in_one_line(vitascope: Callable, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "car.mp4")

    monkeypatch.setattr("vitascope.produce.write_while_made", full)
    outcome = vitascope("generate", "a car", "--out", "car.mp4", "--model", model, *QUICK)
    assert outcome.status == 1 and "No space left on device: car.mp4" in outcome.err and "Traceback" not in outcome.err
    assert os.listdir() == []


# ------------------------------------------------------------------------------------------------------- other commands

def test_help_and_version_need_nothing_heavy() -> None:
    program = ("import sys; from vitascope.cli import main; sys.argv = ['vitascope', '{}']\n"
               "try: main()\nfinally: print([name for name in ('torch', 'numpy', 'av', 'PIL') if name in sys.modules])")
    for option, part in (("--help", "generate"), ("--version", __version__)):
        done = subprocess.run([sys.executable, "-c", program.format(option)], capture_output=True, text=True)
        assert done.returncode == 0 and part in done.stdout and done.stdout.splitlines()[-1] == "[]", done


def test_nothing_heavy_is_imported_before_the_first_step(model: str, tmp_path: Path) -> None:
    program = """
import os, sys
from contextlib import contextmanager
from vitascope import cli, options

@contextmanager
def until_the_first_step(name):
    heavy = ("torch._dynamo", "sympy", "scipy", "transformers", "sentence_transformers", "cv2", "pymunk", "tensorboard")
    def stop(done, total, part):
        print([name for name in heavy if name in sys.modules], flush=True)
        os._exit(0)
    yield stop

options.progress_bar = until_the_first_step
sys.argv = ["vitascope", "generate", "a car", "--out", "car.mp4", "--model", sys.argv[1]]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program, model], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == ["[]"], done


def test_world_lists_what_training_never_sees(vitascope: Callable) -> None:
    lines = vitascope("world", "--held-out").out.splitlines()
    assert 50 < len(lines) < 5000 and all(line.count(", ") == 2 for line in lines) and len(set(lines)) == len(lines)


def test_world_writes_clips_and_what_is_known_of_them(vitascope: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitascope.world.render.render", lambda scene, motion: np.full(
        (scene.frames, scene.height, scene.width, 3), scene.seed, np.uint8))  # the artwork may not be there
    outcome = vitascope("world", "--count", "3", "--seed", "40", "--size", "96x64", "--frames", "5", "--out", "clips")
    assert outcome.status == 0, outcome
    known = json.loads(Path("clips/clips.json").read_text())
    assert [clip["file"] for clip in known] == ["00000040.mp4", "00000041.mp4", "00000042.mp4"]
    for clip in known:
        video = read_video(Path("clips", clip["file"]))
        assert video.pixels.shape == (5, 64, 96, 3) and abs(int(video.pixels.mean()) - clip["scene"]["seed"]) <= 1
        assert len(clip["states"]["x"]) == len(clip["states"]["visible"]) == len(clip["states"]["camera_x"]) == 5
        assert set(clip["captions"]) == {"short", "plain", "dense"}
    with Image.open("clips/sheet.png") as sheet:
        assert sheet.width > 2 * 5 * 96


def test_info_tells_what_a_model_knows(vitascope: Callable, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = vitascope("info", "--model", model)
    assert outcome.status == 0 and "nano" in outcome.out and "xl" in outcome.out and "GFLOP/s" in outcome.out
