import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from vitascope.train.state import (
    Average,
    Log,
    check_config,
    checkpoints,
    clock,
    load_checkpoint,
    save_checkpoint,
    save_sheet,
    save_weights,
    step_generator,
    torch_generator,
)


@dataclass(frozen=True)
class Config:
    width: int = 3


def build() -> tuple[nn.Module, Average, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    return model, Average(model, decay=0.9), torch.optim.AdamW(model.parameters(), lr=0.1)


def take_steps(model: nn.Module, average: Average, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        x = torch.randn(4, 3, generator=torch_generator(step_generator(7, step)))
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        average.update(model, step + 1)


def test_a_resumed_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    straight = build()
    take_steps(*straight, 0, 6)

    begun = build()
    take_steps(*begun, 0, 3)
    save_checkpoint(tmp_path, 3, model=begun[0], average=begun[1], optimizer=begun[2], state={"seen": 12})
    resumed = build()
    step, state = load_checkpoint(tmp_path, model=resumed[0], average=resumed[1], optimizer=resumed[2])
    take_steps(*resumed, step, 6)

    assert (step, state) == (3, {"seen": 12})
    for a, b in zip(straight[0].parameters(), resumed[0].parameters(), strict=True):
        assert torch.equal(a, b)
    for name, tensor in straight[1].tensors.items():
        assert torch.equal(tensor, resumed[1].tensors[name])


def test_without_a_checkpoint_a_run_starts_at_zero(tmp_path: Path) -> None:
    model, average, optimizer = build()
    assert load_checkpoint(tmp_path, model=model, average=average, optimizer=optimizer) == (0, {})


def test_a_half_written_checkpoint_is_ignored_and_cleared(tmp_path: Path) -> None:
    model, average, optimizer = build()
    save_checkpoint(tmp_path, 1, model=model, average=average, optimizer=optimizer)
    leftover = tmp_path / "checkpoints" / ".00000002.partial"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")

    assert load_checkpoint(tmp_path, model=model, average=average, optimizer=optimizer)[0] == 1
    save_checkpoint(tmp_path, 3, model=model, average=average, optimizer=optimizer)
    assert not leftover.exists()


def test_only_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    model, average, optimizer = build()
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, model=model, average=average, optimizer=optimizer)
    assert [path.name for path in checkpoints(tmp_path)] == ["00000002", "00000010"]


def test_the_average_follows_the_weights() -> None:
    model, average, _ = build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    for step in range(1, 200):
        average.update(model, step)
    for tensor in average.tensors.values():
        torch.testing.assert_close(tensor, torch.ones_like(tensor), atol=1e-4, rtol=0)


def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    check_config(tmp_path, Config())
    check_config(tmp_path, Config())
    with pytest.raises(ValueError, match="width: 3 → 4"):
        check_config(tmp_path, Config(width=4))


def test_weights_come_with_their_configuration(tmp_path: Path) -> None:
    weight = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    save_weights(tmp_path, {"weight": weight}, Config(), half=True)
    assert torch.equal(load_file(tmp_path / "weights.safetensors")["weight"], weight.half())
    assert json.loads((tmp_path / "config.json").read_text()) == {"width": 3}


def test_steps_draw_their_own_numbers() -> None:
    assert step_generator(0, 5).random() == step_generator(0, 5).random()
    assert step_generator(0, 5).random() != step_generator(0, 6).random()
    assert step_generator(0, 5).random() != step_generator(1, 5).random()


def test_the_log_writes_for_tensorboard_and_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(tmp_path, first_step=0, steps=10)
    log.write(5, {"loss": 0.25})
    log.close()
    assert "5/10" in capsys.readouterr().out
    assert [path for path in tmp_path.iterdir() if path.name.startswith("events.")]


def test_a_sheet_shows_a_clip_per_row(tmp_path: Path) -> None:
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), dtype=np.uint8)
    save_sheet(tmp_path / "samples" / "sheet.png", clips)
    picture = np.asarray(Image.open(tmp_path / "samples" / "sheet.png"))
    assert picture.shape == (8, 15, 3)
    assert np.array_equal(picture[4:, 5:10], clips[1, 1])


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
