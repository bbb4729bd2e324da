"""Training learns, and a killed run goes on as if nothing had happened."""

import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vitascope.data.shards import Shards, write_shard
from vitascope.models.layout import PLACE, SLOTS, from_grid
from vitascope.models.text import Text
from vitascope.models.transformer import TRANSFORMERS, patchify
from vitascope.train.transformer import Trained, TrainingConfig, corrupt, draw_batch, losses, rate_at, train

CONFIG = TrainingConfig(size="nano", tokens=200, rate=3e-3, warmup=2, steps=12, images=0.5, alone=2)
TOLD = replace(CONFIG, unconditional=0.0, unplanned=0.0, anywhere=0.0)
PROGRAM = """
import json, sys
from pathlib import Path
import torch
from vitascope.train.transformer import TrainingConfig, train
torch.set_num_threads(1)
train(TrainingConfig(**json.loads(sys.argv[1])), data=Path(sys.argv[2]), directory=Path(sys.argv[3]), every=2)
"""


@pytest.fixture(scope="module")
def data(nano_system, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    models = {"autoencoder": nano_system.autoencoder, "text": Text(), "vocabulary": "bundled"}
    for split, first in (("train", 0), ("validation", 500)):
        write_shard(folder / split / "images.safetensors", range(first, first + 6), (64, 64), 1, **models)
        write_shard(folder / split / "clips.safetensors", range(first, first + 4), (88, 48), 9, **models)
    return folder


def test_batches_are_the_same_for_the_same_step(data):
    shards = Shards(data / "train")
    first, again, other = (draw_batch(shards, CONFIG, 1, step) for step in (3, 3, 4))
    assert torch.equal(first.packed.x, again.packed.x) and first.packed.x.shape != () and not torch.equal(
        first.packed.x[:50], other.packed.x[:50])


def test_known_tokens_do_not_count_and_have_their_own_level(data):
    shards = Shards(data / "train")
    sample = shards.take("clips.safetensors", 0)
    for seed in range(40):
        batch = corrupt([sample], np.random.default_rng(seed), 1, TOLD)
        quiet = batch.packed.times[batch.packed.level] == 0
        assert not batch.weight[quiet].any()
        assert torch.allclose(batch.packed.x[quiet], patchify(sample.latents, 1)[quiet])


def test_subjects_are_counted_where_they_are(data):
    shards = Shards(data / "train")
    torch.manual_seed(0)
    model = Trained(replace(TRANSFORMERS["nano"], channels=shards.channels))
    torch.nn.init.normal_(model.transformer.head.weight)
    batch = draw_batch(shards, CONFIG, 1, 3)
    error = (model.transformer(batch.packed) - batch.target).square().mean(-1)
    values = losses(model, batch)
    counted, seen = batch.weight > 0, batch.truth > 0
    assert (counted & seen).any() and (counted & ~seen).any()
    assert torch.allclose(values["velocity"], error[counted].mean(), rtol=1e-2)
    assert torch.allclose(values["subjects"], error[counted & seen].mean(), rtol=1e-2)


def test_long_clips_are_seen_in_stretches(data, nano_system, tmp_path):
    write_shard(tmp_path / "long.safetensors", range(4), (64, 64), 33, vocabulary="bundled",
                autoencoder=nano_system.autoencoder, text=Text())
    shards, rng = Shards(tmp_path), np.random.default_rng(0)
    samples = [shards.draw(rng, images=False) for _ in range(60)]
    assert {sample.latents.shape[1] for sample in samples} == {5, 9}
    assert all(sample.opens for sample in samples if sample.latents.shape[1] == 9)
    assert {sample.opens for sample in samples if sample.latents.shape[1] == 5} == {True, False}
    assert all(sample.truth.shape == sample.latents.shape[1:] for sample in samples)


def learn(size, shards, steps, total):
    """The velocity errors of a fresh model over so many steps that make `total` of its losses less."""
    torch.manual_seed(0)
    model = Trained(replace(TRANSFORMERS[size], channels=shards.channels))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    history = []
    for step in range(steps):
        values = losses(model, draw_batch(shards, CONFIG, 1, step % 4))
        total(values).backward()
        optimizer.step()
        optimizer.zero_grad()
        history.append(values["velocity"].item())
    return history


def test_loss_falls(data):
    history = learn("nano", Shards(data / "train"), 40, lambda values: values["velocity"] + 0.1 * values["naming"])
    assert np.mean(history[-4:]) < 0.9 * np.mean(history[:4])


def test_a_planner_learns_from_the_same_shards(data):
    shards = Shards(data / "train", plans=True)
    wide = shards.take("clips.safetensors", 0)
    assert wide.latents.shape[2:] == (SLOTS + 1, 1) and wide.lean == pytest.approx(np.log(88 / 48))
    painted = Shards(data / "train").take("clips.safetensors", 0)
    assert torch.equal(from_grid(wide.latents).subjects, painted.layout.subjects)
    history = learn("nano planner", shards, 60, lambda values: values["velocity"])
    assert np.mean(history[-4:]) < 0.8 * np.mean(history[:4])


def test_a_layout_is_heard(data):
    """Batches with layouts and without; a trained painter's answer depends on them."""
    sample = Shards(data / "train").take("clips.safetensors", 0)
    told, untold, silent, nowhere = (
        corrupt([sample], np.random.default_rng(0), 1, replace(TOLD, **change)).packed.layouts[0]
        for change in ({}, {"unplanned": 1.0}, {"unconditional": 1.0}, {"anywhere": 1.0}))
    assert told is sample.layout and untold is None and silent is None
    assert nowhere.look[PLACE] == 0 and torch.equal(nowhere.look[:PLACE], told.look[:PLACE])


def test_a_killed_run_ends_like_an_undisturbed_one(data, tmp_path):
    import json
    command = [sys.executable, "-c", PROGRAM, json.dumps(asdict(CONFIG)), str(data), str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not list((tmp_path / "killed").glob("checkpoints/0*")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    command[-1] = str(tmp_path / "whole")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    killed, whole = (load_file(tmp_path / name / "checkpoints" / f"{CONFIG.steps:08d}" / "average.safetensors")
                     for name in ("killed", "whole"))
    assert all(torch.allclose(killed[name], whole[name], atol=1e-6) for name in whole)


def test_another_configuration_is_refused(data, tmp_path):
    train(replace(CONFIG, steps=2), data=data, directory=tmp_path)
    train(replace(CONFIG, steps=3), data=data, directory=tmp_path)  # more steps are no other run
    with pytest.raises(ValueError, match="seed: 0 → 1"):
        train(replace(CONFIG, seed=1), data=data, directory=tmp_path)


def test_the_rate_rises_rests_and_falls():
    config = TrainingConfig(steps=1000, warmup=100, cooldown=0.2, rate=1.0)
    rates = [rate_at(step, config) for step in range(1000)]
    assert rates[0] < 0.05 and rates[150] == rates[700] == 1.0 and rates[-1] < 0.01
