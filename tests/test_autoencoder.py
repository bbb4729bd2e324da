import pytest
import torch

from vitascope.models.autoencoder import (
    AUTOENCODERS,
    FRAMES,
    PATCH,
    SIDE,
    Autoencoder,
    check_video,
    finer,
    patchify,
    repeat_first,
    shift,
    unpatchify,
)

NANO = AUTOENCODERS["nano"]


@pytest.fixture
def autoencoder() -> Autoencoder:
    """Random everywhere, the layers that start at zero too, so that leaks would show."""
    torch.manual_seed(0)
    autoencoder = Autoencoder(NANO).eval()
    with torch.no_grad():
        for parameter in autoencoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        autoencoder.mean.normal_()
        autoencoder.deviation.uniform_(0.5, 2.0)
    return autoencoder


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 8, 8), (1, 64, 40), (9, 16, 24)])
def test_shapes(autoencoder: Autoencoder, frames: int, height: int, width: int) -> None:
    video = torch.randn(2, 3, frames, height, width)
    latents = autoencoder.encode(video)
    assert latents.shape == (2, NANO.channels, 1 + (frames - 1) // FRAMES, height // SIDE, width // SIDE)
    assert autoencoder.decode(latents).shape == video.shape


@torch.no_grad()
def test_no_latent_sees_a_later_frame(autoencoder: Autoencoder) -> None:
    video = torch.randn(1, 3, 13, 16, 16)
    changed = video.clone()
    changed[:, :, 5:] = torch.randn(1, 3, 8, 16, 16)
    before, after = autoencoder.encode(video), autoencoder.encode(changed)
    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.allclose(before[:, :, 2:], after[:, :, 2:])


@torch.no_grad()
def test_no_frame_sees_a_later_latent(autoencoder: Autoencoder) -> None:
    latents = torch.randn(1, NANO.channels, 4, 2, 2)
    changed = latents.clone()
    changed[:, :, 2:] = torch.randn(1, NANO.channels, 2, 2, 2)
    before, after = autoencoder.decode(latents), autoencoder.decode(changed)
    torch.testing.assert_close(before[:, :, :5], after[:, :, :5])
    assert not torch.allclose(before[:, :, 5:], after[:, :, 5:])


@torch.no_grad()
def test_an_image_is_the_first_frame_of_a_video(autoencoder: Autoencoder) -> None:
    video = torch.randn(1, 3, 5, 16, 16)
    torch.testing.assert_close(autoencoder.encode(video[:, :, :1]), autoencoder.encode(video)[:, :, :1])


@torch.no_grad()
def test_earlier_latents_are_remembered(autoencoder: Autoencoder) -> None:
    latents = torch.randn(1, NANO.channels, 2, 2, 2)
    changed = latents.clone()
    changed[:, :, 0] += 1
    assert not torch.allclose(autoencoder.decode(latents)[:, :, 1:], autoencoder.decode(changed)[:, :, 1:])


@torch.no_grad()
def test_window_by_window_is_the_same(autoencoder: Autoencoder) -> None:
    video = torch.randn(2, 3, 13, 16, 24)
    past: dict[str, torch.Tensor] = {}
    parts = [autoencoder.encode(part, past) for part in video.split([5, 4, 4], dim=2)]
    latents = autoencoder.encode(video)
    torch.testing.assert_close(torch.cat(parts, dim=2), latents)

    past = {}
    parts = [autoencoder.decode(part, past) for part in latents.split([1, 2, 1], dim=2)]
    torch.testing.assert_close(torch.cat(parts, dim=2), autoencoder.decode(latents))


@torch.no_grad()
def test_results_do_not_depend_on_the_batch(autoencoder: Autoencoder) -> None:
    videos = torch.randn(3, 3, 5, 16, 16)
    torch.testing.assert_close(autoencoder.encode(videos)[1:2], autoencoder.encode(videos[1:2]), atol=1e-4, rtol=1e-4)


def test_patches_and_back() -> None:
    video = torch.randn(2, 3, 8, 16, 24)
    assert torch.equal(unpatchify(patchify(video), batch=2, side=SIDE), video)


def test_a_patch_is_one_block_of_one_video() -> None:
    video = torch.zeros(2, 3, 8, 16, 16)
    video[1, :, 4:, :8, 8:] = 1.0
    filled = patchify(video).amin(dim=1)  # ((B K), 2, 2)
    assert filled.nonzero().tolist() == [[3, 0, 1]]


def test_finer_keeps_what_is_where() -> None:
    x = torch.zeros(1, 8, 2, 2)
    x[0, 2:4, 1, 0] = 1.0  # the upper right quarter of the lower left position
    assert finer(x, 2)[0].amin(dim=0).nonzero().tolist() == [[2, 1]]


def test_the_shift_brings_a_quarter_from_the_frame_before() -> None:
    x = torch.arange(1.0, 7.0).view(6, 1, 1, 1).expand(6, 8, 1, 1)  # two videos of three latent frames
    moved = shift(x, 3, {}, "block")[:, :, 0, 0]
    assert moved[:, :2].tolist() == [[0, 0], [1, 1], [2, 2], [0, 0], [4, 4], [5, 5]]
    assert torch.equal(moved[:, 2:], x[:, 2:, 0, 0])


@torch.no_grad()
def test_before_training_it_is_the_linear_map_it_starts_from() -> None:
    torch.manual_seed(0)
    autoencoder = Autoencoder(NANO)
    count = max(NANO.channels, NANO.encoder_width)
    components = torch.linalg.qr(torch.randn(PATCH, count)).Q.T
    mean = torch.randn(PATCH)
    autoencoder.start_from(mean, components, torch.linspace(2.0, 0.5, count))

    video = torch.randn(1, 3, 5, 8, 8)
    x = patchify(repeat_first(video)).squeeze() - mean
    kept = components[: NANO.channels]
    expected = unpatchify((x @ kept.T @ kept + mean)[:, :, None, None], batch=1, side=SIDE)[:, :, FRAMES - 1 :]
    torch.testing.assert_close(autoencoder.decode(autoencoder.encode(video)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "nearest"),
    [
        ((1, 3, 16, 64, 64), "17 frames of 64x64"),
        ((1, 3, 17, 60, 101), "17 frames of 104x64"),
        ((1, 3, 0, 64, 64), "1 frames of 64x64"),
        ((1, 3, 1, 3, 64), "1 frames of 64x8"),
    ],
)
def test_an_unsupported_shape_names_the_nearest(shape: tuple[int, ...], nearest: str) -> None:
    with pytest.raises(ValueError, match=nearest):
        check_video(torch.empty(shape))


def test_a_video_goes_on_in_groups_of_four() -> None:
    check_video(torch.empty(1, 3, 8, 8, 8), continued=True)
    with pytest.raises(ValueError, match="4 frames of 8x8"):
        check_video(torch.empty(1, 3, 5, 8, 8), continued=True)


def test_latents_of_another_autoencoder_are_refused(autoencoder: Autoencoder) -> None:
    with pytest.raises(ValueError, match="3 channels"):
        autoencoder.decode(torch.randn(1, 3, 1, 2, 2))
