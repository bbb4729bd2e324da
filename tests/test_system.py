"""A system is saved whole, loaded whole, and says what is damaged."""

import pytest
import torch

from vitascope.system import SystemConfig, System, save_system


def test_round_trip(nano_system, tmp_path):
    save_system(nano_system, tmp_path / "copy")
    loaded = System.load(tmp_path / "copy")
    assert loaded.config == nano_system.config and loaded.card == nano_system.card
    for name, tensor in nano_system.transformer.state_dict().items():
        assert torch.allclose(loaded.transformer.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)


def test_what_is_damaged_is_named(nano_system, tmp_path):
    folder = tmp_path / "copy"
    save_system(nano_system, folder)
    weights = folder / "transformer" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="transformer/weights.safetensors is missing or damaged"):
        System.load(folder)
    weights.unlink()
    with pytest.raises(ValueError, match="transformer/weights.safetensors is missing or damaged"):
        System.load(folder)
    (folder / "system.json").write_text('{"config": {"colour": 3}}')
    with pytest.raises(ValueError, match="system.json is not a system's description"):
        System.load(folder)


def test_no_folder_at_all(tmp_path):
    with pytest.raises(ValueError, match="system.json is missing"):
        System.load(tmp_path / "nothing")


@pytest.mark.parametrize("size, nearest", [((130, 128), "128x128"), ((1920, 1080), "176x96"), ((64, 64), "128x128"),
                                           ((0, 5), "x")])
def test_an_unsupported_size_names_the_nearest_one(nano_system, size, nearest):
    with pytest.raises(ValueError, match=nearest):
        nano_system.check_size(*size)


@pytest.mark.parametrize("size", [(128, 128), (176, 96), (96, 176), (160, 112)])
def test_supported_sizes(nano_system, size):
    nano_system.check_size(*size)


def test_the_nearest_size_is_supported(nano_system):
    for size in [(1280, 720), (720, 1280), (300, 200), (1, 1), (500, 490)]:
        nano_system.check_size(*nano_system.nearest_size(*size))


def test_frames_are_one_and_fours(nano_system):
    assert [nano_system.frames(seconds, 8) for seconds in (0.1, 1, 2, 4)] == [1, 9, 17, 33]


def test_config_defaults_are_sane():
    assert SystemConfig().window >= 3 and SystemConfig().guidance >= 1
