"""A picture → the lines of text that are written in it.

In: a frame (H, W, 3). Out: lines, from the top. Text is found by differentiable binarisation (Liao et al. 2020) and
read with connectionist temporal classification (Graves et al. 2006), by the two networks of PP-OCRv4 that the package
`rapidocr-onnxruntime` (Apache-2.0) carries. Only its files are used: it asks for another build of OpenCV than ours, so
it is installed without what it depends on, and nothing is ever fetched. Reads Latin and Chinese letters in straight
lines of any direction.
"""

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .supplied import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PACKAGE = "rapidocr_onnxruntime"
DETECTOR, RECOGNISER = "ch_PP-OCRv4_det_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx"
LONGEST, ENLARGED = 1280, 2.0  # pixels of the longer side in which text is looked for; most that a picture is enlarged
STRIDE = 32                    # what its sides are multiples of
INSIDE, CERTAIN = 0.3, 0.5     # how sure the detector is of a pixel, and of a whole line
GROWN = 1.6                    # of area over perimeter: how much larger a line is than its core, which is what is found
SMALLEST = 3                   # pixels of a core's shorter side
HEIGHT, WIDTH = 48, 320        # pixels of a line as it is read; the width is the least
UPRIGHT = 1.5                  # height over width from which a line runs downwards
READABLE, SURE = 0.6, 0.9      # mean certainty of the letters of a line that counts; below which it is turned about


@dataclass(frozen=True)
class Line:
    """A rectangle with text in it."""
    corners: np.ndarray  # (4, 2) of x and y in pixels, clockwise from the upper left

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return tuple(max(round(float(np.linalg.norm(self.corners[i] - self.corners[0]))), 1) for i in (1, 3))


class TextReader:
    """The two networks. ValueError if the package that has them is not installed."""

    def __init__(self) -> None:
        folder = packaged_models()
        self.version = f"{PACKAGE} {version(PACKAGE)}"
        self.detector = open_session(str(folder / DETECTOR))
        self.recogniser = open_session(str(folder / RECOGNISER))
        letters = self.recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        self.letters = np.array(["", *letters, " "])  # the first stands for no letter

    def __call__(self, frame: np.ndarray) -> list[str]:
        """The lines of a frame uint8 (H, W, 3), from the top and from the left."""
        return [text for line in in_order(self.find(frame)) if (text := self.read(cut_out(frame, line)))]

    def find(self, frame: np.ndarray) -> list[Line]:
        """Where there is text."""
        import cv2  # slow to load, and not needed before there are frames

        height, width = frame.shape[:2]
        scale = min(LONGEST / max(height, width), ENLARGED)
        across, down = (max(round(side * scale / STRIDE), 1) * STRIDE for side in (width, height))
        found, = self._run(self.detector, cv2.resize(frame, (across, down)))
        return lines_of(found[0, 0], np.float32([width / across, height / down]))

    def read(self, part: np.ndarray) -> str:
        """The text of one line (H, W, 3), "" where it is no text; also of one that stands on its head."""
        text, certainty = self._letters(part)
        if certainty < SURE:
            text, certainty = max((text, certainty), self._letters(part[::-1, ::-1]), key=lambda found: found[1])
        return text if certainty >= READABLE else ""

    def _letters(self, part: np.ndarray) -> tuple[str, float]:
        """A line as it stands, and the mean certainty of its letters; 0 if there are none."""
        import cv2  # slow to load, and not needed before there are frames

        width = max(round(part.shape[1] * HEIGHT / part.shape[0]), 1)
        padded = np.full((HEIGHT, max(width, WIDTH), 3), 127, np.uint8)
        padded[:, :width] = cv2.resize(np.ascontiguousarray(part), (width, HEIGHT))
        found, = self._run(self.recogniser, padded)
        best, certainty = found[0].argmax(-1), found[0].max(-1)  # (N,), of each step from left to right
        chosen = (best != 0) & np.append(True, best[1:] != best[:-1])
        if not chosen.any():
            return "", 0.0
        return "".join(self.letters[best[chosen]]).strip(), float(certainty[chosen].mean())

    def _run(self, session: "InferenceSession", picture: np.ndarray) -> list[np.ndarray]:
        x = np.float32(picture[..., ::-1]).transpose(2, 0, 1)[None] / 127.5 - 1  # blue first, as they were trained
        return session.run(None, {session.get_inputs()[0].name: x})


def packaged_models() -> Path:
    """The folder of the networks, found without importing the package."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError("text in pictures is read by networks of the package rapidocr-onnxruntime, which is not "
                         "installed; `pip install --no-deps rapidocr-onnxruntime==1.4.4` brings it")
    return Path(spec.origin).parent / "models"


def lines_of(certainty: np.ndarray, scale: np.ndarray) -> list[Line]:
    """Rectangles around what the detector's map (h, w) is certain of, in pixels of a picture larger by `scale` (2,)."""
    import cv2  # slow to load, and not needed before there are frames

    cores = cv2.dilate(np.uint8(certainty > INSIDE), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(cores, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        middle, (width, height), angle = cv2.minAreaRect(outline)
        if min(width, height) < SMALLEST:
            continue
        inside = cv2.drawContours(np.zeros_like(cores), [outline], -1, 1, cv2.FILLED)
        if cv2.mean(certainty, inside)[0] < CERTAIN:
            continue
        margin = 2 * GROWN * width * height / (2 * (width + height))
        corners = cv2.boxPoints((middle, (width + margin, height + margin), angle)) * scale
        found.append(Line(clockwise(corners)))
    return found


def clockwise(corners: np.ndarray) -> np.ndarray:
    """Corners (4, 2) from the upper left on."""
    across, along = corners.sum(1), corners[:, 0] - corners[:, 1]
    return np.float32(corners[[across.argmin(), along.argmax(), across.argmax(), along.argmin()]])


def in_order(lines: list[Line]) -> list[Line]:
    """Row by row, each from the left: what begins less than half a line lower is in the same row."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.corners[:, 1].mean()):
        middle = line.corners[:, 1].mean()
        if rows and middle - rows[-1][0].corners[:, 1].mean() < rows[-1][0].size[1] / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.corners[:, 0].min())]


def cut_out(frame: np.ndarray, line: Line) -> np.ndarray:
    """The line as an upright picture; what runs downwards is turned to the left."""
    import cv2  # slow to load, and not needed before there are frames

    width, height = line.size
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    turn = cv2.getPerspectiveTransform(line.corners, target)
    part = cv2.warpPerspective(frame, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.rot90(part) if height >= UPRIGHT * width else part
