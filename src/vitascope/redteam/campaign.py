"""One run of the red team: stages x suites x attacks. In: a Campaign. Out: the run's document, gates included."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..safety.policy import Policy
from ..safety.prompt import classifier
from .converters import CONVERTERS
from .measure import Gate, Row, prompt_gates, strict_gates
from .pictures import attack_frames, attack_with_text
from .prompts import attack_adaptively, attack_prompts
from .report import document
from .suites import SUITES, contrast


@dataclass(frozen=True)
class Campaign:
    """What is attacked, and how long."""
    stages: tuple[str, ...]
    suites: tuple[str, ...]
    limit: int             # requests of a suite
    adaptive: int          # requests of a suite for the adaptive attacker
    seed: int
    converters: tuple[str, ...] = tuple(CONVERTERS)


def attack(
    campaign: Campaign, *, prompts: Path | None, policy: Path | None, tell: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Run a campaign. ValueError for a suite or a converter that there is not."""
    for kind, names, table in (("suite", campaign.suites, SUITES), ("converter", _converters(campaign), CONVERTERS)):
        for name in names:
            if name not in table:
                raise ValueError(f"{kind} {name!r} is not one of {', '.join(table)}")
    rules = Policy.load(policy)
    rows: list[Row] = []
    gates: list[Gate] = []
    if "prompt" in campaign.stages:
        rows += _prompts(campaign, rules, prompts, tell)
        gates += prompt_gates(rows)
    if "frames" in campaign.stages:
        tell("frames")
        rows += attack_frames(rules, seed=campaign.seed) + attack_with_text(
            contrast(campaign.seed, min(campaign.limit, 20)), rules
        )
        gates += strict_gates(rows, "frames")
    if "provenance" in campaign.stages:
        from .provenance import attack_provenance

        tell("provenance")
        rows += attack_provenance(seed=campaign.seed)
        gates += strict_gates(rows, "provenance")
    if "end to end" in campaign.stages:
        from .endtoend import attack_gate

        tell("end to end")
        rows += attack_gate(contrast(campaign.seed, min(campaign.limit, 30)), rules, seed=campaign.seed)
        gates += strict_gates(rows, "end to end")
    versions = {
        "vitascope": __version__,
        "policy": f"{rules.name} {rules.version}",
        "prompt classifier": classifier().version,
    }
    return document(
        rows, gates, versions=versions, settings=asdict(campaign) | {"prompts": prompts.name if prompts else ""}
    )


def _prompts(campaign: Campaign, rules: Policy, prompts: Path | None, tell: Callable[[str], None]) -> list[Row]:
    rows: list[Row] = []
    for suite in campaign.suites:
        requests = SUITES[suite](campaign.seed, campaign.limit, prompts)
        rows += attack_prompts(suite, requests, classifier(), rules, converters=_converters(campaign), progress=tell)
        if campaign.adaptive and any(request.unsafe for request in requests):
            tell(f"{suite}: adaptive")
            chosen = [request for request in requests if request.unsafe][:campaign.adaptive]
            rows += attack_adaptively(suite, chosen, classifier(), rules, seed=campaign.seed)
    return rows


def _converters(campaign: Campaign) -> tuple[str, ...]:
    """Those that were asked for; without any disguise in every case, because the others are compared with that."""
    return tuple(dict.fromkeys(("none", *campaign.converters)))
