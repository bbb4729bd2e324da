"""Contrast pairs → labelled prompts: act x depiction x context, drawn from a seed.

In: `contrasts.txt`, which holds what is refused beside what looks like it and is allowed, and the table of names. Out:
Examples, each with the pair it came from, so that pairs can be held out whole. Also what makes a refused act allowed
(a game, a film) where this policy says so, and sentences that are far from everything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .names import TABLE

CONTRASTS = Path(__file__).parent / "contrasts.txt"
EVERYDAY = Path(__file__).parent / "everyday.txt"
DEPICTIONS = (
    "{}",
    "{}",
    "{}",
    "a video of {}",
    "a photo of {}",
    "generate an image of {}",
    "draw {}",
    "show {}",
    "create a scene of {}",
    "a cinematic shot of {}",
    "illustrate {}",
    "visualize {}",
    "a painting of {}",
    "slow motion: {}",
    "depict {}",
    "an animation of {}",
    "please make a short clip of {}",
    "design a poster of {}",
    "{}, 4k, highly detailed",
    "{}, cartoon style",
    "{} at sunset",
    "{}, handheld camera",
    "photorealistic {}",
    "produce a video showing {}",
    "black and white footage of {}",
    "{}, dramatic lighting",
    "a hyperrealistic image of {}",
    "a storyboard frame with {}",
    "i want to see {}",
    "depict a scene in which one sees {}",
    "create an image showing {}",
    "render {}",
    "design a picture of {}",
    "a realistic image of {}",
    "show me {}",
    "sketch {}",
    "{}. wide shot, shallow depth of field",
)
EXCUSES = (
    "for a documentary",
    "for educational purposes",
    "it is only art",
    "for my novel",
    "this is for research",
    "as a joke",
    "it is legal here",
    "for a museum",
    "hypothetically",
    "in a dream",
    "the model is an adult",
    "approved by the author",
)
SETTINGS = (
    "",
    "",
    "",
    " in a quiet street",
    " on a rainy night",
    " in a forest",
    " with people watching",
    " in the style of an oil painting",
    " in a small room",
    " under neon light",
    " in winter",
    " while music plays",
)
WOMEN = (
    "a woman",
    "a young woman",
    "my neighbour",
    "a blonde woman",
    "an old lady",
    "a nurse",
    "the girl next door, 25,",
    "a singer",
    "an asian woman",
    "a girlfriend",
    "a tourist",
    "my ex",
    "a dancer",
    "her",
    "a housewife",
    "a student",
    "a wife",
    "the bride",
)
MEN = (
    "a man",
    "an old man",
    "my neighbour",
    "a soldier",
    "a young man",
    "a worker",
    "a father",
    "a prisoner",
    "a biker",
    "a stranger",
    "him",
    "a husband",
    "a gang member",
    "a businessman",
    "a guy",
    "the groom",
    "a boxer",
    "a clown",
)
CHILDREN = (
    "child",
    "little girl",
    "young boy",
    "schoolgirl",
    "10 year old",
    "13-year-old girl",
    "teenage girl",
    "kid",
    "toddler",
    "boy of eleven",
    "preteen",
    "baby",
    "twelve year old",
)
GARMENTS = (  # whose taking off leaves somebody undressed
    "dress", "bikini", "bathrobe", "towel", "nightgown", "blouse", "skirt", "leotard", "catsuit",
    "bathing costume", "pair of jeans", "silk robe", "shirt", "bra", "kimono", "sari", "tracksuit",
    "uniform", "wetsuit", "costume", "summer dress", "top", "outfit", "sweater", "negligee", "toga",
)
ACCESSORIES = (
    "hat", "scarf", "backpack", "pair of sunglasses", "necklace", "helmet", "pair of gloves", "watch", "crown", "cap",
    "handbag", "camera", "pair of headphones", "mask", "umbrella", "medal", "brooch", "veil", "snorkel", "badge",
)
THINGS = frozenset({"garment", "accessory"})
TOWNS = ("Springfield", "Leeds", "Lyon", "Boston", "Graz", "Perth")
FICTION = (
    "in a video game",
    "in a fantasy novel",
    "in an action movie scene",
    "in a spy thriller film",
    "in a tabletop game",
    "as a game mission",
    "in a board game",
    "in a fictional heist movie",
    "in a comic book",
)
FICTION_ALLOWS = frozenset({"illegal"})  # what a game or a film may show; gore, sexual content and hate stay refused


@dataclass(frozen=True)
class Example:
    """One labelled prompt."""
    text: str
    category: str      # of the policy, or "benign"
    unsafe: bool
    group: str         # what may not be on both sides of a split: the pair, the cluster
    source: str


def pairs(path: Path = CONTRASTS) -> list[tuple[str, str, str]]:
    """(category, refused, allowed) as written; raises ValueError for a line that is not a pair."""
    found, category = [], ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if re.fullmatch(r"\[[a-z_]+\]", line.strip()):
            category = line.strip()[1:-1]
        elif line.strip() and not line.startswith("#"):
            sides = [side.strip() for side in line.split("||")]
            if len(sides) != 2 or not category:
                raise ValueError(f"{path}, line {number}: {line!r} is not 'refused || allowed' under a [category]")
            found.append((category, *sides))
    return found


def everyday(count: int, seed: int, path: Path = EVERYDAY) -> list["Example"]:
    """Allowed prompts that no category is near to, each template a group of its own."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    lists = {m[1]: m[2].split("; ") for line in lines if (m := re.fullmatch(r"\[(\w+)\] (.*; .*)", line))}
    templates = [line for line in lines if not re.fullmatch(r"\[\w+\] .*; .*", line)]
    generator, found = np.random.default_rng(seed), []
    for i in range(count):
        number = i % len(templates)
        text = re.sub(r"\{(\w+)\}", lambda m: str(generator.choice(lists[m[1]])), expand(templates[number], generator))
        found.append(Example(text, "benign", False, f"everyday {number}", "everyday grammar"))
    return found


def entities(kind: str) -> list[str]:
    """Every name of a kind, aliases included."""
    text = TABLE.read_text("utf-8")
    block = re.split(r"^\[", text, flags=re.MULTILINE)
    lines = next(part for part in block if part.startswith(f"{kind}]")).splitlines()[1:]
    return [alias.strip() for line in lines if line.strip() and not line.startswith("#") for alias in line.split("|")]


def expand(template: str, generator: np.random.Generator) -> str:
    """Draw one of every [a|b]."""
    return re.sub(r"\[([^\[\]]*)\]", lambda match: str(generator.choice(match[1].split("|"))), template).strip()


class Grammar:
    """Draws examples; the same seed draws the same ones."""

    def __init__(self) -> None:
        self.pairs = pairs()
        self.figures = entities("celebrity") + entities("politician")
        self.politicians, self.characters, self.brands = (
            entities("politician"),
            entities("character"),
            entities("brand"),
        )

    def twins(self, index: int, generator: np.random.Generator) -> list[Example]:
        """One drawing of a pair: the refused and the allowed prompt, in the same words around the act."""
        category, refused, allowed = self.pairs[index]
        fillings = self._fillings(generator)
        depiction, setting = generator.choice(DEPICTIONS), generator.choice(SETTINGS)
        group = f"pair {category} {index}"
        sides = [depiction.format(_fill(expand(side, generator), fillings) + setting) for side in (refused, allowed)]
        if generator.random() < 0.1:
            sides[0] = f"{sides[0]}, {generator.choice(EXCUSES)}"
        if category in FICTION_ALLOWS and generator.random() < 0.25:
            sides[1] = f"{_fill(expand(refused, generator), fillings).replace('real ', '')} {generator.choice(FICTION)}"
        return [
            Example(text, category, unsafe, group, "contrast grammar")
            for text, unsafe in zip(sides, (True, False), strict=True)
        ]

    def spread(self, drawings: int, seed: int) -> list[Example]:
        """So many drawings of a pair that is one sentence, and up to four times as many of one that leaves much open.
        """
        generator = np.random.default_rng(seed)
        return [example for i, pair in enumerate(self.pairs) for _ in range(drawings * _openness(" ".join(pair[1:])))
                for example in self.twins(i, generator)]

    def draw(self, count: int, seed: int, only: Sequence[int] | None = None) -> list[Example]:
        """`count` pairs, so twice as many examples; `only` names the pairs by number."""
        generator = np.random.default_rng(seed)
        numbers = list(range(len(self.pairs))) if only is None else list(only)
        return [example for i in range(count) for example in self.twins(numbers[i % len(numbers)], generator)]

    def _fillings(self, generator: np.random.Generator) -> dict[str, str]:
        lists = {
            "woman": WOMEN,
            "man": MEN,
            "child": CHILDREN,
            "garment": GARMENTS,
            "accessory": ACCESSORIES,
            "town": TOWNS,
            "figure": self.figures,
            "figure2": self.figures,
            "politician": self.politicians,
            "character": self.characters,
            "character2": self.characters,
            "brand": self.brands,
        }
        return {name: str(generator.choice(list(values))) for name, values in lists.items()}


def _openness(template: str) -> int:
    """1 to 4, by how many sentences a template stands for: every hundredfold adds one."""
    choices = [choice.count("|") + 1 for choice in re.findall(r"\[([^\[\]]*)\]", template)]
    return min(1 + int(np.log10(np.prod([float(n) for n in choices])) / 2), 4)


def _fill(text: str, fillings: dict[str, str]) -> str:
    """Fill the slots; no article twice ("a {woman}" with "a nurse"), but for things, which have none of their own."""
    for name, value in fillings.items():
        if name in THINGS:
            text = text.replace(f"{{{name}}}", value)
        text = re.sub(rf"\b(?:an?|the) \{{{name}\}}|\{{{name}\}}", value if name != "child" else f"a {value}", text)
    text = re.sub(
        r"\b(a|an|the) (?:[a-z-]+ )?(?=(?:a|an|the|my) )",
        lambda m: m[0].removeprefix(m[1]).lstrip() if m[1] else m[0],
        text,
    )
    return re.sub(r" (?=[.,])", "", re.sub(r"\ba (a|an|the) ", "a ", re.sub(r"\s+", " ", text))).strip()
