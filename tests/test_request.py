"""What a user asks for, without any model."""

from pathlib import Path

import numpy as np
import pytest

from vitascope.request import (
    Request, check_request, name_after, numbered, read_request, read_size, to_metadata, with_image,
)
from vitascope.video import Video, write_video


def test_a_request_comes_back_from_a_file(tmp_path: Path) -> None:
    request = Request("a car", negative="a bus", size="176x96", seconds=3, fps=12.5, seed=2**62, steps=3, guidance=1.5)
    write_video(Video(np.zeros((2, 16, 16, 3), np.uint8)), tmp_path / "a.mp4",
                to_metadata(request, model="nano", model_version="3"))
    read, made_by = read_request(tmp_path / "a.mp4")
    assert read == request
    assert made_by["model"] == "nano" and made_by["model_version"] == "3" and "vitascope" in made_by["program"]


def test_the_bounds_themselves_are_allowed() -> None:
    for request in (Request("x"), Request("x" * 32_000), Request("x", seconds=60.0, fps=60.0, seed=2**63 - 1),
                    Request("x", steps=1000, guidance=0.0, seconds=0.01)):
        check_request(request)


@pytest.mark.parametrize("size, sides", [("176x96", (176, 96)), ("1x99999", (1, 99999))])
def test_sizes(size: str, sides: tuple[int, int]) -> None:
    assert read_size(size) == sides


@pytest.mark.parametrize("size", [
    "", "128", "128x", "x128", "-1x5", "1.5x2", "128X128", "0128x128", "١٢x٣", "128x128 ", "128x128\n", "1000000x1",
])
def test_what_is_no_size(size: str) -> None:
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        read_size(size)


def test_names_for_several_results() -> None:
    assert numbered(Path("a/car.mp4"), 1) == [Path("a/car.mp4")]
    assert numbered(Path("a/car.mp4"), 2) == [Path("a/car-1.mp4"), Path("a/car-2.mp4")]
    assert numbered(Path("frames"), 2) == [Path("frames-1"), Path("frames-2")]
    assert numbered(Path("f%03d.png"), 2) == [Path("f1-%03d.png"), Path("f2-%03d.png")]


@pytest.mark.parametrize("prompt, name", [
    ("A red car!", "a-red-car.mp4"), ("../../etc/passwd", "etc-passwd.mp4"), ("…", "video.mp4"),
    ("車 drives", "車-drives.mp4"),
    ("word " * 50, "word-word-word-word-word-word-word-word.mp4"),
])
def test_a_file_is_named_after_the_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompt: str,
                                          name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert name_after(prompt) == Path(name)
    Path(name).touch()
    assert name_after(prompt) == Path(name.replace(".mp4", "-2.mp4"))


def test_the_contents_of_the_first_frame_are_recorded(tmp_path: Path) -> None:
    for level in (0, 255):
        write_video(Video(np.full((1, 8, 8, 3), level, np.uint8)), tmp_path / f"{level}.png")
    first, second = (with_image(Request("x"), tmp_path / f"{level}.png").image_sha256 for level in (0, 255))
    assert first != second
    with pytest.raises(ValueError, match="not the picture"):
        check_request(Request("x", image=str(tmp_path / "0.png"), image_sha256=second))
