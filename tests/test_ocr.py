"""Text in pictures: what is written is read, where it is found and in what order."""

import numpy as np
import pytest

from vitascope.redteam.pictures import written
from vitascope.safety.ocr import PACKAGE, Line, TextReader, clockwise, cut_out, in_order, lines_of, packaged_models


def box(left: float, top: float, width: float, height: float) -> np.ndarray:
    return np.float32([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def test_a_line_is_found_around_its_core_and_a_faint_one_is_not() -> None:
    certainty = np.zeros((64, 96), np.float32)
    certainty[10:16, 10:60], certainty[30:36, 10:60] = 0.9, 0.35
    line, = lines_of(certainty, np.float32([2, 3]))
    left, top = line.corners.min(0)
    right, bottom = line.corners.max(0)
    assert left < 20 and right > 118 and top < 30 and bottom > 48 and bottom < 90
    assert lines_of(np.zeros((64, 96), np.float32), np.float32([1, 1])) == []


def test_corners_go_clockwise_from_the_upper_left() -> None:
    corners = box(3, 4, 20, 5)
    assert np.array_equal(clockwise(corners[[2, 0, 3, 1]]), corners)


def test_lines_are_read_row_by_row_from_the_left() -> None:
    lines = [Line(box(*each)) for each in ((100, 3, 50, 20), (0, 0, 80, 20), (0, 40, 80, 20))]
    assert in_order(lines) == [lines[1], lines[0], lines[2]]


def test_a_line_is_cut_out_upright() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    frame[10:20, 30:70] = 200
    assert cut_out(frame, Line(box(30, 10, 39, 9))).shape == (9, 39, 3)
    assert cut_out(frame, Line(box(30, 10, 9, 39))).shape == (9, 39, 3)
    assert cut_out(frame, Line(box(30, 10, 39, 9))).min() > 190


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitascope.safety.ocr.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install --no-deps rapidocr-onnxruntime"):
        TextReader()


def installed() -> bool:
    try:
        return packaged_models().exists()
    except ValueError:
        return False


@pytest.mark.skipif(not installed(), reason=f"{PACKAGE} is not installed")
@pytest.mark.parametrize("turned, busy", [(0.0, False), (10.0, False), (0.0, True), (180.0, False)])
def test_what_is_written_is_read(turned: float, busy: bool) -> None:
    read = TextReader()(written("a red balloon drifts over the old harbour and the people wave", turned=turned,
                                busy=busy))
    words = (line.replace(" ", "") for line in (read[::-1] if turned == 180 else read))
    assert "".join(words) == "aredballoondriftsovertheoldharbourandthepeoplewave"


@pytest.mark.skipif(not installed(), reason=f"{PACKAGE} is not installed")
def test_in_noise_nothing_is_read() -> None:
    assert TextReader()(np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)) == []
