"""Shards: what is written is what is read, and what cannot be read is not there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from vitascope.data.shards import SIZES, STRETCH, Shards, begun_anew, is_finished, more_planned, write_shard, \
    write_shards
from vitascope.data.truth import truth_map
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.layout import from_grid
from vitascope.models.text import Text
from vitascope.world.physics import simulate
from vitascope.world.scene import BUNDLED, sample_scene


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {"autoencoder": Autoencoder(AUTOENCODERS["nano"]).eval(), "text": Text()}


def test_a_shard_keeps_clips_and_words_together(models, tmp_path):
    write_shard(tmp_path / "clips.safetensors", range(40, 43), (80, 56), 17, vocabulary="bundled", **models)
    write_shard(tmp_path / "one.safetensors", range(41, 42), (80, 56), 17, vocabulary="bundled", **models)
    shards = Shards(tmp_path)
    sample, alone = shards.take("clips.safetensors", 1), shards.take("one.safetensors", 0)
    assert sample.latents.shape == (shards.channels, 5, 7, 10) and sample.truth.shape == (5, 7, 10)
    assert torch.allclose(sample.latents, alone.latents, atol=0.1) and sample.caption == alone.caption
    words = models["text"]([sample.caption])[0]
    assert torch.allclose(sample.states, words.states, atol=0.1)
    assert torch.allclose(sample.pooled, words.pooled, atol=2e-2)


def test_interrupted_work_is_resumed_and_partial_files_are_not_read(models, tmp_path, monkeypatch):
    monkeypatch.setattr("vitascope.data.shards.SHARD", 2)
    write_shards(tmp_path, images=2, clips=0, vocabulary="bundled", **models)
    (tmp_path / ".clips-00000-64x64.safetensors.1.partial").write_bytes(b"half")
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    write_shards(tmp_path, images=4, clips=2, vocabulary="bundled", **models)
    shards = Shards(tmp_path)
    assert len(shards.names(images=True)) == 2 and len(shards.names(images=False)) == 1
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


def test_long_plans_are_seen_in_stretches(models, tmp_path):
    """Whole, from where they are cut out, or as if they began there."""
    write_shard(tmp_path / "scripts.safetensors", range(8), (64, 64), 33, vocabulary="bundled", text=models["text"],
                autoencoder=None)
    shards, rng = Shards(tmp_path, plans=True), np.random.default_rng(0)
    drawn = [shards.draw(rng, images=False) for _ in range(60)]
    assert {sample.latents.shape[1] for sample in drawn} == {STRETCH, 9}
    assert {sample.opens for sample in drawn} == {True, False}
    for sample in drawn:
        layout = from_grid(sample.latents)
        if sample.opens:
            assert_close(layout.poses[0], layout.poses[:1, -1:].expand(-1, 4, -1, -1)[0])
            assert not layout.view[0].any()
    script = shards.take("scripts.safetensors", 0)
    begun = begun_anew(replace(script, latents=script.latents[:, 2:7], opens=False))
    assert begun.opens and torch.equal(begun.latents[:, 1:], script.latents[:, 3:7])


def test_the_truth_is_where_the_subject_is():
    for seed in range(200):
        scene = sample_scene(seed, BUNDLED)
        motion = simulate(scene)
        if motion.x.shape[1] == 1 and motion.visible.min() == 1:
            truth = truth_map(scene, motion, 0, 17, BUNDLED.subjects)
            column, row = (int((place[0, 0] - edge[0]) * motion.zoom[0] * 8) for place, edge in
                               ((motion.x, motion.camera_x), (motion.y, motion.camera_y)))
            assert truth[0, row, column] == 1 + BUNDLED.subjects.index(scene.shots[0].actors[0].subject)


def test_a_style_is_told_and_seldom_painted(models, tmp_path):
    write_shard(tmp_path / "clips.safetensors", range(40, 60), (64, 64), 1, vocabulary="bundled", **models)
    shards, scenes = Shards(tmp_path), [sample_scene(seed, BUNDLED) for seed in range(40, 60)]
    samples = [shards.take("clips.safetensors", number) for number in range(20)]
    assert [sample.layout.look[0] > 0 for sample in samples] == [scene.style != "3d" for scene in scenes]
    assert [sample.finished for sample in samples] == [is_finished(scene) for scene in scenes]
    assert 0 < sum(sample.finished for sample in samples) < sum(int(sample.layout.look[0] > 0) for sample in samples)


def test_sizes_have_about_one_area():
    assert sum(SIZES.values()) == pytest.approx(1)
    assert all(w % 8 == h % 8 == 0 and 0.9 < w * h / 64**2 < 1.15 for w, h in SIZES)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no shards"):
        Shards(tmp_path)


def test_plans_have_more_of_what_is_hard_to_plan():
    """One clip in a hundred is tracked as scenes are drawn; of plans one in ten and more."""
    def tracked(vocabulary):
        return sum(sample_scene(seed, vocabulary).shots[0].camera == "tracks" for seed in range(300))

    assert tracked(BUNDLED) < 10 and tracked(more_planned(BUNDLED)) > 30
    assert more_planned(replace(BUNDLED, cameras=("still",))).actions == BUNDLED.actions
