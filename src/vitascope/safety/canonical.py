"""A text → the ways it can be read: itself in plain letters, and what is behind spelling tricks, encodings and ciphers.

In: any string. Out: a Reading, whose `views` the classifier scores one by one and takes the worst of. The first view is
the text itself in plain letters (NFKC, invisible characters stripped, look-alikes of UTS 39 folded); the others appear
only where something was found to undo, so that an ordinary sentence has one view and costs one pass. Knows nothing of
categories, except for a short list of code words that people use to get round filters.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .language import foreign_letters
from .lexicon import Lexicon, lexicon

MOST_VIEWS = 6
DEEPEST = 3                # decodings inside decodings
READABLE = 0.5             # coverage from which a decoded text counts as English
FEWEST_CONSONANTS = 4      # of a word without vowels, before it is read as one whose vowels were left out


@dataclass(frozen=True)
class Reading:
    """What a text says."""
    views: tuple[str, ...]   # lower case; the first is the text itself in plain letters
    steps: tuple[str, ...]   # what was undone, by name, for the record
    coverage: float          # share of the letters in English words, of the best view
    foreign: float           # share of letters of other scripts


# Plain letters

SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
UPSIDE_DOWN = dict(zip("ɐɔǝɟƃɓᴉɾʞꞁɯɹʇʌʍʎ", "acefggijklmrtvwy", strict=True))
PLAIN = {ord(a): b for a, b in (SMALL_CAPITALS | UPSIDE_DOWN).items()}
PLAIN |= {0x1F170 + i: chr(97 + i) for i in range(26)} | {0x1F150 + i: chr(97 + i) for i in range(26)}  # white on black
PLAIN |= {0x1F1E6 + i: chr(97 + i) for i in range(26)}                                              # flags' letters
PLAIN |= {0xE0000 + i: chr(i) for i in range(32, 127)}                                               # tags, never seen
PLAIN |= {
    ord(a): b
    for a, b in {
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "ß": "ss",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
        "ŧ": "t",
        "ð": "d",
        "þ": "th",
    }.items()
}
LOOSE_LOOK_ALIKES = dict(
    zip("αβγδεηθικλμνοπρστυφχωвгдежзиклмнптуцчшяєїњћ", "abydenoiklmvonpotuoxwbrdexzuklmhntyuhwreihh", strict=True)
)
BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵⠀", "abcdefghijklmnopqrstuvwxyz ", strict=True))
PLAIN |= {ord(a): b for a, b in BRAILLE.items()}


def plain(text: str) -> str:
    """Lower case, plain letters, single spaces; what has no plain form stays."""
    if text.isascii():
        return _spaces(text).lower()
    text = unicodedata.normalize("NFKC", text.translate(PLAIN)).translate(PLAIN)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not _invisible(c))
    return _spaces(_look_alikes(unicodedata.normalize("NFC", text))).lower()


def _spaces(text: str) -> str:
    lines = re.sub(r"[^\S ]+", " ", "".join(c for c in text if c.isspace() or ord(c) >= 32 and ord(c) != 127))
    return re.sub(r" {3,}", "  ", lines).strip()  # two spaces may stand between words whose letters are spaced


def _invisible(character: str) -> bool:
    """Format characters, marks on letters, selectors and fillers."""
    kind = unicodedata.category(character)
    return kind in ("Cf", "Mn", "Me", "Co", "Cn") or kind == "Cc" and not character.isspace() or character in "ㅤﾠᅟᅠ⠀"


def _look_alikes(text: str) -> str:
    """The Latin look-alike of every other letter (UTS 39), in words that mix scripts or consist of look-alikes only."""
    if text.isascii():
        return text
    return re.sub(r"[^\W_]+", lambda match: _word_look_alikes(match[0]), text)


def _word_look_alikes(word: str) -> str:
    if word.isascii():
        return word
    folded = [_look_alike(c) for c in word]
    return (
        "".join(folded)
        if all(c.isascii() for c in folded)
        else "".join(
            c if letter.isascii() or any(x.isascii() for x in word) else letter
            for c, letter in zip(folded, word, strict=True)
        )
    )


@lru_cache(maxsize=4096)
def _look_alike(character: str) -> str:
    """The Latin letter that looks like this one, or itself."""
    if character.isascii() or character in LOOSE_LOOK_ALIKES:
        return LOOSE_LOOK_ALIKES.get(character, character)
    from confusable_homoglyphs import confusables  # reads a table of 600 kB, which plain text never needs

    found = confusables.is_confusable(character, greedy=True, preferred_aliases=[])
    options = [entry["c"] for item in found or () for entry in item["homoglyphs"] if entry["c"].isascii()]
    letters = [option for option in options if len(option) == 1 and option.isalpha()]
    return _same_case(character, letters) if letters else character


def _same_case(character: str, letters: list[str]) -> str:
    same = [letter for letter in letters if letter.isupper() == character.isupper()]
    return (same or letters)[0].lower() if (same or letters)[0] != "I" else ("l" if character.islower() else "i")


# One word


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
STRUCTURE = re.compile(r"\s+|[^\s]+")
EDGES = re.compile(r"^([\"'(\[{,.;:?<>]*)(.*?)([\"')\]},.;:?<>!]*)$", re.DOTALL)


def repair(text: str, words: Lexicon, *, desperate: bool = False) -> str:
    """The text with every word replaced that is not one but stands for one.

    `desperate` also tries readings that are unlikely in an ordinary sentence (missing vowels, reversed words, ciphers).
    """
    return "".join(
        part if part.isspace() else _repair_token(part, words, desperate) for part in STRUCTURE.findall(text)
    )


def _repair_token(token: str, words: Lexicon, desperate: bool) -> str:
    before, core, after = EDGES.match(token).groups()
    if core in CODE_WORDS:
        return before + CODE_WORDS[core] + after
    core = core.removesuffix("'s") if not words.knows(core) else core
    if not core or core.isalpha() and words.knows(core) or not any(c.isalpha() for c in core) and len(core) < 3:
        return token
    for attempt in (_no_leet, _no_separators, _no_repeats, _no_mask, _split):
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


def _no_mask(core: str, words: Lexicon) -> str | None:
    if not re.fullmatch(r"[a-z][a-z*#_%.~?-]+[a-z]", core) or not re.search(r"[*#_%.~?]", core):
        return None
    return words.unmask(core)


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


# The whole text


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
        repaired = repair(tidy, words, desperate=coverage(tidy, words) < 0.6)
        found = [("spelling", repaired)] if repaired != tidy else []
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
                   coverage=max(coverage(view, words) for view in views), foreign=_foreign(text, words))


def _foreign(text: str, words: Lexicon) -> float:
    """Share of the letters in words of another script that are not English words in disguise."""
    if text.isascii():
        return 0.0
    originals = re.findall(
        r"[^\W\d_]+", "".join(c for c in unicodedata.normalize("NFKC", text.translate(PLAIN)) if not _invisible(c))
    )
    total = sum(map(len, originals))
    return (
        sum(len(word) for word in originals if foreign_letters(word) and not words.knows(plain(word))) / total
        if total
        else 0.0
    )
