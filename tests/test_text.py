"""The sentence encoder: near for synonyms, independent of the batch."""

import pytest
import torch

from vitascope.models.text import Text


@pytest.fixture(scope="module")
def text():
    return Text()


def test_synonyms_are_near(text):
    car, auto, dog, puppy = (item.pooled for item in text(["a red car", "a red automobile", "a dog", "a puppy"]))
    assert car @ auto > 0.75 and dog @ puppy > 0.7 and car @ dog < 0.5


def test_the_batch_changes_nothing(text):
    alone = text(["a cat jumps"])[0]
    together = text(["a cat jumps", "two elephants walk through the forest at night while it rains"])[0]
    assert torch.allclose(alone.states, together.states, atol=1e-5)
    assert torch.allclose(alone.pooled, together.pooled, atol=1e-5)


def test_one_state_a_word_and_unit_length(text):
    item = text(["a red car"])[0]
    assert item.states.shape == (3, 384) and item.pooled.norm() == pytest.approx(1, abs=1e-5)


def test_long_text_is_cut(text):
    assert len(text(["word " * 1000])[0].states) == 126


def test_empty_text_has_no_states(text):
    assert len(text([""])[0].states) == 0
