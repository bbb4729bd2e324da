"""64 bits → 128 signs and back, with errors corrected: a tail-biting convolutional code, so that all bits are protected
alike. In: a payload; soft values of its signs. Out: signs; the payload that they agree with best. Knows no pictures.
"""

from functools import lru_cache

import numpy as np

BITS, MEMORY = 64, 8  # payload; memory of the code in bits
GENERATORS = (0o561, 0o753)  # constraint length 9, rate 1/2, free distance 12 (Proakis, table 8.2-1)


def encode(payload: int) -> np.ndarray:
    """Signs (2 * BITS,) of a payload."""
    bits = np.array([payload >> place & 1 for place in range(BITS)])
    windows = np.stack([np.roll(bits, delay) for delay in range(MEMORY + 1)], 1)  # (BITS, 9), the newest bit first
    taps = np.array([[generator >> (MEMORY - delay) & 1 for delay in range(MEMORY + 1)] for generator in GENERATORS])
    return 1 - 2 * (windows @ taps.T % 2).reshape(-1)


def decode(soft: np.ndarray) -> int:
    """The payload whose signs agree best with soft values (2 * BITS,): Viterbi, twice around the circle."""
    outputs, before = _trellis()
    gains = np.einsum("tg,sig->tsi", soft.reshape(BITS, 2), outputs)  # (BITS, states, 2)
    score = np.zeros(1 << MEMORY)
    choices = np.empty((3 * BITS, 1 << MEMORY), np.int64)
    for step in range(3 * BITS):
        paths = score[before] + gains[step % BITS]
        choice = paths.argmax(1)
        choices[step], score = choice, np.take_along_axis(paths, choice[:, None], 1)[:, 0]
    state, payload = int(score.argmax()), 0
    for step in reversed(range(BITS, 3 * BITS)):
        if step < 2 * BITS:
            payload |= (state >> (MEMORY - 1)) << (step - BITS)
        state = int(before[state, choices[step, state]])
    return payload


@lru_cache
def _trellis() -> tuple[np.ndarray, np.ndarray]:
    """The signs put out (S, 2, 2) and the state before (S, 2), for each state after a step and both ways to it.

    A state is the last eight bits, the newest on top.
    """
    after = np.arange(1 << MEMORY)
    before = np.stack([(after << 1 & (1 << MEMORY) - 1) | oldest for oldest in (0, 1)], 1)
    register = (after[:, None] >> (MEMORY - 1)) << MEMORY | before  # nine bits, the newest on top
    ones = [[[(int(each) & generator).bit_count() % 2 for generator in GENERATORS] for each in row] for row in register]
    return 1.0 - 2.0 * np.array(ones), before
