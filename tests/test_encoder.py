import math

import numpy as np

from vitascope.models.text import Text
from vitascope.safety.encoder import Encoder, gelu

SENTENCES = ["a red car", "Two dogs chase a ball across the beach while the sun sets behind the hills."]


def test_states_agree_with_the_models_own_encoder() -> None:
    encoder, text = Encoder.load({}, longest=64), Text()
    together = encoder([encoder.tokens(sentence) for sentence in SENTENCES])
    for sentence, ours in zip(SENTENCES, together, strict=True):
        assert np.abs(ours[1:-1] - text([sentence])[0].states.numpy()).max() < 2e-5


def test_changes_are_added_to_the_weights() -> None:
    generator = np.random.default_rng(0)
    changes = {
        "5.query.down": generator.normal(size=(2, 384)).astype("f"),
        "5.query.up": generator.normal(size=(384, 2)).astype("f"),
    }
    plain, changed = Encoder.load({}, longest=64), Encoder.load(changes, longest=64)
    expected = plain.layers[5]["query.weight"] + (changes["5.query.up"] @ changes["5.query.down"]).T
    assert np.allclose(changed.layers[5]["query.weight"], expected, atol=1e-5)
    assert np.array_equal(changed.layers[4]["query.weight"], plain.layers[4]["query.weight"])


def test_gelu_is_exact_to_single_precision() -> None:
    x = np.linspace(-6, 6, 301, dtype=np.float32)
    exact = [value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x]
    assert np.abs(gelu(x) - exact).max() < 2e-6
