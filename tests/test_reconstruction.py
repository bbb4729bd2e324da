import pytest
import torch

from vitascope.evaluate.reconstruction import (
    LEVELS,
    LinearCompression,
    flicker,
    measure,
    principal_components,
    psnr,
    seams,
)
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder


def moving_videos(count: int) -> torch.Tensor:
    """A bright bar that moves over a dark ramp."""
    torch.manual_seed(0)
    videos = torch.linspace(-1, 0, 32).expand(count, 3, 9, 32, 32).clone()
    for video in videos:
        for frame in range(9):
            left = 2 * frame + int(torch.randint(8, ()))
            video[:, frame, :, left : left + 4] = torch.rand(3, 1, 1)
    return videos


def test_psnr_of_a_known_error() -> None:
    original = torch.zeros(2, 3, 1, 8, 8)
    decoded = original.clone()
    decoded[1] += 0.2  # a tenth of the range
    torch.testing.assert_close(psnr(original, decoded), torch.tensor([100.0, 20.0]))


def test_flicker_sees_change_where_the_original_stands_still() -> None:
    original = torch.zeros(1, 3, 5, 8, 8)
    steady, trembling = original + 0.1, original.clone()
    trembling[:, :, ::2] += 2 / LEVELS
    assert flicker(original, steady) == 0
    assert flicker(original, trembling) == pytest.approx(2, rel=1e-4)


def test_flicker_leaves_out_what_moves() -> None:
    original = torch.zeros(1, 3, 5, 8, 8)
    original[:, :, ::2, :, :4] = 1.0
    blurred = original.clone()
    blurred[..., :4] = 0.5
    assert flicker(original, blurred) == 0
    assert flicker(original[:, :, :1], blurred[:, :, :1]) == 0


def test_seams_tell_blocks_from_noise() -> None:
    torch.manual_seed(0)
    original = torch.zeros(2, 3, 2, 64, 64)
    noise = torch.randn_like(original)
    blocks = torch.randn(2, 3, 2, 8, 8).repeat_interleave(8, dim=3).repeat_interleave(8, dim=4)
    assert seams(original, original + noise) == pytest.approx(1, abs=0.05)
    assert seams(original, original + 0.1 * noise + blocks) > 3


def test_principal_components_restore_what_they_span() -> None:
    videos = moving_videos(2)
    mean, components, deviations = principal_components(videos, 96)
    torch.testing.assert_close(components @ components.T, torch.eye(96), atol=1e-4, rtol=0)
    assert bool((deviations.diff() <= 0).all())
    assert psnr(videos, LinearCompression(mean, components)(videos)).min() > 60


def test_more_numbers_lose_less() -> None:
    train, test = moving_videos(6).split([4, 2])
    mean, components, _ = principal_components(train, 32)
    losses = [psnr(test, LinearCompression(mean, components[:count])(test)).mean().item() for count in (2, 8, 32)]
    assert losses == sorted(losses) and losses[0] < losses[-1]


def test_an_untrained_autoencoder_measures_as_its_linear_map() -> None:
    config = AUTOENCODERS["nano"]
    videos = moving_videos(4)
    mean, components, deviations = principal_components(videos, max(config.channels, config.encoder_width))
    autoencoder = Autoencoder(config)
    autoencoder.start_from(mean, components, deviations)
    measured = measure(autoencoder, videos, LinearCompression(mean, components[: config.channels]), batch=2)
    assert measured.psnr == pytest.approx(measured.psnr_linear, abs=0.01)
    assert measured.psnr > 20
