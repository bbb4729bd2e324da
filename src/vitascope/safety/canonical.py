"""A text → the ways it can be read: itself in plain letters, and what is behind spelling tricks, encodings and ciphers.

In: any string. Out: a Reading, whose `views` the classifier scores one by one and takes the worst of. The first view is
the text itself in plain letters (`letters`); the others appear only where something was found to undo in a word
(`spelling`) or in the whole (here), so that an ordinary sentence has one view and costs one pass. Knows nothing of
categories.
"""

import base64
import binascii
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

from .letters import foreign_share, plain
from .lexicon import Lexicon, lexicon
from .spelling import is_masked, repair

MOST_VIEWS = 6
DEEPEST = 3                # decodings inside decodings
WORDS_FOR_A_MASKED_ONE = 3
READABLE = 0.5             # coverage from which a decoded text counts as English


@dataclass(frozen=True)
class Reading:
    """What a text says."""
    views: tuple[str, ...]   # lower case; the first is the text itself in plain letters
    steps: tuple[str, ...]   # what was undone, by name, for the record
    coverage: float          # share of the letters in English words, of the best view
    foreign: float           # share of letters of other scripts


def _spaced(text: str, words: Lexicon) -> str | None:
    """k i l l, k.i.l.l, k-i-l-l: runs of single letters joined, and cut into words."""
    def join(match: re.Match[str]) -> str:
        groups = re.split(r"\s{2,}|\s*[/|]\s*", match[0]) if re.search(r"\s{2,}|[/|]", match[0]) else [match[0]]
        letters = [re.sub(r"[^a-z0-9@$!]", "", group) for group in groups]
        return (
            " "
            + " ".join(" ".join(words.segment(run)) if run.isalpha() and run not in words else run for run in letters)
            + " "
        )

    joined = re.sub(r"(?<![a-z0-9])(?:[a-z0-9@$!](?:[\s.\-_*,·•/|~+^]{1,3})){2,}[a-z0-9@$!](?![a-z0-9])", join, text)
    return None if joined == text else re.sub(r" +", " ", joined).strip()


def _emoji(text: str, words: Lexicon) -> str | None:
    """Pictures by their Unicode names: 🔪 is "hocho" there, which is why a few have their own."""
    own = {
        "🔪": "knife",
        "🩸": "blood",
        "🍆": "penis",
        "🍑": "buttocks",
        "💦": "fluid",
        "🔫": "gun",
        "💉": "syringe",
        "💊": "pills",
        "🔞": "adults only",
        "☠": "death",
        "💀": "skull",
        "🖕": "middle finger",
        "🌽": "corn",
        "💣": "bomb",
    }
    if text.isascii():
        return None
    named = re.sub(
        r"[\u2600-\u27bf\U0001f300-\U0001faff]",
        lambda m: f" {own.get(m[0]) or unicodedata.name(m[0], '').lower()} ",
        text,
    )
    return None if named == text else re.sub(r"\s+", " ", named).strip()


def _escapes(text: str, words: Lexicon) -> str | None:
    """HTML entities, percent signs and backslash escapes."""
    opened = html.unescape(text)
    opened = urllib.parse.unquote(opened) if re.search(r"%[0-9a-f]{2}", opened, re.I) else opened
    opened = re.sub(r"(?:\\u|\\x|u\+|0x)([0-9a-f]{2,5})[;, ]?", lambda m: chr(int(m[1], 16)), opened, flags=re.I)
    return None if opened == text else opened


def _numbers(text: str, words: Lexicon) -> str | None:
    """Letters written as numbers: binary, hexadecimal, decimal codes, or the place in the alphabet."""
    tidy = re.sub(r"\s+", " ", text)
    for pattern, decode in (
        (r"(?:[01]{8}[\s,]*){3,}", lambda run: bytes(int(x, 2) for x in re.findall("[01]{8}", run))),
        (r"\b(?:[0-9a-fA-F]{2}[\s,:]*){6,}\b", lambda run: bytes.fromhex(re.sub("[^0-9a-fA-F]", "", run))),
        (
            r"\b(?:1?\d{2}[\s,]+){4,}1?\d{2}\b",
            lambda run: bytes(int(x) for x in re.findall(r"\d+", run) if int(x) < 256),
        ),
        (r"\b(?:\d{1,2}[\s,\-/]+){4,}\d{1,2}\b", _alphabet),
    ):
        opened = re.sub(pattern, lambda m, decode=decode: _decoded(m[0], decode, words), tidy)
        if opened != tidy:
            return opened
    return None


def _alphabet(run: str) -> bytes:
    """7-8 9 → "gh i": hyphens inside words, spaces or slashes between them."""
    separators = re.findall(r"\D+", run)
    between = [s for s in separators if "/" in s or "-" in run and "-" not in s]
    numbers = [int(x) for x in re.findall(r"\d+", run)]
    letters = [chr(96 + n) if 1 <= n <= 26 else " " if n == 0 else "?" for n in numbers]
    joined = letters[0] + "".join(
        (" " if between and s in between else "") + letter for s, letter in zip(separators, letters[1:], strict=True)
    )
    return (joined if between else " ".join(lexicon().segment(joined))).encode()


def _base(text: str, words: Lexicon) -> str | None:
    """Base 64 (both alphabets), base 32 and base 85."""
    def best(match: re.Match[str]) -> str:
        run = match[0]
        for decode in (lambda r: base64.b64decode(r.replace("-", "+").replace("_", "/") + "=" * (-len(r) % 4)),
                       lambda r: base64.b32decode(r.upper() + "=" * (-len(r) % 8)), base64.b85decode, base64.a85decode):
            opened = _decoded(run, decode, words)
            if opened != run:
                return opened
        return run

    opened = re.sub(
        r"(?<!\S)[\x21-\x7e]{12,}(?!\S)",
        lambda m: m[0] if m[0].isalpha() and words.knows(m[0].lower()) else best(m),
        text,
    )
    return None if opened == text else opened


def _decoded(run: str, decode: Callable[[str], bytes], words: Lexicon) -> str:
    """What a run decodes to if that is readable, else the run itself."""
    try:
        opened = decode(run.strip()).decode("utf-8")
    except (ValueError, binascii.Error, UnicodeDecodeError):
        return run
    tidy = plain(opened)
    if len(tidy) < 3 or not all(c.isprintable() or c.isspace() for c in opened):
        return run
    return f" {opened} " if coverage(tidy, words) >= READABLE or _is_coded(opened) else run


def _is_coded(text: str) -> bool:
    """Whether this may be another layer of disguise: one long run of letters and digits, or nothing but words."""
    return bool(re.fullmatch(r"[A-Za-z0-9+/=_-]{16,}|[A-Za-z ,.'-]{12,}|[0-9a-fA-F .\-/]{16,}", text))


MORSE = dict(
    zip(
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
        "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
        "abcdefghijklmnopqrstuvwxyz0123456789",
        strict=True,
    )
)


def _morse(text: str, words: Lexicon) -> str | None:
    """Dots and dashes."""
    dots = text.replace("·", ".").replace("•", ".").replace("−", "-").replace("_", "-")
    if not re.fullmatch(r"[.\-/|\s]{8,}", dots):
        return None
    groups = re.split(r"\s*[/|]\s*|\s{2,}", dots.strip())
    return " ".join("".join(MORSE.get(code, "") for code in group.split()) for group in groups)


def _backwards(text: str, words: Lexicon) -> str | None:
    turned = text[::-1]
    return turned if coverage(turned, words) > coverage(text, words) + 0.2 else None


def _caesar(text: str, words: Lexicon) -> str | None:
    """The best of the 25 shifts of the alphabet and its mirror, when the text is not readable as it stands."""
    if coverage(text, words) > READABLE:
        return None
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    tables = [str.maketrans(alphabet, alphabet[n:] + alphabet[:n]) for n in range(1, 26)] + [
        str.maketrans(alphabet, alphabet[::-1])
    ]
    best = max((text.translate(table) for table in tables), key=lambda opened: coverage(opened, words))
    return best if coverage(best, words) > max(0.7, coverage(text, words) + 0.2) else None


def _run_together(text: str, words: Lexicon) -> str | None:
    """A text in which the spaces are gone or stand at the wrong places."""
    if coverage(text, words) > 0.6:
        return None
    letters = re.sub(r"[^a-z]", "", text)
    if len(letters) < 8:
        return None
    opened = " ".join(words.segment(letters))
    return opened if coverage(opened, words) > 0.8 and len(letters) / (opened.count(" ") + 1) > 2.8 else None


UNDO: dict[str, Callable[[str, Lexicon], str | None]] = {  # tried in this order
    "escapes": _escapes,
    "morse": _morse,
    "numbers": _numbers,
    "base": _base,
    "emoji": _emoji,
    "spaced letters": _spaced,
    "backwards": _backwards,
    "cipher": _caesar,
    "run together": _run_together,
}
NEEDS_CASE = {"escapes", "base"}


def coverage(text: str, words: Lexicon) -> float:
    """Share of the letters in words of the lexicon, 0 to 1. Runs in which digits and letters mix count as unknown."""
    found = re.findall(r"[a-z0-9]+(?:'[a-z]+)?", text)
    tokens = [token.split("'")[0] for token in found if not token.isdigit()]
    total = sum(map(len, tokens))
    return (
        sum(len(t) for t in tokens if t.isalpha() and (len(t) > 1 or t in "aio") and words.knows(t)) / total
        if total
        else 1.0
    )


def read(text: str) -> Reading:
    """Every way to read a text that was found, the plainest first."""
    words = lexicon()
    first = plain(text)
    queue: list[tuple[str, str, int]] = [(text, first, 0)]
    views, steps, seen = [first], [], {first}
    if first != re.sub(r"\s+", " ", text.lower()).strip() and not text.isascii():
        steps.append("plain letters")
    while queue and len(views) < MOST_VIEWS:
        raw, tidy, depth = queue.pop(0)
        choices, desperate = range(WORDS_FOR_A_MASKED_ONE if is_masked(tidy) else 1), coverage(tidy, words) < 0.6
        repaired = [repair(tidy, words, desperate=desperate, choice=choice) for choice in choices]
        found = [("spelling", each) for each in repaired if each != tidy]
        if depth < DEEPEST:
            found += [(name, opened) for name, undo in UNDO.items()
                      if (opened := undo(raw if name in NEEDS_CASE else tidy, words)) is not None]
        for name, opened in found:
            view = plain(opened)
            if view and view not in seen and len(views) < MOST_VIEWS:
                seen.add(view)
                views.append(view)
                steps.append(name)
                if name != "spelling":
                    queue.append((opened, view, depth + 1))
    views = [re.sub(r"\s+", " ", view) for view in views]
    return Reading(views=tuple(dict.fromkeys(views)), steps=tuple(dict.fromkeys(steps)),
                   coverage=max(coverage(view, words) for view in views), foreign=foreign_share(text, words))
