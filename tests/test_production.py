"""The worker's function with a tiny system and the real gate."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vitascope.produce import describe_model, open_gate
from vitascope.safety.policy import Policy, decide
from vitascope.serve import production as production_module
from vitascope.serve.order import Order
from vitascope.serve.production import Production
from vitascope.serve.worker import Assignment, Refused
from vitascope.video import Video, read_video, write_video

ORDER = Order("create", "a dog", "sora-2", width=160, height=96, seconds=1.0, seed=3, steps=2)


class Pages(dict):
    """A journal in memory."""

    def read(self, number: int) -> bytes | None:
        return self.get(number)

    def write(self, number: int, entry: bytes) -> None:
        self[number] = entry


@pytest.fixture(scope="module")
def production(nano_system, tmp_path_factory: pytest.TempPathFactory) -> Production:
    folder = tmp_path_factory.mktemp("gate")
    gate, _ = open_gate(
        describe_model(nano_system),
        policy=Policy.load().switched_off(),
        signed=False,
        authority=folder / "authority",
        store=folder / "records",
    )
    return Production(nano_system, gate)


@pytest.fixture(autouse=True)
def every_prompt_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging is not what is tested here."""
    monkeypatch.setattr("vitascope.produce.prompt_review.judge", lambda texts, policy, *, negative: decide({}, policy))


def make(
    production: Production,
    order: Order,
    out: Path,
    inputs: dict[str, Path] | None = None,
    *,
    journal: Pages | None = None,
    progress: Callable[[int, int], None] = lambda step, total: None,
    preview: Callable[[bytes], None] = lambda picture: None,
) -> Video:
    production(Assignment(order, inputs or {}, out, Pages() if journal is None else journal, progress, preview))
    return read_video(out)


def test_a_video_has_the_size_length_and_rate_asked_for(production: Production, tmp_path: Path) -> None:
    video = make(production, replace(ORDER, fps=12.0), tmp_path / "video.mp4")
    assert (video.size, len(video), video.fps) == ((160, 96), 12, 12.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(Video(np.full((9, 64, 96, 3), 90, np.uint8), 8.0), path)
    return path


def test_a_users_clip_is_continued(production: Production, tmp_path: Path, clip: Path) -> None:
    extension = replace(ORDER, task="extend", width=96, height=64)
    video = make(production, extension, tmp_path / "video.mp4", {"video": clip})
    assert (video.size, len(video)) == ((96, 64), 17) and np.abs(video.pixels[:9].astype(int) - 90).mean() < 6


@pytest.mark.parametrize(
    ("fields", "stop"),
    [
        ({}, 0),
        ({}, 1),
        ({"seconds": 3.0}, 6),
        ({"loop": True}, 3),
        ({"sampler": "heun"}, 4),
        ({"task": "extend"}, 1),
        ({"task": "edit"}, 1),
        ({"task": "connect"}, 1),
    ],
)
def test_a_killed_job_goes_on_exactly_where_it_was(
    production: Production, tmp_path: Path, clip: Path, fields: dict, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the task and the sampler: the same pixels, and nothing is painted twice. A plan is fitted again to the
    frames that are given, which needs gradients."""
    asked, pages, computed = replace(ORDER, width=96, height=64, **fields), Pages(), []
    inputs = {role: clip for role in {"create": (), "connect": ("video", "other")}.get(asked.task, ("video",))}
    films = watch_films(monkeypatch)
    make(production, asked, tmp_path / "straight.mp4", inputs, journal=pages)
    kept = Pages(dict(sorted(pages.items())[:stop]))
    painter = production.system.transformer
    inner = painter.forward
    monkeypatch.setattr(painter, "forward", lambda batch: computed.append(torch.is_grad_enabled()) or inner(batch))
    make(production, asked, tmp_path / "resumed.mp4", inputs, journal=kept)
    assert np.array_equal(*films) and computed.count(False) == len(pages) - stop and kept.keys() == pages.keys()


def watch_films(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What is given to the gate, before the mark and the codec."""
    films, film = [], production_module.film

    def watched(*arguments: object) -> Video:
        films.append(np.stack([*film(*arguments).frames]))
        return Video(films[-1], 8.0)

    monkeypatch.setattr(production_module, "film", watched)
    return films


def test_a_journal_of_another_order_is_not_used(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, films = Pages(), watch_films(monkeypatch)
    make(production, replace(ORDER, seed=1), tmp_path / "a.mp4", journal=pages)
    make(production, replace(ORDER, seed=2), tmp_path / "b.mp4", journal=pages)
    make(production, replace(ORDER, seed=2), tmp_path / "c.mp4")
    assert np.array_equal(films[1], films[2]) and not np.array_equal(films[0], films[1])


def test_every_step_can_stop_it(production: Production, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    steps = []

    def progress(step: int, total: int) -> None:
        steps.append((step, total))
        if step == 1:
            raise Stop

    with pytest.raises(Stop):
        make(production, ORDER, tmp_path / "video.mp4", progress=progress)
    assert list(dict.fromkeys(steps)) == [(0, 2), (1, 2)] and not (tmp_path / "video.mp4").exists()


def test_previews_show_the_video_so_far(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(production_module, "PREVIEW_PAUSE", 0.0)
    shown: list[bytes] = []
    make(production, ORDER, tmp_path / "video.mp4", preview=shown.append)
    assert shown and all(picture[:4] == b"RIFF" for picture in shown)


def test_a_preview_that_the_gate_would_not_let_through_is_not_shown(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(production_module, "PREVIEW_PAUSE", 0.0)
    monkeypatch.setattr(production_module, "review", lambda frames, policy: SimpleNamespace(allowed=False))
    shown: list[bytes] = []
    make(production, ORDER, tmp_path / "video.mp4", preview=shown.append)
    assert shown == []


def test_what_the_gate_refuses_is_refused(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise production_module.RefusedByGate("prompt", SimpleNamespace(reasons=["it shows violence"]))

    monkeypatch.setattr(production_module, "produce", refuse)
    with pytest.raises(Refused, match="it shows violence"):
        make(production, ORDER, tmp_path / "video.mp4")
