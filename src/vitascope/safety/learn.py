"""Train the prompt classifier:  python -m vitascope.safety.learn --prompts PROMPTS.jsonl --out DIRECTORY

data → model → optimiser → loop → calibration → figures on what was held out. Some ten minutes of one core.

The lower layers of MiniLM are left as they are and run once; the upper ones learn low-rank changes (LoRA).
"""

import argparse
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..models.text import WIDTH, Layer, Text
from ..precision import fast_precision
from ..train.state import write_text
from .corpus import Corpus, Example, all_examples, judged, new_words, sample, with_variants
from .ngrams import BUCKETS, buckets
from .policy import CATEGORIES

CHILD = re.compile(
    r"\b(?:child(?:ren)?|minors?|teen(?:s|ager|agers|age)?|kids?|toddlers?|babies|baby|boys?|girls?|"
    r"school ?(?:girl|boy)s?|preteens?|adolescents?|underage|pupils?|infants?|(?:[1-9]|1[0-7])[- ]years?[- ]old)\b"
)


@dataclass(frozen=True)
class Training:
    """How the classifier is trained."""
    first_layer: int = 2          # layers below it stay as they are
    rank: int = 16                # of the changes
    hidden: int = 192             # width of the head
    longest: int = 80             # tokens of one text
    tokens: int = 2200            # of a batch
    epochs: int = 4
    rate: float = 2e-3
    easy: float = 0.05            # loss below which a text counts as learnt
    review: float = 0.25          # share of the learnt texts that an epoch goes over again
    ngram_rate: float = 6e-2
    research: float = 2.0         # weight of the research set's pairs, of which there are fewer than of ours
    unsafe_weight: float = 2.5    # of a refused prompt among them, which has 4 benign ones for each
    others_weight: float = 0.3    # of "not in this category" for a refused prompt: nobody checked
    seed: int = 0


# Targets


def targets(examples: Sequence[Example], config: Training) -> tuple[Tensor, Tensor]:
    """Labels (B, categories) and weights (B, categories)."""
    labels, weights = torch.zeros(2, len(examples), len(CATEGORIES))
    for i, example in enumerate(examples):
        weights[i] = config.others_weight if example.unsafe else 1.0
        if example.unsafe:
            found, researched = {example.category}, example.source == "OVERT"
            if example.category == "sexual" and researched and CHILD.search(example.text):
                found.add("minors")
            if example.category == "minors":
                weights[i, CATEGORIES.index("sexual")] = 0.0
            if example.category == "public_figures" and researched:
                found.add("privacy")
            for category in found:
                labels[i, CATEGORIES.index(category)] = weights[i, CATEGORIES.index(category)] = 1.0
            weights[i] *= config.unsafe_weight if researched else 1.0
        weights[i] *= config.research if example.source == "OVERT" else 1.0
    return labels, weights


# Model


class Change(nn.Module):
    """A linear layer that stays as it is, plus a low-rank change that is learnt, zero at first (LoRA)."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))  # zero-initialised

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + (x @ self.down.T) @ self.up.T


class Head(nn.Module):
    """States (B, L, 384) → logits (B, categories): every category looks at the words that matter to it."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(WIDTH, hidden)
        self.look = nn.Linear(hidden, len(CATEGORIES))
        self.weigh, self.mean = (nn.Parameter(torch.zeros(len(CATEGORIES), hidden)) for _ in range(2))
        self.bias = nn.Parameter(torch.full((len(CATEGORIES),), -2.0))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        z = F.gelu(self.project(x))                                                        # (B, L, hidden)
        weights = self.look(z).masked_fill(~mask[..., None], -1e4).softmax(1)              # (B, L, categories)
        chosen = torch.einsum("b l c, b l h -> b c h", weights, z)
        mean = (z * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)                    # (B, hidden)
        return (chosen * self.weigh).sum(-1) + mean @ self.mean.T + self.bias              # (B, categories)


class Classifier(nn.Module):
    """The upper layers with their changes, and the head."""

    def __init__(self, layers: Sequence[Layer], config: Training) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        for layer in self.layers:
            for name in ("query", "key", "value", "attend", "expand", "contract"):
                setattr(layer, name, Change(getattr(layer, name), config.rank))
        self.head = Head(config.hidden)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = F.dropout(x, 0.1, self.training)
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(F.dropout(x, 0.1, self.training), mask)


@torch.no_grad()
def lower_states(text: Text, texts: Sequence[str], config: Training) -> list[Tensor]:
    """States (L, 384) float16 of every text after the layers that stay as they are."""
    text.tokenizer.enable_truncation(config.longest)
    ids = [item.ids for item in text.tokenizer.encode_batch(list(texts))]
    found: list[Tensor] = [torch.empty(0)] * len(texts)
    for batch in batches([len(i) for i in ids], 4000, None):
        tokens, mask = padded([torch.tensor(ids[i]) for i in batch])
        encoder = text.encoder
        x = encoder.norm(encoder.words(tokens) + encoder.positions.weight[:tokens.shape[1]] + encoder.kinds.weight[0])
        with fast_precision():
            for layer in encoder.layers[:config.first_layer]:
                x = layer(x, mask)
        for row, i in enumerate(batch):
            found[i] = x[row, :len(ids[i])].half()
    return found


def padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of different lengths → one tensor and its mask (B, L)."""
    x = nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    return x, torch.arange(x.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]


def batches(lengths: Sequence[int], tokens: int, generator: np.random.Generator | None) -> Iterator[list[int]]:
    """Numbers of texts of about one length, about so many tokens together; shuffled with a generator."""
    noise = generator.random(len(lengths)) * 3 if generator is not None else np.zeros(len(lengths))
    order, found, batch = np.argsort(np.asarray(lengths) + noise, kind="stable"), [], []
    for i in order:
        if batch and (len(batch) + 1) * lengths[i] > tokens:
            found.append(batch)
            batch = []
        batch.append(int(i))
    found.append(batch)
    return iter([found[i] for i in generator.permutation(len(found))] if generator is not None else found)


def losses(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """(B,): cross-entropy per category, plus that of "refused at all" as 1 - Π(1 - p)."""
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    none = F.logsigmoid(-logits).sum(-1).clamp(max=-1e-6)                                  # (B,), log of the product
    unsafe = labels.amax(-1)
    whole = -(unsafe * torch.log1p(-none.exp()) + (1 - unsafe) * none)
    return (each * weights).sum(-1) + whole * weights.amax(-1)


def loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    return losses(logits, labels, weights).mean()


# Loop


def train_network(
    model: Classifier,
    states: list[Tensor],
    examples: list[Example],
    config: Training,
    *,
    out: Path,
    validate: Callable[[Classifier], str],
) -> None:
    """Epochs in batches of about one length: the first over all texts, the others over those that were not learnt yet
    and a share of the rest. The same command goes on after the last whole epoch.
    """
    labels, weights = targets(examples, config)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=config.rate, weight_decay=0.02)
    lengths = np.array([len(s) for s in states])
    latest = nn.Module()
    latest.register_buffer("loss", torch.full((len(states),), torch.inf))
    for epoch in range(resume(out, model, optimizer, latest), config.epochs):
        model.train()
        torch.manual_seed(config.seed + 1000 * epoch)  # for dropout
        generator = np.random.default_rng((config.seed, epoch))
        chosen = np.flatnonzero((latest.loss.numpy() > config.easy) | (generator.random(len(states)) < config.review))
        found = [chosen[batch] for batch in batches(lengths[chosen], config.tokens, generator)]
        started, total = time.process_time(), 0.0
        for number, batch in enumerate(found):
            optimizer.param_groups[0]["lr"] = config.rate * pace((epoch + number / len(found)) / config.epochs)
            x, mask = padded([states[i] for i in batch])
            with fast_precision():
                logits = model(x.float(), mask)
            each = losses(logits.float(), labels[batch], weights[batch])
            latest.loss[batch] = each.detach()
            optimizer.zero_grad()
            each.mean().backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            total += each.mean().item()
        keep(out, epoch + 1, model, optimizer, latest)
        took = f"{len(chosen)} texts, {time.process_time() - started:.0f} s of CPU"
        done = f"epoch {epoch + 1}/{config.epochs}  loss {total / len(found):.3f}"
        print(f"{done}  {validate(model)}  {took}", flush=True)


def pace(progress: float, *, warm: float = 0.1) -> float:
    """Share of the rate after so much of the training: up in a line, down along a cosine to 0."""
    return progress / warm if progress < warm else 0.5 + 0.5 * math.cos(math.pi * (progress - warm) / (1 - warm))


def keep(out: Path, epoch: int, *parts: Any) -> None:
    """Write out/state.pt whole: the epochs done, and the states of model, optimiser and latest losses."""
    partial = out / ".state.pt.partial"
    torch.save({"epoch": epoch, "parts": [part.state_dict() for part in parts]}, partial)
    os.replace(partial, out / "state.pt")


def resume(out: Path, *parts: Any) -> int:
    """The epochs that an earlier call had done, its states loaded; 0 if there was none."""
    if not (out / "state.pt").exists():
        return 0
    found = torch.load(out / "state.pt", weights_only=True)
    for part, state in zip(parts, found["parts"], strict=True):
        part.load_state_dict(state)
    return found["epoch"]


@torch.sparse.check_sparse_tensor_invariants(enable=False)  # said aloud, or torch warns about its own optimiser
def train_ngrams(texts: Sequence[str], examples: list[Example], config: Training) -> nn.EmbeddingBag:
    """A linear classifier over hashed n-grams, by Adam."""
    labels, weights = targets(examples, config)
    rows = [torch.from_numpy(buckets(text)) for text in texts]
    bag = nn.EmbeddingBag(BUCKETS, len(CATEGORIES), mode="sum", sparse=True)
    nn.init.zeros_(bag.weight)
    bias = torch.full((len(CATEGORIES),), -2.0)
    optimizer = torch.optim.Adagrad(bag.parameters(), lr=config.ngram_rate)
    generator = np.random.default_rng(config.seed)
    for _ in range(6):
        for batch in np.array_split(generator.permutation(len(rows)), len(rows) // 64 + 1):
            chosen = [rows[i] for i in batch]
            offsets = torch.tensor([0] + [len(row) for row in chosen[:-1]]).cumsum(0)
            scale = torch.tensor([max(len(row), 1) for row in chosen])[:, None] ** -0.5
            logits = bag(torch.cat(chosen), offsets) * scale * NGRAM_SCALE + bias
            value = loss(logits, labels[batch], weights[batch])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return bag


NGRAM_SCALE = 4.0


def load_network(model: Classifier, folder: Path, config: Training) -> None:
    """Changes and head of an earlier run, as `save` rounded them; layers that it left alone stay without a change."""
    tensors = load_file(folder / "prompt.safetensors")
    state = {}
    for name, tensor in tensors.items():
        number, _, rest = name.partition(".")
        if number.isdigit():
            state[f"layers.{int(number) - config.first_layer}.{rest}"] = tensor
        elif number == "head":
            state[name] = tensor
    unknown = model.load_state_dict(state, strict=False).unexpected_keys
    assert not unknown, unknown


def load_ngrams(folder: Path) -> nn.EmbeddingBag:
    """The n-grams of an earlier run, as `save` rounded them."""
    tensors = load_file(folder / "prompt.safetensors")
    return nn.EmbeddingBag.from_pretrained(tensors["ngram.weight"] * tensors["ngram.scale"] / NGRAM_SCALE, mode="sum")


@torch.no_grad()
def ngram_logits(bag: nn.EmbeddingBag, texts: Sequence[str]) -> Tensor:
    """(B, categories), without the bias."""
    rows = [torch.from_numpy(buckets(text)) for text in texts]
    return torch.stack([bag.weight[row].sum(0) * max(len(row), 1) ** -0.5 * NGRAM_SCALE for row in rows])


@torch.no_grad()
def network_logits(model: Classifier, states: Sequence[Tensor]) -> Tensor:
    """(B, categories)."""
    model.eval()
    found = torch.zeros(len(states), len(CATEGORIES))
    for batch in batches([len(s) for s in states], 4000, None):
        x, mask = padded([states[i] for i in batch])
        with fast_precision():
            found[batch] = model(x.float(), mask).float()
    return found


# Calibration


def calibrate(network: Tensor, ngram: Tensor, examples: list[Example], config: Training) -> tuple[Tensor, Tensor]:
    """Weights (2, categories) and bias (categories,) that make probabilities of the two logits (Platt 1999).

    Categories are tied to one another: a few dozen examples of one are too few to calibrate it alone.
    """
    labels, weights = targets(examples, config)
    mix = torch.tensor([[1.0], [0.5]]).repeat(1, len(CATEGORIES)).requires_grad_()
    bias = torch.zeros(len(CATEGORIES), requires_grad=True)
    optimizer = torch.optim.LBFGS([mix, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        apart = (mix - mix.mean(1, keepdim=True)).square().sum() + 0.2 * (bias - bias.mean()).square().sum()
        value = loss(network * mix[0] + ngram * mix[1] + bias, labels, weights) + 0.05 * apart
        value.backward()
        return value

    optimizer.step(closure)
    return mix.detach(), bias.detach()


def operating_point(scores: np.ndarray, examples: Sequence[Example]) -> float:
    """The threshold at which as large a share of refused prompts passes as of allowed ones is refused.

    Of the sources that have both, each weighing the same: everyday prompts would hide what look-alikes cost.
    """
    unsafe = np.array([e.unsafe for e in examples])
    sources = np.array([e.source for e in examples])
    both = set(sources[unsafe]) & set(sources[~unsafe])
    grid = np.unique(np.quantile(scores, np.linspace(0.02, 0.98, 400)))

    def gap(threshold: float) -> float:
        missed, refused = (
            np.mean([np.mean((scores[(unsafe == side) & (sources == s)] < threshold) == side) for s in both])
            for side in (True, False)
        )
        return abs(missed - refused)

    return float(min(grid, key=gap))


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve: how often a refused prompt scores above an allowed one (Mann and Whitney)."""
    order = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(np.sort(negative), positive, "right")
    return float(order.mean() / 2 / len(negative))


def report(scores: np.ndarray, examples: Sequence[Example], *, at: float | None = None) -> str:
    """AUC, and with a threshold both errors, for every source."""
    unsafe, sources = np.array([e.unsafe for e in examples]), np.array([e.source for e in examples])
    parts = []
    for source in sorted(set(sources)):
        here = sources == source
        if (unsafe & here).any():
            parts.append(f"{source} AUC {auc(scores[unsafe & here], scores[~unsafe & here]):.4f}")
        if at is not None:
            caught = f"caught {np.mean(scores[unsafe & here] >= at):.4f} " if (unsafe & here).any() else ""
            parts.append(f"{source} {caught}let through {np.mean(scores[~unsafe & here] < at):.4f}")
    return "; ".join(parts)


def save(
    folder: Path,
    model: Classifier,
    bag: nn.EmbeddingBag,
    mix: Tensor,
    bias: Tensor,
    words: Sequence[str],
    config: Training,
    made_from: dict[str, Any],
) -> None:
    """prompt.safetensors (changes and head in float16, n-grams in int8) and prompt.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{config.first_layer + i}.{name}.{side}": getattr(getattr(layer, name), side).detach().half()
        for i, layer in enumerate(model.layers)
        for name in ("query", "key", "value", "attend", "expand", "contract")
        for side in ("up", "down")
    }
    tensors |= {f"head.{name}": tensor.half() for name, tensor in model.head.state_dict().items()}
    scale = bag.weight.detach().abs().amax(0) / 127
    tensors |= {
        "ngram.weight": (bag.weight.detach() / scale).round().to(torch.int8),
        "ngram.scale": scale * NGRAM_SCALE,
        "mix": mix,
        "bias": bias,
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "prompt.safetensors")
    document = {"categories": CATEGORIES, "training": asdict(config), "words": words, **made_from}
    write_text(folder / "prompt.json", json.dumps(document, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=Path, required=True, help="JSON lines with text, label, category, source")
    parser.add_argument("--out", type=Path, required=True, help="folder for prompt.safetensors and prompt.json")
    parser.add_argument("--start", type=Path, help="folder of an earlier run to start from, of the same rank: its "
                        "network and its words")
    parser.add_argument("--sample", type=int, help="with --start: go over so many prompts of each kind instead of all, "
                        "and leave the n-grams as they are")
    parser.add_argument("--test", action="store_true", help="also print the figures on the test prompts; for the end, "
                        "when nothing is chosen by them any more")
    for table, names in ((Training, ("epochs", "rate", "tokens")), (Corpus, ("drawings", "seed"))):
        for name in names:
            parser.add_argument(f"--{name}", type=type(getattr(table, name)), default=getattr(table, name))
    arguments = parser.parse_args()
    if arguments.sample and not arguments.start:
        parser.error("--sample goes with --start")
    config = Training(epochs=arguments.epochs, rate=arguments.rate, tokens=arguments.tokens)
    corpus = Corpus(drawings=arguments.drawings, seed=arguments.seed)
    torch.manual_seed(config.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)

    parts = all_examples(corpus, arguments.prompts)
    words = set(new_words(parts["train"]))  # of the texts as they are: no worn word is one
    if arguments.start:
        words |= set(json.loads((arguments.start / "prompt.json").read_text("utf-8"))["words"])
    if arguments.sample:
        parts["train"] = sample(parts["train"], arguments.sample, corpus.seed)
    parts["train"] = with_variants(parts["train"], corpus)
    texts = {name: [e.text if name == "train" else judged(e.text) for e in found] for name, found in parts.items()}
    print({name: (len(found), sum(e.unsafe for e in found)) for name, found in parts.items()}, flush=True)

    bag = load_ngrams(arguments.start) if arguments.sample else train_ngrams(texts["train"], parts["train"], config)
    text = Text()
    states = {name: lower_states(text, texts[name], config) for name in parts}
    model = Classifier(list(text.encoder.layers[config.first_layer:]), config)
    if arguments.start:
        load_network(model, arguments.start, config)

    def validate(current: Classifier) -> str:
        return report(network_logits(current, states["validation"]).amax(-1).numpy(), parts["validation"])

    train_network(model, states["train"], parts["train"], config, out=arguments.out, validate=validate)

    sides = ("validation", "test") if arguments.test else ("validation",)
    logits = {name: (network_logits(model, states[name]), ngram_logits(bag, texts[name])) for name in sides}
    mix, bias = calibrate(*logits["validation"], parts["validation"], config)
    scores = {name: (a * mix[0] + b * mix[1] + bias).amax(-1).numpy() for name, (a, b) in logits.items()}
    threshold = operating_point(scores["validation"], parts["validation"])
    made_from = {"corpus": asdict(corpus), "examples": {name: len(found) for name, found in parts.items()}}
    save(arguments.out, model, bag, mix, bias - threshold, sorted(words), config, made_from)
    for name in sides:
        print(f"{name}: {report(scores[name], parts[name], at=threshold)}", flush=True)
        print(f"  n-grams alone: {report(logits[name][1].amax(-1).numpy(), parts[name])}", flush=True)


if __name__ == "__main__":
    main()
