import numpy as np

from vitascope.provenance.code import BITS, decode, encode


def test_code_corrects_what_noise_does() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        payload = int(draw.integers(0, 2**64, dtype=np.uint64))
        assert decode(encode(payload) + draw.normal(0, 0.6, 2 * BITS)) == payload


def test_every_bit_of_the_payload_changes_twelve_signs_or_more() -> None:
    words = [encode(1 << place) for place in range(BITS)]
    assert min(int((word != encode(0)).sum()) for word in words) >= 12
