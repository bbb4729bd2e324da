"""Any characters → plain letters: NFKC, invisible ones stripped, look-alikes of UTS 39 and of other scripts folded.

In: a string. Out: lower case, plain where there is a plain form; and how much of it is in another script. Knows no
words but those that tell a disguise from a language.
"""

import re
import unicodedata
from functools import lru_cache

from .language import foreign_letters
from .lexicon import Lexicon

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


def foreign_share(text: str, words: Lexicon) -> float:
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
