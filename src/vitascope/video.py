"""Pixels ↔ files: a `Video` is frames and a rate; here it is read from and written to every kind of file.

Goes in: mp4, webm and whatever else PyAV opens, gif, webp, png, jpg, numbered png files. Comes out: the same, whole or
not at all, with one JSON document of settings inside. Knows no model; torch is imported only to make tensors.
"""

import json
import os
import re
import secrets
import shutil
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate, chain, islice, pairwise
from pathlib import Path
from queue import Full, Queue
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from av.video.reformatter import Interpolation
from einops import rearrange
from PIL import Image, ImageOps, ImageSequence, PngImagePlugin

if TYPE_CHECKING:
    from torch import Tensor

FPS = 8.0  # of what has no rate of its own, such as a still
BACKDROP = (255, 255, 255)  # RGB behind transparent pixels
FRAME_NAME = "frame-%04d.png"  # in a folder
# swscale's quick way between RGB and YUV darkens by one level at each passage and loses 2 dB of colour
ACCURATE = (Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
            | Interpolation.ACCURATE_RND)


@dataclass(frozen=True, eq=False)
class Video:
    """Frames in the order of time; an image is a video of one frame."""
    pixels: np.ndarray  # uint8 (T, H, W, 3) RGB
    fps: float = FPS  # frames a second

    def __post_init__(self) -> None:
        assert self.pixels.dtype == np.uint8 and self.pixels.ndim == 4, (self.pixels.dtype, self.pixels.shape)
        assert self.pixels.shape[3] == 3 and 0 not in self.pixels.shape and self.fps > 0, (self.pixels.shape, self.fps)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[2], self.pixels.shape[1]

    @property
    def seconds(self) -> float:
        return len(self.pixels) / self.fps


@dataclass(frozen=True, eq=False)
class Stream:
    """A video that is still being made: `count` frames uint8 (H, W, 3), one after the other, to be taken once."""
    frames: Iterable[np.ndarray]
    count: int
    fps: float = FPS  # frames a second

    @classmethod
    def of(cls, video: Video) -> "Stream":
        return cls(video.pixels, len(video), video.fps)


def to_unit(pixels: np.ndarray) -> "Tensor":
    """uint8 (..., T, H, W, 3) → float (..., 3, T, H, W) in [-1, 1]."""
    import torch

    return torch.from_numpy(rearrange(pixels, "... t h w c -> ... c t h w").astype(np.float32)) / 127.5 - 1


def from_unit(x: "Tensor") -> np.ndarray:
    """The inverse of `to_unit`, rounding, and clamping what lies outside."""
    levels = (x.detach().clamp(-1, 1) * 127.5 + 127.5).round().byte().cpu().numpy()
    return np.ascontiguousarray(rearrange(levels, "... c t h w -> ... t h w c"))


def cover(video: Video, width: int, height: int) -> Video:
    """The video scaled until it covers the size, what overhangs cut off evenly."""
    return Video(np.stack([cover_frame(frame, width, height) for frame in video.pixels]), video.fps)


def cover_frame(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """As `cover`, of one frame uint8 (H, W, 3)."""
    if frame.shape[:2] == (height, width):
        return frame
    return np.asarray(ImageOps.fit(Image.fromarray(frame), (width, height), Image.Resampling.LANCZOS))


# -------------------------------------------------------------------------------------------------------------- reading

# by what a file contains, never by its name; playlists, which can point at other files, are not among them
PICTURES = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
ANIMATIONS = ("PNG", "GIF", "WEBP", "AVIF")  # a JPEG of several pictures is a photograph with its previews
MOVIES = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,ogg,flv,asf,mxf,yuv4mpegpipe,ivf"
UNREADABLE = (  # what Pillow and PyAV raise
    av.error.FFmpegError, OSError, EOFError, SyntaxError, ValueError, ArithmeticError, struct.error,
    Image.DecompressionBombError,
)


class Shown(NamedTuple):
    """A frame and the time that it is on the screen, in seconds from the first."""
    start: float
    end: float
    pixels: Callable[[], np.ndarray]  # uint8 (H, W, 3); called only for frames that are wanted


Source = tuple[float, Iterator[Shown]]  # the file's own rate in frames a second, and its frames


def read_video(path: str | Path, *, fps: float | None = None, seconds: float | None = None,
               size: tuple[int, int] | None = None) -> Video:
    """The pictures of a file as they are meant to be seen, at a constant rate: its own, or `fps`.

    Also of a folder or pattern (`name%03d.png`) of numbered pictures. `seconds` reads no further than that. With a
    `size`, width and height, each picture is scaled to cover it as soon as it is read. ValueError in one line for what
    is missing, no video or image, or cut short.
    """
    with open_video(path, fps=fps) as (rate, frames):
        limit = None if seconds is None else max(round(seconds * rate), 1)
        shown = islice(frames, limit)
        return Video(np.stack([frame if size is None else cover_frame(frame, *size) for frame in shown]), rate)


def count_frames(path: str | Path, *, fps: float | None = None) -> int:
    """How many pictures `read_video` gives, without drawing them; ValueError as there."""
    path = Path(path)
    with _reading(path), _open(path) as (rate, frames):
        return sum(1 for _ in _resample(frames, rate if fps is None else fps))


@contextmanager
def open_video(path: str | Path, *, fps: float | None = None) -> Iterator[tuple[float, Iterator[np.ndarray]]]:
    """As `read_video`, but gives the rate and the frames uint8 (H, W, 3) one after the other, however many they are."""
    path = Path(path)
    with ExitStack() as stack:
        with _reading(path):
            rate, frames = stack.enter_context(_open(path))
        rate = rate if fps is None else fps
        yield rate, _read_on(path, _draw(_resample(frames, rate)))


def _read_on(path: Path, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames, with ValueError for what goes wrong in reading them, and for nothing that their user does."""
    while True:
        with _reading(path):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def has_sound(path: str | Path) -> bool:
    """Whether a file that can be read as a video has sound, too."""
    path = Path(path)
    try:
        with _open_container(path) as container:
            return bool(container.streams.audio)
    except UNREADABLE:
        return False


def read_image(path: str | Path) -> Video:
    """The first picture of a file; ValueError as for `read_video`."""
    return read_video(path, seconds=0)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """ValueError in one line for whatever goes wrong inside; what only deserves a warning is passed over."""
    _check_input(path)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as a video or image: {_reason(error)}") from None


def _check_input(path: Path) -> None:
    if _is_sequence(path):
        if not _numbered(path):
            raise ValueError(f"{path}: there are no numbered pictures; expected a video or image")
    elif not os.path.exists(path):
        raise ValueError(f"{path}: there is no such file")
    elif not path.is_file():
        raise ValueError(f"{path} is no ordinary file; expected a video or image")


def _open(path: Path):
    """A context that gives the Source of a file, folder or pattern."""
    if _is_sequence(path):
        return _open_sequence(_numbered(path))
    try:
        Image.open(path, formats=PICTURES).close()
    except Image.UnidentifiedImageError:
        return _open_movie(path)
    return _open_picture(path)


@contextmanager
def _open_movie(path: Path) -> Iterator[Source]:
    with _open_container(path) as container:
        if not container.streams.video:
            raise ValueError("it has no picture")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = float(stream.average_rate or stream.guessed_rate or FPS)
        yield rate, _movie_frames(container, stream, 1 / rate)


def _open_container(path: Path) -> av.container.InputContainer:
    return av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": MOVIES})


def _movie_frames(container: av.container.InputContainer, stream: av.VideoStream, step: float) -> Iterator[Shown]:
    first = previous = None
    gap, shape = step, float(stream.sample_aspect_ratio or 1)
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ValueError("the file is cut short or damaged")
        for frame in packet.decode():
            time = frame.time if frame.pts is not None else (previous[0] + step if previous else 0.0)
            first = time if first is None else first
            if previous and time > previous[0]:
                gap = time - previous[0]
                yield Shown(previous[0] - first, time - first, partial(_movie_pixels, previous[1], shape))
            previous = time, frame
    if previous is None:
        raise ValueError("it has no frame that can be decoded")
    time, frame = previous
    shown = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else step
    _check_end(container, stream, time + max(shown, gap), step)
    yield Shown(time - first, time - first + shown, partial(_movie_pixels, frame, shape))


def _check_end(container: av.container.InputContainer, stream: av.VideoStream, end: float, step: float) -> None:
    """ValueError if the last picture is over long before the file says that it is."""
    if stream.duration:
        expected = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    elif container.duration and len(container.streams) == 1:
        expected = ((container.start_time or 0) + container.duration) / av.time_base
    else:
        return
    if end < expected - 0.9 * step:
        raise ValueError(f"the file is cut short: pictures end at {end:.2f} s of {expected:.2f} s")


def _movie_pixels(frame: av.VideoFrame, shape: float) -> np.ndarray:
    """uint8 (H, W, 3) RGB of a decoded frame, turned upright, over the backdrop; `shape` is the width of its pixels."""
    width = max(round(frame.width * shape), 1)
    if any(component.is_alpha for component in frame.format.components):
        pixels = _flatten(Image.fromarray(frame.to_ndarray(format="rgba", width=width, interpolation=ACCURATE)))
    else:
        pixels = frame.to_ndarray(format="rgb24", width=width, interpolation=ACCURATE)
    return _upright(pixels, frame)


def _upright(pixels: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Turns and mirrors as the display matrix [a b u; c d v; x y w] says: x' = a x + c y, y' = b x + d y."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels
    a, b, _, c, d = np.frombuffer(bytes(matrix)[:36], np.int32)[:5]
    if abs(b) > abs(a):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[::-1 if d < 0 else 1, ::-1 if a < 0 else 1])


@contextmanager
def _open_picture(path: Path) -> Iterator[Source]:
    with Image.open(path, formats=PICTURES) as image:
        if image.format == "GIF" and not path.read_bytes().rstrip(b"\0").endswith(b";"):
            raise ValueError("the file is cut short")
        moving = image.format in ANIMATIONS and getattr(image, "n_frames", 1) > 1
        if not moving:
            pixels = _picture_pixels(image)
            yield FPS, iter([Shown(0.0, 1 / FPS, lambda: pixels)])
            return
        # a picture that does not change is stored once and shown longer: the rate is that of the quick ones
        times = [_duration(frame) for frame in ImageSequence.Iterator(image)]
        quick = [time for time in times if time < 1.5 * min(times)]
        ends = list(accumulate(times))
        rate = len(quick) / sum(quick)
        rate = round(rate) if abs(rate - round(rate)) < 0.02 * rate else rate
        yield float(rate), (Shown(end - time, end, partial(_picture_pixels, image, number))
                            for number, (time, end) in enumerate(zip(times, ends, strict=True)))


def _duration(image: Image.Image) -> float:
    """Seconds that the current picture is shown; as browsers do, 0.1 where the file says nothing."""
    image.load()
    return (image.info.get("duration", 0) or 100) / 1000


def _picture_pixels(image: Image.Image, number: int = 0) -> np.ndarray:
    if number or image.tell():
        image.seek(number)
    if image.mode.startswith("I;16"):  # Pillow's own conversion cuts off all but the lowest 8 of 16 bits
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return _flatten(ImageOps.exif_transpose(image))


def _flatten(image: Image.Image) -> np.ndarray:
    """uint8 (H, W, 3) RGB of a picture over the backdrop."""
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKDROP, 255)), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


@contextmanager
def _open_sequence(paths: list[Path]) -> Iterator[Source]:
    rate = float(_read_document(paths[0]).get("fps", FPS))
    yield rate, (Shown(number / rate, (number + 1) / rate, partial(_still, path)) for number, path in enumerate(paths))


def _still(path: Path) -> np.ndarray:
    with Image.open(path, formats=PICTURES) as image:
        return _picture_pixels(image)


def _resample(frames: Iterable[Shown], fps: float) -> Iterator[Shown]:
    """What is on the screen in the middle of each 1/fps seconds, and at least one."""
    count, shown = 0, None
    for shown in frames:
        while (count + 0.5) / fps < shown.end:
            yield shown
            count += 1
    if count == 0 and shown:
        yield shown


def _draw(frames: Iterator[Shown]) -> Iterator[np.ndarray]:
    """The pictures uint8 (H, W, 3); what is shown again is not drawn again."""
    before = pixels = None
    for shown in frames:
        if shown is not before:
            before, pixels = shown, shown.pixels()
        yield pixels


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0]


# -------------------------------------------------------------------------------------------------------------- writing

MOVIE_KINDS = (".mp4", ".webm", ".gif", ".webp")
STILL_KINDS = (".png", ".jpg", ".jpeg")
EXPECTED = "expected .mp4, .webm, .gif, .webp, .png, .jpg, a pattern such as frame-%03d.png, or the name of a folder"
AHEAD = 8  # frames that wait to be encoded while others are made
SMALL = 512 * 512  # pixels a frame up to which a clip is encoded with more care, for it costs little


def write_video(video: Video, path: str | Path, metadata: dict | None = None) -> None:
    """Write a video in the format that the name of the file tells; see `write_frames`."""
    check_output(path, frames=len(video))
    write_frames(video.pixels, path, fps=video.fps, metadata=metadata)


def write_frames(frames: Iterable[np.ndarray], path: str | Path, *, fps: float, metadata: dict | None = None) -> None:
    """Write frames uint8 (H, W, 3) as they come: mp4, webm, gif, webp, png or jpg, a folder or a pattern of png files.

    The file appears whole, with `metadata` inside (what JSON can hold), or not at all. H.264 has even sides only:
    there, the last column or row of an odd size is doubled. ValueError as for `check_output`; OSError for a full disk.
    """
    path = Path(os.path.realpath(path))
    check_output(path)
    document = json.dumps({"vitascope": metadata or {}, "fps": fps}, allow_nan=False)
    if _is_pattern(path):
        with _whole_folder(path.parent) as folder:
            names = _write_sequence(folder, path.name, frames, document)
            _move_sequence(folder, names, path)
    elif not path.suffix:
        with _whole_folder(path.parent) as folder:
            _write_sequence(folder, FRAME_NAME, frames, document)
            _replace_folder(folder, path)
    else:
        with whole_file(path) as unfinished:
            ENCODERS[path.suffix.lower()](unfinished, iter(frames), fps, document)


def write_while_made(frames: Iterable[np.ndarray], path: str | Path, *, fps: float,
                     metadata: dict | None = None) -> int:
    """As `write_frames`, but earlier frames are encoded, on a thread, while later ones are made; their number."""
    waiting: Queue[np.ndarray | BaseException | None] = Queue(AHEAD)

    def arriving() -> Iterator[np.ndarray]:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    count, end = 0, None
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(write_frames, arriving(), path, fps=fps, metadata=metadata)
        try:
            for count, frame in enumerate(frames, 1):
                if not _hand_over(frame, waiting, writing):
                    break
        except BaseException as error:
            end = error
            raise
        finally:
            _hand_over(end, waiting, writing)
        writing.result()
    return count


def _hand_over(item: np.ndarray | BaseException | None, waiting: Queue, writing: Future) -> bool:
    """Put an item into the queue as soon as there is room; False if nobody takes it any more."""
    while not writing.done():
        try:
            waiting.put(item, timeout=0.1)
            return True
        except Full:
            continue
    return False


def is_still(path: Path) -> bool:
    """Whether a file of this name holds one picture."""
    return path.suffix.lower() in STILL_KINDS and not _is_pattern(path)


def check_output(path: str | Path, *, frames: int | None = None) -> None:
    """ValueError unless a video (of so many frames) can be written there: kind of file, folder, permission."""
    path = Path(path)
    kind, folder = path.suffix.lower(), Path(os.path.realpath(path)).parent
    if kind != ".png" if _is_pattern(path) else kind and kind not in ENCODERS:
        raise ValueError(f"{path}: {kind or 'this'} is no kind of file that can be written; {EXPECTED}")
    if frames and frames > 1 and is_still(path):
        raise ValueError(f"{path} holds one picture, not {frames}; expected .mp4, .webm, .gif, .webp, a pattern such "
                         f"as {path.stem}-%03d.png, or the name of a folder")
    if len(os.fsencode(path.name)) > 255:
        raise ValueError(f"{path.name[:40]}...: the name is longer than 255 bytes")
    if not os.path.isdir(folder):
        raise ValueError(f"{path}: the folder {folder} does not exist")
    if kind and os.path.isdir(path):
        raise ValueError(f"{path} is a folder; expected the name of a file")
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise ValueError(f"{path} is no ordinary file")
    if not kind and os.path.exists(path) and not (path.is_dir() and all(map(_is_frame, path.iterdir()))):
        raise ValueError(f"{path} holds other things than numbered frames; expected the name of a new folder")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"{path}: the folder {folder} cannot be written: {error.strerror}") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to: renamed to it at the end, removed on any exception."""
    unfinished = path.with_name(f".vitascope-{secrets.token_hex(6)}{path.suffix}")
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
        _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _whole_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, removed at the end if it is still there."""
    folder = parent / f".vitascope-{secrets.token_hex(6)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _sync(parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_mp4(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    first, frames = _peek(frames)
    small = first.shape[0] * first.shape[1] <= SMALL
    # without macroblock trees, whose result depends on the order of threads: the same frames give the same file
    options = {"crf": "15" if small else "18", "preset": "slow" if small else "fast", "profile": "high", "mbtree": "0"}
    even = (np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), "edge") for frame in frames)
    _write_movie(path, even, fps, document, format="mp4", codec="libx264", options=options, faststart=True)


def _write_webm(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    first, frames = _peek(frames)
    small = first.shape[0] * first.shape[1] <= SMALL
    options = {"crf": "18" if small else "26", "b": "0", "cpu-used": "1" if small else "4", "row-mt": "1"}
    _write_movie(path, frames, fps, document, format="webm", codec="libvpx-vp9", options=options)


def _write_movie(path: Path, frames: Iterator[np.ndarray], fps: float, document: str, *, format: str, codec: str,
                 options: dict[str, str], faststart: bool = False) -> None:
    first, frames = _peek(frames)
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w", format=format, options={"movflags": "faststart"} if faststart else {}) as container:
        container.metadata["comment"] = document
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context  # say which colours these are: players guess by size otherwise
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
        context.color_range = 1  # 16..235
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", interpolation=ACCURATE)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write_gif(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    images = [Image.fromarray(frame).quantize(256, Image.Quantize.FASTOCTREE) for frame in frames]
    images[0].save(path, "GIF", save_all=True, append_images=images[1:], duration=_durations(len(images), fps, unit=10),
                   loop=0, comment=document.encode("ascii"), optimize=False)


def _write_webp(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    images = [Image.fromarray(frame) for frame in frames]
    exif = Image.Exif()
    exif[0x010E] = document  # ImageDescription
    images[0].save(path, "WEBP", save_all=len(images) > 1, append_images=images[1:],
                   duration=_durations(len(images), fps, unit=1), loop=0, quality=95, method=4, exif=exif.tobytes())


def _write_png(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", document)
    Image.fromarray(next(frames)).save(path, "PNG", pnginfo=text)


def _write_jpg(path: Path, frames: Iterator[np.ndarray], fps: float, document: str) -> None:
    data = document.encode("ascii")
    parts = [data[first:first + 65533] for first in range(0, len(data), 65533)]
    comments = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    Image.fromarray(next(frames)).save(path, "JPEG", quality=95, subsampling=0, extra=comments)


ENCODERS = {".mp4": _write_mp4, ".webm": _write_webm, ".gif": _write_gif, ".webp": _write_webp, ".png": _write_png,
            ".jpg": _write_jpg, ".jpeg": _write_jpg}


def _peek(frames: Iterator[np.ndarray]) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    first = next(frames)
    return first, chain([first], frames)


def _durations(count: int, fps: float, *, unit: int) -> list[int]:
    """Milliseconds of each frame in whole units, rounded so that no error adds up."""
    ends = [round(number * 1000 / fps / unit) * unit for number in range(count + 1)]
    return [after - before for before, after in pairwise(ends)]


# ---------------------------------------------------------------------------------------------------- numbered pictures

def _is_pattern(path: Path) -> bool:
    return re.search(r"%0?\d*d", path.name) is not None and path.name.count("%") == 1


def _is_sequence(path: Path) -> bool:
    return _is_pattern(path) or os.path.isdir(path)


def _is_frame(path: Path) -> bool:
    return re.fullmatch(r"frame-\d{4,}\.png", path.name) is not None


def _numbers(path: Path) -> list[int | str]:
    """A key that sorts frame-2 before frame-10."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", path.name))]


def _numbered(path: Path) -> list[Path]:
    """The pictures of a folder in the order of their numbers, or of a pattern from the first to the first gap."""
    if path.is_dir():
        return sorted((file for file in path.iterdir() if file.suffix.lower() in STILL_KINDS), key=_numbers)
    first = next((number for number in (0, 1) if path.with_name(path.name % number).is_file()), None)
    files = []
    while first is not None and (file := path.with_name(path.name % (first + len(files)))).is_file():
        files.append(file)
    return files


def _write_sequence(folder: Path, pattern: str, frames: Iterable[np.ndarray], document: str) -> list[str]:
    names = []
    for number, frame in enumerate(frames):
        names.append(pattern % number)
        _write_png(folder / names[-1], iter([frame]), 0, document)
        _sync(folder / names[-1])
    return names


def _move_sequence(folder: Path, names: list[str], pattern: Path) -> None:
    for name in names:
        os.replace(folder / name, pattern.with_name(name))
    number = len(names)  # frames left by an earlier, longer video would seem to continue this one
    while (stale := pattern.with_name(pattern.name % number)).is_file() and _read_document(stale):
        stale.unlink()
        number += 1


def _replace_folder(folder: Path, path: Path) -> None:
    with _whole_folder(path.parent) as old:
        if path.exists():
            os.replace(path, old)
        os.replace(folder, path)


# ------------------------------------------------------------------------------------------------------------- metadata

def read_metadata(path: str | Path) -> dict:
    """The settings that `write_video` put into a file of any kind, {} if there are none; ValueError as for reading."""
    path = Path(path)
    with _reading(path):
        found = _read_document(_numbered(path)[0] if _is_sequence(path) else path).get("vitascope", {})
    return found if isinstance(found, dict) else {}


def _read_document(path: Path) -> dict:
    try:
        document = json.loads(_read_comment(path))
    except (json.JSONDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) and "vitascope" in document else {}


def _read_comment(path: Path) -> str:
    """The text in a file's standard field for remarks, "" if there is none."""
    try:
        image = Image.open(path, formats=PICTURES)
    except Image.UnidentifiedImageError:
        with _open_container(path) as container:
            return next((text for key, text in container.metadata.items() if key.lower() == "comment"), "")
    with image:
        match image.format:
            case "PNG":
                return image.text.get("Comment", "")
            case "GIF":
                return image.info.get("comment", b"").decode("utf-8", "replace")
            case "JPEG" | "MPO":
                return b"".join(part for marker, part in image.applist if marker == "COM").decode("utf-8", "replace")
            case _:
                return str(image.getexif().get(0x010E, ""))
