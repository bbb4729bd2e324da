import numpy as np
import pytest

from vitascope.world.canvas import Canvas, coverage

WHITE = (255, 255, 255)


def area(canvas: Canvas) -> float:
    """White area in square units."""
    return float(canvas.pixels[..., 0].sum()) / 255 / canvas.scale**2


def test_coverage_of_an_interval_adds_up_to_its_length() -> None:
    shares = coverage(np.array([1.25, 3.9]), 2.5, 8)
    np.testing.assert_allclose(shares.sum(1), 2.5, atol=1e-5)
    np.testing.assert_allclose(shares[0], [0, 0.75, 1, 0.75, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("scale", [48, 64, 128, 200])
def test_shapes_have_the_same_area_at_every_scale(scale: int) -> None:
    shapes = {
        "box": (lambda c: c.box(0.2, 0.3, 0.4, 0.31, WHITE), 0.4 * 0.31),
        "shaded box": (lambda c: c.box(0.2, 0.3, 0.4, 0.31, WHITE, right=WHITE), 0.4 * 0.31),
        "thin box": (lambda c: c.box(0.2, 0.3, 0.4, 0.01, WHITE), 0.4 * 0.01),
        "ellipse": (lambda c: c.ellipse(0.5, 0.5, 0.3, 0.2, WHITE), np.pi * 0.3 * 0.2),
        "stroke": (lambda c: c.stroke([(0.2, 0.2), (0.2, 0.6), (0.7, 0.6)], 0.1, WHITE), 0.09),
        "land": (lambda c: c.land(np.full_like(c.x, 0.707), WHITE, WHITE, depth=0.1), 0.293),
    }
    for name, (draw, expected) in shapes.items():
        canvas = Canvas(scale, scale, scale)
        draw(canvas)
        assert area(canvas) == pytest.approx(expected, rel=0.06), name


def test_drawing_outside_the_picture_changes_nothing() -> None:
    canvas = Canvas(64, 64, 64)
    canvas.box(1.5, 0.2, 0.2, 0.2, WHITE, right=WHITE)
    canvas.box(-0.5, 0.2, 0.2, 0.2, WHITE)
    canvas.grid(np.array([2.0]), np.array([-3.0]), (0.1, 0.1), WHITE)
    canvas.ellipse(0.5, 3.0, 0.2, 0.2, WHITE)
    canvas.glow(5.0, 0.5, 0.2, WHITE)
    assert not canvas.pixels.any()


def test_light_tints_what_does_not_glow() -> None:
    canvas = Canvas(64, 64, 64, tint=(1.0, 0.5, 0.25))
    canvas.box(0.0, 0.0, 0.5, 1.0, (200, 200, 200))
    canvas.box(0.5, 0.0, 0.5, 1.0, (200, 200, 200), glow=True)
    assert canvas.pixels[32, 16].tolist() == [200, 100, 50]
    assert canvas.pixels[32, 48].tolist() == [200, 200, 200]


def test_what_is_above_the_view_has_negative_y() -> None:
    canvas = Canvas(40, 60, 40)
    canvas.rows([(0.0, WHITE)])
    assert not canvas.pixels[:20].any() and (canvas.pixels[20:] == 255).all()


def test_bright_colours_do_not_overflow() -> None:
    canvas = Canvas(64, 64, 64, tint=(1.1, 1.1, 1.1))
    canvas.rows([(0.0, WHITE), (1.0, WHITE)])
    canvas.land(0.5 + 0.1 * np.sin(9 * canvas.x), WHITE, WHITE, depth=0.2)
    canvas.grid(np.array([0.1, 0.4]), np.array([0.11, 0.42]), (0.205, 0.2), WHITE)
    canvas.glow(0.5, 0.5, 0.3, WHITE)
    assert canvas.pixels.min() == 255
