"""What the commands share: the gate that they open, and how a refusal ends."""

from pathlib import Path

import numpy as np
import pytest

from vitascope import produce as gate_module
from vitascope.options import REFUSED, Stop, Tell, deliver, open_gate
from vitascope.produce import Asked
from vitascope.safety.policy import Verdict
from vitascope.system import System
from vitascope.video import Stream

OPTIONS = {"policy": None, "no_policy": True, "no_credentials": False}


def make(tell: Tell) -> Stream:
    tell(0, 2)
    return Stream((np.full((64, 64, 3), 20 * number, np.uint8) for number in range(5)), 5, 8.0)


def test_first_use_is_told_once(nano_system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("VITASCOPE_AUTHORITY", str(tmp_path / "authority"))
    open_gate(nano_system, **OPTIONS)
    assert "made a local authority" in capsys.readouterr().err
    open_gate(nano_system, **OPTIONS)
    assert capsys.readouterr().err == ""


def test_options_reach_the_gate(nano_system: System, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('name = "mine"')
    gate = open_gate(nano_system, policy=tmp_path / "policy.toml", no_policy=False, no_credentials=True)
    assert gate.policy.name == "mine" and not gate.policy.off and gate.authority is None
    assert open_gate(nano_system, **OPTIONS).policy.off and gate.model.hash.startswith("sha256:")


def test_refusal_is_one_line_and_a_status_of_its_own(nano_system: System, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = Verdict("block", {}, ("This was refused.",), (), 0.0)
    monkeypatch.setattr(gate_module.frame_review.Review, "verdict", lambda review: blocked)
    with pytest.raises(Stop, match="This was refused") as stop:
        deliver(open_gate(nano_system, **OPTIONS), Asked(("a",)), make, tmp_path / "a.mp4")
    assert stop.value.status == REFUSED and list(tmp_path.iterdir()) == []


def test_file_without_a_place_for_credentials_is_told(nano_system: System, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture) -> None:
    assert deliver(open_gate(nano_system, **OPTIONS), Asked(("a",)), make, tmp_path / "a.webm") == 5
    assert "watermark but no credentials" in capsys.readouterr().err
