"""A stand-in for making videos that takes milliseconds: a moving square, drawn from a running random state.

It obeys the contract of `Produce` in all that the service can see: steps, journal, previews, refusals. Every step draws
from a generator whose state goes into the journal, so that a resumed video differs in every pixel if it did not go on
exactly where it was. As a program (`python quick_produce.py DATA PACE`) it is a worker process to be killed.
"""

import argparse
import io
import pickle
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from vitascope.serve.ingest import check_clip
from vitascope.serve.order import Order
from vitascope.serve.service import Settings, open_service
from vitascope.serve.worker import Assignment, Refused, run_worker
from vitascope.video import write_frames

STEPS = 10


def produce(given: Assignment, *, pace: float = 0.0) -> None:
    """Prompts steer it: "forbidden" is refused, "impossible" is the user's fault, "broken" the machine's."""
    for word, error in {
        "forbidden": Refused("the prompt asks for something forbidden"),
        "broken": RuntimeError("broken"),
        "impossible": ValueError("the prompt is impossible"),
    }.items():
        if word in given.order.prompt:
            raise error
    order, journal = given.order, given.journal
    generator = np.random.default_rng(order.seed)
    state = np.zeros((4, 4, 3))
    for step in range(STEPS):
        given.progress(step, STEPS)
        if (entry := journal.read(step)) is not None:
            generator, state = pickle.loads(entry)
            continue
        time.sleep(pace)
        state = state + generator.normal(size=state.shape)
        journal.write(step, pickle.dumps((generator, state)))
        if step == STEPS // 2:
            given.preview(picture(state))
    given.progress(STEPS, STEPS)
    clip = given.inputs.get("video")
    made = frames(order, state, order.total(check_clip(clip)[2]) if clip else order.seconds)
    write_frames(made, given.out, fps=order.fps, metadata={"prompt": order.prompt, "seed": order.seed})


def frames(order: Order, state: np.ndarray, seconds: float) -> Iterator[np.ndarray]:
    """Frames uint8 (H, W, 3) of so many seconds."""
    levels = np.uint8((np.tanh(state) + 1) * 127)
    ground = np.asarray(Image.fromarray(levels).resize((order.width, order.height), Image.Resampling.NEAREST))
    for number in range(max(round(seconds * order.fps), 1)):
        yield np.roll(ground, number, axis=1)


def picture(state: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.uint8((np.tanh(state) + 1) * 127)).resize((64, 64)).save(buffer, "WEBP")
    return buffer.getvalue()


def main() -> None:
    """A worker with this production."""
    options = argparse.ArgumentParser()
    options.add_argument("data", type=Path)
    options.add_argument("pace", type=float)
    options.add_argument("--database")
    options.add_argument("--parent", type=int)
    given = options.parse_args()
    service = open_service(Settings(given.data, given.database, lease=1.0))
    run_worker(service, partial(produce, pace=given.pace), parent=given.parent)


if __name__ == "__main__":
    main()
