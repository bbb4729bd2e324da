"""Files of every kind there and back, and what real files do to a reader: rotation, variable rate, alpha, damage."""

import json
import os
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vitascope.video import (
    Video, check_output, cover, from_unit, has_sound, open_video, read_image, read_metadata, read_video, to_unit,
    write_frames, write_video, write_while_made,
)

MOVING = ["clip.mp4", "clip.webm", "clip.gif", "clip.webp", "clip-%03d.png", "clip"]
STILL = ["image.png", "image.jpg", "image.jpeg"]
SETTINGS = {"prompt": 'a "red" car – 車 \n', "seed": 3, "size": [48, 32], "guidance": 4.5, "image": None}


def draw(frames: int = 9, height: int = 32, width: int = 48) -> np.ndarray:
    """uint8 (T, H, W, 3): a smooth backdrop over which a bright square moves to the right."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 3, y * 4, 128 - x], -1).clip(0, 255).astype(np.uint8)
    pixels = np.repeat(pixels[None], frames, 0)
    for number, frame in enumerate(pixels):
        frame[8:16, 2 * number:2 * number + 8] = (240, 230, 90)
    return pixels


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2).clip(1e-9))


def encode(path: Path, pixels: np.ndarray, *, times: list[int] | None = None, codec: str = "libx264",
           format: str = "yuv420p", rotation: int = 0, mirrored: bool = False, shape: Fraction = Fraction(1)) -> None:
    """A movie as other programs make it: 25 frames a second or at `times`, in hundredths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "10"} if codec == "libx264" else {})
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt, stream.codec_context.time_base = format, Fraction(1, 100 if times else 25)
        stream.codec_context.sample_aspect_ratio = shape
        stream.set_display_rotation(rotation, hflip=mirrored)
        for time, picture in zip(times or range(len(pixels)), pixels, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


# ------------------------------------------------------------------------------------------------------- there and back

@pytest.mark.parametrize("name", MOVING)
def test_a_clip_comes_back_with_its_pixels_rate_and_settings(tmp_path: Path, name: str) -> None:
    video = Video(draw(), 12.0)
    write_video(video, tmp_path / name, SETTINGS)
    read = read_video(tmp_path / name)
    assert read.pixels.shape == video.pixels.shape and read.fps == 12
    assert min(map(psnr, read.pixels, video.pixels)) > 28
    assert read_metadata(tmp_path / name) == SETTINGS


@pytest.mark.parametrize("name", MOVING + STILL)
def test_an_image_is_a_video_of_one_frame(tmp_path: Path, name: str) -> None:
    video = Video(draw(frames=1))
    write_video(video, tmp_path / name, SETTINGS)
    read = read_video(tmp_path / name)
    assert read.pixels.shape == video.pixels.shape
    assert psnr(read.pixels, video.pixels) > 28
    assert read_metadata(tmp_path / name) == SETTINGS


@pytest.mark.parametrize("name", ["clip-%03d.png", "clip", "image.png"])
def test_png_keeps_every_bit(tmp_path: Path, name: str) -> None:
    video = Video(draw(frames=1 if name in STILL else 3))
    write_video(video, tmp_path / name)
    assert np.array_equal(read_video(tmp_path / name).pixels, video.pixels)


@pytest.mark.parametrize("name", MOVING)
def test_odd_sizes(tmp_path: Path, name: str) -> None:
    pixels = draw(frames=2, height=33, width=49)
    write_video(Video(pixels), tmp_path / name)
    read = read_video(tmp_path / name).pixels
    assert read.shape[1:3] == ((34, 50) if name == "clip.mp4" else (33, 49))  # 4:2:0 H.264 has even sides only
    assert psnr(read[:, :33, :49], pixels) > 28


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("fps", [8.0, 24.0, 30000 / 1001])
def test_rates_that_do_not_divide_a_second_keep_every_frame(tmp_path: Path, name: str, fps: float) -> None:
    pixels = draw(frames=20)
    write_video(Video(pixels, fps), tmp_path / name)
    read = read_video(tmp_path / name)
    assert len(read) == 20 and read.fps == pytest.approx(fps, rel=0.005)
    assert min(map(psnr, read.pixels, pixels)) > 26  # a frame shown twice or left out has 21 here


@pytest.mark.parametrize("name", ["clip.gif", "clip.webp", "clip.mp4"])
def test_frames_that_do_not_change_are_kept(tmp_path: Path, name: str) -> None:
    pixels = draw(frames=9)[[0, 1, 1, 1, 2, 3, 4, 4, 4]]
    write_video(Video(pixels, 8.0), tmp_path / name)
    read = read_video(tmp_path / name)
    assert read.pixels.shape == pixels.shape and read.fps == 8
    assert min(map(psnr, read.pixels, pixels)) > 26


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_reading_and_writing_again_does_not_change_the_colours(tmp_path: Path, name: str) -> None:
    grey = np.tile(np.linspace(20, 235, 48, dtype=np.uint8)[None, None, :, None], (2, 32, 1, 3))
    pixels = grey
    for _ in range(5):
        write_video(Video(pixels), tmp_path / name)
        pixels = read_video(tmp_path / name).pixels
    assert abs(pixels.astype(float).mean() - grey.mean()) < 0.5


def test_mp4_plays_everywhere_and_before_it_is_loaded(tmp_path: Path) -> None:
    write_video(Video(draw()), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.profile) == ("h264", "yuv420p", "High")
        assert context.colorspace == context.color_primaries == context.color_trc == 1
    data = (tmp_path / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("name", MOVING + STILL)
def test_the_longest_prompt_fits(tmp_path: Path, name: str) -> None:
    write_video(Video(draw(frames=1)), tmp_path / name, {"prompt": "車" * 32000})
    assert read_metadata(tmp_path / name) == {"prompt": "車" * 32000}


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.gif", "clip.webp", *STILL])
def test_settings_survive_a_copy(tmp_path: Path, name: str) -> None:
    write_video(Video(draw(frames=1)), tmp_path / name, SETTINGS)
    shutil.copyfile(tmp_path / name, tmp_path / "copy")
    assert read_metadata(tmp_path / "copy") == SETTINGS


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_settings_survive_a_remux(tmp_path: Path, name: str) -> None:
    write_video(Video(draw()), tmp_path / name, SETTINGS)
    copy = tmp_path / f"copy-{name}"
    with av.open(str(tmp_path / name)) as source, av.open(str(copy), "w") as target:  # as `ffmpeg -c copy` does
        target.metadata.update(source.metadata)
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert read_metadata(copy) == SETTINGS
    assert np.array_equal(read_video(copy).pixels, read_video(tmp_path / name).pixels)


def test_foreign_files_have_no_settings(tmp_path: Path) -> None:
    Image.fromarray(draw(1)[0]).save(tmp_path / "a.png")
    Image.fromarray(draw(1)[0]).save(tmp_path / "b.gif", comment=json.dumps([1, 2]))
    Image.fromarray(draw(1)[0]).save(tmp_path / "c.gif", comment="[" * 20000)
    encode(tmp_path / "d.mp4", draw())
    assert [read_metadata(path) for path in sorted(tmp_path.iterdir())] == [{}] * 4


# --------------------------------------------------------------------------------------------------- what real files do

@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotated_movies_are_read_upright(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    upright = draw(frames=3)
    stored = np.rot90(upright[:, :, ::-1] if mirrored else upright, -rotation // 90, axes=(1, 2))
    encode(tmp_path / "phone.mp4", np.ascontiguousarray(stored), rotation=rotation, mirrored=mirrored)
    read = read_video(tmp_path / "phone.mp4").pixels
    assert read.shape == upright.shape and psnr(read, upright) > 28


def test_pixels_that_are_not_square_become_so(tmp_path: Path) -> None:
    encode(tmp_path / "tape.mp4", draw(frames=2, width=48)[:, :, ::2], shape=Fraction(2, 1))
    read = read_video(tmp_path / "tape.mp4").pixels
    assert read.shape == (2, 32, 48, 3) and psnr(read, draw(frames=2)) > 25


def test_rotated_photographs_are_read_upright(tmp_path: Path) -> None:
    upright = draw(frames=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show
    Image.fromarray(np.ascontiguousarray(np.rot90(upright[0], 1))).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    read = read_image(tmp_path / "photo.jpg").pixels
    assert read.shape == upright.shape and psnr(read, upright) > 28


def test_a_variable_rate_becomes_constant(tmp_path: Path) -> None:
    pixels = draw(frames=6)
    encode(tmp_path / "phone.mp4", pixels, times=[0, 10, 20, 60, 70, 80])  # the third frame stays for 0.4 s
    read = read_video(tmp_path / "phone.mp4", fps=10.0)
    assert read.fps == 10 and len(read) in (8, 9)
    assert min(map(psnr, read.pixels[:8], pixels[[0, 1, 2, 2, 2, 2, 3, 4]])) > 26


def test_a_lower_rate_and_a_part(tmp_path: Path) -> None:
    pixels = draw(frames=20)
    encode(tmp_path / "camera.mp4", pixels)  # 25 frames a second
    read = read_video(tmp_path / "camera.mp4", fps=5.0)
    assert len(read) == 4 and min(map(psnr, read.pixels, pixels[2::5])) > 26
    assert len(read_video(tmp_path / "camera.mp4", seconds=0.4)) == 10
    assert len(read_image(tmp_path / "camera.mp4")) == 1


def test_other_codecs_and_pixel_formats(tmp_path: Path) -> None:
    pixels = draw(frames=3)
    kinds = [("a.avi", "mpeg4", "yuv420p"), ("b.mkv", "ffv1", "yuv444p10le"), ("c.mov", "qtrle", "argb")]
    for name, codec, format in kinds:
        encode(tmp_path / name, pixels, codec=codec, format=format)
        read = read_video(tmp_path / name).pixels
        assert read.shape == pixels.shape and psnr(read, pixels) > 26, name


def test_a_movie_with_sound(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "talk.mp4"), "w") as container:
        picture, sound = container.add_stream("libx264", rate=25), container.add_stream("aac", rate=16000)
        picture.height, picture.width = 32, 48
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        samples.sample_rate = 16000
        container.mux(sound.encode(samples) + sound.encode(None))
        for frame in draw():
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(picture.encode(None))
    assert len(read_video(tmp_path / "talk.mp4")) == 9


@pytest.mark.parametrize("name", ["clear.png", "clear.webp", "clear.gif"])
def test_what_is_transparent_is_white(tmp_path: Path, name: str) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:] = (200, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    read = read_image(tmp_path / name).pixels[0]
    assert (read[:, :4] == 255).all() and (abs(read[:, 4:].astype(int) - (200, 0, 0)) < 4).all()


def test_sixteen_bits_of_grey(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "scan.png")
    assert np.array_equal(read_image(tmp_path / "scan.png").pixels[0, ..., 0], grey >> 8)


def test_a_folder_of_pictures_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number, frame in enumerate(draw(frames=12)):
        Image.fromarray(frame).save(tmp_path / f"p{number}.png")
    assert np.array_equal(read_video(tmp_path).pixels, draw(frames=12))
    assert np.array_equal(read_video(tmp_path / "p%d.png").pixels, draw(frames=12))


# ------------------------------------------------------------------------------------------------------ what is refused

def one_line(error: pytest.ExceptionInfo, *parts: str) -> None:
    message = str(error.value)
    assert "\n" not in message and all(part in message for part in parts), message


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.gif", "clip.webp", *STILL])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    write_video(Video(draw(frames=1 if name in STILL else 17, height=64, width=64)), tmp_path / name, SETTINGS)
    data = (tmp_path / name).read_bytes()
    for part in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        (tmp_path / name).write_bytes(data[:int(len(data) * part)])
        with pytest.raises(ValueError) as error:
            read_video(tmp_path / name)
        one_line(error, name)


@pytest.mark.parametrize("text", [
    "a letter\n" * 100, "#EXTM3U\n#EXTINF:1,\nclip.mp4\n", "ffconcat version 1.0\nfile 'clip.mp4'\n",
])
def test_text_is_no_video_and_a_playlist_is_not_followed(tmp_path: Path, text: str) -> None:
    write_video(Video(draw()), tmp_path / "clip.mp4")
    (tmp_path / "list.mp4").write_text(text)
    for read in (read_video, read_metadata):
        with pytest.raises(ValueError) as error:
            read(tmp_path / "list.mp4")
        one_line(error, "list.mp4", "cannot be read")


def test_frame_by_frame_is_what_is_read_at_once_and_only_reading_is_blamed(tmp_path: Path) -> None:
    write_video(Video(draw(), 8), tmp_path / "clip.mp4")
    with open_video(tmp_path / "clip.mp4") as (rate, frames):
        assert rate == 8 and np.array_equal(np.stack(list(frames)), read_video(tmp_path / "clip.mp4").pixels)
    with pytest.raises(OSError, match="full"), open_video(tmp_path / "clip.mp4") as (_, frames):
        next(frames)
        raise OSError("the disk is full")


def test_whether_there_is_sound(tmp_path: Path) -> None:
    write_video(Video(draw(), 8), tmp_path / "silent.mp4")
    write_video(Video(draw(1)), tmp_path / "still.png")
    with av.open(str(tmp_path / "loud.mp4"), "w") as container:
        sound = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert [has_sound(tmp_path / name) for name in ("silent.mp4", "still.png", "loud.mp4")] == [False, False, True]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none.mp4", "none-%02d.png", ".", "pipe", "a" * 300 + ".mp4"):
        with pytest.raises(ValueError) as error:
            read_video(tmp_path / name)
        one_line(error, str(tmp_path))


@pytest.mark.parametrize("name, part", [
    ("clip.xyz", ".xyz"), ("none/clip.mp4", "does not exist"), ("image.png", "one picture"), ("taken.mp4", "a folder"),
    ("clip-%03d.jpg", ".jpg"), ("full", "other things"), ("a" * 300 + ".mp4", "longer"), ("/proc/a.mp4", "be written"),
])
def test_where_nothing_can_be_written(tmp_path: Path, name: str, part: str) -> None:
    (tmp_path / "taken.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    for write in (lambda path: check_output(path, frames=2), lambda path: write_video(Video(draw(2)), path)):
        with pytest.raises(ValueError) as error:
            write(tmp_path / name)
        one_line(error, part)
    assert sorted(os.listdir(tmp_path)) == ["full", "taken.mp4"]


# -------------------------------------------------------------------------------------------------- whole or not at all

@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind_and_the_old_file_alone(tmp_path: Path, name: str, error: type) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield from draw(frames=4)
        raise error

    write_video(Video(draw(frames=3)), tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(error):
        write_frames(failing(), tmp_path / name, fps=8.0)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", MOVING)
def test_a_new_video_takes_the_place_of_a_longer_one(tmp_path: Path, name: str) -> None:
    for frames in (5, 2):
        write_video(Video(draw(frames)), tmp_path / name)
    assert len(read_video(tmp_path / name)) == 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_link_keeps_pointing_at_the_file_that_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real" / "clip.mp4")
    write_video(Video(draw(2)), tmp_path / "link.mp4")
    assert (tmp_path / "link.mp4").is_symlink() and len(read_video(tmp_path / "real" / "clip.mp4")) == 2


# --------------------------------------------------------------------------------------------------------------- pixels

def test_unit_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    unit = to_unit(pixels)
    assert unit.shape == (3, 1, 16, 16) and unit.min() == -1 and unit.max() == 1
    assert np.array_equal(from_unit(unit), pixels)
    assert np.array_equal(from_unit(unit * 3), from_unit(unit.clamp(-1 / 3, 1 / 3) * 3))


def test_cover_cuts_off_evenly_and_does_not_stretch() -> None:
    pixels = np.zeros((2, 40, 80, 3), np.uint8)
    pixels[:, 10:30, 30:50] = 255  # a square in the middle
    fitted = cover(Video(pixels, 5.0), 20, 20)
    assert fitted.size == (20, 20) and fitted.fps == 5 and len(fitted) == 2
    bright = fitted.pixels[0, ..., 0] > 127
    assert bright.any(0).sum() == bright.any(1).sum() == 10 and bright[5:15, 5:15].all()


@pytest.mark.parametrize("name", ["clip.mp4", "clip-%03d.png"])
def test_frames_are_encoded_while_others_are_made(tmp_path: Path, name: str) -> None:
    assert write_while_made(iter(draw()), tmp_path / name, fps=8, metadata=SETTINGS) == 9
    assert psnr(read_video(tmp_path / name).pixels, draw()) > 30 and read_metadata(tmp_path / name) == SETTINGS


@pytest.mark.parametrize("error", [ValueError("no such thing"), KeyboardInterrupt()])
def test_what_goes_wrong_in_making_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fail() -> Iterator[np.ndarray]:
        yield from draw()
        raise error

    with pytest.raises(type(error)):
        write_while_made(fail(), tmp_path / "clip.mp4", fps=8)
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_in_writing_ends_the_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def frames() -> Iterator[np.ndarray]:
        while True:
            made.append(1)
            yield draw(1)[0]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vitascope.video.write_frames", full)
    with pytest.raises(OSError, match="No space"):
        write_while_made(frames(), tmp_path / "clip.mp4", fps=8)
    assert len(made) < 20
