"""An order → a file, by the system and through the gate: the worker's one function, `Production`.

What an order asks for is film.py's; judging, reviewing, marking and signing is produce.py's. Here are the record by
which a killed job goes on where it was, and the previews, which are reviewed as finished frames are before anyone sees
them.
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load, save
from torch import Tensor, nn

from ..generate import decode
from ..models.transformer import Packed, unpatchify
from ..produce import Asked, Gate, describe_model, open_gate, produce
from ..produce import Refused as RefusedByGate
from ..provenance.credentials import Source
from ..safety.frames import review
from ..system import System
from .film import film
from .pictures import encode
from .worker import Assignment, Journal, Refused

PREVIEW_PAUSE = 2.0  # seconds between two previews, which cost a decoding and a review each
PARENTS = ("video", "other")  # roles of inputs that are changed or continued; the others only guide


def open_production(model: Path | None = None) -> "Production":
    """Load a system (None: the bundled one) and open the gate of this installation. ValueError for what is missing."""
    system = System.load(model)
    gate, _ = open_gate(describe_model(system))
    return Production(system, gate)


class Production:
    """Makes videos with one system behind one gate; see `worker.Produce`."""

    def __init__(self, system: System, gate: Gate) -> None:
        self.system, self.gate = system, gate
        self.system.text  # loaded now, for all copies of the system

    def __call__(self, given: Assignment) -> None:
        order, inputs = given.order, given.inputs
        sources = tuple(
            Source(path, "parentOf" if role in PARENTS else "inputTo")
            for role, path in inputs.items()
            if role != "mask"
        )
        settings = {name: value for name, value in order.as_json().items() if name not in ("inputs", "follow_input")}
        asked = Asked(
            texts=order.texts,
            negative=(order.negative,) if order.negative else (),
            settings=settings,
            task=order.task,
            sources=sources,
            metadata={**settings, "model": self.gate.model.name, "model_version": self.gate.model.version},
        )
        watcher = Previews(self.system, self.gate, given.preview)
        system = copy.copy(self.system)
        system.transformer = Recorded(self.system.transformer, given.journal, watcher.see)
        try:
            produce(asked, lambda: film(system, order, inputs, given.progress), out=given.out, gate=self.gate)
        except RefusedByGate as refusal:
            raise Refused(str(refusal)) from refusal


class Recorded(nn.Module):
    """A transformer that writes down all that it computes, and reads instead what an earlier attempt wrote.

    Everything else in sampling is fixed by the seed and costs nothing, so reading the record takes a killed job to
    exactly where it was, whatever the task, the sampler and the window. An entry counts only if its input is the same.
    """

    def __init__(self, transformer: nn.Module, journal: Journal, see: Callable[[Packed, Tensor], None]) -> None:
        super().__init__()
        self.inner, self.journal, self.see, self.number = transformer, journal, see, 0
        self.config = transformer.config

    def forward(self, batch: Packed) -> Tensor:
        """Velocity of every token, (N, C p p)."""
        if torch.is_grad_enabled():  # a plan is fitted: soon done again, and a record has no gradient
            return self.inner(batch)
        number, self.number = self.number, self.number + 1
        entry = self.journal.read(number)
        if entry is not None and torch.equal((known := load(entry))["x"], batch.x):
            return known["velocity"]
        velocity = self.inner(batch)
        self.journal.write(number, save({"x": batch.x.contiguous(), "velocity": velocity.contiguous()}))
        self.see(batch, velocity)
        return velocity


class Previews:
    """Shows now and then what the first clip of a batch would be if it were finished, if the gate would let it
    through."""

    def __init__(self, system: System, gate: Gate, show: Callable[[bytes], None]) -> None:
        self.system, self.gate, self.show, self.due = system, gate, show, time.monotonic() + PREVIEW_PAUSE

    def see(self, batch: Packed, velocity: Tensor) -> None:
        """Take the noise away by the velocity (flow.clean), decode the first frame, review it, show it."""
        if time.monotonic() < self.due or not batch.text_lengths[0]:
            return
        clean = batch.x - batch.times[batch.level, None] * velocity
        grid = batch.grids[0]
        latents = unpatchify(clean[: grid.tokens], grid, self.system.transformer.config.patch)
        frame = decode(self.system, latents[:, :1])
        if review(frame, self.gate.policy).allowed:
            self.show(encode(Image.fromarray(frame[0]), "WEBP"))
        self.due = time.monotonic() + PREVIEW_PAUSE
