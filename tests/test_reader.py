"""Pictures of any width and tracks of any length give logits of the right shape; a damaged file is refused."""

from dataclasses import replace

import pytest
import torch

from vitascope.evaluate.reader import GEOMETRY, ROWS, STRIDE, PictureReader, Reader, TrackReader
from vitascope.train.labels import CONFIG
from vitascope.train.state import save_weights

SMALL = replace(CONFIG, widths=(8, 8, 8, 8), blocks=(1, 1), track_width=8)


@pytest.mark.parametrize("width", [32, 64, 128])
def test_shapes_follow_the_picture(width):
    sight = PictureReader(SMALL)(torch.randn(2, 3, ROWS, width))
    assert sight.heat.shape == (2, len(CONFIG.subjects) + len(CONFIG.props), ROWS // STRIDE, width // STRIDE)
    assert sight.geometry.shape == (2, GEOMETRY, ROWS // STRIDE, width // STRIDE)
    assert sight.settings["place"].shape == (2, len(CONFIG.places))


def test_other_heights_are_refused():
    with pytest.raises(ValueError, match="expected"):
        PictureReader(SMALL)(torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize("frames", [1, 9, 33])
def test_tracks_of_any_length(frames):
    first, last, presence, camera = TrackReader(SMALL)(torch.randn(3, CONFIG.features, frames))
    assert first.shape == last.shape == (3, len(CONFIG.actions))
    assert presence.shape == (3,) and camera.shape == (3, len(CONFIG.cameras))


def test_a_track_does_not_depend_on_its_batch():
    model, tracks = TrackReader(SMALL).eval(), torch.randn(4, CONFIG.features, 17)
    torch.testing.assert_close(model(tracks)[0][2:3], model(tracks[2:3])[0])


def test_saved_and_loaded_it_says_the_same(tmp_path):
    reader, pictures = Reader(SMALL).eval(), torch.randn(2, 3, ROWS, ROWS)
    save_weights(tmp_path, reader.state_dict(), SMALL)
    loaded = Reader.load(tmp_path)
    assert loaded.config == SMALL
    torch.testing.assert_close(loaded.pictures(pictures).heat, reader.pictures(pictures).heat)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_a_damaged_file_is_named(tmp_path, name):
    save_weights(tmp_path, Reader(SMALL).state_dict(), SMALL)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    with pytest.raises(ValueError, match=str(tmp_path)):
        Reader.load(tmp_path)
