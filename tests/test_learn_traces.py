"""Learning traces: what is held out is not learnt, and what was learnt is read back as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.tracer import STATISTICS
from vitascope.provenance.learn import ENCODINGS, Example, Reading, Training, auc, gather, read, save, tables, train
from vitascope.provenance.specimens import OURS
from vitascope.provenance.traces import Traces
from vitascope.system import System

TINY = Training(size="nano", scenes=1, again=1, held_scenes=1, held_again=1, journeys=1, steps=30)


def examples() -> list[Example]:
    """Ours are larger than the few and the many others."""
    draw = torch.Generator().manual_seed(0)
    kinds = [OURS[0]] * 20 + ["few"] * 5 + ["many"] * 60
    return [Example(kind, "", "none", torch.randn(STATISTICS, generator=draw) + 3 * (kind in OURS)) for kind in kinds]


def test_what_is_learnt_tells_ours_and_is_read_back(tmp_path: Path) -> None:
    known = Traces("a digest", {"few": [0.25]}, train(examples(), TINY), Autoencoder(AUTOENCODERS["nano"]).eval())
    save(tmp_path, known, TINY.size)
    back = Traces.load(tmp_path)
    scores, again = ([each.score for each in read(tracer, examples())] for tracer in (known.tracer, back.tracer))
    assert (back.models, back.others) == (known.models, known.others)
    assert min(scores[:20]) > 0 > max(scores[20:]) and again == pytest.approx(scores, abs=0.05)


def test_no_group_is_on_both_sides() -> None:
    learnt, held = gather(TINY, System.load(), None, None)
    assert {each.group for each in learnt}.isdisjoint(each.group for each in held)
    assert any(each.ours for each in learnt)
    assert {each.encoding for each in held if each.ours} == set(ENCODINGS)


def test_tables_count() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)
    readings = [Reading(OURS[0], name, 2.0) for name in ENCODINGS] + [Reading("flat", name, 1.0) for name in ENCODINGS]
    text = "\n".join(tables(readings))
    assert "| H.264 CRF 28 | 1.0000 | 100% |" in text and "| flat | 1.0000 | 0 of 4 |" in text
