"""Assistants give whole gradients of the weights as they are, and end with the process they help."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.testing import assert_close

from vitascope.train.assistants import Assistants

PROGRAM = """
import time
from torch import nn
from test_assistants import prepare
from vitascope.train.assistants import Assistants
if __name__ == "__main__":
    assistants = Assistants(nn.Linear(2, 1), 1, prepare, 1.0)
    assert assistants.slots[0][1].wait(60)
    import multiprocessing
    print(multiprocessing.active_children()[0].pid, flush=True)
    time.sleep(60)
"""


def prepare(scale):
    def work(model, number):
        (scale * (number + 1) * model.weight.sum()).backward()
    return work


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_gradients_are_averaged_once():
    model = nn.Linear(2, 1, bias=False)
    assistants = Assistants(model, 1, prepare, 2.0)
    for expected in (2.0, 4.0):  # of its batches 0 and 1
        wait_for(assistants.slots[0][1].is_set)
        model.weight.grad = torch.full_like(model.weight, 10.0)
        assert assistants.join() == 1
        assert_close(model.weight.grad, torch.full_like(model.weight, (10 + expected) / 2))


def test_without_assistants_nothing_changes():
    model = nn.Linear(2, 1)
    model.weight.grad, model.bias.grad = torch.ones(1, 2), torch.ones(1)
    assert Assistants(model, 0, prepare).join() == 0
    assert model.weight.grad.sum() == 2


def test_an_assistant_ends_when_the_main_process_is_killed():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parent) as main:
        child = int(main.stdout.readline())
        main.send_signal(signal.SIGKILL)
    wait_for(lambda: not alive(child))


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
