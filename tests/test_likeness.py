from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.safety.frames import review
from vitascope.safety.likeness import Likeness
from vitascope.safety.policy import Policy

POLICY = Policy.load()


def mean_colour(picture: np.ndarray) -> np.ndarray:
    """Stands for a face's embedding; a grey picture shows no face."""
    colour = picture.reshape(-1, 3).mean(0) - 128
    return (colour / np.linalg.norm(colour))[None] if colour.any() else np.zeros((0, 3))


def plain(*colour: int) -> np.ndarray:
    return np.full((8, 8, 3), colour, np.uint8)


@pytest.fixture
def likeness(tmp_path: Path) -> Likeness:
    Image.fromarray(plain(250, 10, 10)).save(tmp_path / "someone.png")
    return Likeness(tmp_path, similarity=0.9, embed=mean_colour)


def test_a_face_of_the_gallery_is_found(likeness: Likeness) -> None:
    verdicts = [review(frame[None], POLICY, by=[("likeness", lambda: likeness)]).verdict
                for frame in (plain(10, 250, 10), plain(240, 20, 10))]
    assert verdicts == ["allow", "block"]


def test_scores_run_from_no_face_to_the_portrait(likeness: Likeness) -> None:
    found = likeness.score(np.stack([plain(128, 128, 128), plain(5, 246, 246), plain(250, 10, 10)]))
    assert np.allclose(found["public_figures"], [0, 0, 1], atol=1e-6)


def test_a_gallery_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no portrait"):
        Likeness(tmp_path, similarity=0.9, embed=mean_colour)
    Image.fromarray(plain(128, 128, 128)).save(tmp_path / "nobody.png")
    with pytest.raises(ValueError, match="shows 0 faces"):
        Likeness(tmp_path, similarity=0.9, embed=mean_colour)
