"""What an operator allows: categories, thresholds and actions, read from a TOML file; and the verdict a check ends in.

In: a file or nothing (then the packaged policy). Out: a Policy that the prompt's and the frames' checks take, and
the one function that turns scores into a Verdict. Knows nothing of how scores come about.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

PACKAGED = Path(__file__).parent / "policy.toml"
CATEGORIES = (
    "sexual",
    "minors",
    "violence",
    "hate",
    "self_harm",
    "public_figures",
    "intellectual_property",
    "illegal",
    "deception",
    "privacy",
)
DESCRIPTION = ".toml"  # ending of the name of a reviewer that the operator supplies, see `supplied`
Answer = Literal["allow", "hold", "block"]


@dataclass(frozen=True)
class Rule:
    """One category's row of the policy."""
    title: str       # as a person reads it
    advice: str      # how to rephrase, without the words that were refused
    block: float     # score of a text from which it is refused
    hold: float      # ... from which a person has to look first
    frames: float    # score of a frame from which a clip is refused


@dataclass(frozen=True)
class Policy:
    """What is allowed. `off` is only ever set by `Policy.switched_off`, and is recorded with every video."""
    name: str
    version: str
    appeal: str
    languages: tuple[str, ...]
    longest: int                          # characters of one text
    protected_names: tuple[str, ...]
    reviewers: tuple[str, ...]            # of frames, by name
    upload_reviewers: tuple[str, ...]     # ... of frames that somebody brings, besides these
    gallery: str                          # folder of portraits, or ""
    gallery_similarity: float             # cosine
    visible_mark: str                     # words on every frame, or ""
    categories: Mapping[str, Rule]
    off: bool = False

    @classmethod
    def load(cls, path: Path | str | None = None) -> "Policy":
        """Read a policy; whatever a file leaves out is as in the packaged one, and files that it names lie beside it.

        ValueError for what it cannot mean.
        """
        packaged = tomllib.loads(PACKAGED.read_text("utf-8"))
        if path is None:
            return _policy(packaged, str(PACKAGED))
        try:
            given = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the policy {path} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"the policy {path} is not TOML: {error}") from error
        _check_keys(given, packaged, str(path))
        rules = {name: packaged["categories"][name] | given.get("categories", {}).get(name, {}) for name in CATEGORIES}
        return _policy(packaged | given | {"categories": rules}, str(path))._beside(Path(path).parent)

    def _beside(self, folder: Path) -> "Policy":
        """The same policy with the files that it names in a folder, unless they are absolute."""
        def named(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(str(folder / name) if name.endswith(DESCRIPTION) else name for name in names)

        return replace(self, reviewers=named(self.reviewers), upload_reviewers=named(self.upload_reviewers),
                       gallery=str(folder / self.gallery) if self.gallery else "")

    def switched_off(self) -> "Policy":
        """The same policy, checking nothing: for an operator who said so in as many words."""
        return replace(self, off=True)

    def record(self) -> dict[str, Any]:
        """What a video's credentials say about the policy it was made under."""
        thresholds = {
            name: {"block": rule.block, "hold": rule.hold, "frames": rule.frames}
            for name, rule in self.categories.items()
        }
        return {"name": self.name, "version": self.version, "off": self.off, "visible_mark": self.visible_mark,
                "categories": thresholds}


@dataclass(frozen=True)
class Verdict:
    """What a check ended in."""
    verdict: Answer
    categories: dict[str, float]          # score of every category, 0 to 1
    reasons: tuple[str, ...]              # for the person who asked: category, how to rephrase, how to appeal
    checks: tuple[dict[str, Any], ...]    # what ran, with versions and scores
    latency_ms: float

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"

    def document(self) -> dict[str, Any]:
        """As JSON can hold it, numbers rounded."""
        scores = {name: round(score, 4) for name, score in self.categories.items()}
        return asdict(self) | {"categories": scores, "latency_ms": round(self.latency_ms, 2)}


def decide(
    scores: Mapping[str, float],
    policy: Policy,
    *,
    held: tuple[str, ...] = (),          # reasons to hold that are no category's: a language, a length
    failed: tuple[str, ...] = (),        # checks that could not run: these block
    frames: bool = False,
    checks: tuple[dict[str, Any], ...] = (),
    latency_ms: float = 0.0,
) -> Verdict:
    """Scores by category → the verdict under a policy. A check that could not run blocks; so does a score that is none,
    for NaN reaches no threshold.
    """
    broken = [policy.categories[name].title for name, score in scores.items() if not 0 <= score <= 1]
    failed = (*failed, *(f"The check for {title} gave no score" for title in broken))
    blocked = [name for name, score in scores.items() if score >= _limit(policy.categories[name], frames)]
    looked_at = [name for name, score in scores.items()
                 if name not in blocked and not frames and score >= policy.categories[name].hold]
    reasons = [_refusal(policy, name, frames) for name in sorted(blocked, key=lambda name: -scores[name])]
    reasons += [
        f"A person has to look at this first ({policy.categories[name].title}). To appeal: {policy.appeal}."
        for name in looked_at
    ]
    reasons += list(held) + [f"{check}, so this cannot be let through. To appeal: {policy.appeal}." for check in failed]
    answer: Answer = "block" if blocked or failed else "hold" if looked_at or held else "allow"
    return Verdict(answer, {name: float(score) for name, score in scores.items()}, tuple(reasons), checks, latency_ms)


def _limit(rule: Rule, frames: bool) -> float:
    return rule.frames if frames else rule.block


def _refusal(policy: Policy, name: str, frames: bool) -> str:
    rule = policy.categories[name]
    what = "The result was withheld" if frames else "This was refused"
    return f"{what} under the policy on {rule.title}. {rule.advice} If this is a mistake: {policy.appeal}."


def _policy(document: dict[str, Any], where: str) -> Policy:
    rules = {name: _rule(name, row, where) for name, row in document["categories"].items()}
    values = {field.name: document[field.name] for field in fields(Policy) if field.name not in ("off", "categories")}
    for name, kind in (
        ("name", str),
        ("version", str),
        ("appeal", str),
        ("gallery", str),
        ("visible_mark", str),
        ("longest", int),
        ("gallery_similarity", (int, float)),
    ):
        if not isinstance(values[name], kind) or isinstance(values[name], bool):
            raise ValueError(f"{where}: {name} = {values[name]!r} is of the wrong kind")
    if not 0 < values["gallery_similarity"] < 1:
        raise ValueError(f"{where}: gallery_similarity = {values['gallery_similarity']} is not between 0 and 1")
    for name in ("languages", "protected_names", "reviewers", "upload_reviewers"):
        if not isinstance(values[name], list) or not all(isinstance(item, str) for item in values[name]):
            raise ValueError(f"{where}: {name} = {values[name]!r} is not a list of texts")
        values[name] = tuple(values[name])
    if "likeness" in values["reviewers"] + values["upload_reviewers"]:
        raise ValueError(f"{where}: the reviewer 'likeness' is the gallery's; set gallery instead")
    return Policy(**values, categories=MappingProxyType(rules))


def _rule(name: str, row: dict[str, Any], where: str) -> Rule:
    for key in ("block", "hold", "frames"):
        if isinstance(row[key], bool) or not isinstance(row[key], (int, float)) or not row[key] > 0:  # NaN is not
            raise ValueError(
                f"{where}: categories.{name}.{key} = {row[key]!r} is not a number above 0 (above 1 allows everything)"
            )
    for key in ("title", "advice"):
        if not isinstance(row[key], str):
            raise ValueError(f"{where}: categories.{name}.{key} = {row[key]!r} is not a text")
    if row["hold"] > row["block"]:
        raise ValueError(f"{where}: categories.{name}.hold = {row['hold']} lies above block = {row['block']}")
    return Rule(**row)


def _check_keys(given: dict[str, Any], packaged: dict[str, Any], where: str) -> None:
    """Unknown keys are named: a misspelt category must not silently allow anything."""
    _check_table(given, packaged, where, "")
    _check_table(given.get("categories", {}), packaged["categories"], where, "categories.")
    for name, row in given.get("categories", {}).items():
        _check_table(row, packaged["categories"][name], where, f"categories.{name}.")


def _check_table(given: Any, known: dict[str, Any], where: str, prefix: str) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"{where}: {prefix.rstrip('.')} = {given!r} is no table")
    for key in given:
        if key not in known:
            raise ValueError(f"{where}: {prefix}{key} is not one of {', '.join(known)}")
