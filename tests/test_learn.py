import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.models.text import Text
from vitascope.safety.corpus import judged
from vitascope.safety.grammar import Example, Grammar
from vitascope.safety.learn import (
    CATEGORIES,
    Change,
    Classifier,
    Training,
    auc,
    calibrate,
    load_network,
    load_ngrams,
    loss,
    lower_states,
    network_logits,
    ngram_logits,
    operating_point,
    pace,
    save,
    targets,
    train_network,
    train_ngrams,
)
from vitascope.safety.prompt import PromptClassifier

CONFIG = Training(first_layer=5, rank=2, hidden=8)


def test_a_low_rank_change_changes_nothing_at_first() -> None:
    linear = nn.Linear(6, 4)
    x = torch.randn(3, 6)
    assert torch.equal(Change(linear, 2)(x), linear(x))


def test_the_loss_falls_where_it_should() -> None:
    labels, weights = targets([Example("x", "hate", True, "g", "s"), Example("y", "benign", False, "g", "s")], CONFIG)
    right = (labels * 2 - 1) * 6
    assert (
        loss(right, labels, weights)
        < 0.1
        < loss(torch.zeros_like(right), labels, weights)
        < loss(-right, labels, weights)
    )


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    examples = Grammar().draw(6, 5)
    states = [torch.randn(5 + i % 3, 384).half() for i in range(len(examples))]

    def killed(model: Classifier) -> str:
        raise KeyboardInterrupt

    def train(out: Path, validate: Callable[[Classifier], str]) -> torch.Tensor:
        torch.manual_seed(0)
        model = Classifier([Text().encoder.layers[5]], CONFIG)
        train_network(model, states, examples, replace(CONFIG, epochs=2), out=out, validate=validate)
        return model.head.weigh.detach()

    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", killed)
    assert torch.equal(train(tmp_path / "whole", lambda model: ""), train(tmp_path / "killed", lambda model: ""))


def test_area_under_the_curve() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5


def test_the_rate_rises_in_a_line_and_falls_to_nothing() -> None:
    assert [round(pace(at), 3) for at in (0.0, 0.05, 0.1, 0.55, 1.0)] == [0.0, 0.5, 1.0, 0.5, 0.0]


def test_both_errors_are_alike_at_the_threshold_whatever_everyday_prompts_score() -> None:
    def kind(count: int, *, unsafe: bool, source: str) -> list[Example]:
        return [Example("x", "hate" if unsafe else "benign", unsafe, "g", source)] * count

    examples = kind(100, unsafe=True, source="OVERT") + kind(100, unsafe=False, source="OVERT")
    scores = np.concatenate([np.linspace(-1, 3, 100), np.linspace(-3, 1, 100)])
    assert abs(operating_point(scores, examples)) < 0.1
    everyday = kind(100, unsafe=False, source="VBench")
    assert operating_point(np.concatenate([scores, np.full(100, -9.0)]), examples + everyday) == pytest.approx(
        operating_point(scores, examples), abs=0.1)


def test_what_is_saved_scores_as_what_was_trained(tmp_path: Path) -> None:
    """The numpy classifier against the torch one, changes and head away from their zero start."""
    torch.manual_seed(0)
    examples = Grammar().draw(24, 5) + [
        Example(f"a {word} in the sun", "benign", False, word, "COCO captions") for word in ("cat", "car", "cup")
    ]
    examples += [Example(e.text, e.category, e.unsafe, e.group, "OVERT") for e in examples[:8]]
    texts = [judged(example.text) for example in examples]
    text = Text()
    states = lower_states(text, texts, CONFIG)
    model = Classifier(list(text.encoder.layers[CONFIG.first_layer:]), CONFIG)
    for parameter in model.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.05)
    bag = train_ngrams(texts, examples, CONFIG)
    network, ngram = network_logits(model, states), ngram_logits(bag, texts)
    mix, bias = calibrate(network, ngram, examples, CONFIG)
    threshold = operating_point((network + ngram).amax(-1).numpy(), examples)
    save(tmp_path, model, bag, mix, bias, ["cat"], CONFIG, {})

    again = ngram_logits(load_ngrams(tmp_path), texts)
    assert np.abs((again - ngram).numpy()).max() < 0.05  # int8

    begun = Classifier(list(Text().encoder.layers[CONFIG.first_layer - 1:]), replace(CONFIG, first_layer=4))
    load_network(begun, tmp_path, replace(CONFIG, first_layer=4))  # one layer more, without a change as yet
    assert torch.allclose(begun.layers[1].query.up, model.layers[0].query.up, atol=1e-3)
    assert not begun.layers[0].query.up.any()

    loaded = PromptClassifier.load(tmp_path)
    expected = torch.sigmoid(network * mix[0] + ngram * mix[1] + bias).numpy()
    scores = loaded.score(texts)
    assert np.isfinite(threshold) and loaded.categories == CATEGORIES
    assert np.abs(scores - expected).max() < 0.03  # bfloat16 where the machine has it, float16 and int8 weights
    assert json.loads((tmp_path / "prompt.json").read_text())["training"]["rank"] == 2
