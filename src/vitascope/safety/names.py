"""Names of people, characters and brands in a text, found under aliases, run together and with one slip of the pen.

In: a text in plain letters and a table of names. Out: the entities found, and the text with each name replaced by what
it is ("celebrity", "politician", "famous character", "famous brand"), so that the classifier learns what may be done
with any of them and not who they are. Names that are ordinary words ("Prince", "Pink") stand in the table only together
with a word that makes them clear.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .lexicon import lexicon

TABLE = Path(__file__).parent / "names.txt"
STAND_INS = {
    "politician": "politician",
    "celebrity": "celebrity",
    "character": "famous character",
    "brand": "famous brand",
    "protected": "celebrity",
}
LONGEST_NAME = 7      # words
SHORTEST_SLIP = 8     # letters of a name in which one slip is forgiven, spaces left out
SHORTEST_JOINED = 8   # letters of a name that is found without its spaces


@dataclass(frozen=True)
class Entity:
    """One name in a text."""
    kind: str          # politician, celebrity, character, brand, protected
    name: str          # as the table's line begins
    start: int         # characters of the text it was found in
    end: int


@dataclass(frozen=True)
class Names:
    """A table of names by spelling, in plain letters without spaces or signs."""
    spellings: dict[str, tuple[str, str]]      # "taylorswift" → ("celebrity", "Taylor Swift")
    words: dict[str, int]                      # how many words the spelling has
    slips: dict[str, str]                      # a spelling with one letter left out → the spelling
    beginnings: frozenset[str]                 # of the spellings, three letters: what most words fail at once

    @classmethod
    def load(cls, path: Path = TABLE, *, protected: tuple[str, ...] = ()) -> "Names":
        """Read a table; `protected` are names that an operator adds. Raises ValueError for a line outside a section."""
        lines = [
            (number, line.split("#")[0].strip()) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        ]
        kind, found = "", {}
        for number, line in lines:
            if line.startswith("["):
                kind = line.strip("[]")
                if kind not in STAND_INS:
                    raise ValueError(f"{path}, line {number}: [{kind}] is not one of {', '.join(STAND_INS)}")
            elif line and not kind:
                raise ValueError(f"{path}, line {number}: {line!r} stands before the first [section]")
            elif line:
                aliases = [alias.strip() for alias in line.split("|")]
                found |= {alias: (kind, aliases[0]) for alias in aliases}
        return cls.build(found | {name: ("protected", name) for name in protected})

    @classmethod
    def build(cls, found: dict[str, tuple[str, str]]) -> "Names":
        spellings = {_bare(alias): entity for alias, entity in found.items()}
        words = {_bare(alias): len(_tokens(alias)) for alias in found}
        slips: dict[str, str] = {}
        for spelling in spellings:
            for i in range(len(spelling)) if len(spelling) >= SHORTEST_SLIP else ():
                slips.setdefault(spelling[:i] + spelling[i + 1:], spelling)
        return cls(spellings, words, slips, frozenset(spelling[:3] for spelling in spellings))

    def find(self, text: str) -> list[Entity]:
        """The entities of a text, longest names first where they overlap, in the order of the text."""
        tokens = list(re.finditer(r"[^\W_]+(?:['’.-][^\W_]+)*", text))
        bare, known = [_bare(token[0]) for token in tokens], lexicon().rank
        found, start = [], 0
        while start < len(tokens):
            if "".join(bare[start:start + 3])[:3] not in self.beginnings:
                start += 1
                continue
            for count in range(min(LONGEST_NAME, len(tokens) - start), 0, -1):
                words = bare[start:start + count]
                slips = 1 < count < 4 and not all(word in known for word in words)
                possessive = re.search(r"['’]s?$", tokens[start + count - 1][0]) is not None
                entity = self._match("".join(words), count, slips=slips, possessive=possessive)
                if entity is not None:
                    found.append(Entity(*entity, tokens[start].start(), tokens[start + count - 1].end()))
                    start += count - 1
                    break
            start += 1
        return found

    def _match(self, whole: str, count: int, *, slips: bool, possessive: bool) -> tuple[str, str] | None:
        """The entity that a phrase of so many words, spelt without spaces, stands for."""
        options = [whole] + ([whole.removesuffix("s")] if possessive or len(whole) > 7 and whole.endswith("s") else [])
        for spelling in options:
            if spelling in self.spellings and (self.words[spelling] == count or len(spelling) >= SHORTEST_JOINED):
                return self.spellings[spelling]
        if slips and len(whole) >= SHORTEST_SLIP - 1:
            spelling = self._one_slip(whole)
            if spelling is not None and self.words[spelling] == count:
                return self.spellings[spelling]
        return None

    def _one_slip(self, bare: str) -> str | None:
        """The spelling one letter away: dropped, added, or changed and swapped by way of a shorter form they share."""
        if bare in self.slips:
            return self.slips[bare]
        shorter = [bare[:i] + bare[i + 1:] for i in range(len(bare))]
        return next((s for s in shorter if s in self.spellings and len(s) >= SHORTEST_SLIP), None) or next(
            (self.slips[s] for s in shorter if s in self.slips), None)


def replace(text: str, entities: list[Entity]) -> str:
    """The text with every name replaced by what it is."""
    for entity in reversed(entities):
        ending = "'s" if re.search(r"['’]s?$", text[entity.start:entity.end]) else ""
        text = text[:entity.start] + STAND_INS[entity.kind] + ending + text[entity.end:]
    return text


@lru_cache(maxsize=8)
def names(protected: tuple[str, ...] = ()) -> Names:
    """The packaged table, with an operator's names added."""
    return Names.load(protected=protected)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", text)


def _bare(text: str) -> str:
    """Small letters and digits only, without accents."""
    text = text.lower()
    return "".join(c for c in (text if text.isascii() else unicodedata.normalize("NFD", text)) if c.isalnum())
