"""Processes that compute gradients of batches of their own beside the main one, each with one thread.

Nobody waits: the main process takes what is ready at each of its steps, so a core that is busy half of the time still
helps for the other half. What it takes was computed with weights of a step or two ago (Recht et al. 2011, "Hogwild!",
with whole gradients). Two processes of one thread do nearly twice the work of one process of two threads.
"""

import os
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count
from multiprocessing.synchronize import Event

import torch
import torch.multiprocessing as processes
from torch import Tensor, nn

PATIENCE = 1.0  # seconds between two looks whether the main process is still there
LESS_URGENT = 12  # added to an assistant's niceness: whoever else works on the machine comes first

Work = Callable[[nn.Module, int], None]
"""Adds to a model's gradients those of the batch with a number."""


class Assistants:
    """`number` processes that give gradients to `model`, whose weights move to shared memory.

    `prepare(*arguments)` is called in each process and gives its Work; it and its arguments must be picklable. Between
    them they count batches from `first` on.
    """

    def __init__(self, model: nn.Module, number: int, prepare: Callable[..., Work], *arguments: object,
                 first: int = 0) -> None:
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        context, self.slots = processes.get_context("spawn"), []
        if number:
            model.share_memory()
        for index in range(number):
            slot = ([torch.zeros_like(p, requires_grad=False).share_memory_() for p in self.parameters],
                    context.Event(), context.Event())
            slot[2].set()
            context.Process(target=_assist, args=(model, *slot, count(first + index, number), prepare, arguments),
                            daemon=True).start()
            self.slots.append(slot)

    @torch.no_grad()
    def join(self) -> int:
        """Average what is ready into the gradients of the model; how many assistants gave."""
        ready = [(gradients, free) for gradients, full, free in self.slots if full.is_set() and not full.clear()]
        for gradients, free in ready:
            for p, gradient in zip(self.parameters, gradients, strict=True):
                p.grad = gradient.clone() if p.grad is None else p.grad.add_(gradient)
            free.set()
        for p in self.parameters if ready else ():
            p.grad.div_(1 + len(ready))
        return len(ready)


def _assist(model: nn.Module, gradients: list[Tensor], full: Event, free: Event, batches: Iterator[int],
            prepare: Callable[..., Work], arguments: tuple) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides when all end
    os.nice(LESS_URGENT)
    torch.set_num_threads(1)
    main, work, own = os.getppid(), prepare(*arguments), deepcopy(model)
    parameters = [p for p in own.parameters() if p.requires_grad]
    for batch in batches:
        own.load_state_dict(model.state_dict())
        own.zero_grad()
        work(own, batch)
        while not free.wait(PATIENCE):
            if os.getppid() != main:
                return
        free.clear()
        for gradient, p in zip(gradients, parameters, strict=True):
            gradient.zero_() if p.grad is None else gradient.copy_(p.grad)
        full.set()
