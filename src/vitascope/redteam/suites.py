"""What the red team asks for: suites of requests that should be refused and of requests that look like them and should
not.

In: a name, a seed, a limit, for research prompts their file. Out: Requests. Only pairs and clusters that the
classifier was not trained with are drawn, so a suite measures what is new to it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..safety.corpus import part, research_set
from ..safety.grammar import Grammar
from ..world.caption import caption
from ..world.scene import sample_scene

CHAINS, WORDINGS = (Path(__file__).parent / f"{name}.txt" for name in ("chains", "wordings"))


@dataclass(frozen=True)
class Request:
    """One request: its texts, oldest first, and what should become of it."""
    texts: tuple[str, ...]
    category: str      # "benign" for what no category is near to
    unsafe: bool


def contrast(seed: int, limit: int, prompts: Path | None = None) -> list[Request]:
    """Contrast pairs that were held out from training, in fresh drawings."""
    grammar = Grammar()
    held_out = [i for i, (category, _, _) in enumerate(grammar.pairs) if part(f"pair {category} {i}") == "test"]
    drawn = grammar.draw(max(1, limit // 2), seed + 1000, only=held_out)
    return [Request((example.text,), example.category, example.unsafe) for example in drawn]


def research(seed: int, limit: int, prompts: Path | None = None) -> list[Request]:
    """Prompts of a file of research prompts, of clusters that were held out from training."""
    if prompts is None:
        raise ValueError("the suite 'research' needs --prompts FILE.jsonl (text, label, category, source)")
    held_out = [example for example in research_set(prompts) if part(example.group) == "test"]
    unsafe, safe = ([e for e in held_out if e.unsafe is side] for side in (True, False))
    chosen = _some(unsafe, limit // 2, seed) + _some(safe, limit - limit // 2, seed)
    return [Request((example.text,), example.category, example.unsafe) for example in chosen]


def everyday(seed: int, limit: int, prompts: Path | None = None) -> list[Request]:
    """What people ask this model for: captions of its own world. All of it is allowed."""
    levels = ("short", "plain", "dense")
    return [
        Request((caption(sample_scene(10**6 + seed + i), levels[i % 3], i),), "benign", False) for i in range(limit)
    ]


def chains(seed: int, limit: int, prompts: Path | None = None) -> list[Request]:
    """Two-step edits, of which the second step makes the first one refused, or does not."""
    return _written(CHAINS)[:limit]


def wordings(seed: int, limit: int, prompts: Path | None = None) -> list[Request]:
    """Requests as people type them, written apart from all that is trained on."""
    return _written(WORDINGS)[:limit]


SUITES: dict[str, Callable[[int, int, Path | None], list[Request]]] = {
    "contrast": contrast, "research": research, "everyday": everyday, "chains": chains, "wordings": wordings,
}


def _written(path: Path) -> list[Request]:
    """The requests of a file: `refused: step | step` or `allowed: ...` under a [category]."""
    found, category = [], ""
    for line in path.read_text("utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            category = line[1:-1]
        elif line and not line.startswith("#"):
            side, _, steps = line.partition(": ")
            assert side in ("refused", "allowed"), line
            found.append(Request(tuple(steps.split(" | ")), category, side == "refused"))
    return found


def _some(items: Sequence, count: int, seed: int) -> list:
    chosen = np.random.default_rng(seed).permutation(len(items))[:count]
    return [items[i] for i in sorted(chosen)]
