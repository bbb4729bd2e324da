"""What can be foreseen of a clip: its first frame, carried along the plan, and nothing where something new comes."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.foresight import VEIL, carry, foresee, is_open, look_ahead
from vitascope.models.autoencoder import AUTOENCODERS, FRAMES, Autoencoder
from vitascope.models.layout import LOOKS, POSE, SLOTS, VIEW, Layout
from vitascope.models.recall import Seen
from vitascope.models.text import TextEmbedding
from vitascope.models.transformer import TRANSFORMERS, Transformer
from vitascope.sampling import Painter, Words
from vitascope.tasks import Condition, Span, edit, extend, image_to_video, loop

SHAPE = (3, 8, 8)
CHANNELS = AUTOENCODERS["nano"].channels
HOW = {"seed": 0, "steps": 2, "scale": 1.0, "sampler": "euler"}


def layout(subject=0, x=0.0, pan=0.0):
    poses = torch.zeros(SHAPE[0], FRAMES, SLOTS, POSE)
    poses[..., 0], poses[..., 2], poses[..., 3], poses[..., 5:] = x, 0.2, 1, 1
    view = torch.zeros(SHAPE[0], FRAMES, VIEW)
    view[1:, :, 0] = pan
    subjects = torch.tensor([subject, *[0] * (SLOTS - 1)])
    return Layout(poses, view, subjects, torch.zeros_like(subjects), torch.zeros(LOOKS, dtype=torch.long))


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder(AUTOENCODERS["nano"]).eval().requires_grad_(False)


@pytest.fixture
def painter():
    nothing = TextEmbedding(torch.zeros(0, 384), torch.zeros(384))
    transformer = Transformer(replace(TRANSFORMERS["nano"], channels=CHANNELS)).eval().requires_grad_(False)
    return Painter(transformer, Condition("a dog", SHAPE), Words({"a dog": nothing}, nothing), 5, layout=layout())


def test_where_nothing_moves_all_is_foreseen(autoencoder, painter):
    told, (seen, *_) = foresee(autoencoder, painter, **HOW)
    told = told.condition
    assert not told.levels[0].any() and (told.levels[1:] == VEIL).all()
    assert_close(seen.picture, autoencoder.decode(told.known[None, :, :1])[0, :, 0].clamp(-1, 1))
    still = autoencoder.encode(seen.picture[None, :, None].expand(-1, -1, 1 + FRAMES * 2, -1, -1))[0]
    assert_close(told.known[:, 1:], still[:, 1:])


def test_a_given_frame_is_kept_and_no_other_painted(autoencoder, painter):
    given = torch.randn(CHANNELS, 1, *SHAPE[1:])
    seen = []
    told, _ = foresee(autoencoder, replace(painter, condition=image_to_video(painter.condition, given)), **HOW,
                      progress=lambda *step: seen.append(step))
    told = told.condition
    assert_close(told.known[:, :1], given)
    assert not seen and not told.levels[0].any() and (told.levels[1:] == VEIL).all()


def test_things_and_what_comes_into_view_are_open(autoencoder):
    picture = torch.rand(3, 64, 64)
    _, sure = carry(autoencoder, layout(subject=3), [Seen(picture)])
    assert not sure[:, 3:5, 3:5].any() and sure[:, :2].all() and sure[:, :, :2].all()
    _, sure = carry(autoencoder, layout(pan=0.125), [Seen(picture)])  # a position for each frame
    assert sure[0].all() and not sure[1, :, 4:].any() and sure[1, :, :4].all() and not sure[2].any()


def test_a_ring_is_like_one_of_its_frames(autoencoder, painter):
    told, (seen, *_) = foresee(autoencoder, replace(painter, condition=loop(painter.condition)), **HOW)
    assert (told.condition.levels == VEIL).all()
    still = autoencoder.encode(seen.picture[None, :, None].expand(-1, -1, 9, -1, -1))[0]
    assert_close(told.condition.known[:, 1], still[:, 2])


def test_a_frame_that_was_seen_rules(autoencoder, painter):
    tail = replace(painter, condition=extend(painter.condition, torch.randn(CHANNELS, 1, *SHAPE[1:]), backward=True))
    seen = Seen(torch.rand(3, 64, 64), 2 * FRAMES)
    told, (same, *_) = foresee(autoencoder, tail, [seen], **HOW)
    still = autoencoder.encode(seen.picture[None, :, None].expand(-1, -1, 9, -1, -1))[0]
    assert same is seen and not told.condition.levels[-1].any() and (told.condition.levels[:-1] == VEIL).all()
    assert_close(told.condition.known, torch.cat([still[:, :2], tail.condition.known[:, 2:]], 1))


def test_what_is_to_be_changed_is_not_foreseen(autoencoder, painter):
    condition, latents = painter.condition, torch.randn(CHANNELS, 2, *SHAPE[1:])
    tail = extend(condition, latents, backward=True)
    assert is_open(condition, []) and is_open(extend(condition, latents), []) and is_open(tail, [Seen(torch.rand(3, 64, 64))])
    others = [tail, edit(condition, torch.randn(CHANNELS, *SHAPE), strength=0.5),
              replace(condition, spans=(Span("a cat", torch.ones(3)),)), Condition("a dog", (1, 8, 8))]
    for other in others:
        assert not is_open(other, [])
        unchanged = replace(painter, condition=other)
        assert foresee(autoencoder, unchanged, **HOW)[0] is unchanged
    unplanned = replace(painter, layout=None)
    assert foresee(autoencoder, unplanned, **HOW)[0] is unplanned


def test_the_far_end_is_painted_alone_where_it_is_new(autoencoder, painter):
    """A camera that pans by a position a frame leaves nothing of the first frame; one that stands still leaves all."""
    seen, given = Seen(torch.rand(3, 64, 64)), torch.zeros(SHAPE, dtype=torch.bool)
    moving = replace(painter, layout=layout(pan=0.125))
    assert look_ahead(autoencoder, painter, given, [seen], **HOW) == []
    far, = look_ahead(autoencoder, moving, given, [seen], **HOW)
    assert far.frame == FRAMES * SHAPE[0] - 1 and far.picture.shape == seen.picture.shape
    assert look_ahead(autoencoder, moving, ~given, [seen], **HOW) == []
    _, one = carry(autoencoder, moving.layout, [seen])
    _, both = carry(autoencoder, moving.layout, [seen, far])
    assert (one <= both).all() and both.sum() > one.sum() + 40
