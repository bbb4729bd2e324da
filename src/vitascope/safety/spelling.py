"""One word that is none → the word it stands for: digits and masks for letters, separators, stretched, missing and
reversed letters, pig latin, and the code words that people use to get round filters.

In: a text in plain letters and the lexicon. Out: the text with such words replaced. Knows nothing of categories, except
for what the code words stand for.
"""

import codecs
import re
from functools import lru_cache, partial

from .lexicon import Lexicon

FEWEST_CONSONANTS = 4      # of a word without vowels, before it is read as one whose vowels were left out
LEET = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "gb",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "li",
    "+": "t",
    "€": "e",
    "£": "l",
    "¥": "y",
    "(": "c",
    "<": "c",
    "¢": "c",
    "&": "a",
}
CODE_WORDS = {  # what people write instead of the word that a filter would see
    "unalive": "kill",
    "unalived": "killed",
    "unaliving": "killing",
    "unaliveing": "killing",
    "sewerslide": "suicide",
    "seggs": "sex",
    "seggsual": "sexual",
    "segs": "sex",
    "secks": "sex",
    "sexay": "sexy",
    "pr0n": "porn",
    "p0rn": "porn",
    "nekkid": "naked",
    "nood": "nude",
    "noods": "nudes",
    "loli": "sexualised child",
    "shota": "sexualised child",
    "jailbait": "sexualised minor",
    "cp": "child pornography",
    "csam": "child sexual abuse material",
    "gr8pe": "rape",
    "pdf-file": "pedophile",
    "yeet": "throw",
    "kys": "kill yourself",
    "minor-attracted": "pedophile",
    "self-harm": "self harm",
    "selfharm": "self harm",
    "nip-slip": "bare breast",
    "boobs": "breasts",
    "boobies": "breasts",
    "tits": "breasts",
    "pewpew": "gun",
}
MASKED = re.compile(r"(?=.*[*#_%.~?])[a-z][a-z*#_%.~?-]+[a-z]")
STRUCTURE = re.compile(r"\s+|[^\s]+")
EDGES = re.compile(r"^([\"'(\[{,.;:?<>]*)(.*?)([\"')\]},.;:?<>!]*)$", re.DOTALL)


def repair(text: str, words: Lexicon, *, desperate: bool = False, choice: int = 0) -> str:
    """The text with every word replaced that is not one but stands for one.

    `desperate` also tries readings that are unlikely in an ordinary sentence (missing vowels, reversed words, ciphers);
    `choice` takes another of the words that a masked one may be.
    """
    return "".join(
        part if part.isspace() else _repair_token(part, words, desperate, choice) for part in STRUCTURE.findall(text)
    )


def is_masked(text: str) -> bool:
    """Whether there is a word in which signs stand for letters, so that it may be several."""
    return any(MASKED.fullmatch(EDGES.match(token)[2]) for token in text.split())


def _repair_token(token: str, words: Lexicon, desperate: bool, choice: int) -> str:
    before, core, after = EDGES.match(token).groups()
    if core in CODE_WORDS:
        return before + CODE_WORDS[core] + after
    core = core.removesuffix("'s") if not words.knows(core) else core
    if not core or core.isalpha() and words.knows(core) or not any(c.isalpha() for c in core) and len(core) < 3:
        return token
    for attempt in (_no_leet, _no_separators, _no_repeats, partial(_no_mask, choice=choice), _split):
        word = attempt(core, words)
        if word is not None:
            return before + word + after
    if len(core) >= FEWEST_CONSONANTS and (word := _vowels(core, words)) is not None:
        return before + word + after
    for attempt in (_reversed, _rotated, _pig_latin, _vowels) if desperate else ():
        word = attempt(core, words)
        if word is not None:
            return before + word + after
    return before + ((words.correct(core) if core.isalpha() else None) or core) + after


def _no_leet(core: str, words: Lexicon) -> str | None:
    if core.isalpha() or not any(c in LEET for c in core) or not any(c.isalpha() for c in core) and core.isdigit():
        return None
    options = [LEET.get(c, c) for c in core]
    return words.choose(options) if all(any(x.isalpha() for x in option) for option in options) else None


def _no_separators(core: str, words: Lexicon) -> str | None:
    if core.isalpha() or any(c.isdigit() for c in core):
        return None
    parts = [part for part in re.split(r"[^a-z]+", core) if part]
    joined = "".join(parts)
    if len(parts) < 2 or all(words.knows(part) and len(part) > 1 for part in parts):
        return None
    return joined if words.knows(joined) else words.correct(joined)


def _no_repeats(core: str, words: Lexicon) -> str | None:
    if not re.search(r"([a-z])\1\1", core):
        return None
    for kept in (r"\1\1", r"\1"):
        shorter = re.sub(r"([a-z])\1{2,}", kept, core)
        if words.knows(shorter):
            return shorter
    shorter = re.sub(r"([a-z])\1+", r"\1", core)
    return shorter if words.knows(shorter) else None


def _no_mask(core: str, words: Lexicon, *, choice: int) -> str | None:
    return words.unmask(core, choice) if MASKED.fullmatch(core) else None


def _split(core: str, words: Lexicon) -> str | None:
    if not core.isalpha() or not core.isascii() or len(core) < 8:
        return None
    parts = words.segment(core)
    good = len(parts) > 1 and all(part in words for part in parts) and len(core) / len(parts) >= 3
    return " ".join(parts) if good else None


def _reversed(core: str, words: Lexicon) -> str | None:
    return core[::-1] if len(core) > 2 and core[::-1] in words else None


def _rotated(core: str, words: Lexicon) -> str | None:
    turned = codecs.encode(core, "rot13")
    return turned if len(core) > 2 and turned in words else None


def _pig_latin(core: str, words: Lexicon) -> str | None:
    stem = core.removesuffix("ay").removesuffix("w") if core.endswith("way") else core.removesuffix("ay")
    if stem == core or len(stem) < 2:
        return None
    options = [stem] + [stem[-n:] + stem[:-n] for n in (1, 2, 3) if len(stem) > n]
    return min((o for o in options if words.knows(o)), key=lambda o: words.rank.get(o, 99999), default=None)


def _vowels(core: str, words: Lexicon) -> str | None:
    return _consonants(words).get(core) if core.isalpha() and not re.search(r"[aeiou]", core[1:]) else None


@lru_cache(maxsize=1)
def _consonants(words: Lexicon) -> dict[str, str]:
    index: dict[str, str] = {}
    for word in words.rank:
        if len(word) > 2:
            index.setdefault(word[0] + re.sub("[aeiou]", "", word[1:]), word)
            index.setdefault(re.sub("[aeiou]", "", word), word)
    return index
