"""The texts of one request → a Verdict: prompt, expanded prompt, negative prompt, cards, file names, lineage of edits.

Every text is read in all the ways that `canonical` finds, its names replaced by what they are; each reading is
scored by MiniLM with low-rank changes and by hashed n-grams, and the worst counts. The texts are also scored joined
together, because harmless steps add up. No torch: this runs in the command line and loads in half a second.

Trained by `python -m vitascope.safety.learn`; it knows English, and holds what is not.
"""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from safetensors import safe_open

from .canonical import Reading, coverage, read
from .encoder import Encoder, gelu, softmax
from .language import guess, words_of
from .letters import plain
from .lexicon import lexicon
from .names import Entity, names, replace
from .ngrams import buckets
from .policy import CATEGORIES, Policy, Verdict, decide

WEIGHTS = Path(__file__).parent.parent / "weights" / "safety"
FOREIGN = 0.3              # share of letters of other scripts from which a text is not English
READABLE = 0.5             # share of letters in known words below which two unknown words cannot be judged
WORTH = 0.2                # ... below which a way of reading it is not scored
MOSTLY = 0.8               # ... above which a text with as many English function words as foreign ones is English
AT_ONCE = 16               # windows that go through the encoder together
FEWEST_WORDS = 4           # of a sentence before its language is guessed
SHORTEST_NAMED = 3         # letters of a word in a file's name
APPS = frozenset(  # and devices, which put their own names into those of files
    "whatsapp instagram snapchat telegram tiktok youtube facebook gopro iphone samsung".split()
)
USUAL_NEGATIVES = frozenset(
    "nsfw nude nudity naked gore blood bloody violence violent sexual ugly deformed mutated mutilated disfigured "
    "extra limbs missing bad worst low quality blurry watermark text logo jpeg artifacts cropped anatomy hands "
    "fingers lowres bokeh noise noisy grain grainy compression signature username caption subtitles duplicate "
    "malformed poorly drawn oversaturated overexposed underexposed pixelated unfocused out of focus distorted "
    "distortion proportions glitch flicker flickering jitter border".split()
)


@dataclass(frozen=True)
class PromptClassifier:
    """The trained classifier."""
    categories: tuple[str, ...]
    version: str
    longest: int                       # tokens that are scored at once
    encoder: Encoder
    head: dict[str, np.ndarray]
    ngrams: np.ndarray                 # (buckets, categories) int8
    ngram_scale: np.ndarray            # (categories,)
    mix: np.ndarray                    # (2, categories)
    bias: np.ndarray                   # (categories,)

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "PromptClassifier":
        """Read the packaged weights; ValueError if they are missing, or judge other categories than the policy has."""
        path = folder / "prompt.safetensors"
        if not path.exists():
            raise ValueError(
                f"the prompt classifier's weights {path} are missing: without them nothing can be let through"
            )
        document = json.loads((folder / "prompt.json").read_text("utf-8"))
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if set(document["categories"]) != set(CATEGORIES):
            raise ValueError(f"{path} judges {', '.join(document['categories'])}; expected {', '.join(CATEGORIES)}")
        longest = document["training"]["longest"]
        head = {name.removeprefix("head."): tensor.astype(np.float32) for name, tensor in tensors.items()
                if name.startswith("head.")}
        loaded = cls(
            tuple(document["categories"]),
            hashlib.sha256(path.read_bytes()).hexdigest()[:12],
            longest,
            Encoder.load(tensors, longest=longest),
            head,
            tensors["ngram.weight"],
            tensors["ngram.scale"],
            tensors["mix"],
            tensors["bias"],
        )
        loaded.judge(["a warm-up"], Policy.load())  # reads the tables, so that the first request waits no longer
        return loaded

    def score(self, views: Sequence[str]) -> np.ndarray:
        """Probabilities (views, categories) of texts in plain letters, names replaced.

        A long text is the worst of its windows.
        """
        windows = [self._windows(view) for view in views]
        logits = iter(self._network([tokens for found in windows for tokens in found]))
        network = np.stack([np.max([next(logits) for _ in found], 0) for found in windows])  # (views, categories)
        grams = np.stack([self._ngrams(view) for view in views])
        return 1 / (1 + np.exp(-np.clip(network * self.mix[0] + grams * self.mix[1] + self.bias, -30, 30)))

    def judge(self, texts: Sequence[str], policy: Policy, *, negative: Sequence[str] = ()) -> Verdict:
        """The verdict on all texts of one request together, the oldest of an edited video's texts first.

        `negative` holds negative prompts: what is asked to be absent, which is judged as "without ..." beside the rest.
        """
        started = time.perf_counter()
        if policy.off:
            return decide({}, policy, checks=({"check": "prompt", "ran": False, "why": "the policy is switched off"},))
        texts = [text for text in dict.fromkeys(texts) if text.strip()]
        readings, absent = ([read(text[:policy.longest]) for text in each] for each in (texts, negative))
        views = list(dict.fromkeys(view for reading in readings for view in _worth_scoring(reading)))
        views += _together(readings)
        views += [f"{_joined(readings)} without {view}" for reading in absent for view in _wanted(reading)]
        found = [names(policy.protected_names).find(view) for view in views]
        scored = list(dict.fromkeys(replace(view, entities) for view, entities in zip(views, found, strict=True)))
        scores = self.score(scored).max(0) if scored else np.zeros(len(self.categories))
        result = dict(zip(self.categories, (float(score) for score in scores), strict=True))
        if any(entity.kind == "protected" for entities in found for entity in entities):
            result["public_figures"] = 1.0
        held = _held((*texts, *negative), (*readings, *absent), policy)
        check = {"check": "prompt", "ran": True, "version": self.version, "texts": len(texts), "readings": len(scored),
                 "undone": sorted({step for reading in readings for step in reading.steps}), "names": _kinds(found),
                 "scores": {name: round(score, 4) for name, score in result.items()}}
        return decide(result, policy, held=held, checks=(check,), latency_ms=(time.perf_counter() - started) * 1e3)

    def _windows(self, view: str) -> list[list[int]]:
        """Token numbers of a text; of a long one, in windows of whole sentences, each beginning with the end of the one
        before, and of every sentence alone, so that harmless ones around it do not outweigh it.
        """
        whole = self.encoder.tokens(view)
        if len(whole) < self.longest:
            return [whole]
        sentences = [s for s in re.split(r"(?<=[.!?;\n])\s+", view) if s]
        pieces = [piece for s in sentences for piece in _pieces(s, 3 * self.longest)]
        windows, current = list(dict.fromkeys(piece for piece in pieces if len(words_of(piece)) >= FEWEST_WORDS)), ""
        for sentence in pieces:
            if current and len(self.encoder.tokens(f"{current} {sentence}")) >= self.longest:
                windows.append(current)
                current = f"{current[-120:].partition(' ')[2]} {sentence}"
            else:
                current = f"{current} {sentence}".strip()
        return [self.encoder.tokens(window) for window in [*windows, current]]

    def _network(self, windows: Sequence[list[int]]) -> list[np.ndarray]:
        """Logits (categories,) of every window; the arithmetic is that of `learn.Head`."""
        found = []
        for first in range(0, len(windows), AT_ONCE):
            for states in self.encoder(windows[first:first + AT_ONCE]):
                z = gelu(states @ self.head["project.weight"].T + self.head["project.bias"])              # (L, hidden)
                weights = softmax(z @ self.head["look.weight"].T + self.head["look.bias"], axis=0)  # (L, categories)
                chosen = weights.T @ z  # (categories, hidden)
                found.append((chosen * self.head["weigh"]).sum(-1) + self.head["mean"] @ z.mean(0) + self.head["bias"])
        return found

    def _ngrams(self, view: str) -> np.ndarray:
        """Logits (categories,), without the bias."""
        found = buckets(view)
        return self.ngrams[found].sum(0, dtype=np.float32) * self.ngram_scale / max(len(found), 1) ** 0.5


@lru_cache(maxsize=1)
def classifier() -> PromptClassifier:
    """The packaged classifier, read once."""
    return PromptClassifier.load()


def judge(texts: Sequence[str], policy: Policy, *, negative: Sequence[str] = ()) -> Verdict:
    """The verdict of the packaged classifier on the texts of one request together."""
    return classifier().judge(texts, policy, negative=negative)


def judge_name(file: str, policy: Policy) -> Verdict:
    """The verdict on the name of a file that somebody brings: on the words in it that can be read, and on no others."""
    words = [word for word in re.findall(r"[a-z]+", plain(Path(file).stem)) if len(word) >= SHORTEST_NAMED]
    known, table = lexicon(), names(policy.protected_names)
    told = [word for word in words if word not in APPS and (known.knows(word) or table.find(word))]
    return classifier().judge([f'a video called "{" ".join(told)}"'] if told else [], policy)


def _worth_scoring(reading: Reading) -> list[str]:
    """The readable views; if none is, the first."""
    good = [view for view in reading.views if coverage(view, lexicon()) >= WORTH]
    return good or [reading.views[0]]


def _best(reading: Reading) -> str:
    """The view that reads most like English."""
    return max(reading.views, key=lambda view: coverage(view, lexicon()))


def _joined(readings: Sequence[Reading]) -> str:
    return ". ".join(_best(reading).rstrip(". ") for reading in readings)


def _together(readings: Sequence[Reading]) -> list[str]:
    """All texts as one, and every two neighbours as one: steps that are harmless alone."""
    bests = list(dict.fromkeys(_best(reading).rstrip(". ") for reading in readings))
    pairs = [f"{a}. {b}" for a, b in pairwise(bests)]
    return list(dict.fromkeys([*pairs, ". ".join(bests)])) if len(bests) > 1 else []


def _wanted(negative: Reading) -> list[str]:
    """What a negative prompt takes away, apart from the usual lists of faults and of what is refused anyway."""
    parts = [part.strip() for part in re.split(r"[,;\n]", _best(negative))]
    unusual = [part for part in parts if part and not set(re.findall("[a-z]+", part)) <= USUAL_NEGATIVES]
    return [", ".join(unusual)] if unusual else []


def _pieces(sentence: str, longest: int) -> list[str]:
    """A sentence in pieces of at most so many characters, cut between words."""
    return re.findall(rf".{{1,{longest}}}(?:\s+|$)|\S{{1,{longest}}}", sentence) or [sentence]


def _held(texts: Sequence[str], readings: Sequence[Reading], policy: Policy) -> tuple[str, ...]:
    """Why texts cannot be judged."""
    reasons = []
    if any(len(text) > policy.longest for text in texts):
        reasons.append(f"A text of more than {policy.longest} characters cannot be judged here; shorten it. "
                       f"To appeal: {policy.appeal}.")
    if not all(_is_judged(reading, policy) for reading in readings):
        reasons.append("A text is in a language or a spelling that cannot be judged here (languages: "
                       f"{', '.join(policy.languages)}); write it plainly in one of these. To appeal: {policy.appeal}.")
    return tuple(reasons)


def _is_judged(reading: Reading, policy: Policy) -> bool:
    best = _best(reading)
    if reading.foreign >= FOREIGN:
        return False
    unknown = [word for word in words_of(best) if not lexicon().knows(word)]
    if reading.coverage < READABLE and len(unknown) > 1:
        return False
    for sentence in (best, *re.split(r"[.!?\n]+", best)):
        words = words_of(sentence)
        if len(words) >= FEWEST_WORDS or sentence == best:
            language, evidence, english = guess(words)
            clear = evidence > 2 * english and evidence > 1
            mixed = evidence > english and coverage(sentence, lexicon()) < MOSTLY
            if (clear or mixed) and language not in policy.languages:
                return False
    return True


def _kinds(found: Sequence[Sequence[Entity]]) -> list[str]:
    """Which kinds of names there were; the record keeps no name."""
    return sorted({entity.kind for entities in found for entity in entities})
