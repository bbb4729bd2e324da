"""Modules without weights."""

import subprocess
import sys

import torch
from torch import nn

from vitascope.models.empty import without_weights


def test_a_module_takes_weights_without_having_had_any() -> None:
    with without_weights():
        empty = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 2))
        nn.init.normal_(tensor=empty[0].weight)
    assert all(parameter.is_meta for parameter in empty.parameters())
    full = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 2))
    empty.load_state_dict(full.state_dict(), assign=True)
    x = torch.randn(2, 3)
    assert torch.equal(empty[:2](x), full[:2](x))


def test_initialisation_is_back_afterwards() -> None:
    with without_weights():
        pass
    assert nn.init.ones_(torch.zeros(2)).tolist() == [1, 1]


def test_no_compiler_is_imported() -> None:
    program = ("import sys, torch\nfrom vitascope.models.empty import without_weights\n"
               "with without_weights(): torch.nn.init.normal_(torch.nn.Linear(3, 4).weight)\n"
               "print('torch._dynamo' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
