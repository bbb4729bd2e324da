"""The prompt's check under attack: converters, and an adaptive search over compositions of them. In: requests. Out:
Rows.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..safety.policy import Policy
from ..safety.prompt import PromptClassifier
from .converters import CONVERTERS, Converter
from .measure import Row, Tally
from .suites import Request

BUDGET = 24          # questions the adaptive attacker may ask about one request
DEPTH = 3            # converters on top of one another
KEEPS_MEANING = tuple(name for name in CONVERTERS if name not in ("none", "harmless padding"))


def attack_prompts(
    suite: str,
    requests: Sequence[Request],
    judge: PromptClassifier,
    policy: Policy,
    *,
    converters: Sequence[str] = tuple(CONVERTERS),
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Every request under every converter; all texts of a request are converted.

    Benign requests are only judged as they are.
    """
    rows: list[Row] = []
    for name in converters:
        tally = Tally("prompt", suite, name)
        for request in requests:
            if request.unsafe or name == "none":
                verdict = judge.judge([CONVERTERS[name](text) for text in request.texts], policy)
                tally.add(request.category, unsafe=request.unsafe, stopped=not verdict.allowed)
        rows += tally.rows()
        progress(f"{suite}: {name}")
    return rows


def attack_adaptively(
    suite: str, requests: Sequence[Request], judge: PromptClassifier, policy: Policy, *, seed: int = 0
) -> list[Row]:
    """A greedy attacker with a budget.

    It keeps the composition that scores lowest and goes on from there until one passes.
    """
    tally = Tally("prompt", suite, f"adaptive, {BUDGET} questions")
    for number, request in enumerate(requests):
        if request.unsafe:
            passed = _search(request, judge, policy, np.random.default_rng((seed, number)))
            tally.add(request.category, unsafe=True, stopped=passed is None)
    return tally.rows(note="a search, not one attack: the share that withstands it")


def _search(
    request: Request, judge: PromptClassifier, policy: Policy, generator: np.random.Generator
) -> tuple[str, ...] | None:
    """The names of the converters that got a request through, if any did."""
    def ask(names: tuple[str, ...]) -> tuple[bool, float]:
        verdict = judge.judge([_compose([CONVERTERS[name] for name in names])(text) for text in request.texts], policy)
        return verdict.allowed, max(verdict.categories.values(), default=1.0) + (verdict.verdict == "hold")

    best: tuple[tuple[str, ...], float] = ((), 2.0)
    asked = 0
    for _ in range(DEPTH):
        start = best[0]
        for name in generator.permutation(KEEPS_MEANING)[:BUDGET // DEPTH]:
            names = (*start, str(name))
            allowed, score = ask(names)
            asked += 1
            if allowed:
                return names
            if score < best[1]:
                best = (names, score)
    return None


def _compose(converters: Sequence[Converter]) -> Converter:
    def convert(text: str) -> str:
        for converter in converters:
            text = converter(text)
        return text
    return convert
