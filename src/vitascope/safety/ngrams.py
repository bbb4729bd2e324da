"""A text → hashed word and letter n-grams: what the sentence encoder is too smooth to see (spelling, exact words).

In: a text in plain letters. Out: bucket numbers, each n-gram once. No vocabulary is stored, so none can be read out of
the weights.
"""

import re
from zlib import crc32

import numpy as np

BUCKETS = 1 << 17
LETTERS = (3, 4, 5)      # n-grams inside a word, its two ends marked
WORDS = (1, 2)           # n-grams of words


def buckets(text: str) -> np.ndarray:
    """Distinct bucket numbers (K,) int64, sorted."""
    words = re.findall(r"[a-z]+|\d+", text)
    grams = {" ".join(words[i:i + n]) for n in WORDS for i in range(len(words) - n + 1)}
    grams |= {"#" + marked[i:i + n] for marked in {f"<{word}>" for word in words} for n in LETTERS
              for i in range(len(marked) - n + 1)}
    return np.unique(np.fromiter((crc32(gram.encode()) % BUCKETS for gram in grams), np.int64, len(grams)))
